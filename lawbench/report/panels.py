"""What the curve figures show: per predicted curve the truth, what counts, every entry's prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lawbench.errors import InputError, LawbenchError

Floats = NDArray[np.float64]
Predictions = Mapping[tuple[str, str], Sequence[Any]]
Kind = Literal["steps", "compute", "position"]
ACROSS: Mapping[Kind, str] = {
    "steps": "optimiser step",
    "compute": "training compute 6ND (FLOP)",
    "position": "position in the context",
}
"""What the horizontal axis of a panel measures."""
POINTS_DRAWN = 80
"""Points drawn a curve; longer curves are thinned evenly, their ends kept."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One predicted curve, or all one-point runs of a task pooled into one panel.

    Attributes
    ----------
    task : str
    kind : {"steps", "compute", "position"}
        What ``x`` measures.
    title : str
    x, truth : ndarray, shape (n,)
        Optimiser steps (or training compute in FLOP, or positions) and losses in nats per token.
    counts : ndarray of bool, shape (n,)
        Points that count.
    lines : dict of str to ndarray, shape (n,)
        Predicted loss by entry.
    floor : float or None
        Noise floor of the task, in log loss.
    """

    task: str
    kind: Kind
    title: str
    x: Floats
    truth: Floats
    counts: NDArray[np.bool_]
    lines: dict[str, Floats]
    floor: float | None

    @property
    def ignored_until(self) -> float | None:
        """Last ``x`` of the leading points that do not count."""
        first = int(np.argmax(self.counts)) if self.counts.any() else self.counts.size
        return float(self.x[first - 1]) if first > 0 else None

    def largest(self, entry: str) -> float:
        """Return the largest error of an entry on the points that count, in per cent."""
        counted = self.counts if self.counts.any() else np.ones_like(self.counts)
        return float(np.abs(self.residual(entry)[counted]).max())

    def residual(self, entry: str) -> Floats:
        """Return prediction over truth minus 1, in per cent."""
        out: Floats = 100.0 * (self.lines[entry] / self.truth - 1.0)
        return out


@dataclass(frozen=True, eq=False)
class Gallery:
    """The panels of one dataset and track, drawn together."""

    track: str
    dataset: str
    panels: tuple[Panel, ...]
    entries: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its figures."""
        return f"{self.track}-{self.dataset}"

    def some(self, count: int) -> Gallery:
        """Return it with at most so many panels, spread over all of them."""
        at = np.unique(np.linspace(0, len(self.panels) - 1, min(count, len(self.panels))).round().astype(int))
        return replace(self, panels=tuple(self.panels[i] for i in at))

    def best(self, count: int) -> Gallery:
        """Return it with the entries whose median error over the panels is smallest."""
        errors: dict[str, list[float]] = {entry: [] for entry in self.entries}
        for panel in self.panels:
            for entry in panel.lines:
                errors[entry].append(panel.largest(entry))
        # An entry without a prediction somewhere comes after those that have them all.
        order = sorted(errors, key=lambda e: (-len(errors[e]), float(np.median(errors[e])), e))[:count]
        panels = tuple(replace(p, lines={e: p.lines[e] for e in order if e in p.lines}) for p in self.panels)
        return replace(self, panels=panels, entries=tuple(sorted(order)))


@dataclass
class Galleries:
    """All galleries, and a sentence for each that could not be built."""

    shown: list[Gallery] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def galleries(rows: pd.DataFrame, predictions: Predictions, load: Callable[[str], Any]) -> Galleries:
    """Return what can be drawn of a set of rows and their predictions.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    predictions : mapping
        ``(task, entry)`` to one array a predicted run.
    load : callable
        Returns a task by its name.
    """
    out = Galleries()
    scored = rows[rows["status"].isin(["ok", "reference"])]
    for (track, dataset), own in scored.groupby(["track", "dataset"], sort=True):
        name = f"{track}-{dataset}"
        try:
            gallery = _gallery(str(track), str(dataset), own, predictions, load, out.problems)
        except LawbenchError as error:
            out.problems[name] = (
                f"The curves of {dataset} ({track}) are left out: its data could not be used here "
                f"({type(error).__name__}). Run `lawbench fetch {dataset}`, then write the report again."
            )
        except Exception as error:
            # Whatever is wrong with one dataset's predictions, the rest of the report still stands.
            out.problems[name] = f"The curves of {dataset} ({track}) are left out: {type(error).__name__}: {error}."
        else:
            if gallery.panels:
                out.shown.append(gallery)
    return out


