"""Write imported runs as a dataset: a card, and clean CSV files beside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lawbench import splits
from lawbench.data.card import Card, read_card
from lawbench.data.dataset import read_dataset
from lawbench.errors import InputError
from lawbench.logs.importing import Imported, Request
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.tasks import make_task

FIT_UNTIL, SCORE_FROM = 0.5, 0.7
FITTED, SCORED = 4, 2
"""Fewest points that a horizon task fits and scores; with fewer there is no task."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Written:
    """A dataset that was written, and the runs that got no task, with the reason."""

    card: Card
    without_task: Mapping[str, str]


def check_name(name: str, to: Path) -> Path:
    """Return the folder of a new dataset.

    Raises
    ------
    InputError
        If the name cannot name a folder, or the folder exists.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"'{name}' cannot name a dataset: use letters, digits, dots, dashes and underscores.")
    if (to / name).exists():
        raise InputError(f"'{to / name}' exists and is not overwritten: choose another --name or --to.")
    return to / name


def write_dataset(name: str, to: Path, runs: Sequence[Imported], request: Request) -> Written:
    """Write a dataset and load it the ordinary way; nothing is left behind if that fails.

    Parameters
    ----------
    name : str
    to : Path
        Folder in which the dataset's folder is made.
    runs : sequence of Imported
    request : Request

    Raises
    ------
    InputError
        If the folder cannot be written or exists already.
    CardError, DataError
        If the dataset cannot be loaded.
    """
    folder = check_name(name, to)
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=to, prefix=".import-") as scratch:
            made = Path(scratch, name)
            made.mkdir()
            without = _fill(made, name, runs, request)
            data = read_dataset(read_card(made))
            for task in data.card.tasks:
                make_task(data, task)
            os.rename(made, folder)
    except OSError as error:
        raise InputError(f"'{folder}' cannot be written ({error.strerror}): choose another --to.") from error
    return Written(read_card(folder), without)


def _fill(made: Path, name: str, runs: Sequence[Imported], request: Request) -> dict[str, str]:
    files: list[dict[str, Any]] = []
    tables: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    without: dict[str, str] = {}
    for run in runs:
        prefix = "" if len(runs) == 1 else f"{run.name}/"
        curve, schedule = f"{prefix}curve.csv", run.rates.shape
        files.append(_put(made / curve, curve, _curve(run)))
        if run.rates.lr is not None and schedule is None:
            path = f"{prefix}lr.csv"
            files.append(_put(made / path, path, _rates(run)))
            schedule = {"kind": "file", "file": path}
        tables.append(_run(name, run, curve, schedule, request, alone=len(runs) == 1))
        task = _task(run, alone=len(runs) == 1)
        if isinstance(task, str):
            without[run.name] = task
        else:
            tasks.append(task)
    text = "\n".join(_card(name, runs, files, tables, tasks, request)) + "\n"
    (made / "card.toml").write_text(text, encoding="utf-8")
    return without


def _card(
    name: str,
    runs: Sequence[Imported],
    files: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    request: Request,
) -> Iterator[str]:
    """Return the lines of the card."""
    alone = len(runs) == 1
    many = "" if alone else f", {len(runs)} runs"
    about: dict[str, Any] = {
        "title": f"{name}: own logs{many}",
        "citation": "own runs; "
        + "; ".join(f"{run.path.name} (sha256 {run.sha256})" for run in runs),
        "licence": "not stated",
        "redistributable": False,
        "family": name,
        "n_params": request.n_params,
        "n_params_counts": "not known" if request.n_params is None else "as told on import",
        "tokens_are": "; ".join(dict.fromkeys(run.tokens_are for run in runs)),
        "quirks": list(dict.fromkeys(f"{'' if alone else f'{run.name}: '}{q}" for run in runs for q in run.quirks)),
    }  # fmt: skip
    yield from _pairs(about)
    kinds = {run.chosen.kind for run in runs}
    smoothing = "none stated by the log"
    unit = "as logged; nats per token is assumed"
    yield from _table(
        "[loss]", {"kind": kinds.pop() if len(kinds) == 1 else "unknown", "smoothing": smoothing, "unit": unit}
    )
    yield from _table("[source]", {"files": files})
    for table in tables:
        yield from _table("[[runs]]", table)
    for task in tasks:
        yield from _table("[[tasks]]", task)


def _run(
    name: str, run: Imported, curve: str, schedule: Mapping[str, Any] | None, request: Request, *, alone: bool
) -> dict[str, Any]:
    columns = {"lr": "lr"} if run.rates.lr is not None else {}
    columns |= {"tokens": "tokens"} if run.tokens is not None else {}
    return {
        "name": run.name,
        "file": curve,
        "columns": columns or None,
        "schedule": schedule,
        "model": name if alone else f"{name}/{run.name}",
        "tokens_per_step": run.tokens_per_step,
        "meta": None if request.vocabulary is None else {"vocabulary": float(request.vocabulary)},
    }


def _task(run: Imported, *, alone: bool) -> dict[str, Any] | str:
    """Return the horizon task of a run, or the reason why it has none."""
    lr = run.rates.lr
    whole = Run(run.name, run.curve.steps, run.curve.values, None if lr is None else Schedule(lr))
    until, start = (splits.horizon_steps(whole, fraction) for fraction in (FIT_UNTIL, SCORE_FROM))
    fitted, scored = int(np.sum(whole.steps < until)), int(np.sum(whole.steps >= start))
    if fitted < FITTED or scored < SCORED:
        return (
            f"{fitted} points in the first {FIT_UNTIL:.0%} of its steps and {scored} in the last {1 - SCORE_FROM:.0%}; "
            f"a task needs {FITTED} and {SCORED}"
        )
    branch = splits.branch_step(whole, [whole], FIT_UNTIL)
    one = {"runs": [run.name]}
    return {
        "name": "horizon-50" if alone else f"horizon-50-{run.name}",
        "track": "horizon",
        "note": "The first 50 % of the optimiser steps of a run, to its last 30 %.",
        "fit": one,
        "predict": one,
        "fit_until": FIT_UNTIL,
        "score_from": SCORE_FROM,
        "fitted_points": fitted,
        "scored_points": scored,
        "curves": [] if branch is None else [{"run": run.name, "branch": branch, "points": scored}],
    }


def _curve(run: Imported) -> Iterator[str]:
    steps, loss, lr, tokens = run.curve.steps, run.curve.values, run.rates.lr, run.tokens
    names = ["step", "loss", *(["lr"] if lr is not None else []), *(["tokens"] if tokens is not None else [])]
    yield ",".join(names)
    for i, step in enumerate(steps):
        cells = [loss[i], *([lr[step]] if lr is not None else []), *([tokens[i]] if tokens is not None else [])]
        yield f"{step}," + ",".join(repr(float(cell)) for cell in cells)


def _rates(run: Imported) -> Iterator[str]:
    assert run.rates.lr is not None
    yield "step,lr"
    for step, rate in enumerate(run.rates.lr):
        yield f"{step},{float(rate)!r}"


def _put(path: Path, name: str, lines: Iterator[str]) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    with path.open("rb") as written:
        return {"path": name, "sha256": hashlib.file_digest(written, "sha256").hexdigest(),
                "bytes": path.stat().st_size}  # fmt: skip


def _table(head: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield head
    yield from _pairs(content)


def _pairs(content: Mapping[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if value is None:
            continue
        if isinstance(value, list) and value and not all(isinstance(item, int | float) for item in value):
            yield f"{key} = ["
            yield from (f"    {toml(item)}," for item in value)
            yield "]"
        else:
            yield f"{key} = {toml(value)}"


def toml(value: Any) -> str:
    """Return a value as TOML.

    Examples
    --------
    >>> toml({"kind": "cosine", "steps": 10, "peak": 3e-4, "on": True, "in": ["a", "b"]})
    '{ kind = "cosine", steps = 10, peak = 0.0003, on = true, in = ["a", "b"] }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A JSON string is a TOML string but for one character that JSON leaves as it is.
        whole = value.encode("utf-8", "replace").decode("utf-8")
        return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return repr(value)
