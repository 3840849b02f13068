"""What a board says in sentences, and the boards as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lawbench.report.tables import board_table, fixed, missing, pair_table, three

NAMED = 4
"""Most entries that a sentence names; of more it tells the number."""


def answer(board: pd.DataFrame) -> str:
    """Return who predicts best on a board, by how much, and how sure that is."""
    ranked = board[board["rank"].notna()]
    facts = board.attrs
    if ranked.empty:
        return f"Nothing is ranked here. {facts['note']}"
    first = ranked.iloc[0]
    families, tasks = len(facts["families"]), len(facts["tasks"])
    where = f"{_count(tasks, 'task')} from {_count(families, 'dataset family', 'dataset families')}"
    if first["entry"] == facts["baseline"]:
        lead = f"No entry predicts better than the baseline {facts['baseline']} on {where}."
    else:
        lead = (
            f"{first['entry']} has the smallest error on {where}: {three(first['error'])} times that of the "
            f"baseline {facts['baseline']} (skill {fixed(3)(first['skill'])}{_interval(first)}){_floors(first)}."
        )
    return " ".join([lead, *_certainty(board, ranked, families)])


def _certainty(board: pd.DataFrame, ranked: pd.DataFrame, families: int) -> list[str]:
    if len(ranked) == 1:
        return ["It is the only entry ranked here."]
    out = []
    within = ranked.loc[ranked["tied"] == "noise floor", "entry"].tolist()
    untold = ranked.loc[ranked["tied"] == "yes", "entry"].tolist()
    if untold:
        out.append(f"Over families it cannot be told from {_listed(untold)}.")
    if within:
        out.append(f"{_listed(within)} {'differs' if len(within) == 1 else 'differ'} from it by less than the noise.")
    if board.attrs["claims_best"]:
        out.append("It is told from every other entry.")
    elif families < 3:
        second = ranked.iloc[1]
        what = "the baseline" if second["entry"] == board.attrs["baseline"] else second["entry"]
        out.append(f"Next comes {what} ({three(second['error'])} times).")
        count = _count(families, "dataset family", "dataset families")
        out.append(f"With {count} there is no interval and no claim of a best entry.")
    return out


def markdown(boards: Mapping[str, pd.DataFrame], pairs: Mapping[str, pd.DataFrame], suite: str | None = None) -> str:
    """Return all boards as one Markdown document."""
    out = ["# Leaderboard", "", *([f"On the tasks of suite {suite}.", ""] if suite else [])]
    if not boards:
        out += ["No board has a task with a result of its baseline.", ""]
    for name, board in boards.items():
        out += [f"## {board.attrs['title']} (`{name}`)", "", answer(board), "", board.attrs["note"], ""]
        if len(board):
            out += [board_table(board).markdown()]
        why = board[board["why"] != ""]
        out += [f"- `{entry}` is not ranked: {reason}." for entry, reason in _stripped(why)] + [""] * bool(len(why))
        if len(pairs[name]):
            out += ["### Pairs", "", pair_table(pairs[name]).markdown()]
    return "\n".join(out)


def _stripped(why: pd.DataFrame) -> list[tuple[str, str]]:
    return [(e, w.rstrip(".")) for e, w in zip(why["entry"], why["why"], strict=True)]


def _interval(row: pd.Series) -> str:
    if missing(row["skill_low"]):
        return ""
    return f", 95 % interval {fixed(3)(row['skill_low'])} to {fixed(3)(row['skill_high'])}"


def _floors(row: pd.Series) -> str:
    return "" if missing(row["floors"]) else f", {three(row['floors'])} times the noise floor"


def _count(n: int, one: str, many: str = "") -> str:
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return f"{small[n] if n < len(small) else n} {one if n == 1 else many or one + 's'}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {_count(len(names) - NAMED, 'other')}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
