"""Boards: what must hold on any of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawbench.leaderboard import leaderboard, pairwise

from .boards import NAN, board, fail, line

errors = st.floats(1e-4, 1.0)
names = ["power_steps", "alpha", "beta", "gamma"]


@st.composite
def boards(draw: st.DrawFn) -> pd.DataFrame:
    tasks = {f"d{i}/schedule": f"f{draw(st.integers(0, 3))}" for i in range(draw(st.integers(1, 5)))}
    floor = draw(st.sampled_from([NAN, 1e-3, 0.1]))
    rows = board({name: [draw(errors) for _ in tasks] for name in names}, tasks, noise_floor=floor)
    for name in names[1:]:
        if draw(st.integers(0, 5)) == 0:
            rows = fail(rows, name, draw(st.sampled_from(sorted(tasks))))
    return rows


@given(boards())
@settings(max_examples=40, deadline=None)
def test_skill_of_the_baseline_is_zero(rows: pd.DataFrame) -> None:
    assert line(leaderboard(rows, "schedule"), "power_steps")["skill"] == 0.0


@given(boards(), st.sampled_from(names[1:]), st.floats(0.5, 2.0))
@settings(max_examples=40, deadline=None)
def test_copies_change_nobodys_win_rate(rows: pd.DataFrame, name: str, near: float) -> None:
    before = leaderboard(rows, "schedule").set_index("entry")
    copy = rows[rows["entry"] == name].assign(entry=f"{name}[k=1]", options="k=1")
    after = leaderboard(pd.concat([rows, copy]), "schedule").set_index("entry").loc[before.index]
    columns = ["win_rate", "mean_rank", "skill", "error"]
    pd.testing.assert_frame_equal(before[columns], after[columns])
    # A worse near-copy that declares the group does not count either.
    worse = copy.assign(entry="copy", law="copy", options="", group=name, log_mae=copy["log_mae"] * max(near, 1.0))
    after = leaderboard(pd.concat([rows, worse]), "schedule").set_index("entry").loc[before.index]
    if rows[rows["entry"] == name]["status"].eq("ok").all():
        pd.testing.assert_frame_equal(before[["win_rate", "mean_rank"]], after[["win_rate", "mean_rank"]])


@given(boards(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_does_not_matter(rows: pd.DataFrame, random: Any) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(leaderboard(rows, "schedule"), leaderboard(rows.iloc[order], "schedule"))
    pd.testing.assert_frame_equal(pairwise(rows, "schedule"), pairwise(rows.iloc[order], "schedule"))


@given(boards(), st.sampled_from(names[1:]), st.data())
@settings(max_examples=60, deadline=None)
def test_failing_never_improves_an_entry(rows: pd.DataFrame, name: str, data: st.DataObject) -> None:
    task = data.draw(st.sampled_from(sorted(set(rows["task"]))))
    broken = fail(rows, name, task)
    before, after = leaderboard(rows, "schedule"), leaderboard(broken, "schedule")
    assert line(after, name)["win_rate"] <= line(before, name)["win_rate"] + 1e-12
    others = before.set_index("entry").drop(name)
    now = after.set_index("entry").loc[others.index]
    own = rows[(rows["entry"] == name) & (rows["task"] == task)]["log_mae"].iloc[0]
    rest = rows[(rows["entry"] != name) & (rows["task"] == task)]["log_mae"]
    if own <= rest.max():  # someone is at least as bad: its score cannot get better
        assert line(after, name)["error"] >= line(before, name)["error"] * (1 - 1e-12)
        assert ((others["error"] >= line(before, name)["error"]) | (now["error"] < line(after, name)["error"])).all()


@given(boards())
@settings(max_examples=40, deadline=None)
def test_win_rates_of_a_complete_board_average_to_one_half(rows: pd.DataFrame) -> None:
    frame = leaderboard(rows, "schedule")
    assert frame["win_rate"].mean() == pytest.approx(0.5)
    assert frame["mean_rank"].mean() == pytest.approx((len(frame) + 1) / 2)


@given(boards())
@settings(max_examples=30, deadline=None)
def test_every_error_is_within_the_clip(rows: pd.DataFrame) -> None:
    frame = leaderboard(rows, "schedule")
    assert frame["error"].between(0.01 * (1 - 1e-12), 100 * (1 + 1e-12)).all()
    assert (frame["skill"] < 1).all()
