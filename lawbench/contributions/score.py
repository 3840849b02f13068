"""Checking a file of results against its tasks, and scoring it here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lawbench.cell import Outcome, describe, missing_input
from lawbench.contributions.label import CONTRIBUTED
from lawbench.contributions.schema import Contribution, Predicted
from lawbench.entries import Entry
from lawbench.errors import InputError, unknown
from lawbench.law import Inputs, Law, Option, Parameter
from lawbench.metrics import Interval
from lawbench.registry import law_names
from lawbench.runs import Run, WithheldRun
from lawbench.store import Store, engine_hash
from lawbench.suites import digest, find_suite
from lawbench.tasks import Task, load_task

if TYPE_CHECKING:
    from lawbench.schedule import FloatArray


def score(contribution: Contribution) -> list[Outcome]:
    """Check predictions against the tasks of their suite and score them, as cells of our own are.

    Parameters
    ----------
    contribution : Contribution

    Returns
    -------
    list of Outcome
        One a task of the suite, ``not_applicable`` where it lacks an input of the law. Their recipe
        is ``contributed``, which marks them wherever they are shown.

    Raises
    ------
    UnknownNameError, InputError
        For an unknown suite or task, a name that a registered law has, missing tasks, and
        predictions of other runs, or another number of points, than the task has.
    DataError
        If the data of a task cannot be reached.
    """
    if contribution.law.name in law_names():
        raise InputError(
            f"law '{contribution.law.name}' is registered here: run it instead, or give the contributed law another "
            "name."
        )
    names = _tasks_of(contribution)
    law, entry = _law(contribution), Entry(contribution.law.name, contribution.parsed.options, CONTRIBUTED)
    tasks = [load_task(name) for name in names]
    _refuse_incomplete(contribution, law, tasks)
    return [_outcome(contribution, entry, law, task) for task in tasks]


def store_all(outcomes: Sequence[Outcome], store: Store, *, replace: bool = False) -> list[Outcome]:
    """Store outcomes of a contribution; none is written where one stands in the way.

    Parameters
    ----------
    outcomes : sequence of Outcome
    store : Store
    replace : bool
        Put them in the place of other results of the same entry.

    Returns
    -------
    list of Outcome
        Those that were not there already.

    Raises
    ------
    InputError
        If other results of the entry are stored and `replace` is not set, or the folder cannot be
        written.
    """
    new = []
    for outcome in outcomes:
        task, entry = str(outcome.row["task"]), str(outcome.row["entry"])
        there = store.read(task, entry)
        if isinstance(there, Outcome) and there.row["fingerprint"] == outcome.row["fingerprint"]:
            continue
        if there is not None and not replace:
            raise InputError(
                f"'{store.folder}' holds other results of entry '{entry}' on task '{task}': give --replace to put "
                "these in their place, or name the entry otherwise."
            )
        new.append(outcome)
    for outcome in new:
        store.write(outcome)
    return new


def _tasks_of(contribution: Contribution) -> tuple[str, ...]:
    """Return the tasks of the suite; a suite whose definition has changed, or a task outside it, is refused."""
    suite = find_suite(contribution.suite)
    if suite.label != contribution.suite:
        raise InputError(f"suite '{contribution.suite}' has no version: write '{suite.label}'.")
    if suite.sha256 and digest(suite.tasks) != suite.sha256:
        raise InputError(f"the tasks of suite '{suite.label}' are not defined here as they were released.")
    for name in contribution.tasks:
        if name not in suite.tasks:
            raise unknown(f"task of suite '{suite.label}'", name, suite.tasks)
    return suite.tasks


class _Foreign(Law):
    """A law of which only the predictions are known."""

    def prepare(self, run: Run) -> Inputs:
        self._refuse()

    def predict(self, p: Any, x: Inputs) -> Any:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(f"law '{self.name}' was contributed: only its predictions are known.")


def _law(contribution: Contribution) -> type[Law]:
    about = contribution.law
    facts = {
        "name": about.name,
        "title": about.title,
        "reference": about.reference,
        "year": about.year,
        "needs": frozenset(about.needs),
        "group": about.group,
        "parameters": tuple(Parameter(f"p{i}", "not told") for i in range(about.n_params)),
        "options": tuple(Option(name, value, (value,), "not told") for name, value in contribution.parsed.options),
    }
    return type("Foreign", (_Foreign,), facts)


def _refuse_incomplete(contribution: Contribution, law: type[Law], tasks: Sequence[Task]) -> None:
    """Refuse tasks that are missing, or that the law cannot have predicted."""
    why = {task.name: missing_input(law, task) for task in tasks}
    missing = [name for name, reason in why.items() if not reason and name not in contribution.tasks]
    if missing:
        raise InputError(
            f"suite '{contribution.suite}' has tasks whose predictions are missing ({len(missing)}): "
            f"{', '.join(missing)}."
        )
    for name in contribution.tasks:
        if why[name]:
            raise InputError(
                f"there are predictions of task '{name}', but {why[name]} Correct `needs` or leave it out."
            )


def _outcome(contribution: Contribution, entry: Entry, law: type[Law], task: Task) -> Outcome:
    row = describe(entry, task, law) | {"fingerprint": _fingerprint(contribution, task)}
    why = missing_input(law, task)
    if why:
        return Outcome({**row, "status": "not_applicable", "reason": why})
    given = contribution.tasks[task.name]
    curves = [_curve(given.predictions, run, task) for run in _runs(given.predictions, task, "predictions")]
    scores = task.score(curves, _intervals(given, task))
    row |= {"status": "ok", "reason": "", "seconds": given.seconds}
    row |= {name: scores[name] for name in row if name in scores}
    return Outcome(row, tuple(tuple(map(float, curve)) for curve in curves), dict(given.params))


def _runs(given: Mapping[str, Any], task: Task, what: str) -> tuple[WithheldRun, ...]:
    names = [run.name for run in task.test]
    for name in given:
        if name not in names:
            raise unknown(f"run in the {what} of task '{task.name}'", name, names)
    missing = [name for name in names if name not in given]
    if missing:
        more = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"task '{task.name}': the {what} of run '{missing[0]}'{more} are missing.")
    return task.test


def _curve(given: Mapping[str, Sequence[float]], run: WithheldRun, task: Task) -> FloatArray:
    curve = np.asarray(given[run.name], dtype=np.float64)
    if curve.shape != (len(run),):
        raise InputError(f"task '{task.name}': run '{run.name}' has {len(run)} points, but {curve.size} predictions.")
    return curve


def _intervals(given: Predicted, task: Task) -> list[Interval] | None:
    if given.intervals is None:
        return None
    out = []
    for run in _runs(given.intervals, task, "intervals"):
        ends = given.intervals[run.name]
        low, high = (_curve({run.name: side}, run, task) for side in (ends.low, ends.high))
        if not (low <= high).all():
            i = int(np.argmin(low <= high))
            raise InputError(
                f"task '{task.name}': the interval of run '{run.name}' at step {run.steps[i]} ends below its start."
            )
        out.append((low, high))
    return out


def _fingerprint(contribution: Contribution, task: Task) -> str:
    """Hash of what decides the row: the predictions and what is said of the law, the task, our scoring."""
    said = contribution.model_dump(mode="json", by_alias=True, include={"entry", "law"})
    given = contribution.tasks.get(task.name)
    parts = [said, None if given is None else given.model_dump(mode="json"), task.fingerprint, engine_hash()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
