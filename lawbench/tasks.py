"""Tasks: what is fitted, what is predicted, which points count, and how well it went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from lawbench import noise, splits
from lawbench.data.card import TRACKS, Card, TaskCard
from lawbench.data.dataset import Dataset, datasets, find_card, read_dataset
from lawbench.errors import CardError, InputError, UnknownNameError, unknown
from lawbench.metrics import METRIC_KEYS, Interval, Value, decisions, over_curves, split
from lawbench.runs import Run, WithheldRun
from lawbench.schedule import FloatArray
from lawbench.splits import BoolArray

UNMASKED = "_unmasked"


@dataclass(frozen=True)
class TaskInfo:
    """What a card says of a task, without any data.

    Attributes
    ----------
    name : str
        ``dataset/task``.
    track, family, dataset, metric, note : str
    ranked : bool
        Whether it enters a leaderboard.
    """

    name: str
    track: str
    family: str
    dataset: str
    ranked: bool
    metric: str
    note: str


@dataclass(frozen=True, eq=False)
class Task:
    """Runs to fit, runs to predict, and the score of a prediction.

    Attributes
    ----------
    name, track, family, dataset, ranked, metric
        As in `TaskInfo`.
    train : tuple of Run
        Fitted runs (on a horizon task: their first points).
    test : tuple of WithheldRun
        Runs to predict, all of their points, without losses.
    provides : frozenset of str
        What every run of it provides, and ``prefix`` where fitted points belong to the very run
        that is predicted.
    fingerprint : str
        Hash of everything that defines it.
    counts : tuple of ndarray
        For each run to predict, the mask of the points that count.
    branch : tuple of int or None
        For each, the first step at which its rates are those of no fitted run.
    noise_floors, noise_sources : tuple
        For each, the noise floor in log loss (None: unknown), and which estimate gave it.
    distance : tuple of float
        For each, how far it goes beyond the fitted runs; see `lawbench.splits.reach`.
    """

    name: str
    track: str
    family: str
    dataset: str
    ranked: bool
    metric: str
    train: tuple[Run, ...]
    test: tuple[WithheldRun, ...]
    provides: frozenset[str]
    fingerprint: str
    counts: tuple[BoolArray, ...]
    branch: tuple[int | None, ...]
    noise_floors: tuple[float | None, ...]
    noise_sources: tuple[str, ...]
    distance: tuple[float, ...]
    _truth: tuple[Run, ...] = field(repr=False)

    @property
    def noise_floor(self) -> float | None:
        """Mean noise floor of the scored curves, in log loss; None if it is unknown."""
        known = [value for value in self.noise_floors if value is not None]
        return float(np.mean(known)) if known else None

    @property
    def noise_source(self) -> str:
        """Which estimates gave the noise floor."""
        return ", ".join(dict.fromkeys(self.noise_sources))

    @property
    def extrapolation(self) -> float:
        """How far the farthest predicted run goes beyond the fitted ones."""
        return max(self.distance)

    @property
    def n_fitted(self) -> int:
        """Number of fitted points."""
        return sum(len(run) for run in self.train)

    @property
    def n_scored(self) -> int:
        """Number of points that count."""
        return int(sum(mask.sum() for mask in self.counts))

    def truth(self) -> tuple[Run, ...]:
        """Return the runs to predict with their losses. For reports only: never fit on them."""
        return self._truth

    def score(
        self, predictions: Sequence[ArrayLike], intervals: Sequence[Interval] | None = None
    ) -> dict[str, float | None]:
        """Return every metric of a prediction.

        Parameters
        ----------
        predictions : sequence of array_like
            One array a run of `test`, with one loss for each of its points.
        intervals : sequence of (ndarray, ndarray), optional
            Lower and upper ends of prediction intervals, in the same shape.

        Returns
        -------
        dict
            Metric -> value over the points that count, and with the suffix ``_unmasked`` over
            all points; None where it is undefined, see `reasons`.

        Raises
        ------
        InputError
            If a prediction has the wrong shape, is not finite, or is not above 0.
        """
        return split(self._metrics(predictions, intervals))[0]

    def reasons(self, predictions: Sequence[ArrayLike], intervals: Sequence[Interval] | None = None) -> dict[str, str]:
        """Return why metrics are undefined: metric -> reason."""
        return split(self._metrics(predictions, intervals))[1]

    def _metrics(self, predictions: Sequence[ArrayLike], intervals: Sequence[Interval] | None) -> dict[str, Value]:
        predicted = self._checked(predictions)
        everything = tuple(np.ones(len(run), dtype=bool) for run in self.test)
        found: dict[str, Value] = {}
        for suffix, masks in (("", self.counts), (UNMASKED, everything)):
            observed = self._curves([run.loss for run in self._truth], masks)
            spans = None
            if intervals is not None:
                lows, highs = ([np.asarray(pair[i], dtype=np.float64) for pair in intervals] for i in (0, 1))
                spans = list(zip(self._curves(lows, masks), self._curves(highs, masks), strict=True))
            metrics = over_curves(observed, self._curves(predicted, masks), spans)
            metrics["decisions"] = self._decisions(predicted)
            found |= {f"{key}{suffix}": metrics[key] for key in METRIC_KEYS}
        return found

    def _checked(self, predictions: Sequence[ArrayLike]) -> list[FloatArray]:
        if len(predictions) != len(self.test):
            raise InputError(
                f"task '{self.name}' has {len(self.test)} runs to predict, but got {len(predictions)} predictions: "
                "give one array a run of task.test."
            )
        arrays = [np.asarray(prediction, dtype=np.float64) for prediction in predictions]
        for run, array in zip(self.test, arrays, strict=True):
            if array.shape != (len(run),):
                raise InputError(
                    f"the prediction of run '{run.name}' has shape {array.shape}, not ({len(run)},): "
                    "give one loss for each of its points."
                )
            if not (np.isfinite(array) & (array > 0)).all():
                i = int(np.argmin(np.isfinite(array) & (array > 0)))
                raise InputError(
                    f"the prediction of run '{run.name}' is {array[i]} at step {run.steps[i]}: "
                    "a predicted loss is finite and above 0."
                )
        return arrays

    def _curves(self, values: Sequence[FloatArray], masks: Sequence[BoolArray]) -> list[FloatArray]:
        """Return the masked curves; one-point runs are pooled into one, in order of compute."""
        curves = [v[m] for v, m, run in zip(values, masks, self.test, strict=True) if len(run) > 1 and m.any()]
        single = [i for i, run in enumerate(self.test) if len(run) == 1 and masks[i].all()]
        single.sort(key=lambda i: splits.fields(self.test[i]).get("compute", 0.0))
        return curves + ([np.concatenate([values[i] for i in single])] if single else [])

    def _decisions(self, predicted: Sequence[FloatArray]) -> Value:
        finals = np.array([run.loss[-1] for run in self._truth])
        said = np.array([array[-1] for array in predicted])
        return decisions(splits.comparable_pairs(self.test), finals, said, self.noise_floor)


def tasks(track: str | None = None) -> list[TaskInfo]:
    """Return the tasks of all datasets, from their cards alone.

    Parameters
    ----------
    track : {"schedule", "horizon", "scale", "position"}, optional
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
    card = None
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
    card = data.card
    info = _info(card, task)
    fitted, predicted = (_selected(data, task, part) for part in ("fit", "predict"))
    train, truth = fitted, predicted
    if task.fit_until is not None and task.score_from is not None:
        until, start = task.fit_until, task.score_from
        train = _points(fitted, info, lambda run: run.steps < splits.horizon_steps(run, until))
        truth = _points(predicted, info, lambda run: run.steps >= splits.horizon_steps(run, start))
    branch = tuple(splits.branch_step(run, fitted, task.fit_until) for run in truth)
    counts = tuple(splits.counted(run, step) for run, step in zip(truth, branch, strict=True))
    _verify_counts(info, task, train, truth, branch, counts)
    between = noise.repeats(data.runs)
    floors = [noise.floor(run.loss[mask], card, between) for run, mask in zip(truth, counts, strict=True)]
    provides = frozenset.intersection(*(run.provides for run in (*train, *truth)))
    own = {run.name for run in fitted} & {run.name for run in predicted}
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
        fingerprint=fingerprint(card, task),
        counts=counts,
        branch=branch,
        noise_floors=tuple(value for value, _ in floors),
        noise_sources=tuple(source for _, source in floors),
        distance=tuple(splits.reach(run, train) for run in truth),
        _truth=tuple(truth),
    )


def fingerprint(card: Card, task: TaskCard) -> str:
    """Return the hash of what defines a task: source files, runs, loader, and the task's table."""
    defines = card.model_dump(
        mode="json", include={"model", "n_params", "tokens_per_step", "noise", "quantisation", "source", "runs"}
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
