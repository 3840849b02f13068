"""Comparisons beside a leaderboard: pairs of entries, distance, recipes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lawbench.boards import lay_out
from lawbench.stats import (
    LEVEL,
    MIN_FAMILIES,
    duels,
    family_means,
    paired_p,
    pairs_told_apart,
    relative_error,
    t_interval,
)

PAIR_COLUMNS = ("entry", "other", "ratio", "low", "high", "wins", "ties", "losses", "p", "p_holm", "verdict")
SUMMARY_COLUMNS = ("ratio", "low", "high", "families", "tasks", "beyond_floor")


def pairwise(rows: pd.DataFrame, board: str, *, masked: bool = True) -> pd.DataFrame:
    """Return every pair of ranked entries of a board, the better one first.

    Returns
    -------
    DataFrame
        ``ratio`` is the geometric mean of the error of `entry` over that of `other` (families weigh
        equally), ``low`` and ``high`` its 95 % Student t interval over families, ``wins``,
        ``ties``, ``losses`` count tasks (a difference below the noise floor is a tie), ``p`` is a
        paired t test over families, ``p_holm`` the same adjusted over all pairs of the board
        (`lawbench.stats.pairs_told_apart`).
        ``verdict`` is ``better``, ``not told apart``, ``noise floor``, or empty with fewer than
        three families.
    """
    grid = lay_out(rows, board, masked=masked)
    if not grid.tasks or len(grid.entries) < 2:
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    order = np.argsort(grid.log_error, kind="stable")
    by_family, scores = grid.by_family, duels(grid.error, grid.floor)
    enough = by_family.shape[1] >= MIN_FAMILIES
    adjusted = pairs_told_apart(by_family)
    first, second = (order[at] for at in np.triu_indices(len(order), k=1))
    difference, score = by_family[first] - by_family[second], scores[first, second]
    low, high = t_interval(difference, LEVEL)
    unknown = np.full(len(first), np.nan)
    frame = pd.DataFrame(
        {
            "entry": [grid.entries[i] for i in first],
            "other": [grid.entries[j] for j in second],
            "ratio": np.exp(difference.mean(axis=-1)),
            "low": np.exp(low) if enough else unknown,
            "high": np.exp(high) if enough else unknown,
            "wins": (score == 1).sum(axis=-1),
            "ties": (score == 0.5).sum(axis=-1),
            "losses": (score == 0).sum(axis=-1),
            "p": paired_p(difference) if enough else unknown,
            "p_holm": adjusted[first, second] if enough else unknown,
        }
    )
    told = np.where(frame["p_holm"] < 1 - LEVEL, "better", "not told apart" if enough else "")
    frame["verdict"] = np.where(frame["ties"] == len(grid.tasks), "noise floor", told)
    return frame[list(PAIR_COLUMNS)]


def by_distance(rows: pd.DataFrame, board: str, *, masked: bool = True) -> pd.DataFrame:
    """Return error against extrapolation distance: one row a ranked entry and task.

    Returns
    -------
    DataFrame
        Columns ``entry``, ``law``, ``recipe``, ``task``, ``family``, ``extrapolation`` (how far
        beyond the fitted steps, tokens or sizes), ``log_mae`` (the task's primary metric),
        ``ratio`` (to the baseline, clipped), ``floors``; failed cells have no ``log_mae``.
    """
    grid = lay_out(rows, board, masked=masked)
    columns = ["entry", "law", "recipe", "task", "family", "extrapolation", "log_mae", "ratio", "floors"]
    if not grid.entries or not grid.tasks:
        return pd.DataFrame(columns=columns)
    shape = (grid.entries, grid.tasks)
    cells = pd.MultiIndex.from_product(shape, names=["entry", "task"]).to_frame(index=False)
    cells["log_mae"], cells["ratio"] = grid.error.ravel(), grid.ratio.ravel()
    cells["floors"] = (grid.error / np.where(grid.floor > 0, grid.floor, np.nan)).ravel()
    known = grid.cells[["entry", "task", "law", "recipe", "family", "extrapolation"]]
    out = cells.merge(known, on=["entry", "task"], how="left", validate="one_to_one")
    return out.sort_values(["entry", "extrapolation", "task"], kind="stable")[columns].reset_index(drop=True)


def recipe_effect(rows: pd.DataFrame, board: str, *, masked: bool = True) -> pd.DataFrame:
    """Return what the recipe does: each law under other recipes, relative to its default entry.

    Returns
    -------
    DataFrame
        One row a law, options, recipe and task, with ``log_mae`` (the task's primary metric),
        ``common`` (the error under the recipe ``common`` with default options), ``ratio`` (above 1
        is worse than ``common``) and ``beyond_floor`` (whether the two differ by more than the
        noise floor; empty where it is unknown).
        Reference rows are included: the effect is about the fit, not the rank.
    """
    grid = lay_out(rows, board, masked=masked)
    key = ["law", "task"]
    cells = grid.cells[grid.cells["error"].notna()]
    # The label of an entry is its law where options and recipe are the defaults.
    common = cells[cells["entry"] == cells["law"]]
    out = cells[cells["recipe"] != "common"].merge(
        common[[*key, "error"]].rename(columns={"error": "common"}), on=key, how="inner", validate="many_to_one"
    )
    out = out.rename(columns={"error": "log_mae"})
    out["ratio"] = out["log_mae"] / out["common"].where(out["common"] > 0)
    gap = (out["log_mae"] - out["common"]).abs() >= out["noise_floor"]
    out["beyond_floor"] = gap.astype("boolean").mask(out["noise_floor"].isna())
    columns = ["law", "options", "recipe", "task", "family", "status", "log_mae", "common", "ratio", "beyond_floor"]
    return out.sort_values([*key, "recipe", "options"], kind="stable")[columns].reset_index(drop=True)


def recipe_summary(rows: pd.DataFrame, board: str, *, masked: bool = True) -> pd.DataFrame:
    """Return what each recipe does to a law over a board: one row a law, options, recipe and status.

    Returns
    -------
    DataFrame
        ``ratio`` is the geometric mean of the error over that under the recipe ``common``, each
        clipped as relative errors are, families weighing equally; ``low`` and ``high`` its 95 %
        Student t interval over families, empty with fewer than three of them; ``families`` and
        ``tasks`` count where both recipes have an error, ``beyond_floor`` the tasks on which they
        differ by more than the noise floor. Cells that are ``reference``, whose source has seen more
        than the fitted points, stand in rows of their own.
    """
    effect = recipe_effect(rows, board, masked=masked)
    key = ["law", "options", "recipe", "status"]
    records = []
    for names, own in effect.groupby(key, sort=True):
        families = own["family"].tolist()
        ratio = relative_error(own["log_mae"].to_numpy(), own["common"].to_numpy())
        by_family = family_means(np.log(ratio), families)
        low, high = t_interval(by_family) if by_family.size >= MIN_FAMILIES else (np.nan, np.nan)
        records.append(
            {
                **dict(zip(key, names, strict=True)),
                "ratio": float(np.exp(by_family.mean())),
                "low": float(np.exp(low)),
                "high": float(np.exp(high)),
                "families": by_family.size,
                "tasks": len(own),
                "beyond_floor": int(own["beyond_floor"].sum()),
            }
        )
    return pd.DataFrame(records, columns=[*key, *SUMMARY_COLUMNS])
