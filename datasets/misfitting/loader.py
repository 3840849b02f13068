"""Runs of (Mis)Fitting: evaluations of 11 models under cosines of many lengths and peak rates."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.shapes import cosine

WARMUP = 50
END = 0.1
"""Defaults of the training code; the rates of these runs were not logged."""

Row = dict[str, str]
Key = tuple[str, str, str, str]


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return every sound run as a curve, and its last evaluation as a run of one point.

    A run is dropped whole where two of its rows have the same step, or one of its losses occurs in
    another run: it is then not known which rows are its own.
    """
    (path,) = files.values()
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    seen = Counter(row["loss"] for row in rows)
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["total_steps"], row["peak_lr"], row["sweep"]), []).append(row)
    sound = {key: own for key, own in groups.items() if not _mixed(own, seen)}
    curves = [_curve(card, own) for own in sound.values()]
    return curves + [_final(run) for run in curves]


def _mixed(rows: Sequence[Row], seen: Mapping[str, int]) -> bool:
    """Whether rows of several runs carry the name of one."""
    steps = [row["current_steps"] for row in rows]
    return len(set(steps)) < len(steps) or any(seen[row["loss"]] > 1 for row in rows)


def _curve(card: Card, rows: Sequence[Row]) -> Run:
    """Return a curve in order of steps, up to its planned end: beyond it no rate is known."""
    first, total = rows[0], int(rows[0]["total_steps"])
    kept = [row for row in rows if int(row["current_steps"]) <= total]
    kept.sort(key=lambda row: int(row["current_steps"]))
    updates, peak = np.array([int(row["current_steps"]) for row in kept]), float(first["peak_lr"])
    # Products such as 6 N D exceed 64-bit integers, so every count but the steps is a float.
    tokens = np.array([float(row["D"]) for row in kept])
    if not np.array_equal(tokens, np.array([float(row["train_tokens"]) for row in kept])):
        raise DataError(f"a run of '{card.name}' has two token counts: correct the loader.")
    size = first["model"].removeprefix("misfitting_")
    return Run(
        f"{size}-{total}-{peak:g}",
        steps=updates - 1,
        loss=np.array([float(row["loss"]) for row in kept]),
        schedule=cosine(total, peak, END * peak, WARMUP),
        n_params=float(first["N"]),
        tokens=tokens,
        tokens_per_step=card.tokens_per_step,
        dataset=card.name,
        model=f"{size} on c4",
        meta={
            "kind": "curve",
            "size": size,
            "total_steps": float(total),
            "peak_lr": peak,
            "evaluations": float(len(kept)),
            "n_params_no_embed": float(first["N_no_emb"]),
            "sweep": first["sweep"],
        },
    )


def _final(run: Run) -> Run:
    assert run.n_params is not None
    assert run.tokens is not None
    meta = {**run.meta, "kind": "final"}
    return Run.final(
        f"{run.name}-final",
        loss=float(run.loss[-1]),
        n_params=run.n_params,
        tokens=float(run.tokens[-1]),
        dataset=run.dataset,
        model=run.model,
        meta=meta,
    )
