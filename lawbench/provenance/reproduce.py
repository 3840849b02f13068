"""Running the cells of a report again, in a fresh store, and saying which agree."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lawbench.contributions.label import CONTRIBUTED
from lawbench.entries import Entry, entries_for
from lawbench.errors import InputError, LawbenchError, UnreachableDataError
from lawbench.provenance.causes import Cause
from lawbench.provenance.differences import CellChange, compare_cells
from lawbench.provenance.here import by_refits, prediction_hashes, state
from lawbench.provenance.recorded import Recorded
from lawbench.registry import law_from_file
from lawbench.runner import Progress, run
from lawbench.store import law_hash, load_predictions
from lawbench.tasks import tasks as all_tasks
from lawbench.worker import TIMEOUT

if TYPE_CHECKING:
    import pandas as pd

Cell = tuple[str, str]
Verdict = Literal["identical", "differs", "not rerun", "contributed"]
VERDICTS: tuple[Verdict, ...] = ("identical", "differs", "not rerun", "contributed")
SEED = 0
"""Seed of the sample of cells."""


@dataclass(frozen=True)
class Rerun:
    """What became of one cell of a report.

    Attributes
    ----------
    task, entry, verdict : str
        ``identical``: all metrics, and the predictions where the report has their hash, agree to
        the last bit (a failed or not applicable cell: its status). ``contributed``: its predictions
        came from elsewhere, so that there is nothing to run.
    reason : str
        Why it was not run.
    change : CellChange, optional
        The recorded cell beside the new one.
    """

    task: str
    entry: str
    verdict: Verdict
    reason: str = ""
    change: CellChange | None = None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What changed since the report was made."""
        return () if self.change is None else self.change.causes


@dataclass(frozen=True)
class Reproduction:
    """What became of the cells of a report.

    Attributes
    ----------
    cells : tuple of Rerun
    of : int
        Number of cells in the report; more than were run where a sample was taken.
    """

    cells: tuple[Rerun, ...]
    of: int

    @property
    def agrees(self) -> bool:
        """Whether every cell that can be run was, and came out the same."""
        return all(cell.verdict in ("identical", "contributed") for cell in self.cells)

    @property
    def counts(self) -> dict[str, int]:
        """Number of cells with each verdict."""
        return {verdict: sum(cell.verdict == verdict for cell in self.cells) for verdict in VERDICTS}


