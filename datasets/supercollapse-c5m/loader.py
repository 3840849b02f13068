"""Runs of the scaling-collapse study on CIFAR-5M: 45 runs under five schedules, 40 compute-optimal ones."""

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
from lawbench.schedule import FloatArray, Schedule

LENGTH = 1024
WARMUP = 762  # 50M tokens at 65,536 a step
BATCH = 64  # the column `B` says 512, `tokens` says 64
OPTIMAL_WARMUP = 1000
LR_TOLERANCE = 1e-6
SHAPES = {
    "const": lambda x: np.ones_like(x),
    "linear": lambda x: 1 - x,
    "cosine": lambda x: 0.5 * (1 + np.cos(np.pi * x)),
    "quadratic": lambda x: 1 - x**2,
    "multicosine": lambda x: 0.5 * (1 + np.cos(3 * np.pi * x)),
}


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 45 runs under several schedules, then the 40 compute-optimal ones."""
    tables = {Path(path).name: read_frame(local) for path, local in files.items()}
    made: dict[tuple[Any, ...], Schedule] = {}
    runs = [_scheduled(card, row, made) for _, row in tables["c5m_schedules.pkl"].iterrows()]
    return runs + [_optimal(card, row, made) for _, row in tables["c5m.pkl"].iterrows()]


def _scheduled(card: Card, row: Any, made: dict[tuple[Any, ...], Schedule]) -> Run:
    per_step, log = BATCH * LENGTH, row.history
    total, shape, share = int(row["T"] // per_step), row.schedule, float(row.decay_frac)
    label = shape if shape == "const" else f"{shape}-{share:g}"
    name = f"d{row.D}-{row['T'] / 1e9:g}B-{label}"
    key = (total, shape, share)
    if key not in made:
        # The decay takes its share of the steps after the warm-up.
        made[key] = _schedule(total, WARMUP, float(row.lr), WARMUP + (1 - share) * (total - WARMUP), shape)
    updates = log.tokens.to_numpy() / per_step
    meta = {"set": "schedules", "width": int(row.D), "horizon": float(row["T"]), "schedule": label, "seed": 0,
            "peak": float(row.lr)}  # fmt: skip
    return _run(card, name, log, updates, made[key], float(row.num_params), per_step, f"schedules-d{row.D}", meta)


def _optimal(card: Card, row: Any, made: dict[tuple[Any, ...], Schedule]) -> Run:
    per_step, log = int(row.B) * LENGTH, row.history
    name = f"optimal-d{row.D}-seed{row.seed:g}"
    # Rows of other seeds' logs were filled in: with the last own row, or (seed 0) by interpolation.
    # What is the run's own has spent the compute of its own step.
    own = np.abs(log.compute * 1e15 / (6 * row.P * per_step) / log.step - 1) < 1e-9
    log = log[own.to_numpy()]
    total = int(log.step.iloc[-1])
    key = (total,)
    if key not in made:
        made[key] = _schedule(total, OPTIMAL_WARMUP, float(row.lr), OPTIMAL_WARMUP, "linear")
    meta = {"set": "optimal", "width": int(row.D), "horizon": float(total * per_step), "schedule": "linear-1",
            "seed": int(row.seed), "peak": float(row.lr)}  # fmt: skip
    updates = log.step.to_numpy(dtype=np.float64)
    return _run(card, name, log, updates, made[key], float(row.P), per_step, f"optimal-d{row.D}", meta)


def _schedule(total: int, warmup: int, peak: float, start: float, shape: str) -> Schedule:
    """Return the rates of all updates: a ramp from 0 that is at the peak at step `warmup`, then the shape."""
    k = np.arange(total, dtype=np.float64)
    rest = SHAPES[shape](np.clip((k - start) / (total - start), 0.0, 1.0))
    # In single precision, as the runs were made: that decides up to which step two of them are alike.
    return Schedule((peak * np.where(k < warmup, k / warmup, rest)).astype(np.float32), warmup=warmup)


def _run(
    card: Card, name: str, log: Any, updates: FloatArray, schedule: Schedule, n_params: float, per_step: int,
    model: str, meta: dict[str, Any],
) -> Run:  # fmt: skip
    """Check the rates of a log, and keep some of its points from the end of the warm-up on."""
    # A row after s updates has seen the rates of steps 0 to s - 1, and shows that of step s; the last has none.
    logged, inside = log.lr.to_numpy(), updates < len(schedule)
    rebuilt = schedule.lr[updates[inside].astype(np.int64)]
    off = float(np.max(np.abs(rebuilt - logged[inside]))) / schedule.peak
    if off > LR_TOLERANCE or (logged[~inside] > LR_TOLERANCE * schedule.peak).any():
        raise DataError(f"run '{name}' of '{card.name}' logs rates {off:.1e} off its schedule: correct the loader.")
    steps, losses = updates.astype(np.int64) - 1, log.test_loss.to_numpy()
    after = np.flatnonzero(steps >= schedule.warmup)
    keep = after[thinned(steps[after])]
    return Run(
        name, steps[keep], losses[keep], schedule=schedule, n_params=n_params, tokens_per_step=float(per_step),
        dataset=card.name, model=model, meta=meta,
    )  # fmt: skip
