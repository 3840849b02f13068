"""A bounded Levenberg-Marquardt solver for robust objectives, run on a batch of starts at once.

The objective is ``sum w h(r)`` with Huber's ``h``. Its second derivative is 1 inside delta and 0
outside, which makes Newton steps exact near the optimum but singular far from it; the majorant
``h'(r)/r`` is safe everywhere but slow. The damping uses the majorant as its metric, so that a
step moves from one to the other by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lawbench.fitting.problem import Problem
from lawbench.schedule import FloatArray


@dataclass(frozen=True)
class Solutions:
    """Where every start of a batch ended.

    Attributes
    ----------
    theta : ndarray, shape (batch, free)
    value : ndarray, shape (batch,)
        Objective reached.
    evaluations : int
        Predictions made, over all starts.
    """

    theta: FloatArray
    value: FloatArray
    evaluations: int


def solve(problem: Problem, theta: FloatArray, *, max_iterations: int = 200, tolerance: float = 1e-12) -> Solutions:
    """Minimise the objective from every start.

    Parameters
    ----------
    problem : Problem
        Its observations and weights may be one set or one set a start.
    theta : ndarray, shape (batch, free)
        Starts, in the coordinates of the problem's space.
    max_iterations : int
    tolerance : float
        A start ends when a Newton step promises a relative decrease below this.

    Returns
    -------
    Solutions
    """
    low, high = problem.space.low, problem.space.high
    theta = np.clip(np.array(theta, dtype=np.float64, ndmin=2), low, high)
    value = problem.value(theta)
    damping = np.full(value.shape, 1e-3)
    stalled = np.zeros(value.shape, dtype=np.int64)
    evaluations = theta.shape[0]
    active = np.flatnonzero(np.isfinite(value))
    if theta.shape[-1] == 0:
        return Solutions(theta, value, evaluations)
    for _ in range(max_iterations):
        if active.size == 0:
            break
        part = problem.rows(active)
        step, promise, newton, slope = _steps(part, theta[active], damping[active], low, high)
        moved = np.clip(theta[active] + step, low, high)
        reached = part.value(moved)
        evaluations += 2 * active.size
        gain = value[active] - reached
        better = gain > 0
        scale = np.maximum(value[active], 1e-300)
        ratio = gain / np.maximum(promise, 1e-300)
        damping[active] = np.where(
            ratio > 0.75, damping[active] * 0.1, np.where(ratio > 0.25, damping[active], damping[active] * 5.0)
        ).clip(1e-14, 1e12)
        stalled[active] = np.where(gain > 1e-14 * value[active], 0, stalled[active] + 1)
        theta[active[better]] = moved[better]
        value[active[better]] = reached[better]
        done = ((newton < tolerance * scale) & (slope**2 < tolerance**0.5 * scale)) | (stalled[active] > 12)
        active = active[~done]
    return Solutions(theta, value, evaluations)


def _steps(
    problem: Problem, theta: FloatArray, damping: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return damped steps, the decrease they promise, that of a plain step, and the gradient norm."""
    residuals, jacobian = problem.linearise(theta)
    inside, majorant = problem.objective.curvature(residuals)
    weights = np.broadcast_to(problem.weights, residuals.shape)
    gradient = np.einsum("bkn,bn->bk", jacobian, weights * problem.objective.slope(residuals))
    hessian = np.matmul(jacobian * (weights * inside)[:, None, :], jacobian.swapaxes(1, 2))
    metric = np.einsum("bkn,bn->bk", jacobian**2, weights * majorant)
    if problem.prior is not None:
        gradient = gradient + problem.prior.gradient(theta)
        hessian = hessian + np.diag(problem.prior.precision)
        metric = metric + problem.prior.precision
    metric = np.maximum(metric, 1e-30 * metric.max(axis=1, keepdims=True) + 1e-300)
    # In units of the metric the diagonal is at most one: one damping serves all parameters.
    unit = 1.0 / np.sqrt(metric)
    right = -gradient * unit
    scaled = hessian * unit[:, :, None] * unit[:, None, :]
    damped = scaled + damping[:, None, None] * np.eye(theta.shape[1])
    room = ((low - theta) / unit, (high - theta) / unit)
    step = _within(damped, right, *room)
    newton = (right * step).sum(axis=1) - 0.5 * np.einsum("bi,bij,bj->b", step, damped, step)
    bend = _bend(problem, theta, step * unit, residuals, jacobian, damped, unit, weights * inside)
    step = np.clip(step + bend, *room)
    promise = (right * step).sum(axis=1) - 0.5 * np.einsum("bi,bij,bj->b", step, scaled, step)
    blocked = ((theta <= low) & (right < 0)) | ((theta >= high) & (right > 0))
    slope = np.sqrt((np.where(blocked, 0.0, right) ** 2).sum(axis=1))
    return step * unit, promise, newton, slope


def _within(matrix: FloatArray, right: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Minimise ``step @ matrix @ step / 2 - right @ step`` within bounds, for a batch."""
    step = np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0], dtype=np.float64)
    for row in np.flatnonzero(((step < low) | (step > high)).any(axis=1)):
        step[row] = _active_set(matrix[row], right[row], low[row], high[row])
    return step


def _active_set(matrix: FloatArray, right: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Solve one bounded quadratic problem by adding and releasing one bound at a time."""
    step = np.zeros_like(right)
    side = np.where((high <= 0) & (right > 0), 1, np.where((low >= 0) & (right < 0), -1, 0))
    for _ in range(8 * right.size):
        free = side == 0
        target = step.copy()
        rest = right[free] - matrix[np.ix_(free, ~free)] @ step[~free]
        target[free] = np.linalg.solve(matrix[np.ix_(free, free)], rest)
        move = target - step
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(move > 0, (high - step) / move, np.where(move < 0, (low - step) / move, np.inf))
        stop = int(np.argmin(room))
        if room[stop] < 1.0:
            step = np.clip(step + room[stop] * move, low, high)
            side[stop] = 1 if move[stop] > 0 else -1
            step[stop] = high[stop] if move[stop] > 0 else low[stop]
            continue
        step = target
        # A bound that the slope pulls away from is released, the strongest pull first.
        pull = -side * (right - matrix @ step)
        if pull.max() <= 1e-12 * np.abs(right).max():
            break
        side[int(np.argmax(pull))] = 0
    return step


def _bend(
    problem: Problem,
    theta: FloatArray,
    step: FloatArray,
    residuals: FloatArray,
    jacobian: FloatArray,
    damped: FloatArray,
    unit: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Return the second-order part of a step in units of the metric (geodesic acceleration).

    It follows curved valleys (Transtrum and Sethna 2012, arXiv 1201.5885): half the response to
    the second derivative of the residuals along the step; left out where it is not small against
    the step itself.
    """
    h = 0.1
    ahead = problem.residuals(theta + h * step)
    along = np.einsum("bkn,bk->bn", jacobian, step)
    second = 2.0 / h * ((ahead - residuals) / h - along)
    right = np.einsum("bkn,bn->bk", jacobian, np.where(np.isfinite(second), weights * second, 0.0)) * unit
    bend = -0.5 * np.linalg.solve(damped, right[..., None])[..., 0]
    small = np.linalg.norm(bend, axis=1) <= 0.75 * np.linalg.norm(step / unit, axis=1)
    out: FloatArray = np.where(small[:, None], bend, 0.0)
    return out
