"""Mean ranks and critical distances against scikit-posthocs, published values and what must hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from lawbench.leaderboard import leaderboard
from lawbench.ranks import critical_difference, nemenyi_distance, not_told_apart
from lawbench.report.colours import styles
from lawbench.report.figures import look
from lawbench.report.ranks_figure import ranks_figure

from .boards import ERRORS, board, families
from .test_leaderboard_properties import boards, names


@pytest.mark.parametrize(("entries", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_the_critical_values_are_those_of_demsar(entries: int, q: float) -> None:
    # Table 5a of the paper, critical values of the two-tailed Nemenyi test at 0.05.
    assert nemenyi_distance(entries, 12) == pytest.approx(q * np.sqrt(entries * (entries + 1) / 72), abs=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_random_boards_agree_with_scikit_posthocs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, laws = int(rng.integers(4, 12)), [f"l{i}" for i in range(rng.integers(3, 7))]
    quality = np.linspace(0, rng.uniform(0, 3), len(laws))
    errors = np.exp(rng.normal(size=(len(laws), count)) + quality[:, None])
    rows = board({"power_steps": [1.0] * count} | dict(zip(laws, errors.tolist(), strict=True)), families(count))
    found = critical_difference(rows, "schedule").set_index("entry")

    table = pd.DataFrame({"power_steps": np.ones(count)} | dict(zip(laws, errors, strict=True)))
    assert found["mean_rank"].to_dict() == pytest.approx(
        dict(zip(table, rankdata(table.to_numpy(), axis=1).mean(axis=0), strict=True))
    )
    p = scikit_posthocs.posthoc_nemenyi_friedman(table)
    distance = found.attrs["critical_distance"]
    for a in table:
        for b in table:
            apart = abs(found.loc[a, "mean_rank"] - found.loc[b, "mean_rank"]) >= distance
            assert apart == (p.loc[a, b] <= 0.05)
            together = any(a in run and b in run for run in found.attrs["not_told_apart"])
            assert together == (not apart) or a == b


@given(st.lists(st.floats(1, 20), min_size=1, max_size=12).map(sorted), st.floats(0.01, 10))
@settings(max_examples=50, deadline=None)
def test_runs_hold_every_pair_that_is_close_and_no_other(ranks: list[float], distance: float) -> None:
    runs = not_told_apart(ranks, distance)
    together = {(i, j) for first, last in runs for i in range(first, last) for j in range(i + 1, last + 1)}
    close = {(i, j) for i in range(len(ranks)) for j in range(i + 1, len(ranks)) if ranks[j] - ranks[i] < distance}
    assert together == close
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(runs))


@given(boards(), st.sampled_from(names[1:]))
@settings(max_examples=12, deadline=None)
def test_copies_change_neither_ranks_nor_the_distance(rows: pd.DataFrame, name: str) -> None:
    before = critical_difference(rows, "schedule")
    copy = rows[rows["entry"] == name].assign(entry=f"{name}[k=1]", options="k=1")
    after = critical_difference(pd.concat([copy, rows]), "schedule")
    assert after["mean_rank"].tolist() == pytest.approx(before["mean_rank"].tolist())
    assert after["copies"].sum() == before["copies"].sum() + 1
    same = {"critical_distance", "families", "level"}
    assert {k: after.attrs[k] for k in same} == pytest.approx({k: before.attrs[k] for k in same}, nan_ok=True)


@given(boards())
@settings(max_examples=12, deadline=None)
def test_ranks_are_those_of_the_leaderboard(rows: pd.DataFrame) -> None:
    ranks = critical_difference(rows, "schedule").set_index("entry")["mean_rank"]
    whole = leaderboard(rows, "schedule").set_index("entry")["mean_rank"]
    assert ranks.to_dict() == pytest.approx(whole.to_dict())
    assert ranks.mean() == pytest.approx((len(ranks) + 1) / 2)


def test_few_families_give_ranks_and_no_distance() -> None:
    frame = critical_difference(board(ERRORS), "schedule")
    assert frame["entry"].tolist() == ["mpl", "other", "power_steps"]
    assert np.isnan(frame.attrs["critical_distance"])
    assert frame.attrs["not_told_apart"] == []
    assert critical_difference(board(ERRORS).iloc[:0], "schedule").empty


@pytest.mark.parametrize("count", [2, 5])
def test_the_figure_names_every_entry_and_the_distance_where_there_is_one(count: int) -> None:
    rows = board({"power_steps": [1.0] * count, "a": [0.2] * count, "b": [0.3] * count}, families(count))
    rows = pd.concat([rows, rows[rows["entry"] == "a"].assign(entry="a[k=1]", options="k=1")])
    frame = critical_difference(rows, "schedule")
    with look():
        figure = ranks_figure(frame, styles((e, e, "common") for e in frame["entry"]))
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a (best of 2)", "b", "power_steps"]
    said = [text.get_text() for text in ax.texts]
    assert any("critical distance" in text for text in said) == (count == 5)
