"""Runs of the replication of Chinchilla: one final loss a row of the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lawbench.data.card import Card
from lawbench.data.readers import read_columns
from lawbench.runs import Run


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 240 of 245 points strictly below the fifth largest loss, named by their row."""
    (path,) = files.values()
    table = read_columns(path, ["Model Size", "Training FLOP", "loss"])
    size, flop, loss = table["Model Size"], table["Training FLOP"], table["loss"]
    keep = np.flatnonzero(loss < np.sort(loss)[-5])
    return [
        Run.final(
            f"row-{i + 1:03d}",
            loss=loss[i],
            n_params=size[i],
            tokens=flop[i] / (6 * size[i]),
            dataset=card.name,
            meta={"flop": float(flop[i])},
        )
        for i in keep
    ]
