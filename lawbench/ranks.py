"""Ranks of a board, and the distance below which mean ranks are not told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lawbench.boards import Grid, lay_out
from lawbench.stats import LEVEL, MIN_FAMILIES, duels, representatives, win_rates

COLUMNS = ("entry", "law", "recipe", "group", "mean_rank", "copies")


def critical_difference(rows: pd.DataFrame, board: str, *, masked: bool = True, level: float = LEVEL) -> pd.DataFrame:
    """Return the mean rank of the entries of a board, and which of them are not told apart.

    A side view: ranks forget how much better an entry is, and depend on who else takes part. Entries
    that are near-copies of each other count once, by the best of them. A task's ranks are those of
    its errors, where a difference below the noise floor is a tie; tasks weigh equally within a
    family and families equally. The critical distance is Nemenyi's, with families as its blocks.

    Parameters
    ----------
    rows : DataFrame
        One row a cell, as `lawbench.run` returns.
    board : str
        Name of the board.
    masked : bool
        Score only points that count, or all predicted points.
    level : float
        One minus the chance that any two of equal entries are told apart.

    Returns
    -------
    DataFrame
        One row a group of near-copies, best mean rank first: ``entry`` (the best of the group),
        ``law``, ``recipe``, ``group``, ``mean_rank``, ``copies`` (how many entries it stands for).
        ``attrs`` holds ``critical_distance`` (NaN with fewer than three families or two groups),
        ``not_told_apart`` (lists of entries whose mean ranks differ by less, longest runs only),
        ``families`` (their number), ``level`` and ``board``.

    Raises
    ------
    UnknownNameError, InputError
        As `lawbench.boards.lay_out`.
    """
    grid = lay_out(rows, board, masked=masked)
    frame = _mean_ranks(grid)
    families = len(set(grid.families))
    distance = nemenyi_distance(len(frame), families, level) if families >= MIN_FAMILIES else float("nan")
    runs = not_told_apart(frame["mean_rank"], distance)
    frame.attrs = {
        "board": grid.board.name,
        "level": level,
        "families": families,
        "critical_distance": distance,
        "not_told_apart": [frame["entry"].iloc[first : last + 1].tolist() for first, last in runs],
    }
    return frame


def nemenyi_distance(entries: int, blocks: int, level: float = LEVEL) -> float:
    """Return the difference of mean ranks from which on two entries are told apart.

    Nemenyi's two-tailed test after Friedman's, as in Demsar, JMLR 7 (2006), equation for CD;
    NaN for fewer than two entries or no block.

    Examples
    --------
    >>> round(nemenyi_distance(10, 12), 2)  # ten laws, twelve tasks
    3.91
    """
    from scipy.stats import studentized_range

    if entries < 2 or blocks < 1:
        return float("nan")
    q = float(studentized_range.ppf(level, entries, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(entries * (entries + 1) / (6 * blocks)))


def not_told_apart(mean_rank: ArrayLike, distance: float) -> list[tuple[int, int]]:
    """Return the longest runs of sorted mean ranks that lie within a distance, as first and last index.

    Examples
    --------
    >>> not_told_apart([1.0, 2.0, 3.0, 5.0], 2.5)
    [(0, 2), (2, 3)]
    """
    rank = np.asarray(mean_rank, dtype=np.float64)
    lasts = [int(np.flatnonzero(rank - low < distance).max(initial=-1)) for low in rank]
    out: list[tuple[int, int]] = []
    for first, last in enumerate(lasts):
        if last > first and (not out or last > out[-1][1]):
            out.append((first, last))
    return out


def _mean_ranks(grid: Grid) -> pd.DataFrame:
    if not grid.entries or not grid.tasks:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"mean_rank": "float64", "copies": "int64"})
    score = grid.log_error
    _, mean_rank = win_rates(duels(grid.error, grid.floor), grid.groups, score, grid.families)
    best = representatives(grid.groups, score)
    names = [grid.entries[i] for i in best]
    known = grid.cells.drop_duplicates("entry").set_index("entry").loc[names]
    frame = pd.DataFrame(
        {
            "entry": names,
            "law": known["law"].to_list(),
            "recipe": known["recipe"].to_list(),
            "group": [grid.groups[i] for i in best],
            "mean_rank": mean_rank[best],
            "copies": [grid.groups.count(grid.groups[i]) for i in best],
        }
    )
    return frame.sort_values(["mean_rank", "entry"], kind="stable", ignore_index=True)[list(COLUMNS)]
