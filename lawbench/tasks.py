"""Tasks by name: listed from the cards alone, or made of a dataset and checked against it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from lawbench import noise, pairs, splits
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, datasets, find_card, read_dataset
from lawbench.data.task_card import TRACKS, TaskCard
from lawbench.errors import CardError, InputError, UnknownNameError, unknown
from lawbench.runs import Run
from lawbench.splits import BoolArray
from lawbench.task import Task as Task
from lawbench.task import TaskInfo as TaskInfo

WITHHELD = {"position": frozenset({"lr", "n_params"})}
"""Inputs that tasks of a track do not give: positions differ in neither rate nor size, so a law of
those would fit one curve through all positions, at the cost of as many fits."""


def tasks(track: str | None = None) -> list[TaskInfo]:
    """Return the tasks of all datasets, from their cards alone.

    Parameters
    ----------
    track : {"schedule", "horizon", "scale", "position", "pair"}, optional
        Only tasks of this track.

    Examples
    --------
    >>> [task.name for task in tasks("scale")][0]
    'chinchilla-epoch/scale'
    """
    if track is not None and track not in TRACKS:
        raise unknown("track", track, TRACKS)
    return [_info(card, task) for card in datasets() for task in card.tasks if track in (None, task.track)]


def load_task(name: str) -> Task:
    """Return a task with its data, fetching what is not here.

    Parameters
    ----------
    name : str
        ``dataset/task``, for example ``multi-power-100m/schedule``.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    CardError
        If the data disagree with the branch steps or counts of the card.
    DataError, InputError
        If a file is unreachable or not what its card says.
    """
    dataset, _, short = name.partition("/")
    try:
        card = find_card(dataset)
    except UnknownNameError:
        raise unknown("task", name, [task.name for task in tasks()]) from None
    for task in card.tasks:
        if task.name == short:
            return make_task(read_dataset(card), task)
    raise unknown("task", name, [f"{card.name}/{task.name}" for task in card.tasks])


def make_task(data: Dataset, task: TaskCard) -> Task:
    """Return a task of a dataset; see `load_task`."""
    card, every = data.card, data.runs
    info = _info(card, task)
    fitted, predicted = (_selected(data, task, part) for part in ("fit", "predict"))
    if task.pair is not None and task.pair.loss:
        # What the card states is the noise of the dataset's own loss.
        card = card.model_copy(update={"noise": None, "quantisation": None})
        every = tuple(run.on(task.pair.loss) for run in every if task.pair.loss in run.evaluations)
    train, truth = fitted, predicted
    if task.fit_until is not None and task.score_from is not None:
        until, start = task.fit_until, task.score_from
        train = _points(fitted, info, lambda run: run.steps < splits.horizon_steps(run, until))
        truth = _points(predicted, info, lambda run: run.steps >= splits.horizon_steps(run, start))
    branch = tuple(splits.branch_step(run, fitted, task.fit_until) for run in truth)
    counts = tuple(splits.counted(run, step) for run, step in zip(truth, branch, strict=True))
    _verify_counts(info, task, train, truth, branch, counts)
    irreducible = _irreducible(card, truth)
    own = {run.name for run in fitted} & {run.name for run in predicted}
    between = _between_runs(every, truth, noise.repeats_by_position if _positional(task) else noise.repeats)
    if _positional(task):
        train, truth, branch, counts = _by_position(info, train, truth, branch, counts)
    floors = [noise.floor(run.loss[mask], card, between) for run, mask in zip(truth, counts, strict=True)]
    provides = frozenset.intersection(*(run.provides for run in (*train, *truth))) - WITHHELD.get(
        task.track, frozenset()
    )
    return Task(
        name=info.name,
        track=info.track,
        family=info.family,
        dataset=info.dataset,
        ranked=info.ranked,
        metric=info.metric,
        train=tuple(train),
        test=tuple(run.withhold() for run in truth),
        provides=provides | ({"prefix"} if own else frozenset()),
        fingerprint=fingerprint(data.card, task),
        counts=counts,
        branch=branch,
        noise_floors=tuple(value for value, _ in floors),
        noise_sources=tuple(source for _, source in floors),
        distance=tuple(splits.reach(run, train) for run in truth),
        _truth=tuple(truth),
        irreducible=irreducible,
    )


def fingerprint(card: Card, task: TaskCard) -> str:
    """Return the hash of what defines a task: source files, runs, loader, and the task's table."""
    defines = card.model_dump(
        mode="json",
        include={"model", "n_params", "tokens_per_step", "noise", "quantisation", "irreducible", "source", "runs"},
    )
    defines["dataset"], defines["task"] = card.name, task.model_dump(mode="json", exclude={"note"})
    defines["loader"] = card.loader.read_text(encoding="utf-8") if card.loader is not None else None
    return hashlib.sha256(json.dumps(defines, sort_keys=True).encode()).hexdigest()


