"""Loss spikes and divergence: found where they are, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lawbench
from lawbench.runs import Run
from lawbench.spikes import trouble

STEPS = np.arange(200)
SMOOTH = 2.0 + 5.0 * (STEPS + 1.0) ** -0.5


@given(st.integers(0, 1000), st.floats(0.0, 0.005))
def test_a_noisy_smooth_curve_has_no_trouble(seed: int, noise: float) -> None:
    loss = SMOOTH * np.exp(noise * np.random.default_rng(seed).normal(size=STEPS.size))
    assert trouble(Run("fine", STEPS, loss)) is None


@given(st.sets(st.integers(10, 190), min_size=1, max_size=5), st.floats(0.1, 2.0))
def test_isolated_spikes_are_found(at: set[int], height: float) -> None:
    places = [step for step in sorted(at) if all(abs(step - other) > 6 for other in at if other != step)]
    loss = SMOOTH.copy()
    loss[places] *= 1 + height
    found = trouble(Run("bumpy", STEPS, loss))
    assert (found.spikes if found else ()) == tuple(places)


def test_a_diverged_run_is_called_that() -> None:
    loss = np.where(STEPS > 150, SMOOTH * (1 + 0.01 * (STEPS - 150)), SMOOTH)
    found = trouble(Run("away", STEPS, loss))
    assert found is not None
    assert found.diverged
    assert str(found) == "run 'away' ends well above its lowest loss: it diverged"


def test_short_curves_are_not_judged() -> None:
    assert trouble(Run("short", np.arange(3), np.array([1.0, 9.0, 1.0]))) is None


@pytest.mark.data
def test_the_multi_power_curves_have_none() -> None:
    for size in ("25m", "100m", "400m"):
        assert [trouble(run) for run in lawbench.load_dataset(f"multi-power-{size}").runs] == [None] * 9
