"""Runs of the over-training study: one JSON file and one final loss a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run

CORPORA = {"c4_original": "c4", "rpj": "redpajama", "rw_original": "refinedweb"}


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 104 runs with their loss on the C4 validation set."""
    return [_run(card, json.loads(path.read_text(encoding="utf-8"))) for path in files.values()]


def _run(card: Card, record: Mapping[str, Any]) -> Run:
    name, known = record["name"], record["hyperparameters"]
    c4 = [result for result in record["results"] if any("c4_val" in path for path in result["val_data"])]
    if len(c4) != 1:
        raise DataError(f"run '{name}' of '{card.name}' has {len(c4)} evaluations on C4: correct the loader.")
    corpus = CORPORA[record["dataset_name"]]
    return Run.final(
        name,
        loss=c4[0]["loss"],
        n_params=known["params"],
        tokens=known["tokens"],
        dataset=card.name,
        model=f"{c4[0]['model']} on {corpus}",
        meta={
            "corpus": corpus,
            "multiplier": float(known["chinchilla_multiplier"]),
            "n_params_no_embed": float(known["params_no_embed"]),
            "peak_lr": float(known["lr"]),
        },
    )
