"""Metrics: definitions on numbers that can be checked by hand, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.metrics import (
    LEAST_REDUCIBLE,
    METRIC_KEYS,
    METRICS,
    PRIMARY_KEYS,
    Undefined,
    bias_last10,
    coverage,
    decisions,
    final_error,
    log_mae,
    log_mae_reducible,
    mae,
    mean,
    over_curves,
    prede,
    r2,
    rmse,
    split,
    width,
    worste,
)

Y = np.array([4.0, 2.0, 1.0])
P = np.array([4.4, 1.8, 1.0])
losses = st.lists(st.floats(0.1, 10.0), min_size=2, max_size=30)


def test_definitions() -> None:
    assert mae(Y, P) == pytest.approx(0.2)
    assert rmse(Y, P) == pytest.approx(np.sqrt(0.2 / 3))
    assert prede(Y, P) == pytest.approx(0.2 / 3)
    assert worste(Y, P) == pytest.approx(0.1)
    assert log_mae(Y, P) == pytest.approx((np.log(1.1) - np.log(0.9)) / 3)
    assert r2(Y, P) == pytest.approx(1 - 0.2 / (14 / 3))
    assert final_error(Y, P * 1.1) == pytest.approx(np.log(1.1))


def test_bias_is_signed_and_takes_the_last_tenth_at_least_one_point() -> None:
    y = np.ones(30)
    p = np.concatenate([np.full(27, 2.0), np.full(3, 0.9)])
    assert bias_last10(y, p) == pytest.approx(np.log(0.9))
    assert bias_last10(Y, P) == 0.0


def test_r2_without_variance_is_undefined_with_a_reason() -> None:
    assert isinstance(r2(np.ones(1), np.ones(1)), Undefined)
    assert r2(np.ones(3), np.ones(3)) == "the observed losses are all equal"


def test_decisions_count_only_pairs_beyond_the_floor() -> None:
    y, p = np.array([3.0, 3.1, 3.0001]), np.array([3.2, 3.1, 3.3])
    assert decisions([(0, 1), (0, 2)], y, p, floor=0.001) == 0.0
    assert decisions([(0, 1), (0, 2)], y, p, floor=None) == 0.5
    assert isinstance(decisions([(0, 2)], y, p, floor=0.001), Undefined)
    assert isinstance(decisions([], y, p, floor=0.001), Undefined)


def test_a_predicted_tie_is_not_a_right_decision() -> None:
    assert decisions([(0, 1)], np.array([3.0, 3.1]), np.array([3.0, 3.0]), floor=None) == 0.0


def test_intervals() -> None:
    span = (Y - [0.1, 0.1, -0.05], Y + 0.1)
    assert coverage(Y, span) == pytest.approx(2 / 3)
    assert width(np.ones(2), (np.full(2, 0.9), np.full(2, 1.1))) == pytest.approx(0.2)
    assert isinstance(coverage(Y, None), Undefined)
    assert isinstance(width(Y, None), Undefined)


def test_curves_are_averaged_plainly_whatever_their_length() -> None:
    long, short = np.ones(90), np.ones(10)
    found = over_curves([long, short], [long, short * 1.2])
    assert found["mae"] == pytest.approx(0.1)
    numbers, reasons = split(found)
    assert numbers["r2"] is None
    assert reasons["r2"] == "the observed losses are all equal"
    assert numbers["coverage"] is None


def test_the_reducible_error_is_that_of_the_loss_above_its_irreducible_part() -> None:
    y, p = np.array([3.2, 3.16]), np.array([3.3, 3.16])
    assert log_mae_reducible(y, p, 3.1) == pytest.approx(np.log(2) / 2)
    assert log_mae_reducible(y, y, 3.1) == 0.0
    # What is small in the loss is large in its reducible part.
    assert log_mae(y, p) == pytest.approx(0.0154, abs=1e-4)


@pytest.mark.parametrize("low", [3.1 + 1e-9, 3.1, 2.0])
def test_a_prediction_at_or_below_the_irreducible_loss_counts_as_one_per_cent(low: float) -> None:
    y = np.array([3.2, 3.16])
    assert log_mae_reducible(y, np.array([low, 3.16]), 3.1) == pytest.approx(np.log(1 / LEAST_REDUCIBLE) / 2)


def test_the_reducible_error_is_undefined_where_no_card_gives_the_irreducible_loss() -> None:
    found = over_curves([Y], [P])
    assert found["log_mae_reducible"] == "the card states no irreducible loss"
    assert over_curves([Y], [P], irreducible=0.5)["log_mae_reducible"] == log_mae_reducible(Y, P, 0.5)
    assert found["log_mae"] == over_curves([Y], [P], irreducible=0.5)["log_mae"]


def test_a_task_is_ranked_by_an_error_of_a_log() -> None:
    assert set(PRIMARY_KEYS) < set(METRIC_KEYS)
    assert {metric.better for metric in METRICS if metric.key in PRIMARY_KEYS} == {"lower"}


def test_the_mean_leaves_undefined_curves_out() -> None:
    assert mean([1.0, Undefined("why"), 3.0]) == 2.0
    assert mean([Undefined("why")]) == "why"


def test_the_registry_holds_the_columns_in_their_order() -> None:
    assert [metric.key for metric in METRICS] == [
        "log_mae", "log_mae_reducible", "mae", "rmse", "r2", "prede", "worste", "final_error", "bias_last10",
        "decisions", "mean_final", "coverage", "width",
    ]  # fmt: skip


@given(losses)
def test_a_perfect_prediction_has_no_error(values: list[float]) -> None:
    y = np.array(values)
    for function in (log_mae, mae, rmse, prede, worste, final_error, bias_last10):
        assert function(y, y) == 0.0


@given(losses, st.floats(0.5, 2.0))
def test_log_errors_do_not_depend_on_the_unit_of_the_loss(values: list[float], factor: float) -> None:
    y = np.array(values)
    assert log_mae(7 * y, 7 * factor * y) == pytest.approx(abs(np.log(factor)), abs=1e-12)
    assert final_error(y, factor * y) == pytest.approx(abs(np.log(factor)), abs=1e-12)


@given(losses, st.integers(0, 2**32 - 1))
def test_errors_are_ordered(values: list[float], seed: int) -> None:
    y = np.array(values)
    p = y * np.random.default_rng(seed).uniform(0.8, 1.25, y.size)
    assert mae(y, p) <= rmse(y, p) * (1 + 1e-12)
    assert prede(y, p) <= worste(y, p) * (1 + 1e-12)
