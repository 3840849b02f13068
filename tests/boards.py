"""Rows of made-up boards, for every test of what is made of rows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lawbench.metrics import PRIMARY_KEYS

NAN = float("nan")
TASKS = {"d1/schedule": "f1", "d2/schedule": "f1", "d3/schedule": "f2"}


def cell(entry: str, task: str, error: float, **more: Any) -> dict[str, Any]:
    """One row of a schedule board; the entry label gives law and recipe."""
    law, _, recipe = entry.partition("@")
    row = {
        "law": law, "options": "warmup=ramp", "recipe": recipe or "common", "entry": entry, "task": task,
        "track": "schedule", "family": TASKS.get(task, "f9"), "dataset": task.split("/")[0],
        "provides": "lr,steps,tokens", "ranked": True, "metric": "log_mae",
        "log_mae_reducible": NAN, "log_mae_reducible_unmasked": NAN,
        "status": "ok", "reason": "", "log_mae": error, "log_mae_unmasked": 2 * error, "noise_floor": NAN,
        "extrapolation": 3.0, "seconds": 0.5, "n_params_law": 3, "group": "", "needs": "steps",
    }  # fmt: skip
    return row | more


def board(errors: dict[str, list[float]], tasks: dict[str, str] | None = None, **more: Any) -> pd.DataFrame:
    """Rows of several entries, one error a task."""
    where = tasks or TASKS
    return pd.DataFrame(
        [
            cell(entry, task, error, **({"family": family} | more))
            for entry, values in errors.items()
            for (task, family), error in zip(where.items(), values, strict=True)
        ]
    )


def families(n: int) -> dict[str, str]:
    return {f"d{i}/schedule": f"f{i}" for i in range(n)}


def fail(rows: pd.DataFrame, entry: str, task: str, status: str = "failed", reason: str = "it broke") -> pd.DataFrame:
    out = rows.copy()
    at = (out["entry"] == entry) & (out["task"] == task)
    assert at.sum() == 1
    out.loc[at, [f"{key}{end}" for key in PRIMARY_KEYS for end in ("", "_unmasked")]] = NAN
    out.loc[at, "status"] = status
    out.loc[at, "reason"] = reason
    return out


def line(frame: pd.DataFrame, entry: str) -> pd.Series:
    return frame.set_index("entry").loc[entry]


ERRORS = {"power_steps": [0.04, 0.04, 0.04], "mpl": [0.02, 0.005, 0.04], "other": [0.01, 0.01, 0.04]}
