"""The page of a dataset: its card in words, its curves in a picture, its runs and tasks in tables.

Run ``python -m lawbench.report.dataset_page pycode-bytes docs/datasets`` after a change of its data.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from lawbench.data.dataset import Dataset, load_dataset
from lawbench.noise import repeats
from lawbench.report.card_page import facts, masks, source
from lawbench.report.colours import INK, MUTED, PALETTE
from lawbench.report.figures import look
from lawbench.runs import Run
from lawbench.schedule import FloatArray, shared_steps
from lawbench.tasks import make_task

LOWEST = 0.97
"""Panels begin this far below the lowest loss, and end at the loss a tenth of the way."""


def dataset_markdown(data: Dataset, picture: str) -> str:
    """Return the page of a dataset as a Markdown document.

    Parameters
    ----------
    data : Dataset
    picture : str
        Path of the figure of its curves, relative to the page.
    """
    card = data.card
    out = [f"# {card.name}", "", f"{card.title}.", "", "Generated from the card and the data.", ""]
    out += [f"![Loss curves of {card.name}]({picture})", "", *facts(card), *_noise(data), *_runs(data), *_tasks(data)]
    return "\n".join([*out, *masks(card), *source(card)])


def curves_figure(data: Dataset) -> Figure:
    """Return the loss curves, one panel a model, and the losses by position at their end where they are known."""
    models = list(dict.fromkeys(run.model for run in data.runs))
    positional = any(run.position_loss is not None for run in data.runs)
    columns = len(models) + positional
    figure = Figure(figsize=(2.6 * columns + 1.2, 3.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    kinds = list(dict.fromkeys(_kind(run) for run in data.runs))
    colours = {kind: PALETTE[i % len(PALETTE)] for i, kind in enumerate(kinds)}
    lowest = LOWEST * min(float(run.loss.min()) for run in data.runs)
    highest = max(float(np.median([_tenth(r) for r in data.runs if r.model == model])) for model in models)
    for ax, model in zip(axes, models, strict=False):
        own = [run for run in data.runs if run.model == model]
        for run in own:
            ax.plot(run.updates, run.loss, color=colours[_kind(run)], lw=0.9, alpha=0.85)
        ax.set_title(model)
        ax.set_ylim(lowest, highest)
        ax.set_xlabel("optimiser steps")
    if positional:
        _by_position(axes[-1], data, models)
    axes[0].set_ylabel(f"loss ({data.card.loss.unit})")
    handles = [Line2D([], [], color=colours[kind], label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(kinds), 8))
    return figure


def write_page(name: str, folder: Path) -> Path:
    """Write the page and the figure of a dataset into a folder; return the page."""
    data = load_dataset(name)
    folder.mkdir(parents=True, exist_ok=True)
    with look():
        curves_figure(data).savefig(folder / f"{name}.svg", metadata={"Date": None})
    page = folder / f"{name}.md"
    page.write_text(dataset_markdown(data, f"{name}.svg"), encoding="utf-8")
    return page


def below_constant(run: Run, runs: Sequence[Run]) -> float | None:
    """Return how far a run ends below one at a constant rate of its model, at equal steps, in log loss.

    None where there is none with the same seed and peak, or it is the run itself.
    """
    for other in runs:
        if other.schedule is None or run.schedule is None or other.model != run.model or other is run:
            continue
        flat = np.ptp(other.schedule.lr[int(other.steps[0]) :]) == 0
        alike = other.meta.get("seed") == run.meta.get("seed") and other.schedule.lr.max() == run.schedule.lr.max()
        if (
            flat
            and alike
            and run.steps[-1] in other.steps
            and shared_steps(run.schedule, other.schedule) < len(run.schedule)
        ):
            return float(np.log(other.loss[other.steps == run.steps[-1]][0] / run.loss[-1]))
    return None


def _noise(data: Dataset) -> list[str]:
    rows = []
    for model in dict.fromkeys(run.model for run in data.runs):
        between = repeats([run for run in data.runs if run.model == model])
        if between is not None:
            rows.append(f"| {model} | {100 * between:.2f} |")
    if not rows:
        return []
    head = ["## Noise floor", "", "Mean difference in log loss between two runs of the same schedule.", ""]
    return [*head, "| model | noise floor, % |", "|---|---:|", *rows, ""]


def _runs(data: Dataset) -> list[str]:
    out = ["## Runs", "", "| run | N | points | steps | last loss | below the constant rate, % | in noise floors |"]
    out.append("|---|---:|---:|---:|---:|---:|---:|")
    floors = {model: repeats([r for r in data.runs if r.model == model]) for model in {r.model for r in data.runs}}
    for run in data.runs:
        gain, floor = below_constant(run, data.runs), floors[run.model]
        size = "–" if run.n_params is None else f"{run.n_params:.6g}"
        cells = [run.name, size, str(len(run)), str(int(run.updates[-1])), f"{run.loss[-1]:.4f}"]
        cells.append("" if gain is None else f"{100 * gain:.2f}")
        cells.append("" if gain is None or not floor else f"{gain / floor:.1f}")
        out.append(f"| {' | '.join(cells)} |")
    return [*out, ""]


def _tasks(data: Dataset) -> list[str]:
    out = ["## Tasks", "", "| task | track | fitted | scored | reach | noise floor, % | what |"]
    out.append("|---|---|---:|---:|---:|---:|---|")
    for card in data.card.tasks:
        task = make_task(data, card)
        floor = "–" if task.noise_floor is None else f"{100 * task.noise_floor:.2f}"
        cells = [card.name, card.track, str(task.n_fitted), str(task.n_scored), f"{task.extrapolation:.2f}", floor]
        out.append(f"| {' | '.join([*cells, card.note])} |")
    return [*out, ""]


def _by_position(ax: Axes, data: Dataset, models: Sequence[str]) -> None:
    for i, model in enumerate(models):
        run = next(run for run in data.runs if run.model == model and run.position_loss is not None)
        assert run.position_loss is not None
        positions = np.arange(1, run.position_loss.shape[1] + 1)
        shade = INK if i == len(models) - 1 else MUTED
        ax.plot(positions, run.position_loss[-1], color=shade, lw=0.7, alpha=0.5 + 0.5 * (i + 1) / len(models))
        ax.annotate(model, (positions[-1], _smooth(run.position_loss[-1])), xytext=(4, 0), fontsize=8, color=shade,
                    textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
    ax.set_xscale("log")
    ticks = [t for t in (1, 4, 16, 64, 256, 1024, 4096) if t <= positions[-1]]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xticklabels([str(t) for t in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("position in the context")
    ax.set_title(f"last point of {_schedule(run)}")


def _smooth(losses: FloatArray) -> float:
    return float(losses[-16:].mean())


def _tenth(run: Run) -> float:
    return float(run.loss[min(len(run) - 1, max(1, len(run) // 10))])


def _schedule(run: Run) -> str:
    return str(run.meta.get("schedule", run.name))


def _kind(run: Run) -> str:
    found = re.match(r"[a-z]+", _schedule(run))
    return found[0] if found else "other"


if __name__ == "__main__":
    print(write_page(sys.argv[1], Path(sys.argv[2])))