def reproduce(
    report: Recorded,
    *,
    n_jobs: int | None = None,
    out: str | Path | None = None,
    sample: int | None = None,
    laws: Sequence[str | Path] = (),
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Reproduction:
    """Run the cells of a report again and compare them with what it recorded.

    Parameters
    ----------
    report : Recorded
        From `lawbench.provenance.recorded.read_report`.
    n_jobs : int, optional
        Worker processes; as many as there are usable cores if None. Results do not depend on it.
    out : str or Path, optional
        Folder of the new results, empty or not there yet; a temporary one if None.
    sample : int, optional
        Run only so many cells, drawn by a fixed seed.
    laws : sequence of str or Path
        Files of laws that are not installed.
    timeout : float
        Seconds after which a cell is stopped.
    progress : callable, optional
        As in `lawbench.run`.

    Returns
    -------
    Reproduction

    Raises
    ------
    InputError
        If the folder holds something already, or there is nothing to run.
    DataError
        If a file of data is not what its card says.
    """
    cells = _chosen(report.rows, sample)
    own = _own_laws(laws)
    labels, absent = _runnable(cells, own)
    with _fresh(out) as folder:
        rows, predictions, left_out = _run(labels, by_refits(report.rows), folder, n_jobs, timeout, progress)
    absent |= {cell: left_out[cell[0]] for cell in labels if cell[0] in left_out}
    again = Recorded("here", rows, _facts(rows, predictions, own))
    wanted = report.rows[[cell in labels for cell in _names(report.rows)]]
    recorded = Recorded(report.name, wanted, report.facts, report.columns)
    changes = {(change.task, change.entry): change for change in compare_cells(recorded, again)}
    return Reproduction(tuple(_verdict(cell, changes, absent) for cell in cells), len(report.rows))


def _names(rows: pd.DataFrame) -> list[Cell]:
    return [(str(t), str(e)) for t, e in zip(rows["task"], rows["entry"], strict=True)]


def _chosen(rows: pd.DataFrame, sample: int | None) -> list[Cell]:
    cells = sorted(_names(rows))
    if not cells:
        raise InputError("the report has no cells: there is nothing to reproduce.")
    if sample is not None and sample < 1:
        raise InputError(f"a sample of {sample} cells shows nothing: give a number of at least 1.")
    return cells if sample is None else sorted(random.Random(SEED).sample(cells, min(sample, len(cells))))


def _own_laws(files: Sequence[str | Path]) -> dict[str, Path]:
    paths = [Path(file).absolute() for file in files]
    return {law_from_file(path).name: path for path in paths}


def _runnable(cells: Sequence[Cell], own: Mapping[str, Path]) -> tuple[dict[Cell, str], dict[Cell, str]]:
    """Return what to run each cell by, and why the others cannot be run."""
    labels: dict[Cell, str] = {}
    absent: dict[Cell, str] = {}
    known: dict[str, str | LawbenchError] = {}
    tasks = {task.name for task in all_tasks()}
    for task, entry in cells:
        if entry not in known:
            known[entry] = _label(entry, own)
        found = known[entry]
        if task not in tasks:
            absent[task, entry] = f"there is no task '{task}' here."
            continue
        if Entry.parse(entry).recipe == CONTRIBUTED:
            continue
        if isinstance(found, LawbenchError):
            absent[task, entry] = f"{found} If it is in a file of its own, give that with --law."
        else:
            labels[task, entry] = found
    return labels, absent


def _label(entry: str, own: Mapping[str, Path]) -> str | LawbenchError:
    """Return the entry as the runner takes it, or why it is none here."""
    law = Entry.parse(entry).law
    label = f"{own[law]}{entry[len(law) :]}" if law in own else entry
    try:
        if entry not in {found.label for found in entries_for([label])}:
            return InputError(f"there is no entry '{entry}' here.")
    except LawbenchError as error:
        return error
    return label


@contextmanager
def _fresh(out: str | Path | None) -> Iterator[Path]:
    """Give a folder without results."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="lawbench-") as folder:
            yield Path(folder)
        return
    place = Path(out)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"'{place}' is not an empty folder: results are reproduced in a fresh one, name another.")
    yield place


def _run(
    labels: Mapping[Cell, str],
    refits: Mapping[int, Sequence[Cell]],
    folder: Path,
    n_jobs: int | None,
    timeout: float,
    progress: Progress | None,
) -> tuple[pd.DataFrame, dict[Cell, Any], dict[str, str]]:
    """Return new rows and predictions of cells, and which tasks cannot be reached."""
    import pandas as pd

    from lawbench.columns import as_frame

    parts: list[pd.DataFrame] = []
    left_out: dict[str, str] = {}
    for number, recorded in refits.items():
        cells = frozenset(recorded) & frozenset(labels)
        if not cells:
            continue
        tasks, entries = sorted({task for task, _ in cells}), sorted({labels[cell] for cell in cells})
        try:
            rows = run(
                entries, tasks, None, n_jobs, folder, cells=cells, intervals=number, timeout=timeout, progress=progress
            )
        except UnreachableDataError as error:
            left_out |= dict.fromkeys(tasks, str(error))
        else:
            parts.append(rows)
            left_out |= rows.attrs["left_out"]
    rows = pd.concat(parts, ignore_index=True) if parts else as_frame([])
    return rows, load_predictions(folder) if parts else {}, left_out


def _facts(rows: pd.DataFrame, predictions: Mapping[Cell, Any], own: Mapping[str, Path]) -> dict[str, Any]:
    facts = state(rows) | {"predictions": prediction_hashes(rows, predictions)}
    facts["laws"] |= {name: law_hash(law_from_file(path)) for name, path in own.items()}
    return facts


def _verdict(cell: Cell, changes: Mapping[Cell, CellChange], absent: Mapping[Cell, str]) -> Rerun:
    if cell in absent:
        return Rerun(*cell, "not rerun", absent[cell])
    change = changes.get(cell)
    if change is None:
        return Rerun(*cell, "contributed", "its predictions came from elsewhere")
    if change.kind == "removed":
        return Rerun(*cell, "not rerun", "this installation has no such cell", change)
    return Rerun(*cell, "identical" if change.kind == "same" else "differs", "", change)
