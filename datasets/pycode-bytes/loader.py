"""Runs of three sizes: what each was is in ``runs.json``, its losses in two tables beside it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.shapes import named_schedule

Floats = NDArray[np.float64]


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return all finished runs, from the end of their warm-up on, with losses by position."""
    runs = []
    for record in sorted((path for path in files if path.endswith("runs.json")), key=_size):
        folder = record.rpartition("/")[0]
        about = json.loads(files[record].read_text(encoding="utf-8"))
        curves = _table(files[f"{folder}/curves.csv"].read_text(encoding="utf-8"))
        positions = _table(gzip.decompress(files[f"{folder}/positions.csv.gz"].read_bytes()).decode())
        finished = [one for one in about["runs"] if one["status"] == "ok"]
        runs += [_run(about, one, curves[one["name"]], positions[one["name"]]) for one in finished]
    return runs


def _run(about: Mapping[str, Any], record: Mapping[str, Any], curve: Floats, positions: Floats) -> Run:
    name, schedule = f"{about['size']}-{record['name']}", named_schedule(**record["schedule"])
    steps = curve[:, 0].astype(np.int64)
    if not np.array_equal(steps, positions[:, 0]):
        raise DataError(f"run '{name}': curves.csv and positions.csv.gz hold different steps; restore both files.")
    if not np.allclose(schedule.lr[steps], curve[:, 1], rtol=1e-8, atol=0):
        raise DataError(f"run '{name}': the rates of curves.csv are not those of its schedule; restore the files.")
    known = {"seed": record["seed"]}
    if record["parent"] is not None:
        known |= {"parent": f"{about['size']}-{record['parent']}", "branch": record["branch"]}
    run = Run(
        name,
        steps,
        curve[:, 2],
        schedule=schedule,
        n_params=about["n_params"]["without_embeddings"],
        tokens_per_step=about["tokens_per_step"],
        model=about["size"],
        meta={"size": about["size"], "schedule": record["name"], **known},
        position_loss=positions[:, 1:],
    )
    # Before the warm-up is over no law of the registry claims anything; the files keep those rows.
    return run.select(steps >= record["schedule"]["warmup"])


def _size(path: str) -> float:
    return float(path.partition("k/")[0])


def _table(text: str) -> dict[str, Floats]:
    """Return the rows of a table by run, as numbers, without the column of names."""
    rows: dict[str, list[list[float]]] = {}
    reader = csv.reader(io.StringIO(text))
    next(reader)
    for name, *values in reader:
        rows.setdefault(name, []).append([float(value) for value in values])
    return {name: np.array(values) for name, values in rows.items()}
