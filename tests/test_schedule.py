"""Schedules: areas, drops, warm-up conventions and discounted sums, against their definitions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.errors import InputError
from lawbench.schedule import Schedule, discounted_sum, shared_steps
from lawbench.shapes import constant, cosine, two_stage, wsd

rates = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)
RAMPED = Schedule([0.0, 0.5, 1.0, 1.0, 0.5, 0.7])


def test_the_warmup_is_read_off_the_first_rise() -> None:
    assert (RAMPED.warmup, RAMPED.peak) == (3, 1.0)
    assert Schedule([1.0, 0.9]).warmup == 0
    assert Schedule([0.1, 0.2, 0.3]).warmup == 3


def test_areas_by_convention() -> None:
    assert RAMPED.area("ramp").tolist() == pytest.approx([0.0, 0.5, 1.5, 2.5, 3.0, 3.7])
    assert RAMPED.area("raw").tolist() == RAMPED.area("ramp").tolist()
    assert RAMPED.area("flat").tolist() == pytest.approx([1.0, 2.0, 3.0, 4.0, 4.5, 5.2])


def test_drops_by_convention() -> None:
    assert RAMPED.drops("ramp").tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.5, -0.2])
    assert RAMPED.drops("flat").tolist() == RAMPED.drops("ramp").tolist()
    assert RAMPED.drops("raw").tolist() == pytest.approx([0.0, -0.5, -0.5, 0.0, 0.5, -0.2])


@given(rates, st.floats(0.0, 0.999))
def test_the_discounted_sum_is_its_double_sum(lr: list[float], decay: float) -> None:
    drops = Schedule(lr).drops("raw")
    n = drops.size
    direct = [sum(drops[k] * decay ** (i - k) for i in range(s + 1) for k in range(i + 1)) for s in range(n)]
    assert discounted_sum(drops, decay) == pytest.approx(np.array(direct), abs=1e-9)


@given(rates)
def test_without_momentum_the_discounted_sum_is_the_fall_from_the_peak(lr: list[float]) -> None:
    schedule = Schedule(lr)
    fall = discounted_sum(schedule.drops("raw"), 0.0)
    assert fall == pytest.approx(schedule.lr[0] - schedule.lr, abs=1e-12)


@given(rates)
def test_drops_add_up_to_the_whole_fall(lr: list[float]) -> None:
    schedule = Schedule(lr)
    assert schedule.drops("raw").sum() == pytest.approx(lr[0] - lr[-1], abs=1e-12)
    assert np.diff(schedule.area("raw")) == pytest.approx(schedule.lr[1:], abs=1e-9)


@given(rates, st.integers(0, 40))
def test_shared_steps_end_where_two_schedules_part(lr: list[float], at: int) -> None:
    first = Schedule(lr)
    other = np.array(lr)
    other[at:] += 1.0
    assert shared_steps(first, Schedule(other)) == min(at, len(lr))
    assert shared_steps(first, first) == len(lr)


def test_a_point_on_the_last_shared_step_has_seen_only_shared_rates() -> None:
    stable = constant(72000, 3e-4, warmup=2160)
    decay = wsd(24000, 3e-4, 3e-5, 2160, decay_start=20000)
    drop = two_stage(16000, 3e-4, 3e-5, 8000, warmup=2160)
    assert shared_steps(stable, decay) == 20001
    assert shared_steps(stable, drop) == 8000


def test_areas_and_sums_of_the_published_schedules() -> None:
    """Values of S1 and S2 at peak 3e-4 and a warm-up of 2160 steps, computed independently."""
    falling = cosine(24000, 3e-4, 3e-5, 2160)
    drop = two_stage(16000, 3e-4, 9e-5, 8000, warmup=2160)
    assert falling.area("ramp")[[2160, 10096, 23920]] == pytest.approx([0.3243, 2.487068058, 3.925364766], rel=1e-9)
    assert falling.area("flat")[10096] == pytest.approx(2.811068058, rel=1e-9)
    assert falling.lr[10096] == pytest.approx(2.211837813e-4, rel=1e-9)
    assert discounted_sum(falling.drops(), 0.999)[10096] == pytest.approx(6.266987812e-2, rel=1e-9)
    assert discounted_sum(falling.drops(), 0.99)[23920] == pytest.approx(2.699414342e-2, rel=1e-9)
    assert drop.area("ramp")[15936] == pytest.approx(2.79033, rel=1e-9)
    assert discounted_sum(drop.drops(), 0.999)[8064] == pytest.approx(1.322223234e-2, rel=1e-9)


@pytest.mark.parametrize("bad", [[0.1, -0.1], [0.1, float("nan")], [float("inf")]])
def test_bad_rates_are_refused_with_their_step(bad: list[float]) -> None:
    with pytest.raises(InputError, match=rf"at step {len(bad) - 1} is not a finite number >= 0"):
        Schedule(bad)


def test_an_empty_schedule_and_a_long_warmup_are_refused() -> None:
    with pytest.raises(InputError, match="non-empty"):
        Schedule([])
    with pytest.raises(InputError, match="longer than the schedule"):
        Schedule([1.0], warmup=2)
    with pytest.raises(InputError, match="'rump' is not one of ramp, flat, raw"):
        RAMPED.area("rump")  # type: ignore[arg-type]


def test_arrays_are_read_only_also_after_pickling() -> None:
    schedule = pickle.loads(pickle.dumps(RAMPED))
    for array in (schedule.lr, schedule.area(), schedule.drops()):
        assert not array.flags.writeable
    assert schedule.lr.tolist() == RAMPED.lr.tolist()
    assert schedule.warmup == RAMPED.warmup
