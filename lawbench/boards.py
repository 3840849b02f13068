"""Boards, and the grid of entries and tasks that each one ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lawbench.errors import InputError, unknown
from lawbench.metrics import PRIMARY_KEYS
from lawbench.stats import CLIP, Floats, family_means, relative_error

NEEDED = (
    "law", "options", "recipe", "entry", "task", "track", "family", "provides", "ranked", "metric", "status", "reason",
    *PRIMARY_KEYS, *(f"{key}_unmasked" for key in PRIMARY_KEYS), "noise_floor", "extrapolation", "seconds",
    "n_params_law", "group", "needs",
)  # fmt: skip
"""Columns of the tidy frame that a board is ranked by."""

SHOWN = ("decisions", "n_decisions", "coverage", "width", "cert_evaluations")
"""Columns that stand beside the rank; a frame may lack them."""

_TEXT = ("law", "options", "recipe", "entry", "task", "track", "family", "provides", "metric", "status", "reason",
         "group", "needs")  # fmt: skip


@dataclass(frozen=True)
class Board:
    """A track and the inputs that its tasks provide; entries that need no more are ranked on it."""

    name: str
    track: str
    inputs: frozenset[str]
    baseline: str
    title: str


def _board(name: str, track: str, inputs: str, baseline: str, title: str) -> Board:
    return Board(name, track, frozenset(inputs.split()), baseline, title)


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        _board("schedule", "schedule", "steps lr", "power_steps", "Other learning-rate schedules"),
        _board("horizon", "horizon", "steps lr prefix", "last_value", "The rest of a run, schedule known"),
        _board("horizon-steps", "horizon", "steps prefix", "last_value", "The rest of a run, from its steps alone"),
        _board("scale", "scale", "n_params tokens", "compute_power", "Larger models and more tokens"),
        _board("scale-lr", "scale", "n_params tokens lr steps", "compute_power", "Whole curves of larger models"),
        _board("position", "position", "steps prefix position_loss", "last_value", "Loss by token position"),
        _board("pair", "pair", "n_params tokens paired_loss", "loss_ratio", "One loss from another"),
    )
}


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in BOARDS:
        raise unknown("board", name, BOARDS)
    return BOARDS[name]


def names(text: str) -> frozenset[str]:
    """Return the names of a comma-joined list, as rows hold them."""
    return frozenset(part for part in text.split(",") if part)


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a board: one line an entry, one column a task.

    Attributes
    ----------
    entries, groups : tuple of str, length e
        Ranked entries in order of their label, and the near-copies they belong to.
    tasks, families : tuple of str, length t
    error : ndarray, shape (e, t)
        Each task's primary metric; NaN where the entry failed.
    ratio : ndarray, shape (e, t)
        Clipped error relative to the baseline; a failed cell has the worst ratio of its task, at
        least 1.
    baseline : ndarray, shape (t,)
        Error of the baseline.
    floor : ndarray, shape (t,)
        Noise floor in the unit of the task's primary metric; NaN where unknown.
    cells : DataFrame
        The rows of every entry on these tasks, ranked or not.
    why : dict
        Entries shown but not ranked, and the reason.
    left_out : dict
        Entries and tasks that are not on the board, and the reason.
    """

    board: Board
    entries: tuple[str, ...]
    groups: tuple[str, ...]
    tasks: tuple[str, ...]
    families: tuple[str, ...]
    error: Floats
    ratio: Floats
    baseline: Floats
    floor: Floats
    cells: pd.DataFrame
    why: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def by_family(self) -> Floats:
        """Mean log error relative to the baseline of every entry on every family, shape (e, f)."""
        return family_means(np.log(self.ratio), self.families)

    @property
    def log_error(self) -> Floats:
        """Headline error of every entry, shape (e,): the log of its error relative to the baseline."""
        out: Floats = self.by_family.mean(axis=-1)
        return out


