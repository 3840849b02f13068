"""The sublinear-area law on the multi-power curves: numbers of docs/winning.md."""

from __future__ import annotations

import numpy as np
import pytest

import lawbench
from lawbench.fitting.prior import learned
from lawbench.fitting.result import Fit
from lawbench.registry import find_law
from lawbench.task import Task

BEST_PUBLISHED = {"25m": 0.00376, "100m": 0.0038, "400m": 0.00484}
"""Mean absolute errors over whole test curves, the best that Luo et al. 2025 print (table 1 and repository)."""


@pytest.fixture(scope="module", params=list(BEST_PUBLISHED))
def case(request: pytest.FixtureRequest) -> tuple[str, Task, Fit]:
    task = lawbench.load_task(f"multi-power-{request.param}/schedule")
    return request.param, task, lawbench.fit("sublinear_area", task.train)


@pytest.mark.data
def test_error_over_whole_curves_is_below_the_best_published(case: tuple[str, Task, Fit]) -> None:
    size, task, fit = case
    assert task.score(fit.predict(task.test))["mae_unmasked"] < BEST_PUBLISHED[size]
    assert fit.certificate.converged


@pytest.mark.data
def test_error_on_points_that_count_is_not_above_the_multi_power_law(case: tuple[str, Task, Fit]) -> None:
    _, task, fit = case
    rival = lawbench.fit("mpl", task.train)
    ours, other = (task.score(f.predict(task.test))["log_mae"] for f in (fit, rival))
    assert ours < other - task.primary_floor


@pytest.mark.data
def test_committed_prior_is_the_mean_of_the_fits_to_the_training_curves() -> None:
    tasks = [lawbench.load_task(f"multi-power-{size}/schedule") for size in BEST_PUBLISHED]
    fits = [lawbench.fit("sublinear_area", task.train).params["p"] for task in tasks]
    assert learned()["laws"]["sublinear_area"]["p"]["multi-power"] == pytest.approx(np.mean(fits), abs=1e-3)


def test_with_exponent_one_it_is_the_annealing_area_law_with_the_warm_up_as_a_rise() -> None:
    from lawbench.checks import sample_runs

    runs = [run.withhold() for run in sample_runs()]
    tau, unit = 400.0, 1e3
    ours, other = find_law("sublinear_area")(), find_law("annealing_area")(warmup="raw")
    x, z = (law.stack([law.prepare(run) for run in runs]) for law in (ours, other))
    kept = np.exp(-1 / tau)
    # The rate rises from 0 before the first step here; there the first rate is no rise.
    first = np.concatenate([run.schedule.lr[0] * (1 - kept ** (run.steps + 1.0)) for run in runs])
    mine = ours.predict(np.array([2.5, 0.6 * unit**0.5, 0.5, 300.0, tau, 1.0]), x)
    theirs = other.predict(np.array([2.5, 0.6, 0.5, 300.0 * (1 - kept), kept]), z)
    assert np.allclose(mine, theirs + 300.0 * first, rtol=1e-9)


def test_bounds_wider_than_the_laws_own_are_searched_with_the_sums_themselves() -> None:
    from lawbench.checks import sample_runs

    law, runs = find_law("sublinear_area")(), sample_runs()
    exact, rough = (law.stack([prepare(run) for run in runs]) for prepare in (law.prepare, law.approximate))
    for tau, power in ((1e6, 0.5), (400.0, 1.6), (1.5, -0.3)):
        p = np.array([2.5, 10.0, 0.5, 300.0, tau, power])
        assert np.allclose(law.predict(p, rough), law.predict(p, exact), rtol=1e-6)
