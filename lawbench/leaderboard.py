"""Leaderboards: from a tidy frame of cells to ranked entries, pairs and comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lawbench.boards import BOARDS, Board, Grid, find_board, lay_out
from lawbench.comparisons import by_distance, pairwise, recipe_effect
from lawbench.contributions.label import CONTRIBUTED
from lawbench.stats import (
    LEVEL,
    MIN_FAMILIES,
    Floats,
    duels,
    family_means,
    pairs_told_apart,
    relative_error,
    skill,
    t_interval,
    win_rates,
)

__all__ = ["BOARDS", "Board", "by_distance", "find_board", "leaderboard", "pairwise", "recipe_effect"]

COLUMNS = (
    "rank", "entry", "law", "options", "recipe", "skill", "skill_low", "skill_high", "error", "log_mae", "floors",
    "win_rate", "mean_rank", "tied", "decisions", "decision_tasks", "decision_pairs", "coverage", "width",
    "interval_tasks", "ok", "not_applicable", "failed", "reference", "seconds", "evaluations", "n_params_law",
    "families", "tasks", "why",
)  # fmt: skip


def leaderboard(rows: pd.DataFrame, board: str, *, masked: bool = True) -> pd.DataFrame:
    """Return one board: its entries from best to worst, then those shown without a rank.

    Parameters
    ----------
    rows : DataFrame
        One row a cell, as `lawbench.run` returns.
    board : str
        One of `BOARDS`.
    masked : bool
        Score the points that count (the default), or all predicted points.

    Returns
    -------
    DataFrame
        One row an entry. ``skill`` is 1 minus the geometric mean of error relative to the board's
        baseline (families weigh equally), with a 95 % Student t interval over families; ``error``
        is that geometric mean, ``log_mae`` the geometric mean of the error itself (each task's
        primary metric: of log loss, or of the log of the reducible loss); ``floors`` is
        the error in multiples of the noise floor; ``tied`` is ``yes`` for an entry that cannot be
        told from the leader (paired over families, Holm-adjusted over all pairs of the board) and
        ``noise floor`` where no task separates them by more than its noise floor. ``decisions`` is
        the share of right decisions, the mean over the ``decision_tasks`` that ask for any, which
        they do of ``decision_pairs`` pairs of runs; a failed cell decides nothing rightly.
        ``coverage`` and ``width`` are means over the ``interval_tasks`` on which the entry gives
        prediction intervals. ``seconds`` and ``evaluations`` of the law are summed over all fits.
        ``attrs`` holds ``board``, ``title``,
        ``baseline``, ``families``, ``tasks``, ``note``, ``claims_best`` and ``left_out``.

    Raises
    ------
    UnknownNameError, InputError
        For an unknown board, missing columns, or two rows of one cell.
    """
    grid = lay_out(rows, board, masked=masked)
    table = _ranked(grid)
    table = table.sort_values(["rank", "entry"], kind="stable") if len(table) else table
    aside = pd.DataFrame([_aside(grid, entry) for entry in sorted(grid.why)], columns=list(COLUMNS))
    frame = _typed(pd.concat([f for f in (table, aside) if len(f)] or [table], ignore_index=True))
    frame.attrs = dict(_attributes(grid, frame))  # type: ignore[assignment]
    return frame


def _ranked(grid: Grid) -> pd.DataFrame:
    """Return the ranked entries with every column that compares them."""
    if not grid.entries or not grid.tasks:
        return pd.DataFrame(columns=list(COLUMNS))
    by_family, score = grid.by_family, grid.log_error
    rate, mean_rank = win_rates(duels(grid.error, grid.floor), grid.groups, score, grid.families)
    tied = _tied(grid)
    enough = by_family.shape[1] >= MIN_FAMILIES
    low, high = t_interval(by_family, LEVEL) if enough else np.full((2, len(score)), np.nan)
    records: list[dict[str, Any]] = []
    for i, entry in enumerate(grid.entries):
        records.append(
            _facts(grid, entry)
            | {
                "rank": 1 + int((score < score[i]).sum()),
                "skill": 0.0 - np.expm1(score[i]),
                "skill_low": 0.0 - np.expm1(high[i]),
                "skill_high": 0.0 - np.expm1(low[i]),
                "error": float(np.exp(score[i])),
                "win_rate": float(rate[i]),
                "mean_rank": float(mean_rank[i]),
                "tied": tied[i],
                "reference": False,
                "why": "",
            }
        )
    return pd.DataFrame(records, columns=list(COLUMNS))


def _facts(grid: Grid, entry: str) -> dict[str, Any]:
    """What an entry's own cells say: counts, cost, error in its own units."""
    own = grid.cells[grid.cells["entry"] == entry].set_index("task")
    first, status = own.iloc[0], own["status"]
    error = own["error"].reindex(list(grid.tasks)).to_numpy(dtype=np.float64)
    return {
        "entry": entry,
        "law": first["law"],
        "options": first["options"],
        "recipe": first["recipe"],
        "log_mae": _geometric_mean(error, grid.families),
        "floors": _balanced_mean(error / np.where(grid.floor > 0, grid.floor, np.nan), grid.families),
        "ok": int((status == "ok").sum()),
        "not_applicable": int((status == "not_applicable").sum()),
        "failed": int((status == "failed").sum()),
        **_decided(grid, own),
        "coverage": float(own["coverage"].mean()),
        "width": float(own["width"].mean()),
        "interval_tasks": int(own["coverage"].notna().sum()),
        "seconds": float(own["seconds"].sum()),
        "evaluations": float(own["cert_evaluations"].sum(min_count=1)),
        "n_params_law": float(own["n_params_law"].max()),
        "families": int(own["family"].nunique()),
        "tasks": len(own),
    }


