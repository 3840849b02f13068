"""Tables of a report, once as text cells; the page and the Markdown file show the same cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lawbench.boards import primary_error
from lawbench.metrics import PRIMARY_KEYS

Format = Callable[[Any], str]
EMPTY = "–"


@dataclass(frozen=True)
class Column:
    """A column of a frame, its heading, and how a value is written."""

    key: str
    label: str
    show: Format
    meaning: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """Headings and cells, ready to be written."""

    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]
    muted: tuple[bool, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cells)

    @property
    def lines(self) -> list[tuple[tuple[str, ...], bool]]:
        """Cells of each line, and whether it is shown in grey."""
        return list(zip(self.cells, self.muted or (False,) * len(self.cells), strict=True))

    def markdown(self) -> str:
        """Return the table in Markdown."""
        head = "| " + " | ".join(c.label for c in self.columns) + " |"
        rule = "|" + "|".join("---:" if c.numeric else "---" for c in self.columns) + "|"
        body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.cells]
        return "\n".join([head, rule, *body]) + "\n"


def missing(value: Any) -> bool:
    """Return whether a value is absent: None, NaN, NA or empty text."""
    return value is None or value == "" if isinstance(value, str | None) else bool(pd.isna(value))


def text(value: Any) -> str:
    """Write text."""
    return EMPTY if missing(value) else str(value)


def whole(value: Any) -> str:
    """Write a whole number."""
    return EMPTY if missing(value) else f"{int(value):,}".replace(",", " ")


def fixed(digits: int) -> Format:
    """Return a format with a fixed number of decimals and a true minus sign."""

    def show(value: Any) -> str:
        if missing(value) or not math.isfinite(float(value)):
            return EMPTY
        return _minus(f"{round(float(value), digits) + 0.0:.{digits}f}")

    return show


def significant(digits: int, *, pad: bool = False) -> Format:
    """Return a format with a number of significant digits; `pad` keeps trailing zeros."""

    def show(value: Any) -> str:
        if missing(value) or not math.isfinite(float(value)):
            return EMPTY
        number = float(value) + 0.0
        return _minus(f"{number:#.{digits}g}".rstrip(".") if pad else f"{number:.{digits}g}")

    return show


def _minus(text: str) -> str:
    """Put a true minus sign before a number; exponents keep their hyphen."""
    return f"−{text[1:]}" if text.startswith("-") else text


def yes(value: Any) -> str:
    """Write a truth value."""
    return EMPTY if missing(value) else ("yes" if bool(value) else "no")


three = significant(3, pad=True)


def table(frame: pd.DataFrame, columns: Sequence[Column], muted: Sequence[bool] = ()) -> Table:
    """Return the cells of a frame, in the order and format of the columns."""
    series = [[column.show(value) for value in frame[column.key]] for column in columns]
    return Table(tuple(columns), tuple(zip(*series, strict=True)), tuple(muted))


def _words(key: str, label: str, meaning: str = "") -> Column:
    return Column(key, label, text, meaning, numeric=False)


BOARD = (
    Column("rank", "rank", whole),
    _words("entry", "entry", "law, options in brackets, recipe after @ (common is left out)"),
    Column("skill", "skill", fixed(3), "1 − error relative to the baseline, geometric mean, families weigh equally"),
    _words("interval", "95 % interval", "Student t over dataset families"),
    Column("error", "× baseline", three, "error relative to the baseline"),
    Column("log_mae", "error, %", lambda x: three(None if missing(x) else 100 * x),
           "mean absolute error of log loss (or of log reducible loss, where a task is ranked by it), "
           "in per cent, geometric mean over tasks"),
    Column("floors", "× noise", three, "error in multiples of the noise floor, where it is known"),
    Column("win_rate", "win rate", fixed(2), "against the best entry of each other law; a tie is half a win"),
    Column("mean_rank", "mean rank", fixed(2), "near-copies count once"),
    Column("decisions", "decisions", fixed(2), "share of pairs of runs put in the right order"),
    Column("coverage", "coverage", fixed(2), "share of points inside the prediction intervals, where there are any"),
    Column("width", "width", three, "mean width of the prediction intervals"),
    _words("tied", "tied with leader"),
    Column("tasks_ok", "ok", whole, "tasks scored"),
    Column("failed", "failed", whole, "scored with the worst ratio on the task, at least 1"),
    Column("not_applicable", "n/a", whole, "not applicable: not ranked, never imputed"),
    Column("n_params_law", "par.", whole, "fitted parameters of the law"),
    Column("seconds", "fit, s", significant(2), "seconds over all tasks"),
)  # fmt: skip
PAIRS = (
    _words("entry", "entry"),
    _words("other", "against"),
    Column("ratio", "error ratio", fixed(3), "geometric mean, families weigh equally; below 1 the first is better"),
    _words("interval", "95 % interval"),
    Column("wins", "wins", whole),
    Column("ties", "ties", whole, "differences below the noise floor"),
    Column("losses", "losses", whole),
    Column("p_holm", "p (Holm)", significant(2), "paired t test over families, adjusted over all pairs of the board"),
    _words("verdict", "verdict"),
)
FLOORS = (
    _words("task", "task"),
    _words("ranked", "ranked"),
    Column("noise_floor", "floor, %", lambda x: significant(2)(None if missing(x) else 100 * x),
           "noise floor, of the loss (or of the reducible loss, where a task is ranked by it); "
           "smaller differences are ties"),
    Column("n_fitted", "fitted", whole, "points"),
    Column("n_scored", "scored", whole, "points that count"),
    Column("extrapolation", "reach", lambda x: EMPTY if missing(x) else f"{float(x):.3g}×",
           "how far beyond the fitted steps, tokens or sizes"),
    _words("best", "best entry"),
    Column("best_error", "error, %", lambda x: three(None if missing(x) else 100 * x)),
    Column("best_floors", "× noise", three),
)  # fmt: skip
RECIPES = (
    _words("law", "law"),
    _words("options", "options"),
    _words("recipe", "recipe"),
    _words("task", "task"),
    _words("status", "status"),
    Column("log_mae", "error", significant(4)),
    Column("common", "error, common", significant(4)),
    Column("ratio", "ratio", fixed(3), "above 1: worse than the converged fit with default options"),
    Column("beyond_floor", "beyond noise", yes, numeric=False),
)
RECIPE_SUMMARY = (
    _words("law", "law"),
    _words("options", "options"),
    _words("recipe", "recipe"),
    _words("status", "status"),
    Column("ratio", "ratio", fixed(3), "geometric mean, families weigh equally"),
    _words("interval", "95 % interval", "Student t over dataset families"),
    Column("families", "families", whole),
    Column("tasks", "tasks", whole),
    Column("beyond_floor", "beyond noise", whole, "tasks on which the two differ by more than the noise floor"),
)
STEADINESS = (
    _words("variant", "variant"),
    Column("tau", "Kendall's tau", fixed(3), "between this order and the board's; 1 is the same order"),
    _words("leader", "leader"),
    Column("leader_stays", "leader stays", yes, numeric=False),
    Column("largest_move", "largest move", whole, "most ranks that any entry moves"),
)
COSTS = (
    _words("entry", "entry"),
    Column("n_params_law", "parameters", whole, "fitted parameters of the law"),
    Column("seconds", "fit, s", significant(2), "seconds over all tasks"),
    Column("seconds_task", "fit a task, s", significant(2), "mean over the tasks that were fitted"),
    Column("evaluations", "evaluations", whole, "of the law, over all fits"),
)
MISSING_CELLS = (
    _words("entry", "entry"),
    _words("task", "task"),
    _words("status", "status"),
    _words("reason", "reason"),
)
OUTSIDE = (
    _words("entry", "entry"),
    _words("track", "track"),
    Column("tasks", "tasks", whole),
    _words("reason", "reason"),
)

SPARSE = ("interval", "tied", "failed", "not_applicable", "decisions", "coverage", "width")
"""Columns of a board that are left out where they say nothing."""
DRAWN = ("dataset", "objective", "converged", "n_fitted", "n_scored")
"""Columns that the tables read beyond those of a board."""


def interval(frame: pd.DataFrame, low: str, high: str, digits: int = 3) -> list[str]:
    """Write the ends of an interval in one cell a row."""
    show = fixed(digits)
    pairs = zip(frame[low], frame[high], strict=True)
    return ["" if missing(a) or missing(b) else f"{show(a)} to {show(b)}" for a, b in pairs]


def board_table(board: pd.DataFrame) -> Table:
    """Return the table of a leaderboard; columns without any value are left out."""
    frame = board.assign(interval=interval(board, "skill_low", "skill_high"), tasks_ok=board["ok"])
    keep = [c for c in BOARD if c.key not in SPARSE or _says(frame[c.key])]
    return table(frame, keep, [bool(x) for x in frame["rank"].isna()])


def cost_table(board: pd.DataFrame) -> Table:
    """Return what the fits of a board's entries cost; columns that the board does not have are left out."""
    fitted = board[board["ok"] > 0]
    frame = fitted.assign(seconds_task=fitted["seconds"] / fitted["ok"])
    return table(frame, [c for c in COSTS if c.key in frame and _says(frame[c.key])])