def _info(card: Card, task: TaskCard) -> TaskInfo:
    name = f"{card.name}/{task.name}"
    return TaskInfo(name, task.track, card.family, card.name, task.ranked, task.metric, task.note)


def _selected(data: Dataset, task: TaskCard, part: str) -> list[Run]:
    try:
        runs = splits.select(data.runs, getattr(task, part))
        if task.pair is not None:
            runs = pairs.paired(runs, data.runs, task.pair)
    except (UnknownNameError, InputError) as error:
        raise CardError(f"card '{data.name}', `{part}` of task '{task.name}': {error}") from error
    if not runs:
        raise CardError(f"card '{data.name}', `{part}` of task '{task.name}' selects no run: correct its conditions.")
    return runs


def _points(runs: Sequence[Run], info: TaskInfo, keep: Callable[[Run], BoolArray]) -> list[Run]:
    masks = [keep(run) for run in runs]
    if not all(mask.any() for mask in masks):
        raise CardError(f"task '{info.name}' leaves no point of a run: correct `fit_until` or `score_from`.")
    return [run.select(mask) for run, mask in zip(runs, masks, strict=True)]


def _positional(task: TaskCard) -> bool:
    return task.track == "position"


def _between_runs(
    runs: Sequence[Run], predicted: Sequence[Run], measure: Callable[[Sequence[Run]], float | None]
) -> float | None:
    """Return the spread between repeated runs: of the predicted models if they have any, else of others."""
    models = {run.model for run in predicted}
    own = measure([run for run in runs if run.model in models])
    return measure(runs) if own is None else own


def _by_position(
    info: TaskInfo,
    train: Sequence[Run],
    truth: Sequence[Run],
    branch: Sequence[int | None],
    counts: Sequence[BoolArray],
) -> tuple[list[Run], list[Run], tuple[int | None, ...], tuple[BoolArray, ...]]:
    """Split every run into one curve a position; what counts of a run counts at each."""
    try:
        fitted = [one for run in train for one in run.by_position()]
        each = [run.by_position() for run in truth]
    except InputError as error:
        raise CardError(f"task '{info.name}' is about losses by position: {error}") from error
    widths = [len(ones) for ones in each]
    return (
        fitted,
        [one for ones in each for one in ones],
        tuple(step for step, width in zip(branch, widths, strict=True) for _ in range(width)),
        tuple(mask for mask, width in zip(counts, widths, strict=True) for _ in range(width)),
    )


def _irreducible(card: Card, truth: Sequence[Run]) -> float | None:
    """Return the card's irreducible loss, which lies below every loss that is predicted."""
    if card.irreducible is None:
        return None
    value = card.irreducible.value
    for run in truth:
        if run.loss.min() <= value:
            raise CardError(
                f"card '{card.name}': the irreducible loss {value:g} is not below the loss {run.loss.min():g} "
                f"of run '{run.name}'; correct it."
            )
    return value


def _verify_counts(
    info: TaskInfo,
    task: TaskCard,
    train: Sequence[Run],
    truth: Sequence[Run],
    branch: Sequence[int | None],
    counts: Sequence[BoolArray],
) -> None:
    """Compare the branch steps and numbers of points that the card records with the data."""
    found: dict[str, object] = {
        "fitted_points": sum(len(run) for run in train),
        "scored_points": int(sum(mask.sum() for mask in counts)),
    }
    said: dict[str, object] = {"fitted_points": task.fitted_points, "scored_points": task.scored_points}
    for run, step, mask in zip(truth, branch, counts, strict=True):
        if step is not None:
            found[f"curve '{run.name}' (branch, points)"] = (step, int(mask.sum()))
    said |= {f"curve '{curve.run}' (branch, points)": (curve.branch, curve.points) for curve in task.curves}
    for key in dict.fromkeys((*found, *said)):
        if found.get(key) != said.get(key):
            raise CardError(
                f"card '{info.dataset}', task '{task.name}': {key} is {said.get(key)} in the card and "
                f"{found.get(key)} in the data; correct the card."
            )
