"""What a fit minimises: a loss on residuals, weighted within and across curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lawbench.errors import InputError
from lawbench.runs import Run
from lawbench.schedule import FloatArray

LossKind = Literal["huber", "least_squares"]
Across = Literal["mean", "sum"]
Residual = Literal["log", "loss"]


@dataclass(frozen=True)
class Objective:
    """A sum over logged points of a loss on residuals, ``log prediction - log loss`` by default.

    Attributes
    ----------
    loss : {"huber", "least_squares"}
        ``h(r) = r^2/2`` up to `delta` and linear beyond it, or ``r^2/2`` throughout.
    delta : float
        Where Huber turns linear, in units of the residual.
    across : {"mean", "sum"}
        ``mean`` averages within a curve and sums across curves; ``sum`` adds up all points, as
        the papers do, so that long curves dominate. Both are the same for one-point runs.
    residual : {"log", "loss"}
        Difference of logarithms, or of the losses themselves.

    Examples
    --------
    >>> Objective().value(np.array([0.0, 5e-4, 1e-2]), np.ones(3)).round(9).item()
    9.625e-06
    """

    loss: LossKind = "huber"
    delta: float = 1e-3
    across: Across = "mean"
    residual: Residual = "log"

    def __post_init__(self) -> None:
        if self.loss not in ("huber", "least_squares"):
            raise InputError(f"loss '{self.loss}' is not one of huber, least_squares.")
        if self.across not in ("mean", "sum"):
            raise InputError(f"objective '{self.across}' is not one of mean, sum.")
        if self.residual not in ("log", "loss"):
            raise InputError(f"residual '{self.residual}' is not one of log, loss.")
        if not self.delta > 0:
            raise InputError(f"Huber delta must be above 0, not {self.delta}.")

    @property
    def threshold(self) -> float:
        """Residual beyond which the loss is linear; infinite for least squares."""
        return self.delta if self.loss == "huber" else np.inf

    def weights(self, runs: Sequence[Run]) -> FloatArray:
        """Return the weight of every logged point, runs end to end."""
        each = [1.0 / len(run) if self.across == "mean" else 1.0 for run in runs]
        return np.repeat(each, [len(run) for run in runs])

    def value(self, residuals: NDArray[Any], weights: FloatArray) -> NDArray[Any]:
        """Return the objective, summed over the last axis."""
        size = np.abs(residuals)
        inside = np.minimum(size, self.threshold)
        out: NDArray[Any] = (weights * inside * (size - 0.5 * inside)).sum(axis=-1)
        return out

    def slope(self, residuals: FloatArray) -> FloatArray:
        """Return the derivative of the loss at every residual."""
        return np.clip(residuals, -self.threshold, self.threshold)

    def curvature(self, residuals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the second derivative at every residual, and its majorant ``slope / residual``."""
        size = np.abs(residuals)
        inside = (size <= self.threshold).astype(np.float64)
        return inside, np.minimum(1.0, self.threshold / np.maximum(size, 1e-300))
