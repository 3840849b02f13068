"""Strict readers of logs: what cannot be a loss curve is refused with file, line and next step."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lawbench.data.long_csv import read_long
from lawbench.errors import InputError, unknown
from lawbench.schedule import FloatArray


@dataclass(frozen=True, eq=False)
class Curve:
    """The columns of a loss curve, each of shape (n,)."""

    steps: FloatArray
    loss: FloatArray
    lr: FloatArray | None = None


def read_columns(path: Path, names: Sequence[str]) -> dict[str, FloatArray]:
    """Read columns of finite numbers from a CSV file with a header.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Columns to read; others are ignored.

    Returns
    -------
    dict of ndarray
        One array a name, in the order of the file.

    Raises
    ------
    UnknownNameError
        If a column is not there.
    InputError
        For an empty or undecodable file, a short row, text, NaN or an infinity, with its line.
    """
    return _columns(path, names)[0]


def read_curve(path: Path, step: str = "step", loss: str = "loss", lr: str | None = None) -> Curve:
    """Read a loss curve from a CSV file.

    Parameters
    ----------
    path : Path
    step, loss, lr : str
        Names of the columns; without `lr` no rate is read.

    Raises
    ------
    UnknownNameError, InputError
        As `read_columns`, and for a loss that is zero or negative, a step that is not a whole
        number >= 0, or steps that do not increase from row to row.
    """
    names = [step, loss] if lr is None else [step, loss, lr]
    columns, lines = _columns(path, names)
    steps, losses = columns[step], columns[loss]
    _refuse(losses <= 0, losses, lines, path, loss, "a loss is above 0: drop or correct the row")
    odd = (steps < 0) | (steps != np.round(steps))
    _refuse(odd, steps, lines, path, step, "a step is a whole number >= 0: correct the row")
    back = np.concatenate([[False], np.diff(steps) <= 0])
    _refuse(back, steps, lines, path, step, "steps must increase: sort the log and keep one row a step")
    if lr is not None:
        _refuse(columns[lr] < 0, columns[lr], lines, path, lr, "a learning rate is never negative: correct the row")
    return Curve(steps, losses, None if lr is None else columns[lr])


def _columns(path: Path, names: Sequence[str]) -> tuple[dict[str, FloatArray], Sequence[int]]:
    """Read a long file quickly where nothing is wrong with it; else row by row, which says what is."""
    return read_long(path, names) or _read(path, names)


def _read(path: Path, names: Sequence[str]) -> tuple[dict[str, FloatArray], Sequence[int]]:
    """Return the columns, and the line in the file of every row; only these are kept in memory."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = [cell.strip() for cell in next(reader, [])]
            index = _index(header, names, path)
            table, lines = {name: array("d") for name in names}, array("q")
            for row in reader:
                if any(cell.strip() for cell in row):
                    lines.append(reader.line_num)
                    for name, at in index.items():
                        table[name].append(_number(row, at, path, reader.line_num, name))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path.name} cannot be read as a CSV file ({reason}): give a text file with a header."
        ) from error
    if not lines:
        raise InputError(f"{path.name} has a header and no rows: give one row a logged point.")
    return {name: np.array(column) for name, column in table.items()}, lines


def _index(header: Sequence[str], names: Sequence[str], path: Path) -> dict[str, int]:
    if not header:
        raise InputError(f"{path.name} is empty: give a CSV file with a header and one row a logged point.")
    for name in names:
        if name not in header:
            raise unknown(f"column of {path.name}", name, header)
        if header.count(name) > 1:
            raise InputError(f"{path.name}, line 1: column '{name}' occurs twice; rename or drop one.")
    return {name: header.index(name) for name in names}


def _number(row: Sequence[str], at: int, path: Path, line: int, name: str) -> float:
    if at >= len(row):
        raise InputError(f"{path.name}, line {line}: there is no value for '{name}'; complete or drop the row.")
    try:
        value = float(row[at])
    except ValueError:
        raise InputError(
            f"{path.name}, line {line}: '{row[at].strip()}' in column '{name}' is not a number; drop or correct it."
        ) from None
    if not np.isfinite(value):
        raise InputError(
            f"{path.name}, line {line}: {value} in column '{name}' is not a finite number; drop or correct it."
        )
    return value


def _refuse(bad: np.ndarray, values: FloatArray, lines: Sequence[int], path: Path, name: str, why: str) -> None:
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(f"{path.name}, line {lines[i]}: {name} is {values[i]:g}, but {why}.")
