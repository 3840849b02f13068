"""Splits: which runs a card's task selects, and which points of them count."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.data.task_card import Condition, Selection
from lawbench.errors import InputError, unknown
from lawbench.runs import Run
from lawbench.schedule import shared_steps

BoolArray = NDArray[np.bool_]
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "in_": lambda value, choices: value in choices,
}


def select(runs: Sequence[Run], selection: Selection) -> list[Run]:
    """Return the runs that a card's selection names, or that meet its conditions.

    Raises
    ------
    UnknownNameError
        If a named run or a field does not exist.
    InputError
        If a field cannot be compared with the value that a condition gives.
    """
    if selection.runs is not None:
        by_name = {run.name: run for run in runs}
        for name in selection.runs:
            if name not in by_name:
                raise unknown("run", name, by_name)
        return [by_name[name] for name in selection.runs]
    conditions = selection.where or {}
    return [run for run in runs if all(_holds(run, field, condition) for field, condition in conditions.items())]


def fields(run: Run) -> dict[str, Any]:
    """Return what conditions can ask of a run: size, tokens and compute at its end, and its meta."""
    known: dict[str, Any] = dict(run.meta)
    if run.n_params is not None:
        known["n_params"] = run.n_params
    if run.tokens is not None:
        known["tokens"] = float(run.tokens[-1])
    if run.compute is not None:
        known["compute"] = float(run.compute[-1])
    return known


def _holds(run: Run, field: str, condition: Condition) -> bool:
    known = fields(run)
    if field not in known:
        raise unknown(f"field of run '{run.name}'", field, known)
    asked = {op: getattr(condition, op) for op in _COMPARE if getattr(condition, op) is not None}
    try:
        return all(_COMPARE[op](known[field], value) for op, value in asked.items())
    except TypeError:
        raise InputError(
            f"field '{field}' of run '{run.name}' is {known[field]!r}, which cannot be compared with "
            f"{list(asked.values())}: correct the condition."
        ) from None


def horizon_steps(run: Run, fraction: float) -> int:
    """Return the number of optimiser steps in a leading fraction of a run."""
    total = len(run.schedule) if run.schedule is not None else int(run.steps[-1]) + 1
    return round(fraction * total)


def branch_step(run: Run, fitted: Sequence[Run], fit_until: float | None = None) -> int | None:
    """Return the first step at which a predicted run departs from every fitted run of its model.

    A point logged at step ``s`` has seen the rates up to ``lr[s]``, so the points that count
    begin at this step. On a horizon task a fitted run covers its fitted part only.

    Returns
    -------
    int or None
        None where the schedule is not known; 0 if no fitted run has the same model.
    """
    if run.schedule is None:
        return None
    branch = 0
    for other in fitted:
        if other.schedule is None or other.model != run.model:
            continue
        covered = len(other.schedule) if fit_until is None else horizon_steps(other, fit_until)
        branch = max(branch, min(covered, shared_steps(run.schedule, other.schedule)))
    return branch


def counted(run: Run, branch: int | None) -> BoolArray:
    """Return the mask of the points of a predicted run that count: those from its branch on."""
    return np.ones(len(run), dtype=bool) if branch is None else run.steps >= branch


def comparable_pairs(runs: Sequence[Run], tolerance: float = 0.005) -> list[tuple[int, int]]:
    """Return the pairs of runs of equal size that end after the same steps and tokens.

    Logs of equally long runs may end a few steps apart, hence the relative tolerance.
    """

    def equal(a: float, b: float) -> bool:
        return abs(a - b) <= tolerance * max(a, b)

    def alike(a: Run, b: Run) -> bool:
        if a.n_params != b.n_params or a.position != b.position or not equal(a.updates[-1], b.updates[-1]):
            return False
        if a.tokens is None or b.tokens is None:
            return len(a) > 1 and len(b) > 1
        return equal(a.tokens[-1], b.tokens[-1])

    return [(i, j) for j in range(len(runs)) for i in range(j) if alike(runs[i], runs[j])]


def reach(run: Run, fitted: Sequence[Run]) -> float:
    """Return how far a predicted run goes beyond the fitted ones.

    The largest of three ratios of its end to the largest fitted value: optimiser steps, tokens,
    and model size. 1 or less means that nothing is extrapolated but the schedule.
    """
    ratios = [float(run.updates[-1]) / max(float(other.updates[-1]) for other in fitted)]
    tokens = [float(other.tokens[-1]) for other in fitted if other.tokens is not None]
    if run.tokens is not None and tokens:
        ratios.append(float(run.tokens[-1]) / max(tokens))
    sizes = [other.n_params for other in fitted if other.n_params is not None]
    if run.n_params is not None and sizes:
        ratios.append(run.n_params / max(sizes))
    return max(ratios)
