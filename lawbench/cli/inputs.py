"""Runs from what a user names: a dataset, some of its runs, or a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawbench.errors import InputError

if TYPE_CHECKING:
    from lawbench.runs import Run
    from lawbench.schedule import Schedule


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a CSV file, and what it does not hold."""

    step: str = "step"
    loss: str = "loss"
    schedule: str | None = None
    n_params: float | None = None
    tokens_per_step: float | None = None


def runs_from(source: str, names: list[str] | None, columns: Columns) -> tuple[Run, ...]:
    """Return the runs of a dataset (all, or those named), or of a CSV file.

    A file with the columns ``n_params``, ``tokens`` and the loss is a table of final losses, one
    run a row. Any other is one curve; its column ``lr`` is used where it has a row for every
    optimiser step from 0 on.

    Raises
    ------
    UnknownNameError, InputError, DataError
        For a dataset, run or column that does not exist, and values that are no curve.
    """
    path = Path(source)
    if path.suffix.lower() != ".csv":
        from lawbench.data.dataset import load_dataset

        data = load_dataset(source)
        return tuple(data.run(name) for name in names) if names else data.runs
    if not path.is_file():
        raise InputError(f"file '{source}' does not exist.")
    if names:
        raise InputError(f"'{source}' is a file: --run chooses among the runs of a dataset.")
    header = _header(path)
    return _table(path, columns) if {"n_params", "tokens"} <= set(header) else (_curve(path, header, columns),)


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"'{path}' cannot be read as a CSV file ({error}).") from error


def _table(path: Path, columns: Columns) -> tuple[Run, ...]:
    from lawbench.data.readers import read_columns
    from lawbench.runs import Run

    found = read_columns(path, ["n_params", "tokens", columns.loss])
    rows = zip(found[columns.loss], found["n_params"], found["tokens"], strict=True)
    return tuple(Run.final(f"row {i}", float(loss), float(n), float(d)) for i, (loss, n, d) in enumerate(rows, 1))


def _curve(path: Path, header: list[str], columns: Columns) -> Run:
    import numpy as np

    from lawbench.data.readers import read_curve
    from lawbench.runs import Run
    from lawbench.schedule import Schedule

    lr = "lr" if "lr" in header and columns.schedule is None else None
    curve = read_curve(path, columns.step, columns.loss, lr)
    schedule = schedule_from(columns.schedule) if columns.schedule else None
    if curve.lr is not None and np.array_equal(curve.steps, np.arange(curve.steps.size)):
        schedule = Schedule(curve.lr)
    return Run(
        path.stem,
        curve.steps.astype(np.int64),
        curve.loss,
        schedule=schedule,
        n_params=columns.n_params,
        tokens_per_step=columns.tokens_per_step,
    )


def schedule_from(text: str) -> Schedule:
    """Return the schedule of ``cosine,steps=24000,peak=3e-4,end=3e-5,warmup=2160``.

    Raises
    ------
    UnknownNameError, InputError
        If there is no such shape, or an argument is missing or not a number.
    """
    from lawbench.shapes import named_schedule

    kind, arguments = arguments_of(text)
    return named_schedule(kind, **arguments)


def arguments_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of ``cosine,steps=24000,peak=3e-4``.

    Examples
    --------
    >>> arguments_of("cosine,steps=24000,peak=3e-4")
    ('cosine', {'steps': 24000, 'peak': 0.0003})
    """
    kind, *pairs = [part.strip() for part in text.split(",")]
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        arguments[name.strip()] = _value(value.strip())
    return kind, arguments


def _value(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text and "e-" not in text.lower() else number
