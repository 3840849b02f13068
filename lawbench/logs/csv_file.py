"""CSV files with a header."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lawbench.errors import InputError
from lawbench.logs.table import Builder, Cells, Table, name_of
from lawbench.logs.text import last_byte, opened


def read_csv(path: Path) -> Table:
    """Return the table of a CSV file; of its rows only what is asked for is kept.

    Raises
    ------
    InputError
        For an empty file, another encoding, a column named twice; later, when columns are read, for
        rows of another length than the header's, text where numbers belong, and a cut file.
    """
    names = tuple(name_of(path, name) for name in next(_rows(path), (0, []))[1])
    if not names:
        raise InputError(f"{path.name} is empty: give a CSV file with a header and one row a logged point.")
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise InputError(f"{path.name}, line 1: column '{name}' occurs twice; rename or drop one.")
        seen.add(name)
    if last_byte(path) not in (b"\n", b"\r", b'"'):
        raise InputError(f"{path.name} ends within a line and may be cut: end it with a new line if it is whole.")
    at = {name: i for i, name in enumerate(names)}

    def columns(wanted: Sequence[str]) -> dict[str, Cells]:
        found = Builder(path, wanted)
        places = [(name, at[name]) for name in wanted]
        for line, row in _body(path, len(names)):
            found.row(line)
            for name, i in places:
                found.text(name, row[i])
        return found.done()

    def texts(name: str) -> list[str]:
        return [sys.intern(row[at[name]].strip()) for _, row in _body(path, len(names))]

    return Table(path, "CSV", names, columns, texts)


def _body(path: Path, width: int) -> Iterator[tuple[int, list[str]]]:
    rows = _rows(path)
    next(rows, None)
    for line, row in rows:
        if len(row) != width:
            raise InputError(
                f"{path.name}, line {line}: {len(row)} cells where the header has {width}; "
                "the file is cut or mixed: complete or drop the row."
            )
        yield line, row


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Return the lines that are not empty, and their numbers."""
    with opened(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            raise InputError(
                f"{path.name}, line {reader.line_num}: not CSV ({error}); the file is damaged or cut."
            ) from error
