"""Where a fit starts: a grid over the shape parameters, the linear ones solved at each node."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from lawbench.fitting.problem import Problem, derivative
from lawbench.law import Parameter
from lawbench.schedule import FloatArray

_GRID = 4
_AT_ONCE = 32


def screen(problem: Problem, keep: int) -> tuple[FloatArray, int]:
    """Return promising starts of a grid, best first.

    The parameters in which the law is affine are solved by weighted least squares on relative
    residuals, twice reweighted towards the robust objective (variable projection); only the
    others are gridded.

    Returns
    -------
    theta : ndarray, shape (at most keep, free)
    evaluations : int
    """
    space = problem.space
    linear = [i for i in space.free if space.parameters[i].name in problem.law.linear] if not space.ties else []
    grid = _grid(problem)
    found = [_project(problem, grid[i : i + _AT_ONCE], linear) for i in range(0, len(grid), _AT_ONCE)]
    theta = space.coordinates(np.concatenate(found))
    theta = np.clip(theta, space.low, space.high)
    value = np.concatenate([problem.value(theta[i : i + _AT_ONCE]) for i in range(0, len(theta), _AT_ONCE)])
    return theta[np.argsort(value, kind="stable")[_spread(len(value), keep)]], 2 * len(grid)


def _spread(size: int, keep: int) -> NDArray[np.intp]:
    """Return ranks: mostly the first, and some from the better half, for neighbours share a basin."""
    if size <= keep:
        return np.arange(size)
    first = keep - keep // 3
    others = np.linspace(first, max(size // 2, keep), keep - first).round().astype(np.intp)
    return np.unique(np.concatenate([np.arange(first), others.clip(0, size - 1)]))


def _grid(problem: Problem) -> FloatArray:
    """Return parameter vectors, shape (grid, k): every combination of the gridded parameters."""
    space, linear = problem.space, problem.law.linear
    free = set(space.names)
    axes: list[tuple[float, ...]] = []
    for parameter in space.parameters:
        solved = parameter.name in linear and not space.ties
        if parameter.name in space.held:
            axes.append((space.held[parameter.name],))
        elif solved or parameter.name not in free:
            axes.append((parameter.start,))
        else:
            axes.append(_values(parameter))
    grid = np.array(list(product(*axes)))
    return space.values(space.coordinates(grid)) if space.ties else grid


def _values(parameter: Parameter) -> tuple[float, ...]:
    inside = tuple(v for v in parameter.grid if parameter.min <= v <= parameter.max)
    if inside:
        return inside
    low, high = parameter.min, parameter.max
    if not np.isfinite(low) or not np.isfinite(high):
        return (parameter.start / 10, parameter.start, parameter.start * 10)
    if parameter.scale == "log":
        return tuple(np.geomspace(max(low, 1e-12), high, _GRID + 2)[1:-1])
    return tuple(np.linspace(low, high, _GRID + 2)[1:-1])


def _project(problem: Problem, values: FloatArray, linear: list[int]) -> FloatArray:
    """Solve the linear parameters at every grid node, shape (grid, k)."""
    if not linear:
        return values
    values = values.copy()
    # Affine in the linear parameters: prediction = offset + columns @ their values.
    columns = derivative(problem.law, values, problem.x)[:, linear, :]
    prediction = np.real(problem.law.predict(values.T[:, :, None], problem.x))
    offset = prediction - np.einsum("gkn,gk->gn", columns, values[:, linear])
    y = np.exp(problem.y) if problem.objective.residual == "log" else problem.y
    target, columns = 1.0 - offset / y, columns / y
    scale = np.sqrt((columns**2).mean(axis=2))
    scale = np.where(scale > 0, scale, 1.0)
    columns = columns / scale[:, :, None]
    weights = np.broadcast_to(problem.weights, target.shape)
    solved = np.zeros((len(values), len(linear)))
    for _ in range(3):
        normal = np.einsum("gkn,gln->gkl", columns * weights[:, None, :], columns)
        normal += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(len(linear))
        right = np.einsum("gkn,gn->gk", columns * weights[:, None, :], target)
        solved = np.linalg.solve(normal, right[..., None])[..., 0]
        residuals = np.einsum("gkn,gk->gn", columns, solved) - target
        spread = np.maximum(
            np.abs(residuals), problem.objective.threshold if problem.objective.loss == "huber" else 1.0
        )
        weights = problem.weights / spread * (1.0 if problem.objective.loss == "huber" else spread)
    for j, i in enumerate(linear):
        parameter = problem.space.parameters[i]
        value = solved[:, j] / scale[:, j]
        floor = max(parameter.min, 1e-3 * parameter.start) if parameter.scale == "log" else parameter.min
        values[:, i] = np.clip(value, floor, parameter.max)
    return values
