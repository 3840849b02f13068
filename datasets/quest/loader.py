"""Runs of QuEST that are not quantised: one final loss a run, from a JSON list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lawbench.data.card import Card
from lawbench.runs import Run


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the six runs with weights and activations of 16 bits and no quantiser, smallest first."""
    (path,) = files.values()
    records = json.loads(path.read_text(encoding="utf-8"))
    plain = [
        record
        for record in records
        if record["w_quant"] == record["a_quant"] == "NoQuantizer" and record["w_bits"] == record["a_bits"] == 16
    ]
    return [
        Run.final(
            f"{record['model_size']}m",
            loss=float(record["loss"]),
            n_params=float(record["non_embedding_parameters"]),
            tokens=float(record["tokens"]),
            dataset=card.name,
            model="llama on c4",
            meta={
                "peak_lr": float(record["args"]["lr"]),
                "updates": float(record["args"]["iterations"]),
                "seed": float(record["args"]["seed"]),
            },
        )
        for record in sorted(plain, key=lambda record: float(record["tokens"]))
    ]
