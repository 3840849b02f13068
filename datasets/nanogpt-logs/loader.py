"""Two logs of a 124M GPT-2 on FineWeb: a cosine with its rates, and a trapezoid whose plan is recalled only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule

COSINE = "records/track_1_short/2024-10-13_llmc/main.log"
TRAPEZOID = "records/track_1_short/2024-06-06_AdamW/f66d43d7-e449-4029-8adf-e8537bab49ea.log"


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the two runs with their validation loss from the end of the warm-up on."""
    return [
        _run(card, "cosine", files[COSINE], Schedule(_cosine(19560, 6e-4, 700), warmup=700), True),
        _run(card, "trapezoid", files[TRAPEZOID], Schedule(_trapezoid(9536, 1.8e-3, 250, 2000), warmup=250), False),
    ]


def _run(card: Card, name: str, file: Path, schedule: Schedule, logged: bool) -> Run:
    found = re.findall(r"^s:(\d+) tel:(\S+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if not found:
        raise DataError(f"'{file.name}' of '{card.name}' has no line `s:STEP tel:LOSS`: correct the loader.")
    updates, loss = np.array(found, dtype=np.float64).T
    trained = updates > schedule.warmup
    return Run(
        name,
        # An evaluation at s comes before the update of step s: it has seen those of steps 0 to s - 1.
        steps=updates[trained] - 1,
        loss=loss[trained],
        schedule=schedule,
        n_params=card.n_params,
        tokens_per_step=card.tokens_per_step,
        dataset=card.name,
        model=f"gpt2-124m of the {name} log",
        meta={"peak_lr": schedule.peak, "lr_logged": logged},
    )


def _cosine(steps: int, peak: float, warmup: int) -> FloatArray:
    """Return a line that is at the peak at the last warm-up step, then half a cosine to zero."""
    k = np.arange(steps, dtype=np.float64)
    u = np.maximum(k - warmup, 0) / (steps - warmup)
    return peak * np.minimum((k + 1) / warmup, 0.5 * (1 + np.cos(np.pi * u)))


def _trapezoid(steps: int, peak: float, warmup: int, warmdown: int) -> FloatArray:
    """Return a line that is at the peak at the last warm-up step, a plateau, and a line to zero."""
    k = np.arange(steps, dtype=np.float64)
    return peak * np.minimum(np.minimum((k + 1) / warmup, 1.0), (steps - k) / warmdown)
