"""How much the order of a board hangs on the choices behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lawbench.boards import Grid, lay_out
from lawbench.stats import Floats, family_means

UNCLIPPED = (1e-12, 1e12)
"""Ends between which no error of a benchmark is clipped."""
COLUMNS = ("variant", "entry", "rank", "skill", "tau", "leader_stays")


@dataclass(frozen=True)
class _Variant:
    """A board scored in another way: the log error of its entries."""

    name: str
    log_error: dict[str, float]


def stability(rows: pd.DataFrame, board: str) -> pd.DataFrame:
    """Return the order of a board under other choices, each changed alone.

    Variants: ``as ranked``; ``without FAMILY`` for every family of datasets; ``unmasked`` (all
    predicted points count); ``unclipped`` (relative errors are not clipped). Only entries that the
    board ranks take part.

    Parameters
    ----------
    rows : DataFrame
        One row a cell, as `lawbench.run` returns.
    board : str
        Name of the board.

    Returns
    -------
    DataFrame
        One row a variant and entry, best first within a variant: ``variant``, ``entry``, ``rank``,
        ``skill``, and of the variant as a whole ``tau`` (Kendall's tau-b of its order and the
        board's; 1 is the same order, NaN where either order is all ties) and ``leader_stays``
        (whether the board's leader, or one of several with equal skill, leads in it too).

    Raises
    ------
    UnknownNameError, InputError
        As `lawbench.boards.lay_out`.
    """
    grid = lay_out(rows, board)
    if not grid.entries or not grid.tasks:
        return pd.DataFrame(columns=list(COLUMNS))
    variants = list(_variants(rows, grid))
    whole = variants[0].log_error
    frame = pd.concat([_ordered(variant, whole) for variant in variants], ignore_index=True)
    return frame.astype({"rank": "int64", "leader_stays": "bool"})[list(COLUMNS)]


def steadiness(order: pd.DataFrame) -> pd.DataFrame:
    """Return one row a variant of `stability`: how far its order is from the board's.

    Returns
    -------
    DataFrame
        ``variant``, ``tau``, ``leader`` (entries of rank 1, joined by commas), ``leader_stays``,
        ``largest_move`` (most ranks that any entry moves, against ``as ranked``).
    """
    columns = ["variant", "tau", "leader", "leader_stays", "largest_move"]
    if order.empty:
        return pd.DataFrame(columns=columns)
    ranks = order.pivot(index="variant", columns="entry", values="rank")
    first = str(order["variant"].iloc[0])
    move = (ranks - ranks.loc[first]).abs().max(axis=1)
    leader = order[order["rank"] == 1].groupby("variant")["entry"].agg(", ".join)
    out = order.drop_duplicates("variant")[["variant", "tau", "leader_stays"]]
    out = out.assign(leader=out["variant"].map(leader), largest_move=out["variant"].map(move).astype("int64"))
    return out.reset_index(drop=True)[columns]


def _variants(rows: pd.DataFrame, grid: Grid) -> Iterator[_Variant]:
    """Yield the board as it is ranked, then every other way to score it."""
    logs, families = np.log(grid.ratio), np.array(grid.families)
    yield _Variant("as ranked", _named(grid, grid.log_error))
    names = sorted(set(grid.families))
    for name in names if len(names) > 1 else ():
        kept = families != name
        left = family_means(logs[:, kept], families[kept].tolist()).mean(axis=-1)
        yield _Variant(f"without {name}", _named(grid, left))
    for name, other in (
        ("unmasked", lay_out(rows, grid.board.name, masked=False)),
        ("unclipped", lay_out(rows, grid.board.name, clip=UNCLIPPED)),
    ):
        own = _named(other, other.log_error)
        if set(grid.entries) <= set(own) and other.tasks == grid.tasks:
            yield _Variant(name, {entry: own[entry] for entry in grid.entries})


def _named(grid: Grid, log_error: Floats) -> dict[str, float]:
    return dict(zip(grid.entries, log_error.round(12).tolist(), strict=True))


def _ordered(variant: _Variant, whole: dict[str, float]) -> pd.DataFrame:
    """Return the rows of a variant."""
    entries, own = list(variant.log_error), np.array(list(variant.log_error.values()))
    board = np.array([whole[entry] for entry in entries])
    leads = {entry for entry, value in variant.log_error.items() if value == own.min()}
    led = {entry for entry, value in whole.items() if value == board.min()}
    frame = pd.DataFrame(
        {
            "variant": variant.name,
            "entry": entries,
            "rank": [1 + int((own < value).sum()) for value in own],
            "skill": 0.0 - np.expm1(own),
            "tau": _tau(own, board),
            "leader_stays": bool(leads & led),
        }
    )
    return frame.sort_values(["rank", "entry"], kind="stable")


def _tau(a: Floats, b: Floats) -> float:
    """Return Kendall's tau-b; NaN where all values of either are equal."""
    from scipy.stats import kendalltau

    if len(np.unique(a)) < 2 or len(np.unique(b)) < 2:
        return float("nan")
    return float(kendalltau(a, b).statistic)
