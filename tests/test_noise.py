"""Noise floors: which estimate wins, and what each of them sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lawbench.data.card import Card, Stated
from lawbench.noise import floor, repeats, rounding, second_differences
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.shapes import constant

STEPS = np.arange(100)
SMOOTH = 3.0 + 2.0 / (1 + STEPS)


def _run(name: str, loss: np.ndarray, schedule: Schedule, model: str = "m") -> Run:
    return Run(name, STEPS[: loss.size], loss, schedule=schedule, model=model)


def test_rounding_is_half_a_step_in_log_loss() -> None:
    step = Stated(value=1e-4, unit="nats", source="four decimals")
    assert rounding(np.array([2.0, 4.0]), step) == pytest.approx(0.5e-4 / 3)
    assert rounding(np.array([2.0]), Stated(value=0.0045, unit="relative", source="colours")) == 0.00225
    assert rounding(np.array([2.0]), None) is None


def test_second_differences_see_noise_and_not_the_slope() -> None:
    noise = np.random.default_rng(1).standard_normal(5000)
    line = 2 - 1e-4 * np.arange(5000)
    assert second_differences(np.exp(line)) == pytest.approx(0.0, abs=1e-12)
    assert second_differences(np.exp(line + 3e-4 * noise)) == pytest.approx(3e-4, rel=0.05)
    assert second_differences(np.exp(line[:9])) is None


def test_repeats_compare_two_runs_of_one_schedule_in_the_second_half() -> None:
    a, b = _run("a", SMOOTH, constant(100, 1.0)), _run("b", SMOOTH * 1.001, constant(200, 1.0))
    early = SMOOTH * np.where(STEPS < 50, 1.5, 1.001)
    assert repeats([a, b]) == pytest.approx(np.log(1.001))
    assert repeats([a, _run("c", early, constant(200, 1.0))]) == pytest.approx(np.log(1.001))


def test_one_run_under_two_names_another_model_or_another_schedule_is_no_repeat() -> None:
    a = _run("a", SMOOTH, constant(100, 1.0))
    mostly = SMOOTH * np.where(STEPS < 60, 1.0, 1.001)
    assert repeats([a, _run("b", SMOOTH, constant(200, 1.0))]) is None
    assert repeats([a, _run("b", mostly, constant(200, 1.0))]) is None
    assert repeats([a, _run("b", SMOOTH * 1.001, constant(100, 1.0), model="other")]) is None
    assert repeats([a, _run("b", SMOOTH * 1.001, constant(100, 0.5))]) is None
    assert repeats([a, Run("b", STEPS, SMOOTH * 1.001, model="m")]) is None
    assert repeats([a]) is None


def test_the_largest_estimate_wins_and_says_so(toy: Callable[..., Card]) -> None:
    rounded = {"value": 0.01, "unit": "relative", "source": "test"}
    stated = {"value": 0.3, "unit": "nats", "source": "test"}
    loss = np.full(20, 3.0)
    assert floor(loss, toy(), None) == (None, "unknown")
    assert floor(loss[:5], toy(), None) == (None, "unknown")
    assert floor(loss, toy(quantisation=rounded), None) == (0.005, "rounding")
    assert floor(loss, toy(quantisation=rounded), 0.02) == (0.02, "repeated runs")
    value, source = floor(loss, toy(quantisation=rounded, noise=stated), None)
    assert (value, source) == (pytest.approx(0.1), "stated")
    assert floor(loss, toy(noise=stated), 0.02) == (0.02, "repeated runs")
