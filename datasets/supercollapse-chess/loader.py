"""Runs of the scaling-collapse study on chess: eight sizes, five seeds, linear decay or a constant rate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.data.card import Card
from lawbench.data.pickles import read_frame
from lawbench.data.thinning import thinned
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.schedule import Schedule

PER_STEP = 512 * 128
WARMUP = 152  # 10M tokens
LR_TOLERANCE = 1e-6


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 40 decayed runs, then the 40 constant ones, each by size and seed."""
    made: dict[tuple[int, str], Schedule] = {}
    tables = [read_frame(files[path]).sort_values(["D", "seed"]) for path in sorted(files)]
    return [_run(card, row, made) for table in tables for _, row in table.iterrows()]


def _run(card: Card, row: Any, made: dict[tuple[int, str], Schedule]) -> Run:
    log, shape = row.history, str(row.schedule)
    name = f"{shape}-d{row.D}-seed{row.seed}"
    updates = log.step.to_numpy()
    key = (int(updates[-1]) + 1, shape)
    if key not in made:
        made[key] = _schedule(*key, float(row.lr))
    schedule = made[key]
    # A row after s updates has seen the rates of steps 0 to s - 1, and shows that of step s.
    off = float(np.max(np.abs(schedule.lr[updates] - log.lr.to_numpy()))) / schedule.peak
    if off > LR_TOLERANCE:
        raise DataError(f"run '{name}' of '{card.name}' logs rates {off:.1e} off its schedule: correct the loader.")
    steps = updates - 1
    after = np.flatnonzero(steps >= WARMUP)
    keep = after[thinned(steps[after])]
    return Run(
        name,
        steps[keep],
        log.test_loss.to_numpy()[keep],
        schedule=schedule,
        n_params=float(row.num_params),
        tokens_per_step=float(PER_STEP),
        dataset=card.name,
        model=f"d{row.D}",
        meta={"width": int(row.D), "schedule": shape, "seed": int(row.seed), "peak": float(row.lr)},
    )


def _schedule(total: int, shape: str, peak: float) -> Schedule:
    """Return the rates of all updates: a ramp from 0 that is at the peak at step 152, then linear to 0 or constant."""
    k = np.arange(total, dtype=np.float64)
    rest = 1 - (k - WARMUP) / (total - WARMUP) if shape == "linear" else np.ones(total)
    # In single precision, as the runs were made and the logs have it.
    return Schedule((peak * np.where(k < WARMUP, k / WARMUP, rest)).astype(np.float32), warmup=WARMUP)
