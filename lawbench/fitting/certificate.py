"""What a fit says of itself: how good, how sure, and what the data could not tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lawbench.fitting.problem import Problem
from lawbench.schedule import FloatArray

AGREED = 1e-4
"""Starts within this relative distance of the best objective have reached it; the two best must
agree to it for a fit to count as converged."""
STATIONARY = 1e-4
"""Largest gradient norm of a converged optimum; a step along it would lower the objective by about its square."""
NO_EFFECT = 1e-8
"""A parameter whose derivative is below this share of the largest leaves no trace in the data."""
_AT_BOUND = 1e-6


@dataclass(frozen=True)
class Certificate:
    """Evidence that a fit found what it looked for.

    Attributes
    ----------
    objective : float
        Value reached, with the exact sums of the law.
    gradient_norm : float
        Norm of the gradient, each component in units of the root of its curvature (with Huber's
        weights), relative to the root of the objective: its square is about the relative decrease
        that a step along it would bring.
    starts : int
        Starts polished.
    reached : float
        Share of them within 1e-4 relative of the best.
    agreement : float
        Relative difference of the two best.
    at_bound : tuple of str
        Parameters at a bound of the search.
    unidentified : tuple of str
        Parameters without effect on the fitted points; they stay at their default.
    condition : float
        Condition number of the Jacobian of the log residuals, columns scaled to one.
    evaluations : int
    seconds : float
    converged : bool
        Stationary, and the two best starts agree.
    """

    objective: float
    gradient_norm: float
    starts: int
    reached: float
    agreement: float
    at_bound: tuple[str, ...]
    unidentified: tuple[str, ...]
    condition: float
    evaluations: int
    seconds: float
    converged: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def agreement_of(values: FloatArray, rounding: float) -> tuple[float, float]:
    """Return the share of starts that reached the best value, and how far the two best differ.

    Differences are relative to the best value, or to `rounding` where nothing else is left.
    """
    ordered = np.sort(values[np.isfinite(values)])
    if ordered.size == 0:
        return 0.0, np.inf
    gaps = (ordered - ordered[0]) / max(ordered[0], rounding)
    reached = float((gaps <= AGREED).sum() / values.size)
    return reached, float(gaps[1]) if ordered.size > 1 else 0.0


def at_bound(problem: Problem, theta: FloatArray) -> tuple[str, ...]:
    """Return the names of the free parameters that sit at a bound of the search."""
    low, high = problem.space.low, problem.space.high
    near = np.minimum(theta - low, high - theta) <= _AT_BOUND * np.minimum(1.0, high - low)
    return tuple(name for name, hit in zip(problem.space.names, near, strict=True) if hit)


@dataclass(frozen=True)
class Local:
    """What the derivatives at one point of the search say.

    Attributes
    ----------
    gradient_norm, unidentified, condition
        As in `Certificate`.
    """

    gradient_norm: float
    unidentified: tuple[str, ...]
    condition: float


NO_SEARCH = Local(gradient_norm=0.0, unidentified=(), condition=1.0)
"""Of parameters that are given: nothing was fitted, so nothing is in doubt."""


def look_around(problem: Problem, theta: FloatArray) -> Local:
    """Return gradient norm, parameters without effect, and condition number at one point."""
    if theta.size == 0:
        return NO_SEARCH
    residuals, jacobian = (part[0] for part in problem.linearise(theta[None, :]))
    size = np.sqrt((problem.weights * jacobian**2).sum(axis=-1))
    seen = size > NO_EFFECT * size.max(initial=0.0)
    unidentified = tuple(name for name, ok in zip(problem.space.names, seen, strict=True) if not ok)
    if not seen.any():
        return Local(0.0, unidentified, np.inf)
    _, majorant = problem.objective.curvature(residuals)
    downhill = -(jacobian * problem.weights * problem.objective.slope(residuals)).sum(axis=-1)
    metric = (jacobian**2 * problem.weights * majorant).sum(axis=-1)
    if problem.prior is not None:
        downhill, metric = downhill - problem.prior.gradient(theta), metric + problem.prior.precision
    low, high = theta - problem.space.low <= _AT_BOUND, problem.space.high - theta <= _AT_BOUND
    open_ = seen & ~(low & (downhill < 0)) & ~(high & (downhill > 0))
    value = float(problem.value(theta[None, :])[0])
    gradient = np.sqrt((downhill[open_] ** 2 / metric[open_]).sum() / max(value, problem.rounding))
    singular = np.linalg.svd(np.sqrt(problem.weights) * jacobian[seen] / size[seen, None], compute_uv=False)
    condition = float(singular[0] / singular[-1]) if singular[-1] > 0 else np.inf
    return Local(float(gradient), unidentified, condition)
