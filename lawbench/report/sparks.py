"""The small picture of skill in each line of a board: a dot and its interval on one common axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

WIDTH = 120.0
"""Width of the picture in its own units."""
_WIDEST = (0.02, 20.0)


@dataclass(frozen=True)
class Spark:
    """Places on the axis from 0 to `WIDTH`, right is better: the entry, its interval, and the baseline."""

    at: float
    low: float | None
    high: float | None
    baseline: float


def sparks(board: pd.DataFrame) -> dict[str, Spark]:
    """Return the picture of every entry with an error; the axis is the log of error relative to the baseline.

    Examples
    --------
    >>> board = pd.DataFrame({"entry": ["a", "b"], "error": [0.5, 1.0], "skill_low": [None, None],
    ...                       "skill_high": [None, None]})
    >>> sparks(board)["a"].at > sparks(board)["b"].at == sparks(board)["b"].baseline
    True
    """
    shown = board[board["error"].notna()]
    ends = [1.0]
    for column in ("error", "skill_low", "skill_high"):
        values = shown[column].dropna().astype(float)
        ends += [float(v) for v in (values if column == "error" else 1.0 - values)]
    least, most = (math.log(_clipped(f(ends))) for f in (min, max))

    def place(error: float) -> float:
        share = (most - math.log(_clipped(error))) / ((most - least) or 1.0)
        return round(4 + (WIDTH - 8) * share, 1)

    out = {}
    for entry, error, lower, upper in shown[["entry", "error", "skill_low", "skill_high"]].itertuples(index=False):
        known = pd.notna(lower) and pd.notna(upper)
        low, high = (place(1 - lower), place(1 - upper)) if known else (None, None)
        out[str(entry)] = Spark(place(error), low, high, place(1.0))
    return out


def _clipped(error: float) -> float:
    return min(max(float(error), _WIDEST[0]), _WIDEST[1])
