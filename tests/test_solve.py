"""The solver: against SciPy, at bounds, in batches, in curved valleys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from lawbench.fitting.objective import Objective
from lawbench.fitting.problem import Problem
from lawbench.fitting.solve import _active_set, solve
from lawbench.fitting.space import space_of
from lawbench.fitting.starts import screen
from lawbench.registry import find_law
from lawbench.runs import Run

STEPS = np.arange(50, 5000, 50)


def _problem(loss: str = "huber", noise: float = 2e-3, **params: object) -> Problem:
    rng = np.random.default_rng(3)
    clean = 2.0 + 8.0 * (STEPS + 1.0) ** -0.4
    run = Run("noisy", STEPS, clean * np.exp(noise * rng.standard_t(2, STEPS.size)))
    law = find_law("power_steps")()
    return Problem.of(law, [run], Objective(loss=loss, across="sum"), space_of(law, params))  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["huber", "least_squares"])
def test_it_finds_what_scipy_finds(loss: str) -> None:
    problem = _problem(loss)
    found = solve(problem, screen(problem, 4)[0])
    theta = found.theta[np.argmin(found.value)]
    oracle = least_squares(
        lambda t: problem.residuals(t[None])[0],
        theta * 1.05,
        loss="huber" if loss == "huber" else "linear",
        f_scale=1e-3,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
        max_nfev=5000,
    )
    assert found.value.min() <= oracle.cost * (1 + 1e-9)
    assert theta == pytest.approx(oracle.x, rel=1e-3)


def test_every_start_reaches_the_same_optimum() -> None:
    problem = _problem()
    found = solve(problem, screen(problem, 6)[0])
    assert found.value == pytest.approx(np.full(found.value.size, found.value.min()), rel=1e-9)


def test_a_batch_is_its_members() -> None:
    problem = _problem()
    starts = screen(problem, 4)[0]
    together = solve(problem, starts)
    for start, value in zip(starts, together.value, strict=True):
        assert solve(problem, start[None]).value[0] == pytest.approx(value, rel=1e-10)


def test_a_bound_that_cuts_off_the_optimum_is_kept_and_the_rest_is_optimal() -> None:
    problem = _problem(alpha={"max": 0.3})
    found = solve(problem, screen(problem, 4)[0])
    theta = found.theta[np.argmin(found.value)]
    alpha = problem.space.values(theta)[2]
    assert alpha == pytest.approx(0.3, abs=1e-9)
    held = _problem(alpha=0.3)
    free = solve(held, screen(held, 1)[0])
    assert found.value.min() == pytest.approx(free.value.min(), rel=1e-9)


def test_the_objective_never_rises() -> None:
    problem = _problem()
    starts = screen(problem, 4)[0]
    values = [solve(problem, starts, max_iterations=n).value for n in (0, 1, 2, 5, 10, 50)]
    assert all((b <= a).all() for a, b in pairwise(values))


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_the_bounded_quadratic_step_is_optimal(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size + 2, size))
    matrix, right = root.T @ root + 1e-6 * np.eye(size), rng.normal(size=size)
    low, high = -rng.uniform(0, 1, size) * (rng.random(size) < 0.8), rng.uniform(0, 1, size)
    step = _active_set(matrix, right, low, high)
    push = right - matrix @ step
    assert ((step >= low - 1e-12) & (step <= high + 1e-12)).all()
    inside = (step > low + 1e-9) & (step < high - 1e-9)
    scale = 1e-7 * np.abs(matrix).max()
    assert (np.abs(push[inside]) <= scale).all()
    assert (push[(step <= low + 1e-9) & (low < high)] <= scale).all()
    assert (push[step >= high - 1e-9] >= -scale).all()
