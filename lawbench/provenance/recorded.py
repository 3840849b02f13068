"""A report read back from its folder: its rows, and what its manifest says of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawbench.columns import COLUMNS, Kind, as_frame, blank
from lawbench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "lawbench report"
SCHEMA = 1
"""Schema of ``manifest.json``; raise it when the meaning of a key changes."""

_TABLES = ("packages", "machine", "engine", "laws", "data", "definitions", "tasks", "predictions")
_NEEDED = ("law", "options", "recipe", "entry", "task", "track", "family", "dataset", "provides", "ranked", "metric",
           "status", "group", "needs")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recorded:
    """Rows and what decided them.

    Attributes
    ----------
    name : str
        The folder, as it was named.
    rows : DataFrame
        One row a cell; columns as in `lawbench.columns`.
    facts : mapping
        The manifest, with ``predictions``: task -> entry -> hash of the predicted losses.
    columns : frozenset of str
        Columns that were recorded; the others are blank.
    """

    name: str
    rows: pd.DataFrame
    facts: Mapping[str, Any]
    columns: frozenset[str] = frozenset(COLUMNS)


def read_report(folder: str | Path) -> Recorded:
    """Read the rows and the manifest of a report.

    Parameters
    ----------
    folder : str or Path
        A folder that ``lawbench report`` or ``lawbench run`` wrote.

    Raises
    ------
    InputError
        If it is no such folder, or its ``manifest.json`` or ``results.csv`` is missing, damaged or
        of another version.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"'{place}' is not a folder: name the folder of a report, which `lawbench report` writes.")
    facts = _manifest(place / "manifest.json")
    rows, columns = _rows(place / "results.csv")
    return Recorded(str(folder), rows, facts, columns)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"'{path.parent}' holds no manifest.json: it is not the folder of a report.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' is damaged: write the report again.") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT or facts.get("schema") != SCHEMA:
        raise InputError(
            f"'{path}' is not a manifest of this version (format '{FORMAT}', schema {SCHEMA}): "
            "write the report again with `lawbench report`."
        )
    for key in _TABLES:
        if not isinstance(facts.get(key), dict):
            raise InputError(f"'{path}' does not say what is needed (key '{key}'): write the report again.")
    return facts


def _rows(path: Path) -> tuple[pd.DataFrame, frozenset[str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            records = list(reader)
            columns = frozenset(reader.fieldnames or ())
    except FileNotFoundError:
        raise InputError(f"'{path.parent}' holds no results.csv: write the report again.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"'{path}' is damaged: write the report again.") from error
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise InputError(f"'{path}' has no column {missing[0]}: write the report again with this version.")
    known = [(name, kind) for name, kind in COLUMNS.items() if name in columns]
    rows = []
    for line, record in enumerate(records, start=2):
        if None in record or None in record.values():
            raise InputError(f"'{path}', line {line}, has another number of cells than its header: write it again.")
        try:
            rows.append(blank() | {name: _value(record[name], kind) for name, kind in known})
        except ValueError as error:
            raise InputError(f"'{path}', line {line}: {error}; write the report again.") from error
    cells = [(row["task"], row["entry"]) for row in rows]
    if len(set(cells)) < len(cells):
        twice = next(cell for i, cell in enumerate(cells) if cell in cells[:i])
        raise InputError(f"'{path}' holds the cell of {twice[1]} on {twice[0]} twice: write the report again.")
    return as_frame(rows), columns & frozenset(COLUMNS)


def _value(text: str, kind: Kind) -> Any:
    if kind == "text":
        return text
    if not text:
        return None
    if kind == "truth":
        if text not in ("True", "False"):
            raise ValueError(f"'{text}' is neither True nor False")
        return text == "True"
    return float(text) if kind == "real" else int(text)
