"""Runs of the routed-models study: one row an evaluation, 223 runs in one compressed table."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lawbench.data.card import Card
from lawbench.runs import Run

Row = dict[str, str]


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return every run as a curve, and its last evaluation as a run of one point."""
    (path,) = files.values()
    groups: dict[str, list[Row]] = {}
    with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            groups.setdefault(row["hyper_id"], []).append(row)
    curves = [_curve(card, rows) for rows in groups.values()]
    return curves + [_final(run) for run in curves]


def _curve(card: Card, rows: Sequence[Row]) -> Run:
    """Return the validation curve without its untrained start and without missing losses.

    The file counts updates: the row of step 0 is the model before the first one.
    """
    kept = [row for row in rows if int(row["step"]) > 0 and row["loss_validation"] not in ("", "nan", "NaN")]
    first, router, size = rows[0], rows[0]["router_type"].lower(), rows[0]["model_size_label"].lower()
    experts = "" if router == "dense" else f"-e{first['num_experts']}"
    wider = "" if float(first["flop_increase"]) == 1 else f"-x{float(first['flop_increase']):g}"
    options = "".join(f"-{name}{first[name]}" for name in ("k", "routing_frequency"))
    return Run(
        f"{router}-{size}{wider}{experts}-{int(first['hyper_id']):03d}",
        steps=np.array([int(row["step"]) - 1 for row in kept]),
        loss=np.array([float(row["loss_validation"]) for row in kept]),
        n_params=float(first["total_parameter_count"]),
        tokens_per_step=card.tokens_per_step,
        dataset=card.name,
        model=f"{router}-{size}{wider}{experts}{options}",
        meta={
            "kind": "curve",
            "router": router,
            "size": size,
            "experts": float(first["num_experts"]),
            "flop_increase": float(first["flop_increase"]),
            "dense_params": float(first["dense_parameter_count"]),
            "seed": float(first["seed"]),
        },
    )


def _final(run: Run) -> Run:
    assert run.n_params is not None
    assert run.tokens is not None
    return Run.final(
        f"{run.name}-final",
        loss=float(run.loss[-1]),
        n_params=run.n_params,
        tokens=float(run.tokens[-1]),
        dataset=run.dataset,
        model=run.model,
        meta={**run.meta, "kind": "final"},
    )
