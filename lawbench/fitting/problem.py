"""A fit as a function of its coordinates: residuals, derivatives, objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.fitting.objective import Objective
from lawbench.fitting.space import Space
from lawbench.law import Inputs, Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray

_TINY = 1e-10
"""Predictions are clamped here before the logarithm."""
_COMPLEX_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Problem:
    """Log residuals of a law on some runs, as a function of a batch of coordinates.

    Attributes
    ----------
    law, space, objective
    x : dict
        Prepared inputs, all runs end to end.
    log_y : ndarray, shape (n,) or (batch, n)
        Logs of the observed losses.
    weights : ndarray, shape (n,) or (batch, n)
    """

    law: Law
    space: Space
    objective: Objective
    x: Inputs
    log_y: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, law: Law, runs: Sequence[Run], objective: Objective, space: Space, *, exact: bool = True) -> Problem:
        """Prepare the inputs of a law once: exactly, or as the law approximates them for a search."""
        prepare = law.prepare if exact else law.approximate
        return cls(
            law=law,
            space=space,
            objective=objective,
            x=law.stack([prepare(run) for run in runs]),
            log_y=np.log(np.concatenate([run.loss for run in runs])),
            weights=objective.weights(runs),
        )

    def rows(self, keep: NDArray[Any]) -> Problem:
        """Return the problem for some members of a batch of observations or weights."""
        return replace(
            self,
            log_y=self.log_y[keep] if self.log_y.ndim == 2 else self.log_y,
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
        """Return log residuals, shape (batch, n)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _log(self.predict(theta)) - self.log_y

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the objective, shape (batch,); infinite where a prediction is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            out = self.objective.value(self.residuals(theta), self.weights)
        return np.where(np.isfinite(out), out, np.inf)

    def linearise(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log residuals (batch, n) and their derivatives by coordinates (batch, free, n)."""
        values = self.space.values(theta)
        prediction = np.real(_predict(self.law, values, self.x))
        jacobian = derivative(self.law, values, self.x)
        pulled = self.space.pull_back(theta, jacobian)
        safe = np.maximum(prediction, _TINY)
        return np.log(safe) - self.log_y, np.where(prediction > _TINY, 1.0 / safe, 0.0)[:, None, :] * pulled


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


def _log(prediction: FloatArray) -> FloatArray:
    return np.log(np.maximum(prediction, _TINY))
