"""Continual pre-training: what the law says before and after the data change, on made-up curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lawbench
from lawbench.cell import missing_input
from lawbench.errors import InputError, NotApplicableError
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule

from .test_known_answers_size import at

VALUES = {
    "L0": 2.4, "A": 0.5, "alpha": 0.45, "C1": 0.4, "C2": 0.25, "lambda": 0.995, "B": 0.3, "E": 8.0, "beta": 0.4
}  # fmt: skip
AREA = {"L0": 2.4, "A": 0.5, "alpha": 0.45, "C": 0.4, "lambda": 0.995}
WARMUP, PEAK = 100, 1e-3


def rates(first: int, second: int, end: float, again: float) -> FloatArray:
    """Return a warm-up, a cosine to `end`, and from step `first` on a re-warmed cosine from `again` to 0."""

    def cosine(n: int, top: float, low: float) -> FloatArray:
        return np.asarray(low + 0.5 * (top - low) * (1 + np.cos(np.pi * np.arange(n) / n)))

    ramp = PEAK * np.arange(1.0, WARMUP + 1) / WARMUP
    return np.concatenate([ramp, cosine(first - WARMUP, PEAK, end), cosine(second, again, 0.0)])


def run(name: str, start: Any, lr: FloatArray) -> Run:
    steps = np.arange(WARMUP, lr.size, 25)
    return Run(name, steps, np.ones(steps.size), Schedule(lr, WARMUP), meta={"cpt_start": start})


@pytest.fixture
def runs() -> list[Run]:
    """Three runs that change their data at different steps and rates."""
    return [
        run("short", 1500, rates(1500, 2000, 1e-4, 8e-4)),
        run("long", 3000, rates(3000, 1500, 5e-4, 5e-4)),
        run("cold", 2000, rates(2000, 2500, 0.0, 3e-4)),
    ]


def with_losses(runs: list[Run], **values: float) -> list[Run]:
    return [Run(r.name, r.steps, at("cpt", [r], **values), r.schedule, meta=r.meta) for r in runs]


@given(start=st.integers(200, 3000), B=st.floats(-2.0, 2.0), C2=st.floats(0.0, 2.0), beta=st.floats(0.05, 2.0))
def test_before_the_change_it_is_the_annealing_area_law(start: int, B: float, C2: float, beta: float) -> None:
    one = run("one", start, rates(1500, 2000, 1e-4, 8e-4))
    before = one.steps < start
    said = at("cpt", [one], **{**VALUES, "B": B, "C2": C2, "beta": beta})
    assert said[before] == pytest.approx(at("annealing_area", [one], **AREA)[before], rel=1e-13)


@given(start=st.integers(0, 3500))
def test_without_a_shift_the_change_of_data_leaves_no_trace(start: int) -> None:
    one = run("one", start, rates(1500, 2000, 1e-4, 8e-4))
    said = at("cpt", [one], **{**VALUES, "B": 0.0, "C2": VALUES["C1"]})
    assert said == pytest.approx(at("annealing_area", [one], **AREA), rel=1e-12)


def test_the_shift_grows_with_the_rate_area_since_the_change_towards_its_amplitude() -> None:
    one = run("one", 1500, rates(1500, 2000, 1e-4, 8e-4))
    shift = at("cpt", [one], **VALUES) - at("cpt", [one], **{**VALUES, "B": 0.0})
    assert (shift[one.steps < 1500] == 0).all()
    after = shift[one.steps >= 1500]
    assert (np.diff(after) > 0).all()
    assert one.schedule is not None
    area = one.schedule.lr[1500 : one.steps[-1] + 1].sum()
    assert after[-1] == pytest.approx(0.3 * (1 - (1 + 8.0 * area) ** -0.4), rel=1e-12)
    assert after[-1] < 0.3


def test_a_fit_to_its_own_curves_finds_their_parameters_and_an_unseen_change(runs: list[Run]) -> None:
    made = with_losses(runs, **VALUES)
    found = lawbench.fit("cpt", made[:2], loss="least_squares")
    assert dict(found.params) == pytest.approx(VALUES, rel=1e-3)
    assert found.predict(made[2]) == pytest.approx(made[2].loss, rel=1e-5)
    # The annealing-area law has no word for the rise.
    blind = lawbench.fit("annealing_area", made[:2]).predict(made[2])
    assert np.abs(np.log(blind / made[2].loss)).mean() > 0.01


@pytest.mark.parametrize("start", [-1, 12.5, 3501, "late", None])
def test_a_start_outside_the_schedule_is_refused(start: Any) -> None:
    one = run("one", start, rates(1500, 2000, 1e-4, 8e-4))
    with pytest.raises(InputError, match=r"begins continual pre-training at step .*: give `cpt_start` as a whole"):
        find_law("cpt")().prepare(one)


def test_a_run_without_a_start_is_told_what_is_missing(runs: list[Run]) -> None:
    plain = [Run(r.name, r.steps, r.loss, r.schedule) for r in runs]
    with pytest.raises(NotApplicableError, match=r"the step at which continual pre-training begins \(`cpt_start`"):
        lawbench.fit("cpt", plain)


@pytest.mark.data
def test_it_waits_for_data() -> None:
    law = find_law("cpt")
    assert "continual pre-training" in law.unscored
    assert "Not confirmed" in law.note
    said = missing_input(law, lawbench.load_task("multi-power-25m/schedule"))
    assert said.startswith("law 'cpt' needs a step at which continual pre-training begins;")
