"""What the page's script draws from: cells and curves as small whole numbers, one packed text a dataset.

Nothing here decides what may be shown: the caller passes only the panels and runs that may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lawbench.boards import BOARDS
from lawbench.report.colours import Style
from lawbench.report.packing import LOSS_UNIT, RESIDUAL_UNIT, runs_of, short, steps_of
from lawbench.report.panels import Gallery, Panel
from lawbench.report.tables import known_error
from lawbench.stats import relative_error

Params = Mapping[tuple[str, str], Mapping[str, float]]
Spread = Mapping[tuple[str, str], Mapping[str, tuple[float, float]]]

METRICS = ("log_mae", "log_mae_reducible", "log_mae_unmasked", "mae", "rmse", "r2", "prede", "worste", "final_error",
           "bias_last10", "decisions", "coverage", "width")  # fmt: skip
CERTIFICATE = ("objective", "cert_gradient_norm", "cert_starts", "cert_reached", "cert_agreement", "cert_condition",
               "cert_evaluations", "seconds")  # fmt: skip
RUNS_DRAWN, RUN_POINTS = 60, 60
"""Most runs drawn of a dataset, spread over all of them, and most points of each."""


def core(
    rows: pd.DataFrame,
    params: Params,
    looks: Mapping[str, Style],
    ids: Mapping[str, Mapping[str, str]],
    spread: Spread | None = None,
) -> dict[str, Any]:
    """Return entries, tasks and every cell that has a result, as lists of numbers.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    params : mapping
        ``(task, entry)`` to the fitted parameters.
    looks : mapping
        Entry to its look.
    ids : mapping
        For ``entry`` and ``task``, name to the id of its part of the page.
    spread : mapping, optional
        ``(task, entry)`` to the ends of the parameters' intervals.
    """
    scored = _scored(rows)
    entries, tasks = sorted(set(rows["entry"])), sorted(set(rows["task"]))
    place = {name: i for i, name in enumerate(entries)}
    first = rows.drop_duplicates("task").set_index("task")
    return {
        "entries": [
            [e, ids["entry"][e], looks[e].colour, looks[e].dash, looks[e].glyph, looks[e].filled] for e in entries
        ],
        "tasks": [[t, *_task(first.loc[t]), ids["task"].get(t)] for t in tasks],
        "metrics": list(METRICS),
        "certificate": list(CERTIFICATE),
        "baselines": _baselines(),
        "cells": [
            _cell(row, place, {t: i for i, t in enumerate(tasks)}, params, spread or {})
            for row in scored.sort_values(["task", "primary", "entry"], kind="stable").to_dict("records")
        ],
    }


def curves(gallery: Gallery, place: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the panels of a gallery: truth and every residual in whole units."""
    return [_panel(panel, place) for panel in gallery.panels]


def dataset_runs(runs: Sequence[Any]) -> dict[str, Any]:
    """Return the losses of a dataset's runs, thinned; runs of one point as points against compute.

    Examples
    --------
    >>> from lawbench import Run
    >>> dataset_runs([Run("a", np.arange(1, 4), np.array([3.0, 2.5, 2.25]))])["runs"][0]
    {'name': 'a', 'x': [1, 1, 1], 'y': [30000, -5000, -2500]}
    """
    long = [run for run in runs if len(run) > 1 and run.position is None]
    chosen = [long[i] for i in np.unique(np.linspace(0, len(long) - 1, min(len(long), RUNS_DRAWN)).round().astype(int))]
    points = sorted(
        (float(run.compute[-1]), float(run.loss[-1]))
        for run in runs
        if len(run) == 1 and run.position is None and run.compute is not None
    )
    out: dict[str, Any] = {"total": len(long), "runs": [_thin(run) for run in chosen]}
    if points:
        x, y = np.array(points).T
        out["points"] = {"x": steps_of(np.log10(x), 1e-4), "y": steps_of(y, LOSS_UNIT)}
    return out


def _thin(run: Any) -> dict[str, Any]:
    keep = np.unique(np.linspace(0, len(run) - 1, min(len(run), RUN_POINTS)).round().astype(int))
    return {"name": run.name, "x": steps_of(run.steps[keep]), "y": steps_of(run.loss[keep], LOSS_UNIT)}


def _panel(panel: Panel, place: Mapping[str, int]) -> dict[str, Any]:
    log = panel.kind == "compute"
    return {
        "task": panel.task,
        "kind": panel.kind,
        "title": panel.title,
        "x": steps_of(np.log10(panel.x), 1e-4) if log else steps_of(panel.x),
        "y": steps_of(panel.truth, LOSS_UNIT),
        "counts": runs_of(panel.counts),
        "floor": short(panel.floor),
        "lines": {place[e]: steps_of(np.log(line / panel.truth), RESIDUAL_UNIT) for e, line in panel.lines.items()},
    }


def _scored(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the cells that came to something or failed, with error, ratio to the baseline and place on the task."""
    out = rows[rows["status"] != "not_applicable"].copy()
    error = known_error(out)
    usable = out["status"].isin(["ok", "reference"]) & np.isfinite(error) & (error >= 0)
    out["primary"] = error.where(usable)
    base = out[out["entry"] == out["track"].map(_baselines())].set_index("task")["primary"]
    out["ratio"] = relative_error(out["primary"], out["task"].map(base).astype(float))
    out["place"] = out["primary"].where(out["status"] == "ok").groupby(out["task"]).rank(method="min")
    out["of"] = out["place"].groupby(out["task"]).transform("count")
    return out


def _baselines() -> dict[str, str]:
    return {board.track: board.baseline for board in BOARDS.values()}


def _task(row: pd.Series) -> list[Any]:
    return [row["track"], row["dataset"], short(row["noise_floor"]), short(row["extrapolation"]), bool(row["ranked"]),
            row["metric"]]  # fmt: skip


def _cell(
    row: Mapping[Any, Any], entries: Mapping[str, int], tasks: Mapping[str, int], params: Params, spread: Spread
) -> dict[str, Any]:
    """Return one cell; fields without a value are left out."""
    values, ends = params.get((row["task"], row["entry"]), {}), spread.get((row["task"], row["entry"]), {})
    own = [name for name in values if "[" in name]
    fields = {
        "e": entries[row["entry"]],
        "t": tasks[row["task"]],
        "s": None if row["status"] == "ok" else row["status"],
        "why": row["reason"],
        "err": short(row["primary"]),
        "ratio": short(row["ratio"]),
        "n": short(row["place"]),
        "of": short(row["of"]),
        "conv": None if pd.isna(row["converged"]) else int(row["converged"]),
        "bound": _names(row.get("cert_at_bound")),
        "free": _names(row.get("cert_unidentified")),
        "m": _numbers(row, METRICS),
        "c": _numbers(row, CERTIFICATE),
        "p": {
            name: [short(x, 5) for x in (value, *ends[name])] if name in ends else short(value, 5)
            for name, value in values.items()
            if "[" not in name
        },
        "own": len(own),
    }
    return {
        key: value for key, value in fields.items() if (value is not None and value not in ("", {}, 0)) or key in "et"
    }


def _names(value: Any) -> str:
    text = "" if value is None or value != value else str(value)
    names = text.split(",")
    return text if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} more"


def _numbers(row: Mapping[Any, Any], names: Sequence[str]) -> list[float | int | None]:
    values = [None if pd.isna(row.get(name)) else row[name] for name in names]
    return [short(value) for value in values]
