"""What has to be predicted, for people without lawbench; and the file of results, for people with it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from lawbench.contributions.schema import FORMAT, SCHEMA, Contribution, parse_contribution
from lawbench.data.dataset import find_card
from lawbench.errors import InputError
from lawbench.runs import Run, WithheldRun
from lawbench.suites import find_suite
from lawbench.tasks import Task, load_task

TASKS_FORMAT = "lawbench tasks"
Schedules = dict[str, list[list[float]]]


def export_tasks(suite: str, *, fitted: bool = False) -> dict[str, Any]:
    """Return what a law may know of every task of a suite, as JSON can hold it.

    Parameters
    ----------
    suite : str
        Name or label of a suite.
    fitted : bool
        Also give the runs to fit, with their losses. They keep the licence of their source, which
        stands beside them.

    Returns
    -------
    dict
        ``format``, ``schema``, ``suite``; ``schedules``: name -> pairs of a learning rate and for how
        many steps it holds; ``tasks``: task -> ``track``, ``metric``, ``provides``, ``loss``,
        ``licence``, ``predict`` (and ``fit``): run -> ``steps`` counted from 0, name of its ``schedule``,
        ``n_params``, ``tokens`` at every point, ``model``, ``meta``, and ``position``. No loss of a
        run to predict is in it.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such suite, or the data of a task cannot be reached.

    Examples
    --------
    >>> out = export_tasks("smoke")
    >>> out["suite"], sorted(out["tasks"])[-1]
    ('smoke-1', 'pycode-bytes/schedule-25k')
    """
    found = find_suite(suite)
    schedules: Schedules = {}
    tasks = {name: _task(load_task(name), fitted, schedules) for name in found.tasks}
    return {"format": TASKS_FORMAT, "schema": SCHEMA, "suite": found.label, "schedules": schedules, "tasks": tasks}


def contribution(
    law: Mapping[str, Any],
    suite: str,
    predictions: Mapping[str, Sequence[ArrayLike]],
    *,
    entry: str | None = None,
    params: Mapping[str, Mapping[str, float]] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Contribution:
    """Return a contribution made of predictions of ``task.test``, run by run.

    Parameters
    ----------
    law : mapping
        ``name``, ``title``, ``reference``, ``year``, ``needs``, ``n_params``, and ``group``.
    suite : str
        Name or label of a suite.
    predictions : mapping
        Task -> one array a run of ``task.test``.
    entry : str, optional
        Label; the law's name if None.
    params, seconds : mapping, optional
        Task -> fitted parameters, and how long the fit took.

    Raises
    ------
    InputError
        If it does not follow the format.
    """
    return parse_contribution(
        {
            "format": FORMAT,
            "schema": SCHEMA,
            "entry": entry or law.get("name", ""),
            "law": {**law, "needs": sorted(law.get("needs", ()))},
            "suite": find_suite(suite).label,
            "tasks": {
                name: {
                    "predictions": _by_run(load_task(name), curves),
                    "params": {key: float(value) for key, value in (params or {}).get(name, {}).items()},
                    "seconds": (seconds or {}).get(name),
                }
                for name, curves in predictions.items()
            },
        }
    )


def write_contribution(made: Contribution, path: str | Path) -> Path:
    """Write a contribution to a file; an existing file is not overwritten.

    Raises
    ------
    InputError
        If the file exists or cannot be written.
    """
    return write_json(made.model_dump(mode="json", by_alias=True, exclude_none=True), path)


def write_json(value: Any, path: str | Path) -> Path:
    """Write a value as JSON, whole or not at all; an existing file is not overwritten.

    Raises
    ------
    InputError
        If the file exists or cannot be written.
    """
    target = Path(path)
    if target.exists():
        raise InputError(f"'{target}' exists and is not overwritten: choose another name.")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".lawbench-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file, allow_nan=False, ensure_ascii=False)
            file.write("\n")
        os.chmod(name, 0o644)
        os.replace(name, target)
    except OSError as error:
        raise InputError(f"'{target}' cannot be written ({error.strerror}): choose another folder.") from error
    return target


def _by_run(task: Task, curves: Sequence[ArrayLike]) -> dict[str, list[float]]:
    import numpy as np

    if len(curves) != len(task.test):
        raise InputError(f"task '{task.name}' has {len(task.test)} runs to predict, but {len(curves)} predictions.")
    return {run.name: np.asarray(curve, float).tolist() for run, curve in zip(task.test, curves, strict=True)}


def _task(task: Task, fitted: bool, schedules: Schedules) -> dict[str, Any]:
    card = find_card(task.dataset)
    out: dict[str, Any] = {
        "track": task.track,
        "metric": task.metric,
        "provides": sorted(task.provides),
        "loss": f"{card.loss.kind}, {card.loss.unit}",
        "licence": card.licence,
    }
    if fitted:
        out["fit"] = {run.name: _known(run, schedules) | {"loss": run.loss.tolist()} for run in task.train}
    return out | {"predict": {run.name: _known(run, schedules) for run in task.test}}


def _known(run: Run | WithheldRun, schedules: Schedules) -> dict[str, Any]:
    """Return what is known of a run before it is made; its schedule joins those that are named."""
    out: dict[str, Any] = {"steps": run.steps.tolist(), "model": run.model}
    if run.schedule is not None:
        rates = _held(run.schedule.lr.tolist())
        out["schedule"] = next(
            (name for name, other in schedules.items() if other == rates), f"schedule-{len(schedules)}"
        )
        schedules[out["schedule"]] = rates
    if run.n_params is not None:
        out["n_params"] = run.n_params
    if run.tokens is not None:
        out["tokens"] = run.tokens.tolist()
    if run.position is not None:
        out["position"] = run.position
    return out | {"meta": {key: value for key, value in run.meta.items() if isinstance(value, str | int | float)}}


def _held(rates: Iterable[float]) -> list[list[float]]:
    """Return rates as pairs of a rate and for how many steps it holds.

    Examples
    --------
    >>> _held([0.1, 0.2, 0.2])
    [[0.1, 1], [0.2, 2]]
    """
    return [[rate, len(list(same))] for rate, same in groupby(rates)]
