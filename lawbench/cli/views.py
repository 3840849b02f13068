"""Other views of a board than its leaderboard: pairs, mean ranks, how steady the order is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import typer

from lawbench.cli.say import as_json, table
from lawbench.errors import InputError
from lawbench.leaderboard import find_board, pairwise
from lawbench.ranks import critical_difference
from lawbench.stability import stability, steadiness


def show(rows: pd.DataFrame, boards: Sequence[str], views: Sequence[str], *, masked: bool, json: bool) -> None:
    """Print views of boards, as tables or as one JSON object of board and view; empty ones only as JSON.

    Raises
    ------
    InputError
        If points that do not count are to be scored and the view scores both ways anyhow.
    """
    if not masked and "stability" in views:
        raise InputError("--stability scores a board both ways: leave --unmasked out.")
    made = {name: {view: _VIEWS[view](rows, name, masked) for view in views} for name in boards}
    if json:
        as_json({n: {v: {"rows": f.to_dict("records"), **f.attrs} for v, f in own.items()} for n, own in made.items()})
        return
    for name, own in made.items():
        for view, frame in own.items():
            if frame.empty and len(boards) > 1:
                continue
            typer.echo(f"\n{name}: {find_board(name).title} ({_TITLES[view]})")
            table(list(frame.columns), [[_cell(value) for value in line] for line in frame.itertuples(index=False)])
            if view == "ranks":
                typer.echo(_of_ranks(frame.attrs))


def _pairs(rows: pd.DataFrame, board: str, masked: bool) -> pd.DataFrame:
    return pairwise(rows, board, masked=masked)


def _ranks(rows: pd.DataFrame, board: str, masked: bool) -> pd.DataFrame:
    frame = critical_difference(rows, board, masked=masked)
    return frame[["entry", "mean_rank", "group", "copies"]]


def _stability(rows: pd.DataFrame, board: str, masked: bool) -> pd.DataFrame:
    return steadiness(stability(rows, board))


_VIEWS: Mapping[str, Callable[[pd.DataFrame, str, bool], pd.DataFrame]] = {
    "pairs": _pairs,
    "ranks": _ranks,
    "stability": _stability,
}
_TITLES = {
    "pairs": "ratio of errors, 95 % interval over families, tasks won",
    "ranks": "mean ranks, near-copies counted once",
    "stability": "its order under other choices; tau 1 is the same order",
}


def _of_ranks(attrs: Mapping[Any, Any]) -> str:
    distance = attrs["critical_distance"]
    if pd.isna(distance):
        return "Fewer than three families of datasets, or two entries, give no critical distance."
    runs = "; ".join(f"{run[0]} to {run[-1]}" for run in attrs["not_told_apart"]) or "none"
    return f"Critical distance {distance:.2f} over {attrs['families']} families. Not told apart: {runs}."


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.3g}"
    return str(value)