def family_table(ratio: Mapping[str, Mapping[str, float]]) -> Table:
    """Return errors relative to the baseline: one line an entry, one column a family of data."""
    families = list(next(iter(ratio.values()), {}))
    frame = pd.DataFrame([{"entry": entry, **values} for entry, values in ratio.items()])
    return (
        table(frame, [_words("entry", "entry"), *(Column(f, f, three) for f in families)]) if ratio else Table((), ())
    )


def pair_table(pairs: pd.DataFrame) -> Table:
    """Return the table of all pairs; columns without any value are left out."""
    frame = pairs.assign(interval=interval(pairs, "low", "high"))
    keep = [c for c in PAIRS if c.key not in {"interval", "p_holm", "verdict"} or _says(frame[c.key])]
    return table(frame, keep)


def known_error(rows: pd.DataFrame) -> pd.Series:
    """Return the primary metric of every row, missing where a row names a metric that no task is ranked by."""
    known = rows["metric"].isin(PRIMARY_KEYS)
    return primary_error(rows.assign(metric=rows["metric"].where(known, PRIMARY_KEYS[0]))).where(known)


def floor_table(rows: pd.DataFrame) -> Table:
    """Return noise floor, points and best error of every task."""
    records = []
    for task, own in rows.assign(primary=known_error(rows)).groupby("task", sort=True):
        good = own[(own["status"] == "ok") & own["primary"].notna()].sort_values(["primary", "entry"])
        first, best = own.iloc[0], good.iloc[0] if len(good) else None
        floor = first["noise_floor"]
        error = None if best is None else best["primary"]
        records.append(
            {
                "task": task,
                "ranked": "yes" if bool(first["ranked"]) else "no",
                "noise_floor": floor,
                "n_fitted": own["n_fitted"].max(),
                "n_scored": own["n_scored"].max(),
                "extrapolation": first["extrapolation"],
                "best": None if best is None else best["entry"],
                "best_error": error,
                "best_floors": None if error is None or missing(floor) or floor == 0 else error / floor,
            }
        )
    return table(pd.DataFrame(records, columns=[c.key for c in FLOORS]), FLOORS)


def missing_table(rows: pd.DataFrame) -> Table:
    """Return the cells that failed or are shown for reference only, and why."""
    out = rows[rows["status"].isin(["failed", "reference"])]
    return table(out.sort_values(["status", "entry", "task"], kind="stable"), MISSING_CELLS)


def outside_table(rows: pd.DataFrame) -> Table:
    """Return to how many tasks of a track an entry is not applicable, and why, without the names of the tasks."""
    out = rows[rows["status"] == "not_applicable"]
    why = [reason.replace(f"law '{law}'", "it").split("; ")[0].rstrip(".") for law, reason in
           zip(out["law"], out["reason"], strict=True)]  # fmt: skip
    counted = out.assign(reason=why).groupby(["entry", "track", "reason"], sort=True).size()
    return table(counted.rename("tasks").reset_index(), OUTSIDE)


def _says(values: pd.Series) -> bool:
    """Whether a column holds anything but blanks and zero counts."""
    return any(not missing(v) and v != 0 for v in values)
