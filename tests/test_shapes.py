"""Named schedules: end points, lengths, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.errors import InputError, UnknownNameError
from lawbench.shapes import SHAPES, named_schedule

SOME: dict[str, dict[str, Any]] = {
    "constant": {},
    "cosine": {"end": 0.1},
    "linear": {"end": 0.1},
    "wsd": {"end": 0.1, "decay_start": 60},
    "two-stage": {"second": 0.1, "drop_at": 60},
    "cyclic": {"end": 0.1, "rewarm": 10},
}


@pytest.mark.parametrize("kind", sorted(SHAPES))
@given(warmup=st.integers(0, 50))
def test_every_shape_warms_up_linearly_and_has_one_rate_a_step(kind: str, warmup: int) -> None:
    schedule = named_schedule(kind, steps=100, peak=1.0, warmup=warmup, **SOME[kind])
    assert len(schedule) == 100
    assert schedule.warmup == warmup
    assert schedule.lr[:warmup].tolist() == np.linspace(0, 1, warmup).tolist()
    assert schedule.lr.max() == schedule.lr[warmup] == 1.0
    if kind != "cyclic":
        assert (np.diff(schedule.lr[warmup:]) <= 0).all()


@pytest.mark.parametrize("decay", ["linear", "exponential", "cosine", "sqrt"])
def test_a_decay_starts_at_the_peak_and_heads_for_the_end(decay: str) -> None:
    schedule = named_schedule("wsd", steps=1000, peak=1.0, end=0.1, decay_start=800, decay=decay)
    assert schedule.lr[800] == 1.0
    assert schedule.lr[801] < 1.0
    assert schedule.lr[-1] == pytest.approx(0.1, abs=0.02)


def test_halfway_values() -> None:
    half = {"steps": 100, "peak": 1.0, "end": 0.2}
    assert named_schedule("cosine", **half).lr[50] == pytest.approx(0.6)
    assert named_schedule("linear", **half).lr[50] == pytest.approx(0.6)
    wsd = named_schedule("wsd", **half, decay_start=0, decay="exponential")
    assert wsd.lr[50] == pytest.approx(np.sqrt(0.2))


def test_the_drop_is_at_its_step() -> None:
    lr = named_schedule("two-stage", steps=10, peak=1.0, second=0.5, drop_at=6, warmup=2).lr
    assert lr[5:7].tolist() == [1.0, 0.5]


def test_cycles_fall_alike_and_rise_in_between() -> None:
    lr = named_schedule("cyclic", steps=220, peak=1.0, end=0.1, warmup=20, cycles=2, rewarm=10).lr
    rises = np.flatnonzero(np.diff(lr[20:]) > 0) + 20
    assert rises.tolist() == list(range(120, 130))
    assert lr[120] == pytest.approx(0.1)
    assert lr[130] == 1.0
    assert (lr[130:] < named_schedule("cosine", steps=220, peak=1.0, end=0.1, warmup=20).lr.max() + 1e-12).all()
    one = named_schedule("cyclic", steps=100, peak=1.0, end=0.1, cycles=1).lr
    assert one.tolist() == named_schedule("cosine", steps=100, peak=1.0, end=0.1).lr.tolist()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "cyclic", "steps": 10, "peak": 1.0, "cycles": 0}, "leave no room"),
        ({"kind": "cyclic", "steps": 10, "peak": 1.0, "cycles": 2, "rewarm": 5}, "no room for rewarm=5"),
        ({"kind": "cosine", "steps": 10}, "schedule 'cosine' cannot be built"),
        ({"kind": "cosine", "steps": 10, "peak": 1.0, "final": 0.0}, "final"),
        ({"kind": "constant", "steps": 10, "peak": 1.0, "warmup": 10}, "0 <= warm-up < steps"),
        ({"kind": "constant", "steps": 10, "peak": 0.0}, "peak above 0"),
        ({"kind": "wsd", "steps": 10, "peak": 1.0, "decay_start": 10}, "cannot start its decay at step 10"),
        ({"kind": "wsd", "steps": 10, "peak": 1.0, "decay_start": 5, "decay": "exponential"}, "end rate above 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        named_schedule(**arguments)


def test_an_unknown_shape_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'cosine'\?"):
        named_schedule("cosin", steps=10, peak=1.0)
    with pytest.raises(UnknownNameError, match="unknown decay 'cube'"):
        named_schedule("wsd", steps=10, peak=1.0, decay_start=5, decay="cube")
