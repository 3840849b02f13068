"""The page of all tasks: families by tracks, then every task with what it asks.

Run ``python -m lawbench.report.tasks_page docs/tasks.md`` after a change of a card.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lawbench.data.dataset import datasets, read_dataset
from lawbench.data.task_card import TRACKS
from lawbench.suites import suites
from lawbench.task import Task
from lawbench.tasks import make_task
from lawbench.tasks import tasks as known_tasks

Licences = dict[str, str]


def tasks_markdown(tasks: Sequence[Task], licences: Licences) -> str:
    """Return the page as a Markdown document.

    Parameters
    ----------
    tasks : sequence of Task
    licences : dict
        Dataset -> licence of its data.
    """
    out = ["# Tasks", "", "Every task, generated from the cards and the data.", ""]
    out += [*_families(tasks), *_suites()]
    for track in TRACKS:
        out += _track(track, [task for task in tasks if task.track == track], licences)
    return "\n".join(out)


def _families(tasks: Sequence[Task]) -> list[str]:
    families = sorted({task.family for task in tasks})
    out = [
        "Ranked tasks by family and track; in brackets, tasks that are shown and not ranked.",
        "",
        f"| family | {' | '.join(TRACKS)} |",
        f"|---|{'---:|' * len(TRACKS)}",
    ]
    for family in families:
        own = [[t for t in tasks if (t.family, t.track) == (family, track)] for track in TRACKS]
        out.append(f"| {family} | {' | '.join(map(_count, own))} |")
    total = [[t for t in tasks if t.track == track] for track in TRACKS]
    return [*out, f"| **all** | {' | '.join(map(_count, total))} |", ""]


def _count(tasks: Sequence[Task]) -> str:
    ranked = sum(task.ranked for task in tasks)
    rest = len(tasks) - ranked
    return (str(ranked) if ranked or not rest else "0") + (f" ({rest})" if rest else "") if tasks else ""


def _suites() -> list[str]:
    rows = [f"| `{s.label}` | {len(s.tasks)} | {s.what} |" for s in suites()]
    return ["## Suites", "", "| suite | tasks | what |", "|---|---:|---|", *rows, ""]


def _track(track: str, tasks: Sequence[Task], licences: Licences) -> list[str]:
    head = ["task", "family", "fitted", "scored", "reach", "noise floor, %", "provides", "licence", "ranked", "what"]
    out = [f"## {track}", "", f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|---|---|---|---|"]
    notes = {info.name: info.note for info in known_tasks(track)}
    for task in tasks:
        floor = "unknown" if task.noise_floor is None else f"{100 * task.noise_floor:.2g}"
        cells = [f"`{task.name}`", task.family, str(task.n_fitted), str(task.n_scored), f"{task.extrapolation:.3g}"]
        cells += [floor, " ".join(sorted(task.provides)), licences[task.dataset], "yes" if task.ranked else "no"]
        cells.append(notes[task.name])
        out.append(f"| {' | '.join(cells)} |")
    return [*out, ""]


def all_tasks() -> tuple[list[Task], Licences]:
    """Return every task with its data, and the licence of each dataset."""
    made, licences = [], {}
    for card in datasets():
        data = read_dataset(card)
        licences[card.name] = card.licence
        made += [make_task(data, task) for task in card.tasks]
    return made, licences


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(tasks_markdown(*all_tasks()), encoding="utf-8")
