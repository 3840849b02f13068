"""What a fit says of itself: how good, how sure, and what the data could not tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lawbench.fitting.problem import Problem
from lawbench.schedule import FloatArray

REACHED = 1e-6
"""Starts within this relative distance of the best objective have reached it."""
AGREED = 1e-4
"""The two best starts must agree to this for a fit to count as converged."""
STATIONARY = 1e-8
"""Relative decrease that a further Newton step may promise at a converged optimum."""
NO_EFFECT = 1e-10
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
        Decrease that a further Newton step promises, relative to the objective.
    starts : int
        Starts polished.
    reached : float
        Share of them within 1e-6 relative of the best.
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


def agreement_of(values: FloatArray) -> tuple[float, float]:
    """Return the share of starts that reached the best value, and how far the two best differ."""
    ordered = np.sort(values[np.isfinite(values)])
    if ordered.size == 0:
        return 0.0, np.inf
    gaps = (ordered - ordered[0]) / max(abs(ordered[0]), 1e-300)
    reached = float((gaps <= REACHED).sum() / values.size)
    return reached, float(gaps[1]) if ordered.size > 1 else 0.0


def at_bound(problem: Problem, theta: FloatArray) -> tuple[str, ...]:
    """Return the names of the free parameters that sit at a bound of the search."""
    low, high = problem.space.low, problem.space.high
    room = np.where(np.isfinite(high - low), high - low, np.maximum(1.0, np.abs(theta)))
    near = (theta - low <= _AT_BOUND * room) | (high - theta <= _AT_BOUND * room)
    return tuple(name for name, hit in zip(problem.space.names, near, strict=True) if hit)


def identification(problem: Problem, theta: FloatArray) -> tuple[tuple[str, ...], float]:
    """Return the parameters without effect on the fitted points, and the condition of the rest."""
    _, jacobian = problem.linearise(theta[None, :])
    size = np.sqrt((problem.weights * jacobian[0] ** 2).sum(axis=-1))
    seen = size > NO_EFFECT * size.max(initial=0.0)
    unidentified = tuple(name for name, ok in zip(problem.space.names, seen, strict=True) if not ok)
    if not seen.any():
        return unidentified, np.inf
    scaled = np.sqrt(problem.weights) * jacobian[0][seen] / size[seen, None]
    singular = np.linalg.svd(scaled, compute_uv=False)
    return unidentified, float(singular[0] / singular[-1]) if singular[-1] > 0 else np.inf
