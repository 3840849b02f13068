"""IsoFLOP tables of the study on scaling-law discrepancies: one final loss a model size and compute budget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lawbench.data.card import Card
from lawbench.data.pickles import read_frame
from lawbench.runs import Run

COUNT = "standard"
CORPORA = {"rw": "refinedweb", "owt2": "openwebtext2"}


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return every point of the experiments whose sizes are counted the standard way."""
    tables = [read_frame(path) for path in files.values()]
    chosen = [row for table in tables for _, row in table.iterrows() if row.param_count == COUNT]
    return [run for row in chosen for _, budget in row["data"].iterrows() for run in _points(card, row, budget)]


def _points(card: Card, row: Any, budget: Any) -> list[Run]:
    """Return the runs of one compute budget."""
    corpus = CORPORA[row.dataset]
    experiment = f"{corpus}-{row.hparams}-{row.warmup}-{row.decay}"
    table = zip(budget.orig_n, budget.orig_t, budget.orig_loss, strict=True)
    return [
        Run.final(
            f"{experiment}-{budget.flops:.3g}-{n / 1e6:.1f}M",
            loss=float(loss),
            n_params=float(n),
            tokens=float(tokens),
            dataset=card.name,
            model=experiment,
            meta={
                "experiment": experiment,
                "corpus": corpus,
                "hparams": row.hparams,
                "warmup": row.warmup,
                "decay": row.decay,
                "budget": float(budget.flops),
                "tokens_per_param": float(tokens / n),
            },
        )
        for n, tokens, loss in table
    ]
