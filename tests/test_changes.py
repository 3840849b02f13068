"""Sums over rate changes: exact against the definition, graded against exact."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench import changes
from lawbench.changes import FINE, Changes, graded
from lawbench.schedule import WARMUPS, Schedule, Warmup
from lawbench.shapes import constant, cosine, linear, two_stage, wsd

PEAK = 3e-4
SCHEDULES = {
    "constant": constant(5000, PEAK, warmup=300),
    "cosine": cosine(5000, PEAK, end=PEAK / 10, warmup=300),
    "cosine-to-zero": cosine(5000, PEAK, warmup=300),
    "linear-to-zero": linear(5000, PEAK, warmup=300),
    "wsd": wsd(5000, PEAK, end=PEAK / 10, warmup=300, decay_start=4000, decay="exponential"),
    "two-stage": two_stage(5000, PEAK, second=PEAK / 3, drop_at=2500, warmup=300),
    "no-warm-up": cosine(5000, PEAK, end=PEAK / 10),
    "re-warmed": Schedule(np.concatenate([cosine(2500, PEAK, warmup=300).lr, cosine(2500, PEAK / 2, warmup=100).lr])),
}
STEPS = np.arange(300, 5000, 73)


def term(C: float, beta: float, gamma: float) -> Any:
    return lambda log_lr, area, age: -np.expm1(-beta * np.log1p(C * np.exp(-gamma * log_lr) * area))


@pytest.mark.parametrize("warmup", WARMUPS)
def test_the_exact_sum_is_the_definition(warmup: Warmup) -> None:
    schedule, steps = SCHEDULES["cosine"], np.array([299, 300, 1234, 4999])
    lr, drops, area = schedule.rates(warmup), schedule.drops(warmup), schedule.area(warmup)
    found = Changes.of(schedule, steps, warmup).total(term(0.3, 0.5, 0.6))
    for t, value in zip(steps, found, strict=True):
        k = np.flatnonzero(drops[: t + 1])
        since = area[t] - np.where(k > 0, area[k - 1], 0.0)
        expected = (drops[k] * (1 - (1 + 0.3 * np.maximum(lr[k], 1e-10) ** -0.6 * since) ** -0.5)).sum()
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-18)


def test_a_run_without_changes_sums_to_zero() -> None:
    total = Changes.of(SCHEDULES["constant"], STEPS).total(term(1.0, 0.5, 0.5))
    assert total.shape == STEPS.shape
    assert (total == 0).all()


@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("name", sorted(SCHEDULES))
@given(
    C=st.floats(-3, 2).map(lambda e: 10.0**e),
    beta=st.floats(0.05, 1.0),
    gamma=st.floats(0.0, 1.3),
)
def test_graded_sums_are_within_1e_7_of_exact_ones(
    name: str, warmup: Warmup, C: float, beta: float, gamma: float
) -> None:
    schedule = SCHEDULES[name]
    exact = Changes.of(schedule, STEPS, warmup).total(term(C, beta, gamma))
    close = graded(schedule, STEPS, warmup).total(term(C, beta, gamma))
    # Cancellation (a re-warmed schedule) makes the size of the terms the measure, not the sum.
    size = Changes.of(schedule, STEPS, warmup)
    scale = np.abs(size.weight).sum() * np.abs(exact).max(initial=0.0) / max(np.abs(size.weight.sum()), 1e-12)
    assert np.abs(close - exact).max() <= 1e-7 * max(scale, np.abs(exact).max(), 1e-12)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_fine_graded_sums_are_exact_for_every_kind_of_effect(name: str) -> None:
    effects: dict[str, Any] = {
        "power of the scaled area": term(0.3, 0.5, 0.6),
        "exponential in the area": lambda log_lr, area, age: -np.expm1(-10.0 * area),
        "power of the steps": lambda log_lr, area, age: -np.expm1(-0.5 * np.log1p(0.01 * age)),
    }
    exact, fine = Changes.of(SCHEDULES[name], STEPS), graded(SCHEDULES[name], STEPS, nodes=FINE)
    for effect in effects.values():
        assert np.abs(fine.total(effect) - exact.total(effect)).max() <= 1e-9 * PEAK


def test_an_unsmooth_schedule_is_summed_exactly() -> None:
    rng = np.random.default_rng(0)
    schedule = Schedule(PEAK * rng.uniform(0.5, 1.0, size=2000), warmup=0)
    steps = np.arange(10, 2000, 50)
    exact = Changes.of(schedule, steps).total(term(0.3, 0.5, 0.6))
    assert graded(schedule, steps).total(term(0.3, 0.5, 0.6)) == pytest.approx(exact, rel=1e-12, abs=1e-18)


def test_graded_sums_need_few_terms() -> None:
    schedule, steps = cosine(72000, PEAK, end=PEAK / 10, warmup=2160), np.arange(2160, 72000, 128)
    terms = graded(schedule, steps).weight.size
    all_terms = np.searchsorted(Changes.of(schedule, steps).at, steps, side="right").sum()
    assert terms < all_terms / 100


def test_a_point_that_has_seen_many_changes_is_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Changes.of(SCHEDULES["cosine"], STEPS).total(term(0.3, 0.5, 0.6))
    monkeypatch.setattr(changes, "_PAIRS_AT_ONCE", 500)
    parts = Changes.of(SCHEDULES["cosine"], STEPS).total(term(0.3, 0.5, 0.6))
    assert parts == pytest.approx(whole, rel=1e-12)


def test_memory_is_bounded_over_ten_million_steps() -> None:
    schedule, steps = cosine(10_000_000, PEAK, warmup=2000), np.array([5_000_000, 9_999_999])
    sums = Changes.of(schedule, steps)
    tracemalloc.start()
    total = sums.total(term(0.3, 0.5, 0.6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(total).all()
    assert peak < 50e6


def test_leading_axes_are_kept() -> None:
    def two(log_lr: Any, area: Any, age: Any) -> Any:
        return np.stack([area, age])

    for sums in (Changes.of(SCHEDULES["cosine"], STEPS), graded(SCHEDULES["cosine"], STEPS)):
        assert sums.total(two).shape == (2, STEPS.size)
