"""A fit as a function of its coordinates: residuals, derivatives, objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.fitting.objective import Objective
from lawbench.fitting.prior import Prior
from lawbench.fitting.space import Space
from lawbench.law import Inputs, Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray

TINY = 1e-10
"""Predictions are clamped here before the logarithm."""
_COMPLEX_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Problem:
    """Residuals of a law on some runs, as a function of a batch of coordinates.

    Attributes
    ----------
    law, space, objective
    x : dict
        Prepared inputs, all runs end to end.
    y : ndarray, shape (n,) or (batch, n)
        Observed losses, or their logarithms: what residuals are taken of.
    weights : ndarray, shape (n,) or (batch, n)
    prior : Prior, optional
        A penalty on coordinates, part of the objective.
    """

    law: Law
    space: Space
    objective: Objective
    x: Inputs
    y: FloatArray
    weights: FloatArray
    prior: Prior | None = None

    @classmethod
    def of(cls, law: Law, runs: Sequence[Run], objective: Objective, space: Space, *, exact: bool = True) -> Problem:
        """Prepare the inputs of a law once: exactly, or as the law approximates them for a search."""
        prepare = law.prepare if exact else law.approximate
        losses = np.concatenate([run.loss for run in runs])
        return cls(
            law=law,
            space=space,
            objective=objective,
            x=law.stack([prepare(run) for run in runs]),
            y=np.log(losses) if objective.residual == "log" else losses,
            weights=objective.weights(runs),
        )

    def rows(self, keep: NDArray[Any]) -> Problem:
        """Return the problem for some members of a batch of observations or weights."""
        return replace(
            self,
            y=self.y[keep] if self.y.ndim == 2 else self.y,
            weights=self.weights[keep] if self.weights.ndim == 2 else self.weights,
        )

    @property
    def rounding(self) -> float:
        """Objective of residuals of 1e-12: below it only rounding is left."""
        return 0.5e-24 * float(np.sum(self.weights, axis=-1).max())

    def predict(self, theta: FloatArray) -> FloatArray:
        """Return predictions, shape (batch, n) for coordinates of shape (batch, free)."""
        return np.real(_predict(self.law, self.space.values(theta), self.x))

    def residuals(self, theta: FloatArray) -> FloatArray:
        """Return residuals, shape (batch, n)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.residuals_of(self.predict(theta))

    def residuals_of(self, prediction: FloatArray) -> FloatArray:
        """Return the residuals of predictions, shape (..., n)."""
        seen = np.log(np.maximum(prediction, TINY)) if self.objective.residual == "log" else prediction
        return np.asarray(seen - self.y)

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the objective, shape (batch,); infinite where a prediction is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            out = self.objective.value(self.residuals(theta), self.weights)
            if self.prior is not None:
                out = out + self.prior.value(theta)
        return np.where(np.isfinite(out), out, np.inf)

    def linearise(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (batch, n) and their derivatives by coordinates (batch, free, n)."""
        values = self.space.values(theta)
        prediction = np.real(_predict(self.law, values, self.x))
        jacobian = derivative(self.law, values, self.x)
        pulled = self.space.pull_back(theta, jacobian)
        return self.residuals_of(prediction), self.sensitivity(prediction)[:, None, :] * pulled

    def sensitivity(self, prediction: FloatArray) -> FloatArray:
        """Return the derivative of residuals by predictions."""
        if self.objective.residual == "loss":
            return np.ones_like(prediction)
        return np.where(prediction > TINY, 1.0 / np.maximum(prediction, TINY), 0.0)


def derivative(law: Law, values: FloatArray, x: Inputs) -> FloatArray:
    """Return the derivative of predictions, shape (batch, k, n), by formula or by complex step."""
    p = values.T[:, :, None]
    own = law.jacobian(p, x)
    if own is not None:
        return np.moveaxis(own, 0, 1)
    return complex_step(law, values, x)


def complex_step(law: Law, values: FloatArray, x: Inputs) -> FloatArray:
    """Return the derivative of predictions by complex steps, exact to rounding."""
    steps = []
    for j in range(values.shape[-1]):
        moved = values.astype(np.complex128)
        moved[:, j] += 1j * _COMPLEX_STEP
        steps.append(np.imag(_predict(law, moved, x)) / _COMPLEX_STEP)
    return np.stack(steps, axis=1)


def _predict(law: Law, values: NDArray[Any], x: Inputs) -> NDArray[Any]:
    return law.predict(values.T[:, :, None], x)
