"""AdamW with early stopping, as papers run it on a handful of law parameters.

Written from the description of the multi-power law's public protocol, whose details decide the
result: decay acts on every parameter, the loss is compared before the step and the parameters
are stored after it. An early-stopped fit is part of what a paper publishes, not a worse optimum.
"""

from __future__ import annotations

import numpy as np

from lawbench.fitting.problem import Problem, derivative
from lawbench.law import AdamW
from lawbench.schedule import FloatArray

_BETAS = (0.9, 0.999)
_EPS = 1e-8
_FLAT = 1e-5


def descend(problem: Problem, start: FloatArray, recipe: AdamW) -> tuple[FloatArray, float, int]:
    """Run AdamW from a parameter vector until it stops improving.

    Parameters
    ----------
    problem : Problem
        Gives the objective; the steps are taken in the parameters themselves, not in the
        coordinates of the search.
    start : ndarray, shape (k,)
    recipe : AdamW

    Returns
    -------
    values : ndarray, shape (k,)
        Parameters right after the step from the best loss.
    best : float
        That loss.
    steps : int
        Steps taken.
    """
    values = start.copy()
    rates = np.array([recipe.rates[name] for name in problem.law.names])
    first, second = np.zeros_like(values), np.zeros_like(values)
    kept, best, since = values.copy(), np.inf, 0
    taken = 0
    for taken in range(1, recipe.max_steps + 1):
        value, gradient = _value_and_gradient(problem, values)
        first = _BETAS[0] * first + (1 - _BETAS[0]) * gradient
        second = _BETAS[1] * second + (1 - _BETAS[1]) * gradient**2
        mean = first / (1 - _BETAS[0] ** taken)
        spread = np.sqrt(second / (1 - _BETAS[1] ** taken))
        values = values * (1 - rates * recipe.decay) - rates * mean / (spread + _EPS)
        if value < best:
            kept, best, since = values.copy(), value, 0
        else:
            since += 1
        if (taken > recipe.patience and since >= recipe.patience) or np.linalg.norm(gradient) < _FLAT:
            break
    return kept, best, taken


def _value_and_gradient(problem: Problem, values: FloatArray) -> tuple[float, FloatArray]:
    prediction = problem.law.predict(values[:, None, None], problem.x)[0]
    residuals = problem.residuals_of(prediction)
    slope = problem.weights * problem.objective.slope(residuals) * problem.sensitivity(prediction)
    gradient = derivative(problem.law, values[None, :], problem.x)[0] @ slope
    return float(problem.objective.value(residuals, problem.weights)), gradient
