"""How steady an order is: by hand, and what must hold on any board."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from lawbench.leaderboard import leaderboard
from lawbench.stability import stability, steadiness

from .boards import ERRORS, board, families
from .test_leaderboard_properties import boards


def one_odd_family() -> pd.DataFrame:
    """Entry a leads by one family alone; b leads on the other two."""
    return board({"power_steps": [1.0] * 3, "a": [0.05, 0.5, 0.5], "b": [0.4, 0.4, 0.4]}, families(3))


def test_leaving_a_family_out_by_hand() -> None:
    order = stability(one_odd_family(), "schedule").set_index(["variant", "entry"])
    assert order.loc["as ranked"]["rank"].to_dict() == {"a": 1, "b": 2, "power_steps": 3}
    without = order.loc["without f0"]
    assert without["rank"].to_dict() == {"b": 1, "a": 2, "power_steps": 3}
    assert without["skill"].to_dict() == pytest.approx({"a": 0.5, "b": 0.6, "power_steps": 0.0})
    assert without["tau"].unique() == pytest.approx([1 / 3])  # one of three pairs turns round
    assert not without["leader_stays"].any()
    assert order.loc["without f1"]["leader_stays"].all()


def test_unmasked_and_unclipped_by_hand() -> None:
    rows = one_odd_family()
    rows.loc[(rows["entry"] == "a") & (rows["family"] == "f0"), ["log_mae", "log_mae_unmasked"]] = [1e-5, 0.9]
    order = stability(rows, "schedule").set_index(["variant", "entry"])["skill"]
    assert order["as ranked", "a"] == pytest.approx(1 - np.cbrt(0.01 * 0.25))
    assert order["unclipped", "a"] == pytest.approx(1 - np.cbrt(1e-5 * 0.25))
    assert order["unmasked", "a"] == pytest.approx(1 - np.cbrt(0.45 * 0.25))


def test_the_summary_by_hand() -> None:
    summary = steadiness(stability(one_odd_family(), "schedule")).set_index("variant")
    assert summary.index.tolist() == [
        "as ranked", "without f0", "without f1", "without f2", "unmasked", "unclipped"
    ]  # fmt: skip
    assert summary["leader"].tolist() == ["a", "b", "a", "a", "a", "a"]
    assert summary["largest_move"].tolist() == [0, 1, 0, 0, 0, 0]


def test_one_family_is_not_left_out_and_an_empty_board_is_empty() -> None:
    rows = board({"power_steps": [1.0, 1.0], "a": [0.5, 0.5]}, dict.fromkeys(["d1/schedule", "d2/schedule"], "f"))
    assert set(stability(rows, "schedule")["variant"]) == {"as ranked", "unmasked", "unclipped"}
    empty = stability(board(ERRORS).iloc[:0], "schedule")
    assert empty.empty
    assert steadiness(empty).empty


@given(boards(), st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(rows: pd.DataFrame, random: Any) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(stability(rows, "schedule"), stability(rows.iloc[order], "schedule"))


@given(boards())
@settings(max_examples=10, deadline=None)
def test_variants_are_the_boards_of_fewer_rows(rows: pd.DataFrame) -> None:
    order = stability(rows, "schedule")
    whole = leaderboard(rows, "schedule").set_index("entry")
    for variant, own in order.groupby("variant"):
        ranks = own.set_index("entry")
        tau = own["tau"].iloc[0]
        other = whole["skill"].loc[ranks.index].round(9)
        assert tau == pytest.approx(kendalltau(ranks["skill"].round(9), other).statistic, nan_ok=True)
        if str(variant).startswith("without "):
            left = rows[rows["family"] != str(variant).removeprefix("without ")]
            expected = leaderboard(left, "schedule").set_index("entry")["skill"].loc[ranks.index]
            assert ranks["skill"].tolist() == pytest.approx(expected.tolist())
    assert order.loc[order["variant"] == "as ranked", "leader_stays"].all()
