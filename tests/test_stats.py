"""The statistics of a board against hand computations, scipy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from lawbench.errors import InputError
from lawbench.stats import (
    CLIP,
    duels,
    family_means,
    holm,
    paired_p,
    pairs_told_apart,
    relative_error,
    representatives,
    skill,
    t_interval,
    win_rates,
)

NAN = float("nan")
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)
samples = st.lists(st.floats(-5, 5), min_size=3, max_size=9).filter(lambda x: np.std(x) > 1e-3)


def test_relative_errors_are_clipped_and_zero_baselines_defined() -> None:
    assert relative_error([1e-9, 1e9, 3.0], [1.0, 1.0, 2.0]).tolist() == [0.01, 100.0, 1.5]
    assert relative_error([0.0, 1.0], [0.0, 0.0]).tolist() == [1.0, 100.0]
    assert np.isnan(relative_error([NAN, 1.0], [1.0, NAN])).all()


def test_skill_weighs_families_equally() -> None:
    # Family a: mean log of (1/2, 1/8) is log 1/4; family b: log 1. Their mean is log 1/2.
    assert skill(np.log([0.5, 0.125, 1.0]), ["a", "a", "b"]) == pytest.approx(0.5, abs=1e-15)


def test_family_means_do_not_depend_on_the_order_of_tasks() -> None:
    means = family_means([[1.0, 2.0, 3.0], [0.0, 0.0, 9.0]], ["b", "a", "b"])
    assert means.tolist() == [[2.0, 2.0], [0.0, 4.5]]


@given(samples, st.floats(0.5, 0.999))
def test_t_interval_agrees_with_scipy(x: list[float], level: float) -> None:
    expected = scipy_stats.t.interval(level, len(x) - 1, loc=np.mean(x), scale=scipy_stats.sem(x))
    assert t_interval(x, level) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_t_interval_covers_what_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2000, 6))
    bounds = np.array([t_interval(x) for x in draws])
    covered = ((bounds[:, 0] < 0) & (bounds[:, 1] > 0)).mean()
    assert 0.935 < covered < 0.965  # binomial sd is .005


def test_t_interval_of_one_value_is_unknown_and_bad_levels_are_refused() -> None:
    assert np.isnan(t_interval([1.0])).all()
    with pytest.raises(InputError, match="level of 95 is not between"):
        t_interval([1.0, 2.0], level=95)


@given(samples)
def test_paired_p_agrees_with_scipy(x: list[float]) -> None:
    assert paired_p(x) == pytest.approx(scipy_stats.ttest_1samp(x, 0.0).pvalue, rel=1e-9, abs=1e-12)


def test_paired_p_without_spread() -> None:
    assert paired_p([0.0, 0.0, 0.0]) == 1.0
    assert paired_p([0.3, 0.3, 0.3]) == 0.0
    assert np.isnan(paired_p([0.3]))


def brute_force_holm(p: list[float]) -> list[float]:
    """Smallest level at which the step-down procedure rejects each hypothesis, from its definition."""
    adjusted = []
    for own in p:
        before = [(len(p) - sum(q < other for q in p)) * other for other in p if other <= own]
        adjusted.append(min(1.0, max(before)))
    return adjusted


@given(p_values)
def test_holm_agrees_with_brute_force(p: list[float]) -> None:
    assert holm(p).tolist() == pytest.approx(brute_force_holm(p))


@given(p_values)
def test_holm_never_lowers_p_and_keeps_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_published_example() -> None:
    # Four p values of the worked example in Holm's procedure as R's p.adjust prints it.
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_ignores_missing_values() -> None:
    adjusted = holm([0.01, NAN, 0.03])
    assert adjusted[[0, 2]].tolist() == pytest.approx([0.02, 0.03])
    assert np.isnan(adjusted[1])
    assert holm([]).size == 0


def test_duels_by_hand() -> None:
    scores = duels([[0.10, 1.0], [0.12, 2.0], [NAN, NAN]], [0.05, NAN])
    assert scores[0, 1].tolist() == [0.5, 1.0]  # below the floor; floor unknown
    assert scores[0, 2].tolist() == [1.0, 1.0]  # a failure loses
    assert scores[2, 2].tolist() == [0.5, 0.5]
    assert (scores + scores.transpose(1, 0, 2) == 1.0).all()


def test_a_difference_equal_to_the_floor_is_no_tie() -> None:
    assert duels([[0.25], [0.5]], [0.25])[0, 1, 0] == 1.0


def test_win_rates_by_hand() -> None:
    # Three groups; b1 and b2 are near-copies and b1 is the better one.
    error = [[1.0, 1.0], [2.0, 3.0], [4.0, 4.0], [3.0, 2.0]]
    groups = ["a", "b", "b", "c"]
    rate, rank = win_rates(duels(error, [0.0, 0.0]), groups, [1.0, 2.0, 4.0, 2.5], ["f", "f"])
    assert representatives(groups, [1.0, 2.0, 4.0, 2.5]).tolist() == [0, 1, 3]
    assert rate.tolist() == [1.0, 0.25, 0.0, 0.25]
    assert rank.tolist() == [1.0, 2.5, 3.0, 2.5]


def test_win_rate_without_an_opponent_is_unknown() -> None:
    rate, rank = win_rates(duels([[1.0], [2.0]], [0.0]), ["a", "a"], [1.0, 2.0], ["f"])
    assert np.isnan(rate).all()
    assert rank.tolist() == [1.0, 1.0]


@given(p_values)
@settings(max_examples=30, deadline=None)
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(p).tolist() == pytest.approx(multipletests(p, method="holm")[1].tolist())


family_errors = st.integers(3, 7).flatmap(
    lambda size: st.lists(
        st.lists(st.floats(-3, 3), min_size=size, max_size=size), min_size=2, max_size=6, unique_by=tuple
    )
)


@given(family_errors)
@settings(max_examples=30, deadline=None)
def test_pairs_are_scipys_paired_tests_adjusted_by_statsmodels(values: list[list[float]]) -> None:
    x = np.array(values)
    first, second = np.triu_indices(len(x), k=1)
    differences = x[first] - x[second]
    assume((differences.std(axis=1, ddof=1) > 1e-6).all())
    p = [scipy_stats.ttest_rel(x[i], x[j]).pvalue for i, j in zip(first, second, strict=True)]
    found = pairs_told_apart(x)
    assert found[first, second] == pytest.approx(multipletests(p, method="holm")[1], rel=1e-6, abs=1e-12)
    assert (found == found.T)[~np.eye(len(x), dtype=bool)].all()
    assert np.isnan(np.diag(found)).all()


@given(family_errors, st.data())
@settings(max_examples=30, deadline=None)
def test_an_entry_listed_twice_costs_nobody(values: list[list[float]], data: st.DataObject) -> None:
    x = np.array(values)
    again = data.draw(st.integers(0, len(x) - 1))
    twice = pairs_told_apart(np.concatenate([x, x[again : again + 1]]))
    assert twice[: len(x), : len(x)] == pytest.approx(pairs_told_apart(x), nan_ok=True)
    assert twice[-1, again] == 1.0


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8), st.floats(1e-9, 1e9))
@settings(max_examples=50, deadline=None)
def test_relative_errors_stay_within_the_clip(errors: list[float], baseline: float) -> None:
    ratio = relative_error(errors, [baseline])
    assert ((ratio >= CLIP[0]) & (ratio <= CLIP[1])).all()
    assert relative_error([baseline], [baseline]).tolist() == [1.0]
