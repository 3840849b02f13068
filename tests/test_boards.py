"""Boards from bad or odd rows: what is said, and what is not ranked."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from lawbench.boards import NEEDED
from lawbench.comparisons import recipe_summary
from lawbench.errors import InputError, UnknownNameError
from lawbench.leaderboard import BOARDS, by_distance, leaderboard, pairwise, recipe_effect

from .boards import ERRORS, NAN, board, fail, line


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_an_empty_board_has_its_columns(name: str) -> None:
    frame = leaderboard(pd.DataFrame(columns=list(NEEDED)), name)
    assert len(frame) == 0
    assert list(frame.columns) == list(leaderboard(board(ERRORS), "schedule").columns)
    assert frame.dtypes.astype(str).tolist() == leaderboard(board(ERRORS), "schedule").dtypes.astype(str).tolist()
    assert "baseline" in frame.attrs["note"]
    assert len(pairwise(pd.DataFrame(columns=list(NEEDED)), name)) == 0
    assert len(by_distance(pd.DataFrame(columns=list(NEEDED)), name)) == 0
    assert len(recipe_effect(pd.DataFrame(columns=list(NEEDED)), name)) == 0
    assert len(recipe_summary(pd.DataFrame(columns=list(NEEDED)), name)) == 0


def test_an_unknown_board_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'schedule'"):
        leaderboard(board(ERRORS), "shedule")


def test_missing_columns_are_named() -> None:
    with pytest.raises(InputError, match="no column log_mae, needs:"):
        leaderboard(board(ERRORS).drop(columns=["log_mae", "needs"]), "schedule")


def test_duplicate_cells_are_refused() -> None:
    rows = board(ERRORS)
    with pytest.raises(InputError, match="entry 'mpl' has two rows for task 'd1/schedule'"):
        leaderboard(pd.concat([rows, rows[rows["entry"] == "mpl"]]), "schedule")


@pytest.mark.parametrize("value", [NAN, float("inf"), -0.1])
def test_an_ok_row_without_a_usable_error_is_a_failure(value: float) -> None:
    rows = board(ERRORS)
    rows.loc[(rows["entry"] == "mpl") & (rows["task"] == "d1/schedule"), "log_mae"] = value
    mpl = line(leaderboard(rows, "schedule"), "mpl")
    assert (mpl["ok"], mpl["failed"]) == (2, 1)


def test_a_board_without_its_baseline_ranks_nothing() -> None:
    rows = board(ERRORS)
    frame = leaderboard(rows[rows["entry"] != "power_steps"], "schedule")
    assert frame["rank"].isna().all()
    assert "baseline power_steps" in frame.attrs["note"]
    rows = fail(board(ERRORS), "power_steps", "d1/schedule")
    frame = leaderboard(rows, "schedule")
    assert frame.attrs["tasks"] == ["d2/schedule", "d3/schedule"]
    assert frame.attrs["left_out"]["d1/schedule"] == "the baseline power_steps has no error here"


def test_rows_read_back_from_csv_give_the_same_board() -> None:
    rows = fail(board(ERRORS, noise_floor=0.001), "mpl", "d1/schedule")
    back = pd.read_csv(io.StringIO(rows.to_csv(index=False)))
    pd.testing.assert_frame_equal(leaderboard(back, "schedule"), leaderboard(rows, "schedule"))


def test_the_rows_are_not_changed() -> None:
    rows = board(ERRORS)
    before = rows.copy(deep=True)
    leaderboard(rows, "schedule")
    pairwise(rows, "schedule")
    pd.testing.assert_frame_equal(rows, before)
