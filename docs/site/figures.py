"""The pictures of the page of concepts: ``python docs/site/figures.py docs/figures`` after a change of the data."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import lawbench
from lawbench.report.colours import INK, MUTED, PALETTE
from lawbench.report.figures import look
from lawbench.runs import Run
from lawbench.task import Task

TASK, PREDICTED, LAW = "pycode-bytes/schedule-150k", "150k-wsd-linear-2t", "mpl"


def task_figure() -> Figure:
    """Return one predicted curve of a task: its rates, what is fitted, what is masked, what counts."""
    task = lawbench.load_task(TASK)
    data = lawbench.load_dataset(TASK.split("/")[0])
    run = data.run(PREDICTED)
    predicted = next(
        values
        for seen, values in zip(task.test, lawbench.fit(LAW, task.train).predict(task.test), strict=True)
        if seen.name == PREDICTED
    )
    branch = next(c.branch for t in data.card.tasks if t.name in TASK for c in t.curves if c.run == PREDICTED)
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    _rates(top, task, run)
    _losses(bottom, task, run, branch, predicted)
    return figure


def _rates(ax: Axes, task: Task, run: Run) -> None:
    for fitted in task.train:
        assert fitted.schedule is not None
        ax.plot(fitted.schedule.lr, color=MUTED, lw=1.2)
    assert run.schedule is not None
    ax.plot(run.schedule.lr, color=PALETTE[0], lw=1.8)
    ax.set_ylabel("learning rate")
    ax.set_title("Schedules: three fitted (grey), one predicted", loc="left")


def _losses(ax: Axes, task: Task, run: Run, branch: int, predicted: np.ndarray) -> None:
    for i, fitted in enumerate(task.train):
        ax.plot(fitted.steps, fitted.loss, color=MUTED, lw=1.2, label="fitted curves" if i == 0 else None)
    counts = run.steps >= branch
    ax.axvspan(run.steps[0], branch, color=MUTED, alpha=0.10, lw=0)
    ax.text(0.5 * branch, 0.96, "masked: same rates as a fitted run", transform=ax.get_xaxis_transform(), ha="center",
            va="top", color=INK, fontsize=9)  # fmt: skip
    ax.plot(run.steps[counts], run.loss[counts], "o", ms=3.5, color=PALETTE[0], label="points that count")
    ax.plot(run.steps[counts], predicted[counts], color=INK, lw=1.6, ls="--", label=f"prediction of {LAW}")
    assert task.noise_floor is not None
    band = run.loss[counts] * np.exp(np.array([[-1.0], [1.0]]) * task.noise_floor)
    ax.fill_between(run.steps[counts], *band, color=PALETTE[0], alpha=0.18, lw=0, label="noise floor")
    ax.set_ylim(0.9 * run.loss.min(), 2.1)
    ax.set_xlabel("optimiser step")
    ax.set_ylabel("loss (nats per token)")
    ax.set_title("Losses", loc="left")
    ax.legend(loc="lower left", frameon=False)


if __name__ == "__main__":
    picture = StringIO()
    with look():
        task_figure().savefig(picture, format="svg", metadata={"Date": None})
    lines = (line.rstrip() for line in picture.getvalue().splitlines())
    (Path(sys.argv[1]) / "task.svg").write_text("\n".join(lines) + "\n", encoding="utf-8")