def lay_out(rows: pd.DataFrame, board: str, *, masked: bool = True, clip: tuple[float, float] = CLIP) -> Grid:
    """Return the grid of a board.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    board : str
        Name of the board.
    masked : bool
        Score only points that count, or all predicted points.
    clip : tuple of float
        Ends of the range that relative errors are clipped to.

    Raises
    ------
    UnknownNameError, InputError
        For an unknown board, missing columns, or two rows of one cell.
    """
    place = find_board(board)
    cells = _tidy(rows, masked)
    here = [t == place.track and r and place.inputs <= names(p)
            for t, r, p in zip(cells["track"], cells["ranked"], cells["provides"], strict=True)]  # fmt: skip
    cells = cells[np.array(here, dtype=bool)]
    _refuse_duplicates(cells)

    base = cells[(cells["entry"] == place.baseline) & cells["error"].notna()].set_index("task")["error"]
    tasks = tuple(sorted(base.index))
    left_out = {
        str(t): f"the baseline {place.baseline} has no error here" for t in sorted(set(cells["task"]) - set(tasks))
    }
    family = dict(zip(cells["task"], cells["family"], strict=True))
    cells = cells[cells["task"].isin(tasks)]

    fits = cells["needs"].map(lambda needs: names(needs) <= place.inputs).astype(bool)
    for entry, needs in cells[~fits][["entry", "needs"]].itertuples(index=False):
        left_out[entry] = f"needs {', '.join(sorted(names(needs) - place.inputs))}, which this board does not give"
    shown = cells[fits]
    why = {str(entry): reason for entry, own in shown.groupby("entry") if (reason := _unranked(own, tasks))}
    entries = tuple(sorted(set(shown["entry"]) - set(why)))

    matrix = shown.pivot(index="entry", columns="task", values="error").reindex(index=entries, columns=tasks)
    error = matrix.to_numpy(dtype=np.float64).reshape(len(entries), len(tasks))
    baseline = base.reindex(tasks).to_numpy(dtype=np.float64)
    worst = np.fmax(1.0, _worst(cells, tasks, baseline, clip))
    ratio = relative_error(error, baseline, clip) if tasks else error
    return Grid(
        board=place,
        entries=entries,
        groups=_groups(shown, entries),
        tasks=tasks,
        families=tuple(family[t] for t in tasks),
        error=error,
        ratio=np.where(np.isnan(ratio), worst, ratio),
        baseline=baseline,
        floor=cells.groupby("task")["noise_floor"].max().reindex(tasks).to_numpy(dtype=np.float64),
        cells=shown,
        why=why,
        left_out=left_out,
    )


def primary_error(rows: pd.DataFrame, *, masked: bool = True) -> pd.Series:
    """Return the primary metric of every row: that which its column ``metric`` names.

    Raises
    ------
    InputError
        If a row names something that a task cannot be ranked by.
    """
    odd = sorted(set(rows["metric"]) - set(PRIMARY_KEYS))
    if odd:
        raise InputError(f"rows are to be ranked by '{odd[0]}': a task is ranked by {' or '.join(PRIMARY_KEYS)}.")
    error = np.full(len(rows), np.nan)
    for key in PRIMARY_KEYS:
        values = pd.to_numeric(rows[key if masked else f"{key}_unmasked"], errors="coerce")
        error = np.where(rows["metric"] == key, values.to_numpy(dtype=np.float64, na_value=np.nan), error)
    return pd.Series(error, index=rows.index)


def _tidy(rows: pd.DataFrame, masked: bool) -> pd.DataFrame:
    """Check the columns and return them with text filled in and one column `error`."""
    missing = [name for name in NEEDED if name not in rows.columns]
    if missing:
        raise InputError(
            f"the rows have no column {', '.join(missing)}: pass the frame that a run of lawbench returns."
        )
    tidy = rows.reindex(columns=[*NEEDED, *SHOWN])
    tidy[list(_TEXT)] = tidy[list(_TEXT)].astype(object).fillna("").astype(str)
    for name in ("noise_floor", "extrapolation", "seconds", "n_params_law", *SHOWN):
        tidy[name] = pd.to_numeric(tidy[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    tidy["ranked"] = [not pd.isna(x) and bool(x) for x in tidy["ranked"]]
    error = primary_error(tidy, masked=masked)
    scored = tidy["status"].isin(["ok", "reference"]) & np.isfinite(error) & (error >= 0)
    # A row that claims success without a usable error is a failure, whoever wrote it.
    broken = (tidy["status"] == "ok") & ~scored
    tidy.loc[broken, "status"] = "failed"
    tidy["error"] = error.where(scored)
    return tidy.drop(columns=[f"{key}{end}" for key in PRIMARY_KEYS for end in ("", "_unmasked")])


def _refuse_duplicates(cells: pd.DataFrame) -> None:
    twice = cells[cells.duplicated(["entry", "task"])]
    if len(twice):
        entry, task = twice.iloc[0][["entry", "task"]]
        raise InputError(f"entry '{entry}' has two rows for task '{task}': keep one row a cell.")


def _unranked(own: pd.DataFrame, tasks: Sequence[str]) -> str:
    """Say why an entry is not ranked; empty if it is."""
    reference = own[own["status"] == "reference"]
    if len(reference):
        return str(reference["reason"].iloc[0]) or "its source fitted points that are predicted here"
    outside = own[own["status"] == "not_applicable"]
    if len(outside):
        first = outside.sort_values("task").iloc[0]
        return f"not applicable to {first['task']}: {first['reason'] or 'no reason given'}"
    absent = sorted(set(tasks) - set(own["task"]))
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        return f"no result on {absent[0]}{more}"
    return ""


def _worst(cells: pd.DataFrame, tasks: Sequence[str], baseline: Floats, clip: tuple[float, float]) -> Floats:
    """Worst clipped ratio that any entry has on each task, whether ranked or not."""
    worst = cells.groupby("task")["error"].max().reindex(list(tasks)).to_numpy(dtype=np.float64)
    return relative_error(worst, baseline, clip) if len(tasks) else worst


def _groups(shown: pd.DataFrame, entries: Sequence[str]) -> tuple[str, ...]:
    """Declared group of each entry; entries of one law are near-copies of each other."""
    first = shown.drop_duplicates("entry").set_index("entry")
    return tuple(str(first.loc[e, "group"] or first.loc[e, "law"]) for e in entries)
