"""A task: what is fitted, what is predicted, which points count, and how well it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from lawbench import noise, splits
from lawbench.errors import InputError
from lawbench.metrics import (
    METRIC_KEYS,
    Interval,
    Undefined,
    Value,
    deciding,
    decisions,
    mean,
    mean_final,
    over_curves,
    split,
)
from lawbench.runs import Run, WithheldRun
from lawbench.schedule import FloatArray
from lawbench.splits import BoolArray

UNMASKED = "_unmasked"
"""Suffix of the metrics over all points of the predicted runs, for comparison with papers."""


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
    irreducible : float, optional
        The card's irreducible loss, in nats.
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
    irreducible: float | None = None

    @property
    def noise_floor(self) -> float | None:
        """Mean noise floor of the scored curves, in log loss; None if it is unknown."""
        known = [value for value in self.noise_floors if value is not None]
        return float(np.mean(known)) if known else None

    @property
    def primary_floor(self) -> float | None:
        """Mean noise floor of the scored curves in the unit of the primary metric; None if it is unknown."""
        if self.metric != "log_mae_reducible" or self.irreducible is None:
            return self.noise_floor
        curves = zip(self.noise_floors, self._truth, self.counts, strict=True)
        known = [noise.reducible(f, run.loss[mask], self.irreducible) for f, run, mask in curves if f is not None]
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

    @property
    def n_decisions(self) -> int:
        """Number of pairs of predicted runs between which there is something to decide."""
        finals = np.array([run.loss[-1] for run in self._truth])
        return len(deciding(splits.comparable_pairs(self.test), finals, self.noise_floor))

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
            metrics = over_curves(observed, self._curves(predicted, masks), spans, self.irreducible)
            metrics["decisions"] = self._decisions(predicted)
            metrics["mean_final"] = self._mean_final(predicted)
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

    def _mean_final(self, predicted: Sequence[FloatArray]) -> Value:
        """Return the error of the mean over positions at the end of each run, averaged over runs."""
        by_run: dict[str, list[int]] = {}
        for i, run in enumerate(self.test):
            if run.position is not None:
                by_run.setdefault(run.name.rpartition("@")[0], []).append(i)
        if not by_run:
            return Undefined("the task has no losses by position")
        return mean(mean_final([self._truth[i].loss for i in at], [predicted[i] for i in at]) for at in by_run.values())
