"""The protocols that papers and their notebooks use, written anew: what speed is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.optimize import minimize

from lawbench.changes import Changes
from lawbench.runs import Run

DELTA = 1e-3


def huber(residuals: np.ndarray) -> float:
    size = np.abs(residuals)
    return float(np.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)).sum())


def chinchilla_starts() -> np.ndarray:
    """The 4,500 starts of Hoffmann et al., approach 3: a, b, e, alpha, beta."""
    grid = (
        np.arange(0, 30, 5),
        np.arange(0, 30, 5),
        np.arange(-1, 1.5, 0.5),
        np.arange(0, 2.5, 0.5),
        np.arange(0, 2.5, 0.5),
    )
    return np.array(list(product(*grid)))


def chinchilla_protocol(n: np.ndarray, d: np.ndarray, loss: np.ndarray, starts: np.ndarray) -> float:
    """Minimise the sum of Huber losses by L-BFGS with finite differences from every start; return the best.

    The objective is multiplied by 1e3: without that SciPy's default tolerances stop far from the
    minimum, which would make the reference faster and wrong.
    """
    log_n, log_d, log_y = np.log(n), np.log(d), np.log(loss)

    def objective(p: np.ndarray) -> float:
        a, b, e, alpha, beta = p
        terms = np.stack([a - alpha * log_n, b - beta * log_d, np.full(log_n.size, e)])
        top = terms.max(axis=0)
        return 1e3 * huber(top + np.log(np.exp(terms - top).sum(axis=0)) - log_y)

    return min(minimize(objective, start, method="L-BFGS-B").fun for start in starts) / 1e3


def multi_power_protocol(runs: Sequence[Run], steps: int = 200, patience: int = 20) -> float:
    """Fit the multi-power law as its public protocol does; return the objective it stops at.

    A law linear in the rate from 135 grid starts by L-BFGS-B with finite differences, then AdamW
    with early stopping on exact sums over every rate change, the gradient written out.
    """
    log_y = np.log(np.concatenate([run.loss for run in runs]))
    schedules = [run.schedule for run in runs if run.schedule is not None]
    area = np.concatenate([s.area("ramp")[r.steps] for s, r in zip(schedules, runs, strict=True)])
    fall = np.concatenate([s.peak - s.lr[r.steps] for s, r in zip(schedules, runs, strict=True)])

    def linear_law(p: np.ndarray) -> float:
        floor, amplitude, alpha, drop = p
        return huber(np.log(np.maximum(floor + amplitude * area**-alpha - drop * fall, 1e-10)) - log_y)

    y = np.exp(log_y)
    slope, height = np.polyfit(np.log(area), np.log(y - y.min() + 0.01), 1)
    grid = product(
        y.min() + np.linspace(-0.2, 0.2, 5),
        np.exp(height) + np.array([-0.1, 0.0, 0.1]),
        -slope + np.array([-0.1, 0.0, 0.1]),
        (100.0, 550.0, 1000.0),
    )
    options = {"ftol": 1e-9, "gtol": 1e-6, "maxiter": 1000}
    fits = [minimize(linear_law, g, method="L-BFGS-B", bounds=[(0, None)] * 4, options=options) for g in grid]
    floor, amplitude, alpha, drop = min(fits, key=lambda fit: fit.fun).x
    return _adamw(runs, schedules, log_y, np.array([floor, amplitude, alpha, drop, 1.0, 0.5, 0.5]), steps, patience)


def _adamw(runs, schedules, log_y, p, steps, patience) -> float:  # type: ignore[no-untyped-def]
    rates = np.array([5e-2, 5e-2, 5e-3, 5e-2, 5e-2, 5e-3, 5e-3])
    sums = [Changes.of(s, r.steps, "raw") for s, r in zip(schedules, runs, strict=True)]
    log_area = np.log(np.concatenate([s.area("raw")[r.steps] for s, r in zip(schedules, runs, strict=True)]))
    first, second, best, since = np.zeros(7), np.zeros(7), np.inf, 0
    for step in range(1, steps + 1):
        floor, amplitude, alpha, b, c, beta, gamma = p

        def effects(log_lr, since_change, age, c=c, beta=beta, gamma=gamma):  # type: ignore[no-untyped-def]
            scaled = np.exp(-gamma * log_lr) * since_change
            log1 = np.log1p(c * scaled)
            left = np.exp(-beta * log1)
            by_c = beta * left * scaled / (1 + c * scaled)
            return np.stack([1 - left, by_c, left * log1, -c * by_c * log_lr])

        effect, by_c, by_beta, by_gamma = np.concatenate([s.total(effects) for s in sums], axis=-1)
        power = np.exp(-alpha * log_area)
        prediction = np.maximum(floor + amplitude * power - b * effect, 1e-10)
        residuals = np.log(prediction) - log_y
        slope = np.clip(residuals, -DELTA, DELTA) / prediction
        jacobian = np.stack(
            [np.ones_like(power), power, -amplitude * log_area * power, -effect, -b * by_c, -b * by_beta, -b * by_gamma]
        )
        gradient = jacobian @ slope
        value = huber(residuals)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        p = p * (1 - 0.01 * rates) - rates * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        best, since = (value, 0) if value < best else (best, since + 1)
        if step > patience and since >= patience:
            break
    return best
