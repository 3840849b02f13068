"""Runs of Marin at equal compute: one table and one final loss a run for each of three corpora."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from lawbench.data.card import Card
from lawbench.runs import Run

PREFIX, OPTIMAL = "exp2166-scaling-ladder-", "validation-optimal"
HELD_OUT = 3e20
"""The largest budget of the isoflop runs."""
LR_COLUMNS = ("optimizer.learning_rate", "learning_rate")
"""The column has two names, and no values in one of the tables."""


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the runs of the three tables; their columns are read by name, for their order differs."""
    return [run for path in files.values() for run in _table(card, path)]


def _table(card: Card, path: Path) -> list[Run]:
    corpus = path.stem.removeprefix("isoflop-")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    swept = {_shape(row) for row in rows if OPTIMAL not in row["Name"]}
    return [_run(card, corpus, row, repeats=_shape(row) in swept) for row in rows]


def _shape(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        row[name]
        for name in ("parameter_count", "throughput/total_tokens", "trainer.train_batch_size", "model.num_layers")
    )


def _run(card: Card, corpus: str, row: Mapping[str, str], *, repeats: bool) -> Run:
    optimal = OPTIMAL in row["Name"]
    # Read as floats: 6 N D exceeds 64-bit integers here.
    flop = float(row["throughput/total_gflops"]) * 1e9
    kind = ("repeat" if repeats else "optimal") if optimal else "isoflop"
    budget = float(f"{flop:.1e}")
    meta: dict[str, bool | float | str] = {
        "corpus": corpus,
        "kind": kind,
        "flop": flop,
        "budget": budget,
        "held_out": kind == "optimal" or (kind == "isoflop" and budget == HELD_OUT),
        "sequences": float(row["trainer.train_batch_size"]),
        "updates": float(row["trainer.num_train_steps"]),
    }
    rate = next((row[name] for name in LR_COLUMNS if row.get(name)), "")
    if rate:
        meta["peak_lr"] = float(rate)
    return Run.final(
        re.sub(r"-[0-9a-f]{6}$", "", row["Name"].removeprefix(PREFIX)) if optimal else row["Name"],
        loss=float(row["eval/paloma/macro_loss"]),
        n_params=float(row["parameter_count"]),
        tokens=float(row["throughput/total_tokens"]),
        dataset=card.name,
        model=f"llama on {corpus}",
        meta=meta,
    )
