"""Metrics of a prediction: pure functions of observed and predicted losses.

Every function of one curve takes `y`, the observed, and `p`, the predicted losses, both of shape
(n,) and above 0, ordered by step. Where a metric has no value it returns an `Undefined` with the
reason, never a number that stands for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lawbench.schedule import FloatArray


class Undefined(str):
    """Why a metric has no value."""


Value = float | Undefined
Interval = tuple[FloatArray, FloatArray]

LEAST_REDUCIBLE = 0.01
"""A predicted reducible loss counts as at least this share of the observed one."""


def log_mae(y: FloatArray, p: FloatArray) -> Value:
    """Return the mean absolute error of the log loss, the primary metric unless a card says otherwise.

    Examples
    --------
    >>> round(log_mae(np.array([2.0, 4.0]), np.array([2.0, 4.4])), 6)
    0.047655
    """
    return float(np.mean(np.abs(np.log(p) - np.log(y))))


def log_mae_reducible(y: FloatArray, p: FloatArray, irreducible: float | None) -> Value:
    """Return the mean absolute error of the log of what the loss has above its irreducible part.

    Where most of a loss is irreducible, `log_mae` hides what a law gets wrong. A prediction counts
    as at least `LEAST_REDUCIBLE` times the observed reducible part above the irreducible loss, so that one
    at or below it has an error too: ``-log(LEAST_REDUCIBLE)``, the largest that a point can have downwards.

    Parameters
    ----------
    irreducible : float, optional
        The part of the loss to subtract, in nats, below every `y`; from the dataset's card.

    Examples
    --------
    >>> round(log_mae_reducible(np.array([2.0, 4.0]), np.array([2.0, 4.2]), 3.0 / 2), 6)
    0.038481
    """
    if irreducible is None:
        return Undefined("the card states no irreducible loss")
    above = y - irreducible
    return float(np.mean(np.abs(np.log(np.maximum(p - irreducible, LEAST_REDUCIBLE * above)) - np.log(above))))


def mae(y: FloatArray, p: FloatArray) -> Value:
    """Return the mean absolute error in nats."""
    return float(np.mean(np.abs(y - p)))


def rmse(y: FloatArray, p: FloatArray) -> Value:
    """Return the root of the mean squared error in nats."""
    return float(np.sqrt(np.mean((y - p) ** 2)))


def r2(y: FloatArray, p: FloatArray) -> Value:
    """Return the share of the variance that is explained; undefined without variance.

    Examples
    --------
    >>> r2(np.array([2.0]), np.array([2.1]))
    'one point has no variance'
    """
    if y.size < 2:
        return Undefined("one point has no variance")
    variance = np.sum((y - np.mean(y)) ** 2)
    if variance == 0:
        return Undefined("the observed losses are all equal")
    return float(1 - np.sum((y - p) ** 2) / variance)


def prede(y: FloatArray, p: FloatArray) -> Value:
    """Return the mean relative error, ``mean(|y - p| / y)``."""
    return float(np.mean(np.abs(y - p) / y))


def worste(y: FloatArray, p: FloatArray) -> Value:
    """Return the largest relative error, ``max(|y - p| / y)``."""
    return float(np.max(np.abs(y - p) / y))


def final_error(y: FloatArray, p: FloatArray) -> Value:
    """Return the absolute error of the log loss at the last point."""
    return float(abs(np.log(p[-1]) - np.log(y[-1])))


def bias_last10(y: FloatArray, p: FloatArray) -> Value:
    """Return the mean signed error of the log loss over the last tenth of the points."""
    last = max(1, round(y.size / 10))
    return float(np.mean(np.log(p[-last:]) - np.log(y[-last:])))


def deciding(pairs: Sequence[tuple[int, int]], y: FloatArray, floor: float | None) -> list[tuple[int, int]]:
    """Return the pairs of runs between which there is something to decide.

    Parameters
    ----------
    pairs, y, floor
        As in `decisions`.

    Examples
    --------
    >>> deciding([(0, 1), (0, 2)], np.array([3.0, 3.1, 3.001]), floor=0.001)
    [(0, 1)]
    """
    return [(i, j) for i, j in pairs if abs(np.log(y[i]) - np.log(y[j])) > (floor or 0.0)]


def decisions(pairs: Sequence[tuple[int, int]], y: FloatArray, p: FloatArray, floor: float | None) -> Value:
    """Return the share of pairs of runs of which the prediction says rightly which ends lower.

    Parameters
    ----------
    pairs : sequence of (int, int)
        Runs that are comparable: equal model size, equal steps or tokens.
    y, p : ndarray, shape (runs,)
        Observed and predicted final losses.
    floor : float, optional
        Pairs whose observed log losses differ by no more than this are ties and do not count.

    Examples
    --------
    >>> decisions([(0, 1)], np.array([3.0, 3.1]), np.array([2.9, 3.3]), floor=0.001)
    1.0
    """
    truth = deciding(pairs, y, floor)
    if not pairs:
        return Undefined("no two predicted runs have the same size and length")
    if not truth:
        return Undefined("the runs that could be compared end within the noise floor of each other")
    return float(np.mean([np.sign(p[i] - p[j]) == np.sign(y[i] - y[j]) for i, j in truth]))


def mean_final(y: Sequence[FloatArray], p: Sequence[FloatArray]) -> Value:
    """Return the absolute error of the log of the mean loss at the last point, the mean being over curves.

    Parameters
    ----------
    y, p : sequence of ndarray
        Observed and predicted losses, one curve a position of the context.

    Examples
    --------
    >>> round(mean_final([np.array([4.0]), np.array([2.0])], [np.array([4.0]), np.array([2.3])]), 6)
    0.04879
    """
    observed, predicted = (float(np.mean([curve[-1] for curve in curves])) for curves in (y, p))
    return abs(float(np.log(predicted) - np.log(observed)))


def coverage(y: FloatArray, interval: Interval | None) -> Value:
    """Return the share of points inside their prediction interval."""
    if interval is None:
        return Undefined("the entry gives no intervals")
    low, high = interval
    return float(np.mean((low <= y) & (y <= high)))


def width(y: FloatArray, interval: Interval | None) -> Value:
    """Return the mean relative width of the prediction intervals."""
    if interval is None:
        return Undefined("the entry gives no intervals")
    low, high = interval
    return float(np.mean((high - low) / y))


@dataclass(frozen=True)
class Metric:
    """A column of results.

    Attributes
    ----------
    key, label, meaning : str
        Column name, name in tables, and what it is.
    function : callable
    takes : {"curve", "reducible", "interval", "pairs", "positions"}
        What the function is given: observed and predicted losses of a curve, these and the
        irreducible loss, its prediction interval, the finals of all predicted runs, or the curves
        of all positions of a run.
    better : {"lower", "higher", "zero", "nominal"}
        Which way is better.
    """

    key: str
    label: str
    function: Callable[..., Value]
    better: Literal["lower", "higher", "zero", "nominal"]
    meaning: str
    takes: Literal["curve", "reducible", "interval", "pairs", "positions"] = "curve"


METRICS: tuple[Metric, ...] = (
    Metric("log_mae", "log MAE", log_mae, "lower", "mean absolute error of log loss"),
    Metric(
        "log_mae_reducible",
        "log MAE, reducible",
        log_mae_reducible,
        "lower",
        "mean absolute error of log reducible loss",
        "reducible",
    ),
    Metric("mae", "MAE", mae, "lower", "mean absolute error, nats"),
    Metric("rmse", "RMSE", rmse, "lower", "root mean squared error, nats"),
    Metric("r2", "R2", r2, "higher", "share of the variance explained"),
    Metric("prede", "PredE", prede, "lower", "mean relative error"),
    Metric("worste", "WorstE", worste, "lower", "largest relative error"),
    Metric("final_error", "final error", final_error, "lower", "absolute error of log loss at the last point"),
    Metric("bias_last10", "bias", bias_last10, "zero", "signed error of log loss over the last tenth"),
    Metric("decisions", "decisions", decisions, "higher", "share of right comparisons of final losses", "pairs"),
    Metric(
        "mean_final",
        "mean, final",
        mean_final,
        "lower",
        "error of the log of the last mean over positions",
        "positions",
    ),
    Metric("coverage", "coverage", coverage, "nominal", "share of points inside their interval", "interval"),
    Metric("width", "width", width, "lower", "mean relative width of the intervals", "interval"),
)
METRIC_KEYS: tuple[str, ...] = tuple(metric.key for metric in METRICS)

PRIMARY_KEYS: tuple[str, ...] = ("log_mae", "log_mae_reducible")
"""Metrics that a task may be ranked by; both are errors of a log, which noise floors are too."""


def mean(values: Iterable[Value]) -> Value:
    """Return the plain mean of the defined values; the first reason if none is defined."""
    given = list(values)
    defined = [value for value in given if not isinstance(value, Undefined)]
    if defined:
        return float(np.mean(defined))
    return next((value for value in given if isinstance(value, Undefined)), Undefined("no curve is scored"))


def over_curves(
    observed: Sequence[FloatArray],
    predicted: Sequence[FloatArray],
    intervals: Sequence[Interval] | None = None,
    irreducible: float | None = None,
) -> dict[str, Value]:
    """Return every metric of curves: computed on each, then averaged plainly.

    Parameters
    ----------
    observed, predicted : sequence of ndarray
        One array a curve.
    intervals : sequence of (ndarray, ndarray), optional
        Lower and upper ends, one pair a curve.
    irreducible : float, optional
        Irreducible loss of every curve, in nats.
    """
    spans: Sequence[Interval | None] = intervals if intervals is not None else [None] * len(observed)
    found: dict[str, Value] = {}
    for metric in METRICS:
        if metric.takes == "curve":
            found[metric.key] = mean(metric.function(y, p) for y, p in zip(observed, predicted, strict=True))
        elif metric.takes == "reducible":
            found[metric.key] = mean(
                metric.function(y, p, irreducible) for y, p in zip(observed, predicted, strict=True)
            )
        elif metric.takes == "interval":
            found[metric.key] = mean(metric.function(y, span) for y, span in zip(observed, spans, strict=True))
    return found


def split(values: Mapping[str, Value]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return the numbers (None where undefined) and the reasons of those that are undefined."""
    numbers: dict[str, Any] = {key: None if isinstance(v, Undefined) else v for key, v in values.items()}
    return numbers, {key: str(v) for key, v in values.items() if isinstance(v, Undefined)}
