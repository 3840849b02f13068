"""Runs of the over-training study: one JSON file and one final loss a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run

C4 = "c4_val"
"""Part of the path of the evaluation set whose loss is that of the run."""
EVALUATIONS = {
    "openlm": "openlm",
    "paloma-c4": "paloma_c4_en",
    "programming-languages": "paloma_dolma_100_programing_languages",
    "refinedweb": "paloma_falcon-refinedweb",
    "penn-treebank": "paloma_ptb",
    "redpajama": "paloma_redpajama",
    "german-english": "de-en",
}
"""Name of every other evaluation set, and part of its path."""
CORPORA = {"c4_original": "c4", "rpj": "redpajama", "rw_original": "refinedweb"}


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 104 runs with their loss on the C4 validation set, and beside it those on seven other sets."""
    return [_run(card, json.loads(path.read_text(encoding="utf-8"))) for path in files.values()]


def _run(card: Card, record: Mapping[str, Any]) -> Run:
    name, known = record["name"], record["hyperparameters"]
    c4 = _evaluation(card, record, C4)
    corpus = CORPORA[record["dataset_name"]]
    return Run.final(
        name,
        loss=c4["loss"],
        n_params=known["params"],
        tokens=known["tokens"],
        dataset=card.name,
        model=f"{c4['model']} on {corpus}",
        evaluations={key: [_evaluation(card, record, path)["loss"]] for key, path in EVALUATIONS.items()},
        meta={
            "corpus": corpus,
            "multiplier": float(known["chinchilla_multiplier"]),
            "n_params_no_embed": float(known["params_no_embed"]),
            "peak_lr": float(known["lr"]),
        },
    )


def _evaluation(card: Card, record: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = [result for result in record["results"] if any(f"/{part}/" in path for path in result["val_data"])]
    if len(found) != 1:
        raise DataError(
            f"run '{record['name']}' of '{card.name}' has {len(found)} evaluations on '{part}': correct the loader."
        )
    only: Mapping[str, Any] = found[0]
    return only
