"""A log as a table of named columns, whatever file it came from."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lawbench.errors import InputError
from lawbench.schedule import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """One column.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Finite numbers; 0 where nothing is written.
    there : ndarray of bool, shape (n,)
        Where something is written.
    places : ndarray of int, shape (n,)
        Line, row or entry of the file.
    """

    values: FloatArray
    there: BoolArray
    places: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """A log of which only the columns that are asked for are read.

    Attributes
    ----------
    path : Path
    form : str
        What kind of file it is, in words.
    names : tuple of str
        Names of the columns.
    columns : callable
        Reads columns of numbers by their names.
    texts : callable, optional
        Reads one column as text.
    runs : mapping, optional
        Runs side by side in one file: name of a run -> (plain name of a column -> its name here).
    facts : mapping
        What else the file says: ``max_steps``.
    place : str
        What its rows are called: line, row, entry, event.
    """

    path: Path
    form: str
    names: tuple[str, ...]
    columns: Callable[[Sequence[str]], dict[str, Cells]] = field(repr=False)
    texts: Callable[[str], list[str]] | None = field(default=None, repr=False)
    runs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    place: str = "line"


class Builder:
    """Collects the cells of some columns, row by row, in flat arrays."""

    def __init__(self, path: Path, names: Sequence[str], place: str = "line") -> None:
        self.path, self.place = path, place
        self.values = {name: array("d") for name in names}
        self.there = {name: bytearray() for name in names}
        self.places = array("q")

    def row(self, at: int) -> None:
        """Begin a row."""
        self.places.append(at)

    def text(self, name: str, cell: str) -> None:
        """Add a cell that is written as text; an empty one is a missing one."""
        cell = cell.strip()
        if not cell:
            return self.missing(name)
        # float() also takes 1_000 and digits of other scripts, which no log writes.
        value = _float(cell) if cell.isascii() and "_" not in cell else None
        if value is None:
            raise self._refused(name, f"'{_short(cell)}'", "not a number")
        return self.number(name, value)

    def number(self, name: str, value: object) -> None:
        """Add a number; None is a missing one."""
        if value is None:
            return self.missing(name)
        number = _float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        if number is None:
            raise self._refused(name, _short(repr(value)), "not a number")
        if not math.isfinite(number):
            raise self._refused(name, str(number), "not a finite number")
        self.values[name].append(number)
        self.there[name].append(1)
        return None

    def missing(self, name: str) -> None:
        """Add a cell in which nothing is written."""
        self.values[name].append(0.0)
        self.there[name].append(0)

    def done(self) -> dict[str, Cells]:
        """Return the columns."""
        places = np.array(self.places, dtype=np.int64)
        return {
            name: Cells(np.array(column), np.frombuffer(bytes(self.there[name]), dtype=np.uint8) > 0, places)
            for name, column in self.values.items()
        }

    def _refused(self, name: str, value: str, why: str) -> InputError:
        return InputError(
            f"{self.path.name}, {self.place} {self.places[-1]}: {value} in column '{name}' is {why}; "
            "drop or correct the row, or name another column."
        )


def name_of(path: Path, name: object) -> str:
    """Return the name of a column, or refuse one that cannot be shown on a line."""
    text = str(name).strip()
    if not text.isprintable():
        raise InputError(f"{path.name}: the column name {_short(repr(name))} has unprintable characters; rename it.")
    return text


def _float(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None


def _short(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return shown if shown.isprintable() else ascii(shown)