def _decided(grid: Grid, own: pd.DataFrame) -> dict[str, Any]:
    """Share of right decisions between schedules, and on how many tasks and pairs it stands."""
    asked = own["n_decisions"].fillna(0).where(own["status"].isin(["ok", "reference", "failed"]), 0)
    share = own["decisions"].fillna(0.0)[asked > 0]
    return {
        "decisions": float(share.mean()),
        "decision_tasks": int((asked > 0).sum()),
        "decision_pairs": int(asked.sum()),
    }


def _aside(grid: Grid, entry: str) -> dict[str, Any]:
    """An entry that is shown without a rank."""
    own = grid.cells[grid.cells["entry"] == entry]
    reference = bool((own["status"] == "reference").any())
    out = dict.fromkeys(COLUMNS, np.nan) | _facts(grid, entry)
    out |= {"rank": None, "tied": "", "reference": reference, "why": grid.why[entry]}
    errors = own.set_index("task")["error"].reindex(list(grid.tasks))
    if errors.notna().all():
        logs = np.log(relative_error(errors.to_numpy(dtype=np.float64), grid.baseline))
        out["skill"] = float(skill(logs, grid.families))
        out["error"] = 1.0 - out["skill"]
    else:  # a mean over some of the tasks compares with nothing
        out["floors"] = np.nan
    return out


def _tied(grid: Grid) -> list[str]:
    """Say of every entry whether it can be told from the leader."""
    score = grid.log_error
    leader = int(np.argmin(score))
    within = np.abs(grid.error - grid.error[leader]) < grid.floor
    below = within.all(axis=1) & np.isfinite(grid.error).all(axis=1)
    out = np.where(below, "noise floor", "").astype(object)
    if len(set(grid.families)) >= MIN_FAMILIES:
        out = np.where(~(pairs_told_apart(grid.by_family)[leader] < 1 - LEVEL) & ~below, "yes", out)
    out[leader] = ""
    return [str(x) for x in out]


def _attributes(grid: Grid, frame: pd.DataFrame) -> dict[str, Any]:
    families = sorted(set(grid.families))
    ranked = frame[frame["rank"].notna()]
    enough = len(families) >= MIN_FAMILIES
    if not grid.tasks:
        note = f"No task can be ranked: the baseline {grid.board.baseline} has no result on any task of this board."
    elif not enough:
        count = "one dataset family" if len(families) == 1 else f"{len(families)} dataset families"
        note = f"The tasks come from {count}; below {MIN_FAMILIES} a board shows no interval and claims no best."
    else:
        note = (
            f"Intervals are {LEVEL:.0%} Student t intervals over {len(families)} dataset families; ties with the "
            "leader are paired over families and Holm-adjusted over all pairs of the board."
        )
    return {
        "board": grid.board.name,
        "title": grid.board.title,
        "track": grid.board.track,
        "baseline": grid.board.baseline,
        "families": families,
        "tasks": list(grid.tasks),
        "note": note + _elsewhere(frame),
        "claims_best": bool(enough and len(ranked) > 1 and (ranked["tied"] == "").all()),
        "left_out": dict(grid.left_out),
    }


def _elsewhere(frame: pd.DataFrame) -> str:
    """Say what a board holds that was not computed here."""
    there = bool((frame["recipe"] == CONTRIBUTED).any())
    return f" Entries @{CONTRIBUTED} were scored here on predictions from elsewhere: not reproduced." if there else ""


def _geometric_mean(error: Floats, families: tuple[str, ...]) -> float:
    """Family-balanced geometric mean of errors; NaN if one is missing."""
    if not error.size or np.isnan(error).any():
        return float("nan")
    with np.errstate(divide="ignore"):
        return float(np.exp(family_means(np.log(error), families).mean()))


def _balanced_mean(values: Floats, families: tuple[str, ...]) -> float:
    """Family-balanced mean over the tasks where a value is known."""
    there = np.isfinite(values)
    if not there.any():
        return float("nan")
    return float(family_means(values[there], [f for f, t in zip(families, there, strict=True) if t]).mean())


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type, also where the board is empty."""
    whole = ("decision_tasks", "decision_pairs", "interval_tasks", "ok", "not_applicable", "failed", "evaluations",
             "n_params_law", "families", "tasks")  # fmt: skip
    text = ("entry", "law", "options", "recipe", "tied", "why")
    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, "float64")
    kinds |= dict.fromkeys(text, "object") | dict.fromkeys((*whole, "rank"), "Int64") | {"reference": "bool"}
    return frame.astype(kinds)
