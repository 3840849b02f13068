"""The store: one JSON file a cell, written whole or not at all.

A file is named after its task and entry, so that a newer result takes the place of an older one.
Whether a stored result still holds is decided by its fingerprint, which is made of contents only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawbench.cell import Outcome
from lawbench.columns import COLUMNS, Kind, as_frame
from lawbench.entries import Entry
from lawbench.errors import InputError
from lawbench.fitting.prior import learned
from lawbench.fitting.recipes import REGULARISED
from lawbench.law import Law
from lawbench.registry import law_file

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 4
"""Raise it when the meaning of a stored file changes; older files are then computed again."""
FORMAT = "lawbench cell"
_PYTHON: Mapping[Kind, tuple[type, ...]] = {"text": (str,), "real": (float, int), "whole": (int,), "truth": (bool,)}
_STATUS = frozenset({"ok", "reference", "not_applicable", "failed"})
# What turns an entry and a task into a row: a change there makes every stored result old.
_ENGINE = ("fitting/*.py", "law.py", "analytic.py", "reductions.py", "convex.py", "schedule.py", "changes.py",
           "metrics.py", "task.py", "tasks.py", "splits.py", "noise.py", "cell.py")  # fmt: skip


def default_folder() -> Path:
    """Return ``$LAWBENCH_RESULTS``, or ``results`` under the current folder."""
    return Path(os.environ.get("LAWBENCH_RESULTS") or "results")


def fingerprint(entry: Entry, task: str, law: str, intervals: int = 0) -> str:
    """Return the hash of everything that decides a result.

    Parameters
    ----------
    entry : Entry
    task : str
        Fingerprint of the task.
    law : str
        Hash of the law's source, see `law_hash`.
    intervals : int
        Refits behind prediction intervals.
    """
    parts: dict[str, Any] = {
        "schema": SCHEMA,
        "law": law,
        "task": task,
        "options": dict(entry.options),
        "recipe": entry.recipe,
        "intervals": intervals,
        "engine": engine_hash(),
    }
    if entry.recipe == REGULARISED:
        parts["prior"] = learned()["laws"].get(entry.law)
    return _sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode())


@lru_cache
def law_hash(law: type[Law]) -> str:
    """Return the hash of the file a law is written in, as it was when first asked for.

    A law typed into a session has no file; there its code decides.
    """
    path = _source(law)
    if path is not None:
        return _sha256(path.read_bytes())
    import cloudpickle

    return _sha256(cloudpickle.dumps(law))


@lru_cache
def engine_hash() -> str:
    """Return the hash of the code that fits and scores."""
    return _sha256(b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in _engine()))


def engine_files() -> dict[str, str]:
    """Return the hash of every file of that code, by its path inside the engine."""
    root = Path(__file__).parent
    return {path.relative_to(root).as_posix(): _sha256(path.read_bytes()) for path in _engine()}


def _engine() -> list[Path]:
    return sorted({path for pattern in _ENGINE for path in Path(__file__).parent.glob(pattern)})


@dataclass(frozen=True)
class Store:
    """A folder of stored cells."""

    folder: Path

    def path(self, task: str, entry: str) -> Path:
        """Return where a cell is stored: readable, and unique by a hash of the exact names."""
        names = (re.sub(r"[^A-Za-z0-9._=-]+", "-", name).strip("-") for name in (task, entry))
        unique = _sha256(f"{task}\n{entry}".encode())[:12]
        return self.folder / f"{'--'.join(names)[:180]}--{unique}.json"

    def write(self, outcome: Outcome) -> Path:
        """Store an outcome: to a temporary name, to the disk, then renamed in one step."""
        row = outcome.row
        cell = {
            "format": FORMAT,
            "schema": SCHEMA,
            "row": {name: _plain(row[name]) for name in COLUMNS},
            "params": {name: _plain(value) for name, value in outcome.params.items()},
            "predictions": outcome.predictions,
            "intervals": outcome.intervals,
            "spread": {name: [_plain(low), _plain(high)] for name, (low, high) in outcome.spread.items()},
        }
        target = self.path(row["task"], row["entry"])
        text = json.dumps(cell, allow_nan=False, indent=1)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".cell-", suffix=".tmp")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, target)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise InputError(
                f"results cannot be written to '{self.folder}' ({error.strerror or error}): choose another folder."
            ) from error
        return target

    def read(self, task: str, entry: str) -> Outcome | str | None:
        """Return a stored cell, None if there is none, or a sentence that says why it is ignored."""
        path = self.path(task, entry)
        return _read(path) if path.is_file() else None

    def scan(self) -> Iterator[Outcome | str]:
        """Return every stored cell, in order of file names, and a sentence for each ignored file."""
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"'{self.folder}' is not a folder: name the folder that holds the results.")
        for path in sorted(self.folder.glob("*.json")):
            found = _read(path)
            if isinstance(found, Outcome) and path != self.path(found.row["task"], found.row["entry"]):
                found = f"'{path}' holds another cell than its name says: ignored."
            yield found


def load_rows(folder: str | Path | None = None) -> pd.DataFrame:
    """Return all stored cells as a tidy frame; ``attrs["ignored"]`` says which files were not used.

    Parameters
    ----------
    folder : str or Path, optional
        The store; see `default_folder`.
    """
    found = list(Store(Path(folder) if folder is not None else default_folder()).scan())
    frame = as_frame(outcome.row for outcome in found if isinstance(outcome, Outcome))
    frame.attrs["ignored"] = [sentence for sentence in found if isinstance(sentence, str)]
    return frame


def load_cells(folder: str | Path | None = None) -> list[Outcome]:
    """Return all stored cells whole: rows, predictions and parameters."""
    found = Store(Path(folder) if folder is not None else default_folder()).scan()
    return [outcome for outcome in found if isinstance(outcome, Outcome)]


def load_predictions(folder: str | Path | None = None) -> dict[tuple[str, str], tuple[tuple[float, ...], ...]]:
    """Return the stored predictions: (task, entry) -> one curve a run of ``task.test``."""
    cells = load_cells(folder)
    return {(cell.row["task"], cell.row["entry"]): cell.predictions for cell in cells if cell.predictions}


def _read(path: Path) -> Outcome | str:
    try:
        cell = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError):
        return f"'{path}' is damaged or not a lawbench result: ignored."
    if not isinstance(cell, dict) or cell.get("format") != FORMAT:
        return f"'{path}' is not a lawbench result: ignored."
    if cell.get("schema") != SCHEMA:
        return f"'{path}' was written by another version of lawbench (schema {cell.get('schema')}): ignored."
    try:
        row = {name: _typed(cell["row"][name], kind) for name, kind in COLUMNS.items()}
        predictions = tuple(_curve(curve) for curve in cell["predictions"])
        intervals = tuple((_curve(low), _curve(high)) for low, high in cell["intervals"])
        spread = {str(name): (float(low), float(high)) for name, (low, high) in cell["spread"].items()}
        params = {str(name): float(value) for name, value in cell["params"].items()}
        if set(cell["row"]) != set(COLUMNS) or row["status"] not in _STATUS:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        return f"'{path}' does not hold the fields of a lawbench result: ignored."
    return Outcome(row, predictions, params, intervals, spread)


def _curve(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _plain(value: Any) -> Any:
    """Return a value as strict JSON can hold it: NaN as null, infinities as text."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _typed(value: Any, kind: Kind) -> Any:
    if value is None and kind != "text":
        return None
    if kind == "real" and value in ("inf", "-inf"):
        return float(str(value))
    if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "truth"):
        raise TypeError
    return float(value) if kind == "real" else value  # type: ignore[arg-type]


def _source(law: type[Law]) -> Path | None:
    """Return the file of a law, if it has one."""
    try:
        path = law_file(law)
    except (TypeError, OSError):
        return None
    # A class of a script or notebook may be edited there without its file, or have none.
    return path if path.is_file() and law.__module__ != "__main__" else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
