"""What a worker does with one cell: compute it in a child process, turn what goes wrong into a row.

Each worker keeps one child, so that a law that never ends can be stopped without losing the worker.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.cell import Outcome, describe, evaluate, failure
from lawbench.entries import Entry, LawLike
from lawbench.errors import InputError, LawbenchError, NotApplicableError
from lawbench.killable import Child, ChildDiedError, TimedOutError
from lawbench.law import Law
from lawbench.registry import FILE_MODULE, find_law, law_file, law_from_file
from lawbench.store import law_hash
from lawbench.tasks import Task, load_task

TIMEOUT = 600.0
"""Seconds after which a cell is stopped."""


@dataclass(frozen=True)
class Cell:
    """An entry on a task, as it travels to a worker.

    Attributes
    ----------
    entry : Entry
    law : str, Path or type of Law
        Name of a registered law, file of another one, or the class itself.
    law_hash, task, fingerprint : str
    intervals : int
        Refits behind its prediction intervals; 0 for none.
    """

    entry: Entry
    law: LawLike
    law_hash: str
    task: str
    fingerprint: str
    intervals: int = 0


def portable(law: type[Law]) -> LawLike:
    """Return what a worker finds a law by."""
    if law.__module__.startswith(FILE_MODULE):
        return law_file(law)
    try:
        return law.name if find_law(law.name) is law else law
    except LawbenchError:  # not registered, or under the name of another law
        return law


def compute(cell: Cell, timeout: float = TIMEOUT) -> Outcome:
    """Return the outcome of a cell, computed in a child process; whatever goes wrong is a row."""
    try:
        return child().call(_outcome, cell, timeout=timeout)
    except (TimedOutError, ChildDiedError) as error:
        # A law may fail when it is merely looked at; describing it again must not hang the run.
        described = child().call(_described, cell, timeout=max(timeout, 60.0))
        return failure(described, f"law '{cell.entry.law}' {error}")


@lru_cache
def child() -> Child:
    """Return the child of this process."""
    return Child()


def _outcome(cell: Cell) -> Outcome:
    """Evaluate a cell; runs in the child."""
    row = _described(cell)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = evaluate(cell.entry, task_of(cell.task), _law(cell), cell.intervals)
    except NotApplicableError as error:
        return Outcome({**row, "status": "not_applicable", "reason": str(error)})
    except LawbenchError as error:
        return failure(row, str(error))
    except Exception as error:
        return failure(row, f"law '{cell.entry.law}' raised {type(error).__name__}: {error}")
    return replace(found, row={**found.row, "fingerprint": cell.fingerprint})


def _described(cell: Cell) -> dict[str, Any]:
    law = _law(cell)
    if not isinstance(cell.law, type) and law_hash(law) != cell.law_hash:
        raise InputError(f"law '{law.name}' was edited while it was running: start again.")
    return describe(cell.entry, task_of(cell.task), law) | {
        "fingerprint": cell.fingerprint,
        "interval_refits": cell.intervals,
    }


def _law(cell: Cell) -> type[Law]:
    if isinstance(cell.law, type):
        return cell.law
    if isinstance(cell.law, Path):
        return law_from_file(cell.law)
    return find_law(cell.law)


@lru_cache
def task_of(name: str) -> Task:
    """Return a task, loaded once a process."""
    return load_task(name)