def _gallery(
    track: str,
    dataset: str,
    rows: pd.DataFrame,
    predictions: Predictions,
    load: Callable[[str], Any],
    problems: dict[str, str],
) -> Gallery:
    panels: list[Panel] = []
    for name in sorted(set(rows["task"])):
        entries = sorted(e for e in rows.loc[rows["task"] == name, "entry"] if (name, e) in predictions)
        if not entries:
            continue
        task, made = load(name), []
        for entry in entries:
            arrays = [np.asarray(p, dtype=np.float64) for p in predictions[name, entry]]
            wrong = _wrong(arrays, task.truth())
            if wrong:
                problems[f"{name} {entry}"] = f"The curves of entry {entry} on task {name} are left out: {wrong}."
            else:
                made.append((entry, arrays))
        if made:
            panels += _panels(task, name.split("/", 1)[-1], track, made)
    shown = sorted({entry for panel in panels for entry in panel.lines})
    return Gallery(track, dataset, tuple(panels), tuple(shown))


def _panels(task: Any, short: str, track: str, made: Sequence[tuple[str, list[Floats]]]) -> list[Panel]:
    if all(len(run) == 1 for run in task.truth()):
        return [_pool(task, short, made)]
    return [_ends(task, short, made)] if track == "position" else _curves(task, short, made)


def _wrong(arrays: Sequence[Floats], truth: Sequence[Any]) -> str:
    """Say what is wrong with predictions; empty if nothing is."""
    shapes, expected = [a.shape for a in arrays], [(len(run),) for run in truth]
    if shapes != expected:
        found = next((pair for pair in zip(shapes, expected, strict=False) if pair[0] != pair[1]), None)
        return f"they have {len(shapes)} runs, not {len(expected)}" if found is None else (
            f"a run has predictions of shape {found[0]}, not {found[1]}"
        )  # fmt: skip
    good = all(bool((np.isfinite(a) & (a > 0)).all()) for a in arrays)
    return "" if good else "a predicted loss is not finite and above 0"


def _curves(task: Any, short: str, made: Sequence[tuple[str, list[Floats]]]) -> list[Panel]:
    out = []
    for i, run in enumerate(task.truth()):
        keep = np.unique(np.linspace(0, len(run) - 1, min(len(run), POINTS_DRAWN)).round().astype(int))
        out.append(
            Panel(
                task=task.name,
                kind="steps",
                title=run.name if short == task.track else f"{run.name} ({short.removeprefix(f'{task.track}-')})",
                x=run.steps[keep].astype(np.float64),
                truth=run.loss[keep],
                counts=np.asarray(task.counts[i], dtype=bool)[keep],
                lines={entry: arrays[i][keep] for entry, arrays in made},
                floor=task.noise_floor,
            )
        )
    return out


def _ends(task: Any, short: str, made: Sequence[tuple[str, list[Floats]]]) -> Panel:
    """Return the losses at the last predicted point, over positions: a curve a position would be too many."""
    runs = task.truth()
    return Panel(
        task=task.name,
        kind="position",
        title=f"{short.removeprefix('position-')}, last point",
        x=np.array([run.position for run in runs], dtype=np.float64),
        truth=np.array([run.loss[-1] for run in runs]),
        counts=np.ones(len(runs), dtype=bool),
        lines={entry: np.array([curve[-1] for curve in arrays]) for entry, arrays in made},
        floor=task.noise_floor,
    )


def _pool(task: Any, short: str, made: Sequence[tuple[str, list[Floats]]]) -> Panel:
    runs = task.truth()
    compute = [run.compute for run in runs]
    if any(c is None for c in compute):
        raise InputError(f"task '{task.name}' has runs without model size or tokens: there is nothing to plot against.")
    x = np.concatenate(compute)
    order = np.argsort(x, kind="stable")
    return Panel(
        task=task.name,
        kind="compute",
        title=short,
        x=x[order],
        truth=np.concatenate([run.loss for run in runs])[order],
        counts=np.concatenate([np.asarray(c, dtype=bool) for c in task.counts])[order],
        lines={entry: np.concatenate(arrays)[order] for entry, arrays in made},
        floor=task.noise_floor,
    )
