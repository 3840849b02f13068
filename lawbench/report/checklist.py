"""The checklist of a report: what a scaling-law study should state, after the (Mis)Fitting survey, from facts.

The items are worded by this project. An answer that no card, run or row gives stays empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lawbench.boards import BOARDS, names, primary_error
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, read_dataset
from lawbench.errors import LawbenchError
from lawbench.law import Law
from lawbench.provenance.here import card_of
from lawbench.runs import Run

SURVEY = "Li, Kudugunta, Zettlemoyer, ICLR 2025, arXiv 2502.18969"


@dataclass(frozen=True)
class Item:
    """One question of the checklist and its answer, empty where it is not known."""

    part: str
    question: str
    answer: str


def checklist(rows: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """Return the checklist of a report as a Markdown document: laws and fits once, then each dataset and board.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    facts : mapping
        The manifest.
    """
    out = ["# Checklist", "", f"What a study of scaling laws should state, after the survey of {SURVEY}, in our words. "
           "Filled in from cards, data and results; what is not known is left empty.", ""]  # fmt: skip
    out += ["## Laws", "", *_laws(rows), "## Fits", "", *_table(fit_items(rows, facts))]
    for name in sorted(set(map(str, rows["dataset"]))):
        own, card = rows[rows["dataset"] == name], card_of(name)
        out += [f"## {name}", "", *_table(data_items(card, _runs(card)))]
        for board in BOARDS:
            here = on_board(own, board)
            if len(here):
                out += [f"### {name}, board {board}", "", *_table(board_items(here, card))]
    return "\n".join(out)


def on_board(rows: pd.DataFrame, board: str) -> pd.DataFrame:
    """Return the rows of a board: of tasks that it ranks, and of entries that need no more than it gives."""
    place = BOARDS[board]
    cells = zip(rows["track"], rows["ranked"], rows["provides"], rows["needs"], strict=True)
    here = [
        track == place.track and bool(ranked) and place.inputs <= names(provides) and names(needs) <= place.inputs
        for track, ranked, provides, needs in cells
    ]
    return rows[np.array(here, dtype=bool)]


def fit_items(rows: pd.DataFrame, facts: Mapping[str, Any]) -> list[Item]:
    """Return what is said of how laws were fitted, for all datasets at once."""
    objective = facts.get("objective") or {}
    starts, seconds = _numbers(rows, "cert_starts"), _numbers(rows, "seconds")
    bound = rows["cert_at_bound"].astype(object).fillna("") if "cert_at_bound" in rows else pd.Series([], dtype=object)
    warmups = {part for options in rows["options"].astype(str) for part in options.split(",") if "warmup=" in part}
    part, added = "Fitting", "lawbench adds"
    return [
        Item(part, "recipes", ", ".join(sorted(set(map(str, rows["recipe"]))))),
        Item(part, "objective of the recipe common",
             f"{objective['loss']}, delta {objective['delta']:g}" if objective else ""),
        Item(part, "residual", f"{objective['residual']}" if objective else ""),
        Item(part, "weights", f"{objective['across']} over the points of a curve, summed over curves"
             if objective.get("across") == "mean" else ""),
        Item(part, "optimiser and tolerances", "common: grid, then bounded Levenberg-Marquardt with exact "
             "derivatives; gradient, agreement and evaluations of each fit in results.csv"),
        Item(part, "starts", _range(starts, "starts")),
        Item(part, "bounds", "with each law, above"),
        Item(part, "refits on subsets of the data", ""),
        Item(added, "warm-up conventions", ", ".join(sorted(warmups))),
        Item(added, "fits with a parameter at a bound", f"{int((bound != '').sum())} of {len(starts)}"),
        Item(added, "time", f"{seconds.sum():.3g} s" if seconds.size else ""),
        Item(added, "version", f"lawbench {facts['lawbench']}"),
        Item(added, "hashes", "of data, laws, engine and cells in manifest.json"),
    ]  # fmt: skip


def data_items(card: Card | None, runs: Sequence[Run] | None) -> list[Item]:
    """Return what is said of a dataset, as far as its card and its runs tell.

    Parameters
    ----------
    card : Card, optional
        None where the dataset is not installed here.
    runs : sequence of Run, optional
        None where the data are not at hand.
    """
    setup, collected = "Training", "Data"
    runs = runs or ()
    rates = [run.schedule for run in runs if run.schedule is not None]
    repeated = [float(run.meta["unique_tokens"]) for run in runs if "unique_tokens" in run.meta]
    source = "" if card is None or card.source.repository is None else (
        f"{card.source.repository}, commit {str(card.source.commit)[:12]}")  # fmt: skip

    def said(read: Callable[[Card], str]) -> str:
        return "" if card is None else read(card)

    return [
        Item(setup, "runs", str(len(runs) or "")),
        Item(setup, "model sizes", _range([run.n_params for run in runs if run.n_params is not None], "parameters")),
        Item(setup, "tokens of a run", _range([run.tokens[-1] for run in runs if run.tokens is not None], "tokens")),
        Item(setup, "repeated data", _range(repeated, "unique tokens")),
        Item(setup, "how N is counted", said(lambda c: c.n_params_counts)),
        Item(setup, "how D is counted", said(lambda c: c.tokens_are)),
        Item(setup, "how C is counted", "by lawbench: 6 N D" if any(run.compute is not None for run in runs) else ""),
        Item(setup, "batch", _range([r.tokens_per_step for r in runs if r.tokens_per_step is not None],
                                    "tokens a step")),
        Item(setup, "how hyper-parameters were chosen, and whether they scale", ""),
        Item(setup, "how the shape of the architecture was chosen", ""),
        Item(setup, "peak learning rate", _range([float(s.lr.max()) for s in rates], "")),
        Item(setup, "learning-rate schedule known at every step", f"{len(rates)} of {len(runs)} runs" if runs else ""),
        Item(setup, "warm-up", _range([int(np.argmax(s.lr)) + 1 for s in rates], "steps until the peak is reached")),
        Item(setup, "source", source or said(lambda c: "shipped with lawbench" if c.source.repository is None else "")),
        Item(setup, "licence", said(lambda c: c.licence)),
        Item(collected, "logged points of a run", _range([len(run) for run in runs], "points")),
        Item(collected, "loss", said(lambda c: f"{c.loss.kind}, {c.loss.unit}")),
        Item(collected, "smoothing", said(lambda c: c.loss.smoothing)),
        Item(collected, "rounding of the log",
             said(lambda c: "" if c.quantisation is None else f"{c.quantisation.value:g} {c.quantisation.unit}")),
        Item(collected, "what else to know", said(lambda c: " ".join(c.quirks))),
        Item(collected, "files", said(lambda c: f"{len(c.source.files)}, with sha256 in manifest.json")),
    ]  # fmt: skip


def board_items(rows: pd.DataFrame, card: Card | None) -> list[Item]:
    """Return what is said of the validation on one dataset and board.

    Parameters
    ----------
    rows : DataFrame
        Its cells, from `on_board`.
    card : Card, optional
    """
    part = "Validation"
    tasks = sorted(set(map(str, rows["task"])))
    scored = rows.assign(error=primary_error(rows))
    scored = scored[(scored["status"] == "ok") & scored["error"].notna()]
    best = scored.sort_values(["error", "entry"]).groupby("task").head(1)
    covered = int(_numbers(rows, "coverage").size)
    cards = {} if card is None else {f"{card.name}/{task.name}": task for task in card.tasks}
    split = {f"up to {t.fit_until:g}, scored from {t.score_from:g} of the steps" if t.fit_until and t.score_from
             else "other runs than the fitted ones"
             for name in tasks if (t := cards.get(name)) is not None}  # fmt: skip
    return [
        Item(part, "tasks", ", ".join(tasks)),
        Item(part, "what is predicted", "; ".join(sorted(split))),
        Item(part, "fitted points", _range(_numbers(rows, "n_fitted"), "a task")),
        Item(part, "points that count", _range(_numbers(rows, "n_scored"), "a task")),
        Item(part, "points on a trunk shared with fitted runs", "do not count; unmasked metrics in results.csv"),
        Item(part, "reach beyond the fitted range", _range(_numbers(rows, "extrapolation"), "times")),
        Item(part, "least error of a task",
             _range(best["error"].to_numpy(np.float64), "in log loss (or its reducible part)")),
        Item(part, "R² of those", _range(_numbers(best, "r2"), "")),
        Item(part, "noise floor", _range(_numbers(rows, "noise_floor"), "in the unit of the error")),
        Item(part, "prediction intervals", f"of {covered} cells" if covered else ""),
        Item(part, "unit of the bootstrap", ""),
        Item(part, "share of starts that reached the best fit", _range(_numbers(rows, "cert_reached"), "")),
        Item(part, "effect of dropping points", ""),
        Item(part, "failed fits", f"{int((rows['status'] == 'failed').sum())} of {len(rows)} cells"),
    ]  # fmt: skip


def _laws(rows: pd.DataFrame) -> Iterator[str]:
    """One line a law: its variables, parameters with bounds, and where its form is from."""
    yield "| law | variables | parameters, with bounds | origin of the form | note |"
    yield "|---|---|---|---|---|"
    for name in sorted(set(map(str, rows["law"]))):
        law = _law(name)
        if law is None:
            yield f"| {name} | | | | |"
            continue
        bounds = "; ".join(f"{p.name} {p.min:g} to {p.max:g}" for p in law.parameters)
        yield _line((name, ", ".join(sorted(law.needs)), bounds, law.reference, law.note))
    yield ""


def _law(name: str) -> type[Law] | None:
    from lawbench.registry import find_law

    try:
        return find_law(name)
    except LawbenchError:
        return None


def _runs(card: Card | None) -> tuple[Run, ...] | None:
    """Return the runs of a dataset, or None where they cannot be had."""
    try:
        found: Dataset | None = None if card is None else read_dataset(card)
    except LawbenchError:
        return None
    return None if found is None else found.runs


def _table(items: Iterable[Item]) -> Iterator[str]:
    yield "| part | item | answer |"
    yield "|---|---|---|"
    for item in items:
        yield _line((item.part, item.question, item.answer))
    yield ""


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _numbers(rows: pd.DataFrame, column: str) -> Any:
    if column not in rows:
        return np.array([])
    return pd.to_numeric(rows[column], errors="coerce").dropna().to_numpy(dtype=np.float64)


def _range(values: Iterable[float | None], unit: str) -> str:
    """Return the ends of some values; empty where there are none."""
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    if not known:
        return ""
    low, high = (f"{value:.4g}" for value in (min(known), max(known)))
    return f"{low if low == high else f'{low} to {high}'} {unit}".strip()
