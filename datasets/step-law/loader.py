"""Runs of Step Law: one final loss a row of two tables, dense and mixture of experts."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run

DIVERGED = 3.5
"""Smoothed losses above it are of runs that diverged or barely trained."""
PRINTED = 0.006
"""Largest relative distance of a printed rate from its place on the grid."""


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the rows that trained; `best` marks the lowest loss of each model and number of tokens."""
    runs = [run for path in files.values() for run in _table(card, path)]
    lowest: dict[tuple[str, float], Run] = {}
    for run in runs:
        cell = run.model, run.meta["planned_tokens"]
        if cell not in lowest or run.loss[0] < lowest[cell].loss[0]:
            lowest[cell] = run
    best = {run.name for run in lowest.values()}
    return [replace(run, meta={**run.meta, "best": run.name in best}) for run in runs]


def _table(card: Card, path: Path) -> list[Run]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if float(row["smooth loss"]) <= DIVERGED]
    return [_run(card, row) for row in rows]


def _run(card: Card, row: Mapping[str, str]) -> Run:
    experts = row.get("moe_name", "")
    n_params, tokens, rate = float(row["N"]), float(row["D"]), _on_grid(row["lr"])
    model = f"moe-{experts}" if experts else f"dense-{n_params / 1e6:.0f}m"
    return Run.final(
        f"{model}-{tokens / 1e9:g}b-lr{rate:.3g}-bs{row['bs']}",
        loss=float(row["smooth loss"]),
        n_params=n_params,
        tokens=tokens,
        dataset=card.name,
        model=model,
        meta={
            "kind": "moe" if experts else "dense",
            "planned_tokens": tokens,
            "peak_lr": rate,
            "sequences": float(row["bs"]),
            "updates": float(row["ti"]),
            "active_params": float(row.get("Na", row["N"])),
        },
    )


def _on_grid(printed: str) -> float:
    """Return the peak rate, a power of the square root of 2, that is printed with three or four digits."""
    rate = float(printed)
    exact = math.pow(2.0, round(2 * math.log2(rate)) / 2)
    if abs(rate / exact - 1) > PRINTED:
        raise DataError(f"peak rate {printed} of 'step-law' is no power of the square root of 2: correct the loader.")
    return exact
