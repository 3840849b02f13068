"""The checks of datasets: what the card says of the data, and what the data say themselves.

A check is a function of a dataset that yields findings. A *problem* fails the dataset; a *remark*
is reported and fails nothing. That steps increase, losses are finite and above 0, and rates are
there for every optimiser step, finite and never negative, is the contract of `Run` and `Schedule`:
a dataset that breaks it cannot be read, which is the check ``runs``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lawbench import noise
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, read_dataset
from lawbench.data.sources import fetch
from lawbench.errors import LawbenchError, UnreachableDataError
from lawbench.runs import Run
from lawbench.schedule import shared_steps
from lawbench.spikes import trouble
from lawbench.task import Task
from lawbench.tasks import make_task
from lawbench.trunks import Trunk, grouped, shared_trunks

ABOVE_UNIFORM = 2.0
"""Nats above the loss of a uniform guess that an untrained model may have."""
RATES_DIFFER = 5
"""Equal points after the rates part that no rounding and no late logging explains."""
LATE = 2
"""Points after a branch that may still show the loss from before it: logs that lag a step."""
_SHOWN = 6


@dataclass(frozen=True)
class Finding:
    """What a check found: a problem fails the dataset, a remark does not."""

    check: str
    problem: bool
    text: str


@dataclass(frozen=True)
class Inspection:
    """Outcome of all checks of a dataset.

    Attributes
    ----------
    dataset : str
    unreachable : str
        Why the dataset could not be checked; empty where it was.
    checks : tuple of str
        The checks that ran; those after a dataset that cannot be read do not.
    findings : tuple of Finding
    """

    dataset: str
    unreachable: str
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether it was checked and no problem was found."""
        return not self.unreachable and not any(finding.problem for finding in self.findings)


@dataclass(frozen=True, eq=False)
class Subject:
    """A dataset under inspection, with what several checks need."""

    card: Card
    data: Dataset

    @cached_property
    def trunks(self) -> list[Trunk]:
        """Trunks that its runs share."""
        return shared_trunks(self.data.runs)

    @cached_property
    def tasks(self) -> dict[str, Task | LawbenchError]:
        """Each task of the card, or why it cannot be made."""
        made: dict[str, Task | LawbenchError] = {}
        for task in self.card.tasks:
            try:
                made[task.name] = make_task(self.data, task)
            except LawbenchError as error:
                made[task.name] = error
        return made


Said = Iterator[tuple[bool, str]]
PROBLEM, REMARK = True, False


def check_dataset(card: Card) -> Inspection:
    """Run every check on the dataset of a card, fetching its files if they are not here.

    Examples
    --------
    >>> from lawbench.data.dataset import find_card
    >>> check_dataset(find_card("multi-power-25m")).passed  # doctest: +SKIP
    True
    """
    try:
        fetch(card)
    except UnreachableDataError as error:
        return Inspection(card.name, str(error), (), ())
    except LawbenchError as error:
        return Inspection(card.name, "", ("files",), (Finding("files", PROBLEM, str(error)),))
    try:
        subject = Subject(card, read_dataset(card))
    except LawbenchError as error:
        return Inspection(card.name, "", ("files", "runs"), (Finding("runs", PROBLEM, str(error)),))
    findings = [Finding(name, *said) for name, check in CHECKS.items() for said in check(subject)]
    return Inspection(card.name, "", ("files", "runs", *CHECKS), tuple(findings))


def check_losses(subject: Subject) -> Said:
    """Losses lie below that of a uniform guess over the vocabulary, with some room for a bad start."""
    card = subject.card
    if card.vocabulary is None:
        yield REMARK, "the card gives no `vocabulary`, so losses have no upper bound"
        return
    if not card.loss.unit.startswith("nats"):
        yield REMARK, f"losses are in '{card.loss.unit}', so `vocabulary` gives no upper bound"
        return
    bound = np.log(card.vocabulary) + ABOVE_UNIFORM
    high = [(run, int((run.loss >= bound).sum())) for run in subject.data.runs if (run.loss >= bound).any()]
    if high:
        shown = (f"{run.name} ({count} points, up to {run.loss.max():.4g})" for run, count in high)
        yield PROBLEM, f"losses at or above {bound:.2f}, the log of the vocabulary plus 2: {_listed(shown)}"


def check_schedules(subject: Subject) -> Said:
    """Whether rates are known; no schedule is 0 throughout, and none ends on a rate that was never used."""
    runs = subject.data.runs
    known = [(run, run.schedule.lr) for run in runs if run.schedule is not None]
    if not known:
        yield REMARK, "no run has a schedule"
    elif len(known) < len(runs):
        yield REMARK, f"{len(known)} of {len(runs)} runs have a schedule"
    still = [run.name for run, lr in known if not lr.any()]
    if still:
        yield PROBLEM, f"the learning rate is 0 at every step: {_listed(still)}"
    steep = [run.name for run, lr in known if lr[-1] == 0 and lr[-2:-1].max(initial=0.0) > 0.1 * lr.max()]
    if steep:
        yield REMARK, f"the last rate is 0 after one above a tenth of the peak: {_listed(steep)}"


def check_trouble(subject: Subject) -> Said:
    """Loss spikes and diverged runs."""
    odd = list(filter(None, map(trouble, subject.data.runs)))
    if odd:
        yield REMARK, _listed(map(str, odd), "; ")


