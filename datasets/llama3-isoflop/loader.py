"""Points at equal compute that were read off a figure of the Llama 3 report."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from lawbench.data.card import Card
from lawbench.runs import Run


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 133 points with the loss of the figure's axis, named by their order in the table."""
    (path,) = files.values()
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["condition"] == "raw_loss"]
    return [
        Run.final(
            f"point-{i:03d}",
            loss=float(row["loss"]),
            n_params=float(row["params"]),
            tokens=float(row["tokens"]),
            dataset=card.name,
            meta={"budget": float(row["budget"])},
        )
        for i, row in enumerate(rows, start=1)
    ]
