"""Prediction intervals: refits to resampled data, each with a residual of the fit on top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lawbench.errors import FitError, InputError
from lawbench.fitting.problem import Problem
from lawbench.law import Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray

LEVEL = 0.95
"""Coverage of an interval unless another is asked for."""
REFITS = 400
"""Refits behind an interval unless another number is asked for."""
_FLOATS_AT_ONCE = 1 << 13


def ends(
    problem: Problem, theta: FloatArray, refits: FloatArray, runs: Sequence[Run], level: float, seed: int
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the lower and upper ends of the prediction intervals of some runs.

    At every point, quantiles over the predictions of all refits, each times (or plus, where residuals
    are of the loss itself) one residual of the fit: what one more logged loss would be if the law
    held. Residuals are drawn by the weights of the fit and widened by ``sqrt(n / (n - k))`` for the
    `k` fitted parameters. What the law gets wrong beyond the fitted points is in no residual.

    Parameters
    ----------
    problem : Problem
        The fit, with the law's exact sums.
    theta : ndarray, shape (free,)
        Where it ended.
    refits : ndarray, shape (n, k)
        Parameters of the refits.
    runs : sequence of Run
        Their losses are not looked at.
    level : float
    seed : int
        Of the residuals drawn; a run's interval does not depend on the other runs.

    Raises
    ------
    FitError
        If so many refits predict no finite loss that the interval has no end.
    """
    residuals = -problem.residuals(theta[None, :])[0]
    points, free = residuals.size, theta.size
    widened = residuals * np.sqrt(points / max(points - free, 1))
    chance = problem.weights / problem.weights.sum()
    tail = (1 - level) / 2
    out = []
    for run in runs:
        predicted = _predictions(problem.law, refits, run)
        finite = np.isfinite(predicted).all(axis=-1)
        if (~finite).mean() > tail:
            raise FitError(
                f"{(~finite).sum()} of {len(refits)} refits of law '{problem.law.name}' predict no finite loss for run "
                f"'{run.name}': its interval has no end."
            )
        kept = predicted[finite]
        noise = np.random.default_rng(seed).choice(widened, size=kept.shape, p=chance)
        losses = kept * np.exp(noise) if problem.objective.residual == "log" else kept + noise
        low, high = np.quantile(losses, [tail, 1 - tail], axis=0, method="weibull")
        out.append((low, high))
    return out


def refuse_few(n: int, level: float) -> None:
    """Refuse a level that is none, and fewer refits than reach into its tails.

    Examples
    --------
    >>> refuse_few(40, 0.95)
    """
    if not 0 < level < 1:
        raise InputError(f"an interval level of {level} is not between 0 and 1.")
    least = int(np.ceil(2 / (1 - level) - 1e-9))
    if n < least:
        raise InputError(f"{n} refits do not reach the ends of a {level:.0%} interval: ask for {least} or more.")


def _predictions(law: Law, refits: FloatArray, run: Run) -> FloatArray:
    """Return what every refit predicts for a run, shape (refits, points), a few refits at a time."""
    inputs = law.stack([law.approximate(run)])
    at_once = max(1, _FLOATS_AT_ONCE // len(run))
    parts = [refits[start : start + at_once] for start in range(0, len(refits), at_once)]
    with np.errstate(all="ignore"):
        done = [np.real(np.broadcast_to(law.predict(p.T[:, :, None], inputs), (len(p), len(run)))) for p in parts]
    return np.concatenate(done)
