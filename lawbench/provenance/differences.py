"""What changed between two reports: cells, by how much and why, and ranks on every board. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lawbench.boards import BOARDS, primary_error
from lawbench.columns import COLUMNS
from lawbench.leaderboard import leaderboard
from lawbench.provenance.causes import Cause, causes
from lawbench.provenance.recorded import Recorded

if TYPE_CHECKING:
    import pandas as pd

ChangeKind = Literal["added", "removed", "changed", "same"]
UNCOMPARED = frozenset({"seconds", "fingerprint", "reason"})
"""Columns in which two cells may differ and still agree: how long it took, by what, and in which words."""
SCORED = frozenset({"ok", "reference"})


@dataclass(frozen=True)
class CellChange:
    """A cell in two reports.

    Attributes
    ----------
    task, entry, kind : str
        ``same`` if every compared column, and the predictions where both reports have them, agree
        to the last bit; cells that failed or are not applicable agree if their status does.
    status : tuple of (str, str)
        In the first and the second report; empty where there is no such cell.
    error : tuple of (float or None, float or None)
        The task's primary metric.
    floor : float, optional
        Noise floor in its unit, of the second report where it has one.
    columns : mapping
        Column -> the two values, for every column that differs.
    same_predictions : bool, optional
        Whether predicted losses agree to the last bit; None where a report does not say.
    causes : tuple of Cause
        What may have changed it; only of cells that changed.
    """

    task: str
    entry: str
    kind: ChangeKind
    status: tuple[str, str] = ("", "")
    error: tuple[float | None, float | None] = (None, None)
    floor: float | None = None
    columns: Mapping[str, tuple[Any, Any]] | None = None
    same_predictions: bool | None = None
    causes: tuple[Cause, ...] = ()

    @property
    def change(self) -> float | None:
        """Error of the second minus that of the first; None where one is missing."""
        before, after = self.error
        return None if before is None or after is None else after - before

    @property
    def beyond_floor(self) -> bool | None:
        """Whether the error changed by more than the noise floor; None where that is not known."""
        return None if self.change is None or self.floor is None else abs(self.change) > self.floor

    @property
    def why(self) -> str:
        """The causes in words; those that decide a result stand before those that move its last digits."""
        return "; ".join(map(str, self.causes))


@dataclass(frozen=True)
class RankChange:
    """An entry's rank on a board in two reports; None where it is not ranked."""

    board: str
    entry: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Differences:
    """Cells and ranks of two reports.

    Attributes
    ----------
    cells : tuple of CellChange
        Every cell of either, by task and entry.
    ranks : tuple of RankChange
        Only ranks that changed.
    """

    cells: tuple[CellChange, ...]
    ranks: tuple[RankChange, ...]

    @property
    def differ(self) -> bool:
        """Whether anything but times and words changed."""
        return any(cell.kind != "same" for cell in self.cells)

    @property
    def counts(self) -> dict[str, int]:
        """Number of cells of each kind."""
        kinds: tuple[ChangeKind, ...] = ("added", "removed", "changed", "same")
        return {kind: sum(cell.kind == kind for cell in self.cells) for kind in kinds}


def compare(before: Recorded, after: Recorded) -> Differences:
    """Return what changed from one report to another.

    Parameters
    ----------
    before, after : Recorded

    Raises
    ------
    InputError
        If the rows of one cannot be ranked.
    """
    return Differences(compare_cells(before, after), _ranks(before.rows, after.rows))


def compare_cells(before: Recorded, after: Recorded) -> tuple[CellChange, ...]:
    """Return every cell of two reports, by task and entry."""
    columns = [name for name in COLUMNS if name in before.columns & after.columns and name not in UNCOMPARED]
    first, second = _by_cell(before.rows), _by_cell(after.rows)
    out = []
    for task, entry in sorted({*first, *second}):
        a, b = first.get((task, entry)), second.get((task, entry))
        if a is None or b is None:
            there = a or b or {}
            kind: ChangeKind = "added" if a is None else "removed"
            status = ("", str(there["status"])) if a is None else (str(there["status"]), "")
            error = (None, there["error"]) if a is None else (there["error"], None)
            out.append(CellChange(task, entry, kind, status, error, there["noise_floor"]))
        else:
            out.append(_both(before, after, a, b, columns))
    return tuple(out)


def _both(
    before: Recorded, after: Recorded, a: Mapping[str, Any], b: Mapping[str, Any], columns: list[str]
) -> CellChange:
    task, entry = str(a["task"]), str(a["entry"])
    status = str(a["status"]), str(b["status"])
    same = _same_predictions(before, after, task, entry)
    differing = {name: (a[name], b[name]) for name in columns if a[name] != b[name]}
    if status[0] == status[1] and status[0] not in SCORED:
        differing = {}
    changed = bool(differing) or same is False
    return CellChange(
        task,
        entry,
        "changed" if changed else "same",
        status,
        (a["error"], b["error"]),
        b["noise_floor"] if b["noise_floor"] is not None else a["noise_floor"],
        differing,
        same,
        causes(before.facts, after.facts, task, entry) if changed else (),
    )


def _same_predictions(before: Recorded, after: Recorded, task: str, entry: str) -> bool | None:
    a, b = (report.facts["predictions"].get(task, {}).get(entry) for report in (before, after))
    return None if a is None or b is None else a == b


def _by_cell(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows by task and entry, with their primary error; what is missing is None."""
    import pandas as pd

    if rows.empty:
        return {}
    frame = rows.assign(error=primary_error(rows)).astype(object)
    records = frame.where(frame.notna(), None).to_dict("records")
    return {
        (str(row["task"]), str(row["entry"])): {str(name): None if _missing(v, pd) else v for name, v in row.items()}
        for row in records
    }


def _missing(value: Any, pd: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _ranks(before: pd.DataFrame, after: pd.DataFrame) -> tuple[RankChange, ...]:
    out = []
    for board in BOARDS:
        a, b = _ranked(before, board), _ranked(after, board)
        changed = [RankChange(board, entry, a.get(entry), b.get(entry)) for entry in sorted({*a, *b})]
        out += [change for change in changed if change.before != change.after]
    return tuple(out)


def _ranked(rows: pd.DataFrame, board: str) -> dict[str, int]:
    table = leaderboard(rows, board)
    ranked = table[table["rank"].notna()]
    return {str(entry): int(rank) for entry, rank in zip(ranked["entry"], ranked["rank"], strict=True)}
