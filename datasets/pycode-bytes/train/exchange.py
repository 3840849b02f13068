"""Between a work folder and the dataset: per size a table of curves, one of positions, and a record.

A run that the dataset holds is never overwritten and never dropped.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from files import packed, read_json, write_bytes, write_json
from model import count
from plan import PEAKS, settings_of
from session import Session, identity

from lawbench.errors import DataError

CURVES, POSITIONS, RECORD = "curves.csv", "positions.csv.gz", "runs.json"

Rows = dict[str, list[str]]


def export(session: Session, target: Path) -> list[str]:
    """Put the finished runs of a size into a dataset's folder; return the names of all runs there.

    Raises
    ------
    DataError
        If the folder holds other results under the same name.
    """
    folder = target / session.size
    about, held = _about(session), read_json(folder / RECORD)
    if held is not None and any(held[key] != value for key, value in about.items()):
        raise DataError(f"{folder / RECORD} is of another plan or corpus: move the folder away; it is kept as it is.")
    records = {record["name"]: record for record in (held or {"runs": []})["runs"]}
    curves, positions = _read(folder / CURVES), _read(folder / POSITIONS)
    heads = ["", ""]
    for run in session.runs:
        place = session.place(run)
        record = place.finished()
        if record is None:
            continue
        records[run.name] = {key: value for key, value in record.items() if key not in ("key", "files")}
        for i, (source, table) in enumerate(((place.curve, curves), (place.positions, positions))):
            heads[i], *rows = _text(source).splitlines()
            if table.setdefault(run.name, rows) != rows:
                raise DataError(f"{folder} holds another result of {run.name} than {source}: it is not overwritten.")
    names = [run.name for run in session.runs if run.name in records]
    if heads[0]:
        write_bytes(folder / CURVES, _table(heads[0], curves, names).encode())
        write_bytes(folder / POSITIONS, packed(_table(heads[1], positions, names)))
        write_json(folder / RECORD, {**about, "runs": [records[name] for name in names]})
    return names


def adopt(session: Session, source: Path) -> list[str]:
    """Take over from a dataset's folder the runs of this very plan and corpus; return their names."""
    folder = source / session.size
    about = read_json(folder / RECORD)
    if about is None or any(about[key] != value for key, value in _about(session).items()):
        return []
    records = {record["name"]: record for record in about["runs"]}
    tables = [(_head(folder / name), _read(folder / name)) for name in (CURVES, POSITIONS)]
    taken = []
    for run in session.runs:
        place, record = session.place(run), records.get(run.name)
        asked = identity(run)
        if record is None or place.finished() is not None or {key: record[key] for key in asked} != asked:
            continue
        curve, positions = ("\n".join([head, *table[run.name], ""]) for head, table in tables)
        write_bytes(place.curve, curve.encode())
        write_bytes(place.positions, packed(positions))
        write_json(place.record, {**record, "key": place.key})
        taken.append(run.name)
    return taken


def _about(session: Session) -> dict[str, Any]:
    """Return what all runs of a size share, in the types of JSON."""
    settings = settings_of(session.size)
    about = {
        "size": session.size,
        "n_params": count(settings.shape),
        "settings": asdict(settings),
        "tokens_per_step": settings.tokens_per_step,
        "peak": PEAKS[session.size],
        "corpus_sha256": session.corpus_sha256,
    }
    plain: dict[str, Any] = json.loads(json.dumps(about))
    return plain


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def _head(path: Path) -> str:
    return _text(path).partition("\n")[0].partition(",")[2]


def _read(path: Path) -> Rows:
    """Return the rows of a table by run, without the run's name."""
    table: Rows = {}
    for line in _text(path).splitlines()[1:] if path.is_file() else []:
        name, _, row = line.partition(",")
        table.setdefault(name, []).append(row)
    return table


def _table(head: str, table: Rows, names: list[str]) -> str:
    rows = [f"{name},{row}" for name in names for row in table[name]]
    return "\n".join([f"run,{head}", *rows, ""])
