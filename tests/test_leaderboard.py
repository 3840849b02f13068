"""Boards: hand-computed tables, and bad input."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lawbench.boards import NEEDED
from lawbench.comparisons import recipe_summary
from lawbench.errors import InputError, UnknownNameError
from lawbench.leaderboard import BOARDS, by_distance, leaderboard, pairwise, recipe_effect
from lawbench.metrics import PRIMARY_KEYS

NAN = float("nan")
TASKS = {"d1/schedule": "f1", "d2/schedule": "f1", "d3/schedule": "f2"}


def cell(entry: str, task: str, error: float, **more: Any) -> dict[str, Any]:
    """One row of a schedule board; the entry label gives law and recipe."""
    law, _, recipe = entry.partition("@")
    row = {
        "law": law, "options": "warmup=ramp", "recipe": recipe or "common", "entry": entry, "task": task,
        "track": "schedule", "family": TASKS.get(task, "f9"), "dataset": task.split("/")[0],
        "provides": "lr,steps,tokens", "ranked": True, "metric": "log_mae",
        "log_mae_reducible": NAN, "log_mae_reducible_unmasked": NAN,
        "status": "ok", "reason": "", "log_mae": error, "log_mae_unmasked": 2 * error, "noise_floor": NAN,
        "extrapolation": 3.0, "seconds": 0.5, "n_params_law": 3, "group": "", "needs": "steps",
    }  # fmt: skip
    return row | more


def board(errors: dict[str, list[float]], tasks: dict[str, str] | None = None, **more: Any) -> pd.DataFrame:
    """Rows of several entries, one error a task."""
    where = tasks or TASKS
    return pd.DataFrame(
        [
            cell(entry, task, error, **({"family": family} | more))
            for entry, values in errors.items()
            for (task, family), error in zip(where.items(), values, strict=True)
        ]
    )


def families(n: int) -> dict[str, str]:
    return {f"d{i}/schedule": f"f{i}" for i in range(n)}


def fail(rows: pd.DataFrame, entry: str, task: str, status: str = "failed", reason: str = "it broke") -> pd.DataFrame:
    out = rows.copy()
    at = (out["entry"] == entry) & (out["task"] == task)
    assert at.sum() == 1
    out.loc[at, [f"{key}{end}" for key in PRIMARY_KEYS for end in ("", "_unmasked")]] = NAN
    out.loc[at, "status"] = status
    out.loc[at, "reason"] = reason
    return out


def line(frame: pd.DataFrame, entry: str) -> pd.Series:
    return frame.set_index("entry").loc[entry]


ERRORS = {"power_steps": [0.04, 0.04, 0.04], "mpl": [0.02, 0.005, 0.04], "other": [0.01, 0.01, 0.04]}


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
