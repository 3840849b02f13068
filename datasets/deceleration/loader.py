"""Runs of the loss-deceleration study: one smoothed training-loss curve a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lawbench.data.card import Card
from lawbench.runs import Run

AFTER = 100
"""The source fits later updates only, and so do the runs."""


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the eight smoothed curves, on the source's own log-spaced updates after the hundredth."""
    (path,) = files.values()
    return [
        _run(card, name, record["smoothed_loss"]["x"], record["smoothed_loss"]["y"])
        for name, record in json.loads(path.read_text(encoding="utf-8")).items()
    ]


def _run(card: Card, name: str, x: list[int], y: list[float]) -> Run:
    updates, loss = np.array(x, dtype=np.int64), np.array(y)
    # One curve repeats its last point.
    keep = (updates > AFTER) & np.concatenate([[True], np.diff(updates) > 0])
    # The published fits are functions of x, and laws of the updates made, which are step + 1.
    steps = updates[keep] - 1
    return Run(name, steps, loss[keep], dataset=card.name, model=name, meta={"size": name})
