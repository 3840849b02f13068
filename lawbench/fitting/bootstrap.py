"""Bootstrap refits: rows, whole runs, or moving blocks of residuals; all refits in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lawbench.fitting.problem import Problem
from lawbench.fitting.solve import solve
from lawbench.runs import Run
from lawbench.schedule import FloatArray

SEED = 0
"""Seed of a bootstrap unless another is asked for."""
ENOUGH_RUNS = 8
"""From this many curves on, whole runs are drawn; below it, blocks of residuals."""
_BLOCK_SHARE = 0.1
_FLOATS_AT_ONCE = 1 << 19


def resample(problem: Problem, runs: Sequence[Run], theta: FloatArray, n: int, seed: int) -> Problem:
    """Return the problem with `n` resampled sets of observations.

    One-point runs are independent rows: they are drawn with replacement, as are whole curves
    where there are at least eight. Points along a curve are not independent: with fewer curves,
    moving blocks of a tenth of a curve's residuals are drawn within it and laid on the fitted
    curve.
    """
    rng = np.random.default_rng(seed)
    lengths = [len(run) for run in runs]
    if max(lengths) == 1 or len(runs) >= ENOUGH_RUNS:
        counts = rng.multinomial(len(runs), np.full(len(runs), 1.0 / len(runs)), size=n)
        return replace(problem, weights=problem.weights * np.repeat(counts, lengths, axis=1))
    residuals = -problem.residuals(theta[None, :])[0]
    fitted = problem.y - residuals
    drawn = [_blocks(part, n, rng) for part in np.split(residuals, np.cumsum(lengths)[:-1])]
    return replace(problem, y=fitted + np.concatenate(drawn, axis=1))


def _blocks(residuals: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    """Return `n` series made of overlapping blocks of one series, shape (n, points)."""
    size = residuals.size
    length = max(1, min(size, int(np.ceil(_BLOCK_SHARE * size))))
    count = -(-size // length)
    starts = rng.integers(0, size - length + 1, size=(n, count))
    index = (starts[:, :, None] + np.arange(length)).reshape(n, -1)[:, :size]
    return np.asarray(residuals[index])


def refit(problem: Problem, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Refit every resampled set, warm-started at the fit; return parameters (n, k) and objectives (n,)."""
    n = max(a.shape[0] for a in (problem.weights, problem.y) if a.ndim == 2)
    points = problem.y.shape[-1]
    at_once = max(1, _FLOATS_AT_ONCE // (points * max(theta.size, 1)))
    values, objectives = [], []
    for start in range(0, n, at_once):
        rows = np.arange(start, min(start + at_once, n))
        solved = solve(problem.rows(rows), np.repeat(theta[None, :], rows.size, axis=0), tolerance=1e-9)
        values.append(problem.space.values(solved.theta))
        objectives.append(solved.value)
    return np.concatenate(values), np.concatenate(objectives)
