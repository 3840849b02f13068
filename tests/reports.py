"""Small reports of the tests' own: two datasets, five entries, made-up predictions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from lawbench.columns import as_frame, blank
from lawbench.runs import Run

ENTRIES = ("power_steps", "mpl", "mpl[warmup=raw]@paper", "compute_power", "chinchilla")
CURVES, POINTS = "multi-power-100m/schedule", "chinchilla-epoch/scale"


def fake_task(name: str) -> Any:
    """A small task with two curves, or with eight one-point runs."""
    if name == CURVES:
        truth = tuple(
            Run(f"run_{i}", np.arange(1, 301) * 100, 3 + (1 + i) * np.linspace(1, 10, 300) ** -0.5) for i in (0, 1)
        )
        counts = tuple(np.arange(300) >= 100 for _ in truth)
    else:
        truth = tuple(Run.final(f"r{i}", 2.0 + 0.123456 / (i + 1), 10.0**8, 10.0 ** (10 + i)) for i in range(8))
        counts = tuple(np.ones(1, bool) for _ in truth)
    dataset, _, track = name.partition("/")
    return SimpleNamespace(
        name=name, track=track, dataset=dataset, truth=lambda: truth, counts=counts, noise_floor=0.0003
    )


def fake_dataset(name: str) -> Any:
    """The runs of the small tasks, as the data that they are from."""
    return SimpleNamespace(runs=next(fake_task(t).truth() for t in (CURVES, POINTS) if t.startswith(name)))


def make_rows() -> pd.DataFrame:
    records = []
    for i, entry in enumerate(ENTRIES):
        task = POINTS if entry in ("compute_power", "chinchilla") else CURVES
        dataset, _, track = task.partition("/")
        law, _, recipe = entry.partition("@")
        records.append(
            blank()
            | {
                "law": law.split("[")[0],
                "options": "",
                "recipe": recipe or "common",
                "entry": entry,
                "task": task,
                "track": track,
                "family": dataset[:11],
                "dataset": dataset,
                "ranked": True,
                "metric": "log_mae",
                "status": "ok",
                "provides": "lr,n_params,steps,tokens" if task == CURVES else "n_params,tokens",
                "needs": "steps" if task == CURVES else "n_params,tokens",
                "log_mae": 0.0123 / (1 + i),
                "log_mae_unmasked": 0.0111 / (1 + i),
                "mae": 0.037 / (1 + i),
                "r2": 0.98,
                "noise_floor": 0.0003,
                "extrapolation": 3.0 + i,
                "n_fitted": 100,
                "n_scored": 50,
                "objective": 1.2e-4 * (1 + i),
                "seconds": 0.25,
                "converged": True,
                "n_params_law": 3,
                "cert_starts": 8,
                "cert_reached": 0.75,
                "cert_at_bound": "gamma" if i == 1 else "",
            }
        )
    failed = {**records[1], "entry": "other", "law": "other", "status": "failed", "log_mae": None,
              "reason": "it raised <ValueError> in /home/someone/secret/file.py"}  # fmt: skip
    return as_frame([*records, failed])


def make_predictions() -> dict[tuple[str, str], list[np.ndarray]]:
    out = {}
    for i, entry in enumerate(ENTRIES):
        task = POINTS if entry in ("compute_power", "chinchilla") else CURVES
        out[task, entry] = [run.loss * (1 + 0.002 * (i + 1)) for run in fake_task(task).truth()]
    return out
