"""Pairs of entries, error by distance, the effect of recipes: hand-computed tables."""

from __future__ import annotations

import numpy as np
import pytest

from lawbench.comparisons import recipe_summary
from lawbench.leaderboard import by_distance, pairwise, recipe_effect

from .boards import ERRORS, board, fail, families


def test_pairwise_by_hand() -> None:
    pairs = pairwise(board(ERRORS), "schedule")
    assert pairs[["entry", "other"]].to_numpy().tolist() == [
        ["mpl", "other"], ["mpl", "power_steps"], ["other", "power_steps"]
    ]  # fmt: skip
    assert pairs["ratio"].tolist() == pytest.approx([1.0, 0.5, 0.5])
    assert pairs[["wins", "ties", "losses"]].to_numpy().tolist() == [[1, 1, 1], [2, 1, 0], [2, 1, 0]]
    assert pairs["p"].isna().all()
    assert (pairs["verdict"] == "").all()


def test_pairwise_adjusts_over_all_pairs() -> None:
    rows = board({"power_steps": [1.0] * 4, "a": [0.10, 0.11, 0.12, 0.10], "b": [0.11, 0.10, 0.11, 0.12]}, families(4))
    pairs = pairwise(rows, "schedule").set_index(["entry", "other"])
    assert pairs.loc[("a", "power_steps"), "verdict"] == "better"
    assert pairs.loc[("a", "b"), "verdict"] == "not told apart"
    assert (pairs["p_holm"] >= pairs["p"]).all()
    inside = (pairs["low"] <= pairs["ratio"]) & (pairs["ratio"] <= pairs["high"])
    assert inside.all()


def test_by_distance_has_one_row_a_cell() -> None:
    rows = board(ERRORS)
    rows.loc[rows["task"] == "d1/schedule", "extrapolation"] = 1.5
    out = by_distance(fail(rows, "mpl", "d2/schedule"), "schedule")
    assert len(out) == 9
    mpl = out[out["entry"] == "mpl"]
    assert mpl["extrapolation"].tolist() == [1.5, 3.0, 3.0]
    assert mpl["log_mae"].isna().tolist() == [False, True, False]
    assert mpl["ratio"].tolist() == pytest.approx([0.5, 1.0, 1.0])


def test_recipe_effect_by_hand() -> None:
    rows = board(ERRORS | {"mpl@paper": [0.01, 0.01, 0.0401]}, noise_floor=0.001)
    out = recipe_effect(rows, "schedule")
    assert out["recipe"].tolist() == ["paper"] * 3
    assert out["ratio"].tolist() == pytest.approx([0.5, 2.0, 1.0025])
    assert out["beyond_floor"].tolist() == [True, True, False]


def test_recipes_over_a_board_by_hand() -> None:
    logs = np.array([-1.0, -2.0, -3.0])
    rows = board(
        {
            "power_steps": [1.0] * 3,
            "mpl": [0.1] * 3,
            "mpl@paper": list(0.1 * np.exp(logs)),
            "mpl@published:x": [0.2] * 3,
        },
        families(3),
        noise_floor=0.08,
    )
    rows.loc[rows["recipe"] == "published:x", ["status", "reason"]] = ["reference", "seen more"]
    paper, published = recipe_summary(rows, "schedule").to_dict("records")
    half = 4.302652729911275 / np.sqrt(3)
    assert (paper["recipe"], paper["status"], paper["families"], paper["tasks"]) == ("paper", "ok", 3, 3)
    assert [paper["ratio"], paper["low"], paper["high"]] == pytest.approx(np.exp([-2, -2 - half, -2 + half]))
    assert paper["beyond_floor"] == 2  # .1 against .037 is within .08
    assert (published["recipe"], published["status"], published["ratio"]) == (
        "published:x",
        "reference",
        pytest.approx(2),
    )
    (two,) = recipe_summary(
        board({"power_steps": [1.0] * 3, "mpl": [0.1] * 3, "mpl@paper": [0.2] * 3}), "schedule"
    ).to_dict("records")
    assert (two["families"], two["tasks"], two["ratio"]) == (2, 3, pytest.approx(2))
    assert np.isnan([two["low"], two["high"]]).all()
