"""From two columns to a curve: steps counted from 0, strictly increasing, one value a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lawbench.errors import InputError
from lawbench.logs.table import Cells, Table
from lawbench.points import IntArray
from lawbench.schedule import FloatArray

KEEP_LAST = "keep-last"


@dataclass(frozen=True, eq=False)
class Series:
    """Values at optimiser steps, and what was left out on the way.

    Attributes
    ----------
    steps : ndarray of int, shape (n,)
        Counted from 0: what is logged at step ``s`` has seen the rates up to ``lr[s]``.
    values : ndarray, shape (n,)
    dropped : int
        Points of an earlier attempt that a restart replaced.
    before : int
        Points logged before the first update.
    """

    steps: IntArray
    values: FloatArray
    dropped: int = 0
    before: int = 0


def series(table: Table, step: Cells, value: Cells, name: str, first: int, restart: str | None = None) -> Series:
    """Return the values of a column by step.

    Parameters
    ----------
    table : Table
    step, value : Cells
    name : str
        Name of the column of the values, for messages.
    first : {0, 1}
        What the log calls the first update.
    restart : {"keep-last"}, optional
        Of a run that went back to an earlier step, keep what came last.

    Raises
    ------
    InputError
        For a value without a step, a step that is no whole number, a step that comes again with
        another value, and steps that go back without `restart`.
    """
    keep = value.there
    steps, values, places = step.values[keep], value.values[keep], value.places[keep]
    _check_steps(table, name, steps, step.there[keep], places)
    start = steps >= first
    before = int(np.sum(~start))
    if first == 0 or (steps < 0).any():
        _refuse(table, places, steps < first, steps, "a step is never below 0: correct the row")
        before = 0
    steps, values, places = steps[start] - first, values[start], places[start]
    again = np.concatenate([[False], (np.diff(steps) == 0) & (np.diff(values) == 0)]) if steps.size else start[:0]
    steps, values, places = steps[~again], values[~again], places[~again]
    back = np.concatenate([[False], np.diff(steps) <= 0]) if steps.size else again[:0]
    if back.any() and restart != KEEP_LAST:
        i = int(np.argmax(back))
        raise InputError(
            f"{table.path.name}, {table.place} {places[i]}: step {steps[i] + first:g} of '{name}' comes after step "
            f"{steps[i - 1] + first:g}; for a resumed run give --restart keep-last (the later values win), "
            "two runs belong into two files."
        )
    if steps.size > 2 and back[1:].all():
        raise InputError(f"{table.path.name}: the steps of '{name}' run backwards: sort the log.")
    last = np.ones(steps.size, dtype=bool)
    if back.any():
        later = np.minimum.accumulate(steps[::-1])[::-1]
        last[:-1] = steps[:-1] < later[1:]
    return Series(steps[last].astype(np.int64), values[last], int(np.sum(~last)), before)


def positive(table: Table, cells: Cells, name: str) -> None:
    """Refuse a loss that is zero or negative."""
    _refuse(table, cells.places, cells.there & (cells.values <= 0), cells.values, f"a loss ('{name}') is above 0")


def not_negative(table: Table, cells: Cells, name: str) -> None:
    """Refuse a negative learning rate."""
    _refuse(table, cells.places, cells.there & (cells.values < 0), cells.values, f"a rate ('{name}') is never below 0")


def _check_steps(table: Table, name: str, steps: FloatArray, there: np.ndarray, places: np.ndarray) -> None:
    if not there.all():
        at = places[int(np.argmin(there))]
        raise InputError(f"{table.path.name}, {table.place} {at}: '{name}' has a value but no step; name another step.")
    # Beyond 2**53 whole numbers are not all told apart.
    odd = (steps != np.round(steps)) | (np.abs(steps) > 2**53)
    _refuse(table, places, odd, steps, "a step is a whole number: name another step column or correct the row")


def _refuse(table: Table, places: np.ndarray, bad: np.ndarray, values: FloatArray, why: str) -> None:
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(f"{table.path.name}, {table.place} {places[i]}: {values[i]:g}, but {why}.")
