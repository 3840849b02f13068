"""JSON lines: one object a logged point. Objects within objects are joined with a slash."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lawbench.errors import InputError
from lawbench.logs.table import Builder, Cells, Table, name_of
from lawbench.logs.text import opened


def read_jsonl(path: Path) -> Table:
    """Return the table of a file of JSON lines; a key that a line lacks is a missing cell.

    Raises
    ------
    InputError
        For a line that is no JSON object; later for values that are no numbers.
    """
    seen: dict[str, None] = {}
    for _, entry in _entries(path):
        seen.update(dict.fromkeys(entry))
    if not seen:
        raise InputError(f"{path.name} is empty: give one JSON object a line.")
    names = tuple(name_of(path, name) for name in seen)

    def columns(wanted: Sequence[str]) -> dict[str, Cells]:
        return gathered(path, wanted, _entries(path), "line")

    def texts(name: str) -> list[str]:
        return [str(entry.get(name, "")) for _, entry in _entries(path)]

    return Table(path, "JSON lines", names, columns, texts)


def gathered(path: Path, wanted: Sequence[str], entries: Iterable[tuple[int, Mapping[str, Any]]], place: str) \
        -> dict[str, Cells]:  # fmt: skip
    """Return columns of entries that may lack some."""
    found = Builder(path, wanted, place)
    for at, entry in entries:
        found.row(at)
        for name in wanted:
            found.number(name, entry.get(name))
    return found.done()


def parsed(text: str, what: str) -> Any:
    """Return the value of a JSON text, or say that it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "nested too deeply or a number too long"
        raise InputError(f"{what} is not JSON ({reason}): the file is damaged or cut.") from error


def flat(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the keys of objects within an object.

    Examples
    --------
    >>> flat({"step": 1, "train": {"loss": 3.5}})
    {'step': 1, 'train/loss': 3.5}
    """
    out: dict[str, Any] = {}
    for key, value in entry.items():
        out.update(flat(value, f"{prefix}{key}/") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return out


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with opened(path) as stream:
        for line, text in enumerate(stream, start=1):
            if not text.strip():
                continue
            entry = parsed(text, f"{path.name}, line {line}")
            if not isinstance(entry, dict):
                raise InputError(f"{path.name}, line {line}: not a JSON object; give one object a logged point.")
            yield line, {name.strip(): value for name, value in flat(entry).items()}
