"""Leaderboards: hand-computed tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lawbench.errors import InputError
from lawbench.leaderboard import by_distance, leaderboard, pairwise

from .boards import ERRORS, NAN, TASKS, board, fail, families, line


def test_a_board_by_hand() -> None:
    frame = leaderboard(board(ERRORS), "schedule")
    # mpl: family f1 mean log(1/2, 1/8) = log 1/4, f2 log 1: geometric mean 1/2.
    assert frame["entry"].tolist() == ["mpl", "other", "power_steps"]
    assert frame["rank"].tolist() == [1, 1, 3]
    assert line(frame, "mpl")["skill"] == pytest.approx(0.5)
    assert line(frame, "mpl")["error"] == pytest.approx(0.5)
    assert line(frame, "mpl")["log_mae"] == pytest.approx(0.02)
    # f1: wins one of two tasks against other, both against the baseline; f2: all tie.
    assert line(frame, "mpl")["win_rate"] == pytest.approx((0.5 * (0.5 + 0.5) + 0.5 * (1.0 + 0.5)) / 2)
    assert line(frame, "mpl")["mean_rank"] == pytest.approx(1 + 2 * (1 - 0.625))
    assert line(frame, "power_steps")["skill"] == 0.0
    assert frame[["ok", "failed", "tasks", "families"]].drop_duplicates().to_numpy().tolist() == [[3, 0, 3, 2]]
    assert frame["seconds"].tolist() == [1.5] * 3


def by_reducible(rows: pd.DataFrame, task: str, errors: dict[str, float], floor: float) -> pd.DataFrame:
    """Rank one task by the error of its reducible loss, which its rows are given."""
    out, here = rows.copy(), rows["task"] == task
    out.loc[here, ["metric", "noise_floor"]] = ["log_mae_reducible", floor]
    for end, factor in (("", 1), ("_unmasked", 2)):
        out.loc[here, f"log_mae_reducible{end}"] = factor * rows.loc[here, "entry"].map(errors)
    return out


def test_each_task_is_ranked_by_its_primary_metric() -> None:
    reducible = {"power_steps": 0.6, "mpl": 0.3, "other": 0.31}
    rows = by_reducible(board(ERRORS, noise_floor=1e-5), "d3/schedule", reducible, floor=0.02)
    frame = leaderboard(rows, "schedule")
    # Entry and baseline by the same metric: f2 is log(.3 / .6) now, f1 still log 1/4.
    assert line(frame, "mpl")["skill"] == pytest.approx(1 - np.sqrt(1 / 4 * 1 / 2))
    assert line(frame, "mpl")["log_mae"] == pytest.approx(np.sqrt(0.01 * 0.3))
    # .30 and .31 differ by less than the floor of that task, which is in the same unit.
    pairs = pairwise(rows, "schedule")
    assert pairs.loc[(pairs["entry"] == "mpl") & (pairs["other"] == "other"), "ties"].tolist() == [1]
    assert line(frame, "mpl")["floors"] == pytest.approx(((2000 + 500) / 2 + 15) / 2)
    assert by_distance(rows, "schedule").set_index(["entry", "task"])["log_mae"]["mpl", "d3/schedule"] == 0.3
    assert line(leaderboard(rows, "schedule", masked=False), "mpl")["skill"] == line(frame, "mpl")["skill"]


def test_a_task_without_its_primary_metric_has_no_baseline() -> None:
    rows = board(ERRORS)
    rows.loc[rows["task"] == "d3/schedule", "metric"] = "log_mae_reducible"
    assert "d3/schedule" in leaderboard(rows, "schedule").attrs["left_out"]


def test_a_metric_that_ranks_no_task_is_refused() -> None:
    with pytest.raises(InputError, match="ranked by 'r2': a task is ranked by log_mae or log_mae_reducible"):
        leaderboard(board(ERRORS, metric="r2"), "schedule")


def test_two_families_claim_nothing() -> None:
    frame = leaderboard(board(ERRORS), "schedule")
    assert frame[["skill_low", "skill_high"]].isna().all(axis=None)
    assert frame["tied"].tolist() == ["", "", ""]
    assert frame.attrs["claims_best"] is False
    assert "2 dataset families" in frame.attrs["note"]


def test_three_families_give_an_interval_by_hand() -> None:
    logs = np.array([-1.0, -2.0, -3.0])
    rows = board({"power_steps": [1.0] * 3, "mpl": list(np.exp(logs))}, families(3))
    frame = leaderboard(rows, "schedule")
    half = 4.302652729911275 / np.sqrt(3)  # t quantile .975 with 2 degrees of freedom, sd 1
    mpl = line(frame, "mpl")
    assert mpl["skill"] == pytest.approx(1 - np.exp(-2))
    assert mpl["skill_low"] == pytest.approx(1 - np.exp(-2 + half))
    assert mpl["skill_high"] == pytest.approx(1 - np.exp(-2 - half))
    # t = 2 sqrt 3 gives p = .0742: the baseline cannot be told from the leader.
    assert line(frame, "power_steps")["tied"] == "yes"
    assert frame.attrs["claims_best"] is False


def test_a_clear_leader_is_claimed() -> None:
    rows = board({"power_steps": [1.0] * 4, "mpl": [0.10, 0.11, 0.12, 0.10]}, families(4))
    frame = leaderboard(rows, "schedule")
    assert frame["tied"].tolist() == ["", ""]
    assert frame.attrs["claims_best"] is True


def test_noise_floor_ties_are_half_wins_and_shown_with_few_families() -> None:
    rows = board(ERRORS | {"mpl": [0.0101, 0.0101, 0.0399]}, noise_floor=0.001)
    frame = leaderboard(rows, "schedule")
    assert line(frame, "mpl")["tied"] == "noise floor"
    assert line(frame, "power_steps")["tied"] == ""
    pair = pairwise(rows, "schedule").iloc[0]
    assert (pair["entry"], pair["other"], pair["ties"], pair["verdict"]) == ("other", "mpl", 3, "noise floor")
    assert line(frame, "other")["floors"] == pytest.approx(0.5 * 10 + 0.5 * 40)


def test_failed_cells_get_the_worst_ratio_and_at_least_one() -> None:
    rows = fail(board(ERRORS | {"bad": [0.4, 0.02, 0.02]}), "mpl", "d1/schedule")
    mpl = line(leaderboard(rows, "schedule"), "mpl")
    # worst on d1 is 10 (bad), f1 = mean log(10, 1/8), f2 = log 1.
    assert mpl["error"] == pytest.approx(np.exp(0.5 * 0.5 * np.log(10 / 8)))
    assert (mpl["ok"], mpl["failed"]) == (2, 1)
    assert np.isnan(mpl["log_mae"])
    rows = fail(board(ERRORS), "mpl", "d1/schedule")
    assert line(leaderboard(rows, "schedule"), "mpl")["error"] == pytest.approx(np.exp(0.25 * np.log(1 / 8)))


def test_not_applicable_is_not_ranked_and_says_why() -> None:
    rows = fail(board(ERRORS), "mpl", "d3/schedule", "not_applicable", "the rate never changes")
    frame = leaderboard(rows, "schedule")
    mpl = line(frame, "mpl")
    assert mpl["rank"] is pd.NA
    assert np.isnan(mpl["skill"])
    assert mpl["why"] == "not applicable to d3/schedule: the rate never changes"
    assert frame["rank"].tolist()[:2] == [1, 2]


def test_missing_cells_are_not_ranked() -> None:
    rows = board(ERRORS)
    frame = leaderboard(rows[~((rows["entry"] == "mpl") & (rows["task"] != "d1/schedule"))], "schedule")
    assert line(frame, "mpl")["why"] == "no result on d2/schedule and 1 more"


def test_reference_rows_stand_below_without_a_rank() -> None:
    rows = board(ERRORS | {"mpl@published:x": [0.001] * 3})
    rows.loc[rows["recipe"] == "published:x", ["status", "reason"]] = ["reference", "fitted on the whole dataset"]
    frame = leaderboard(rows, "schedule")
    last = frame.iloc[-1]
    assert last["entry"] == "mpl@published:x"
    assert last["reference"]
    assert last["rank"] is pd.NA
    assert last["skill"] == pytest.approx(1 - 0.025)
    assert frame["rank"].tolist()[0] == 1
    assert pairwise(rows, "schedule")[["entry", "other"]].isin(["mpl@published:x"]).sum().sum() == 0


def test_unranked_tasks_and_other_tracks_never_enter() -> None:
    extra = board({"mpl": [1e-6], "power_steps": [9.0]}, {"d4/schedule": "f4"}, ranked=False)
    other = board({"mpl": [1e-6], "power_steps": [9.0]}, {"d5/scale": "f5"}, track="scale")
    rows = board(ERRORS)
    pd.testing.assert_frame_equal(
        leaderboard(pd.concat([rows, extra, other]), "schedule"), leaderboard(rows, "schedule")
    )


def test_entries_that_need_more_than_the_board_gives_are_left_out() -> None:
    rows = pd.concat([board(ERRORS), board({"sized": [1e-3] * 3}, needs="n_params,tokens")])
    frame = leaderboard(rows, "schedule")
    assert "sized" not in set(frame["entry"])
    assert frame.attrs["left_out"]["sized"] == "needs n_params, tokens, which this board does not give"


def test_horizon_tasks_with_lr_belong_to_both_boards() -> None:
    tasks = {"a/horizon": "f1"}
    with_lr = board(
        {"last_value": [0.1], "mpl": [0.01]}, tasks, track="horizon", provides="lr,prefix,steps", needs="steps"
    )
    with_lr.loc[with_lr["law"] == "mpl", "needs"] = "lr"
    without = board({"last_value": [0.2]}, {"b/horizon": "f2"}, track="horizon", provides="prefix,steps", needs="steps")
    rows = pd.concat([with_lr, without])
    assert leaderboard(rows, "horizon").attrs["tasks"] == ["a/horizon"]
    assert leaderboard(rows, "horizon")["entry"].tolist() == ["mpl", "last_value"]
    assert leaderboard(rows, "horizon-steps").attrs["tasks"] == ["a/horizon", "b/horizon"]
    assert leaderboard(rows, "horizon-steps")["entry"].tolist() == ["last_value"]


def test_unmasked_scores_are_an_option() -> None:
    rows = board(ERRORS)
    rows.loc[rows["law"] == "mpl", "log_mae_unmasked"] = 0.08
    assert line(leaderboard(rows, "schedule", masked=False), "mpl")["skill"] == pytest.approx(0.0)


def test_right_decisions_are_averaged_over_the_tasks_that_ask_for_any() -> None:
    rows = board(ERRORS | {"bad": [0.1, 0.1, 0.1]})
    pairs = dict(zip(TASKS, [3, 1, 0], strict=True))
    rows["n_decisions"] = rows["task"].map(pairs)
    rows["decisions"] = rows["task"].map(dict(zip(TASKS, [2 / 3, 1.0, NAN], strict=True)))
    rows = fail(rows, "bad", "d2/schedule")
    rows.loc[(rows["entry"] == "bad") & (rows["status"] == "failed"), "decisions"] = NAN
    frame = leaderboard(rows, "schedule")
    assert line(frame, "mpl")[["decisions", "decision_tasks", "decision_pairs"]].tolist() == [
        pytest.approx(5 / 6),
        2,
        4,
    ]
    assert line(frame, "bad")["decisions"] == pytest.approx(1 / 3)  # who fails decides nothing rightly
    nothing = leaderboard(board(ERRORS), "schedule")
    assert nothing["decisions"].isna().all()
    assert (nothing["decision_tasks"] == 0).all()


def test_intervals_and_evaluations_stand_beside_the_rank() -> None:
    rows = board(ERRORS).assign(cert_evaluations=10)
    mine = rows["entry"] == "mpl"
    rows.loc[mine, "coverage"] = [0.5, 0.9, NAN]
    rows.loc[mine, "width"] = [0.01, 0.03, NAN]
    frame = leaderboard(rows, "schedule")
    assert line(frame, "mpl")[["coverage", "width"]].tolist() == pytest.approx([0.7, 0.02])
    assert line(frame, "mpl")["interval_tasks"] == 2
    assert np.isnan(line(frame, "other")["coverage"])
    assert frame["evaluations"].tolist() == [30] * 3


def test_the_leader_is_told_from_others_by_all_pairs_of_the_board() -> None:
    rng = np.random.default_rng(3)
    others = {f"e{i}": list(np.exp(0.1 * rng.normal(size=5) + 0.3)) for i in range(4)}
    rows = board({"power_steps": [1.0] * 5, "mpl": [0.5, 0.6, 0.5, 0.6, 0.5]} | others, families(5))
    frame, pairs = leaderboard(rows, "schedule"), pairwise(rows, "schedule")
    leading = pairs[pairs["entry"] == frame["entry"].iloc[0]].set_index("other")
    for entry in frame["entry"].iloc[1:]:
        assert (line(frame, entry)["tied"] == "yes") == (leading.loc[entry, "p_holm"] >= 0.05)
    assert pairs["p_holm"].min() == pytest.approx(min(1.0, 15 * pairs["p"].min()))