def check_duplicates(subject: Subject) -> Said:
    """No run is there under two names."""
    for trunk in subject.trunks:
        both = " and ".join(trunk.runs)
        if trunk.copy:
            yield PROBLEM, f"{both} have literally the same losses to their end ({trunk.points} points)"
        elif trunk.beyond >= RATES_DIFFER:
            yield PROBLEM, f"{both} have literally the same losses at {trunk.beyond} points after their rates part"
    yield from _twice(subject.data.runs)


def _twice(runs: Iterable[Run]) -> Said:
    """Find final losses that are the same run: equal in everything, or in all but what `meta` says."""
    seen: dict[object, dict[str, list[str]]] = {}
    for run in runs:
        if len(run) == 1:
            tokens = None if run.tokens is None else float(run.tokens[0])
            rates = None if run.schedule is None else run.schedule.lr.tobytes()
            key = (int(run.steps[0]), float(run.loss[0]), run.model, run.n_params, tokens, rates)
            seen.setdefault(key, {}).setdefault(repr(sorted(run.meta.items())), []).append(run.name)
    same = [" = ".join(names) for group in seen.values() for names in group.values() if len(names) > 1]
    if same:
        yield PROBLEM, f"final losses that are equal in everything: {_listed(same)}"
    alike = [" = ".join(names[0] for names in group.values()) for group in seen.values() if len(group) > 1]
    if alike:
        yield REMARK, f"final losses that are equal but for their meta: {_listed(alike)}"


def check_branches(subject: Subject) -> Said:
    """Runs whose meta names a `parent` and a `branch` step are literally that parent before it."""
    by_name = {run.name: run for run in subject.data.runs}
    for run in subject.data.runs:
        parent, branch = run.meta.get("parent"), run.meta.get("branch")
        if parent is None and branch is None:
            continue
        if parent not in by_name or not isinstance(branch, int | float):
            yield PROBLEM, f"{run.name} branches from run '{parent}' at step {branch}, which is not a run and a step"
            continue
        yield from _branched(run, by_name[parent], int(branch))


def _branched(run: Run, parent: Run, branch: int) -> Said:
    what = f"{run.name} branches from {parent.name} at step {branch}, but"
    if run.schedule is not None and parent.schedule is not None:
        shared = shared_steps(run.schedule, parent.schedule)
        if shared < branch:
            yield PROBLEM, f"{what} their rates differ from step {shared} on"
    steps, at, at_parent = np.intersect1d(run.steps, parent.steps, assume_unique=True, return_indices=True)
    before = steps < branch
    differ = run.loss[at][before] != parent.loss[at_parent][before]
    if differ.any():
        yield PROBLEM, f"{what} their losses differ at step {steps[before][differ][0]}"
    elif not before.any():
        yield REMARK, f"{what} they have no logged step before it in common"


def check_trunks(subject: Subject) -> Said:
    """No task counts points that are literally fitted; runs that share trunks are listed."""
    groups = grouped(subject.trunks)
    for first, others in groups[:_SHOWN]:
        shown = (f"{name} (to step {step})" for name, step in others.items())
        yield REMARK, f"{first} shares its trunk with {_listed(shown)}"
    if groups[_SHOWN:]:
        runs = sum(1 + len(others) for _, others in groups[_SHOWN:])
        yield REMARK, f"{runs} more runs share trunks, in {len(groups) - _SHOWN} groups"
    for name, task in subject.tasks.items():
        if isinstance(task, Task):
            yield from _leaks(name, task, subject.trunks)


def _leaks(name: str, task: Task, trunks: list[Trunk]) -> Said:
    """Find points of a task that count although they are literally fitted."""
    shared = {frozenset(trunk.runs): trunk for trunk in trunks}
    for run, branch in zip(task.truth(), task.branch, strict=True):
        for fitted in task.train:
            pair = frozenset((run.name, fitted.name))
            if pair not in shared:
                continue
            last = shared[pair].last
            equal = int(((run.steps >= (branch or 0)) & (run.steps <= last)).sum())
            if equal:
                points = f"{equal} point{'s' * (equal > 1)} of {run.name} literally equal to the fitted {fitted.name}"
                yield (
                    branch is None or equal > LATE,
                    f"task {name} counts {points} (branch {branch}, equal up to step {last})",
                )


def check_tasks(subject: Subject) -> Said:
    """Every task can be made; branch steps and counts are those of the card."""
    if not subject.tasks:
        yield REMARK, "the card has no task"
    for task in subject.tasks.values():
        if isinstance(task, LawbenchError):
            yield PROBLEM, str(task)


def check_noise(subject: Subject) -> Said:
    """Where the noise floor is from, and how large it is."""
    runs = subject.data.runs
    between = noise.repeats(runs)
    floors = [noise.floor(run.loss, subject.card, between) for run in runs]
    counted = Counter(source for _, source in floors)
    for source, count in counted.most_common():
        values = [value for value, found in floors if found == source and value is not None]
        size = f", median {np.median(values):.2g} in log loss" if values else ": nothing is called a tie"
        yield REMARK, f"noise floor of {count} of {len(runs)} runs: {source}{size}"


def _listed(names: Iterable[str], separator: str = ", ") -> str:
    shown = list(names)
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return separator.join(shown[:_SHOWN] + more)


CHECKS: Mapping[str, Callable[[Subject], Said]] = {
    "losses": check_losses,
    "schedules": check_schedules,
    "spikes": check_trouble,
    "duplicates": check_duplicates,
    "branches": check_branches,
    "trunks": check_trunks,
    "tasks": check_tasks,
    "noise": check_noise,
}
