"""Noise floors: below which difference in log loss two predictions cannot be told apart.

A floor may look at every logged loss, because it never changes a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from lawbench.data.card import Card, Stated
from lawbench.runs import Run
from lawbench.schedule import FloatArray, shared_steps

UNKNOWN = "unknown"


def rounding(loss: FloatArray, step: Stated | None) -> float | None:
    """Return half of the step in which losses are written, in log loss."""
    return None if step is None else 0.5 * _relative(step, loss)


def second_differences(loss: FloatArray) -> float | None:
    """Return the point-to-point noise of log loss, from its second differences.

    A robust scale: a smooth curve has small second differences whatever its slope, and
    independent noise of size sigma gives them the size ``sqrt(6) sigma``. None for fewer than
    ten points.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> curve = np.exp(1 - 1e-4 * np.arange(4000) + 0.002 * rng.standard_normal(4000))
    >>> round(second_differences(curve), 3)
    0.002
    """
    if loss.size < 10:
        return None
    return float(1.4826 * np.median(np.abs(np.diff(np.log(loss), 2))) / np.sqrt(6))


def repeats(runs: Sequence[Run]) -> float | None:
    """Return the mean difference in log loss between two runs of the same model and schedule.

    Of all pairs of runs whose rates agree over a common prefix, the one with the most logged
    steps in it is taken, in the second half of that prefix (earlier, the loss falls so fast that
    differences are those of timing). Pairs of which more than half of the losses are literally
    equal are one run under two names. None if there is no pair with ten points.
    """
    best: FloatArray | None = None
    for a, b in combinations(runs, 2):
        if a.schedule is None or b.schedule is None or a.model != b.model:
            continue
        if best is not None and min(len(a), len(b)) <= best.size:  # it cannot have more common points
            continue
        steps, at_a, at_b = np.intersect1d(a.steps, b.steps, return_indices=True)
        inside = steps < shared_steps(a.schedule, b.schedule)
        difference = np.abs(np.log(a.loss[at_a[inside]]) - np.log(b.loss[at_b[inside]]))
        independent = difference.size >= 10 and np.mean(difference == 0) <= 0.5
        if independent and (best is None or difference.size > best.size):
            best = difference
    return None if best is None else float(np.mean(best[best.size // 2 :]))


def floor(loss: FloatArray, card: Card, between_runs: float | None) -> tuple[float | None, str]:
    """Return the noise floor of the scored points of a curve, and which estimate gave it.

    The largest of the rounding of the log, second differences, and the spread between repeated
    runs; the value that the card states stands in for a spread that could not be measured.

    Parameters
    ----------
    loss : ndarray, shape (n,)
        Observed losses of the points that count.
    card : Card
    between_runs : float, optional
        From `repeats`, on the whole dataset.
    """
    known = {
        "rounding": rounding(loss, card.quantisation),
        "second differences": second_differences(loss),
        "repeated runs": between_runs,
    }
    if between_runs is None and card.noise is not None:
        known["stated"] = _relative(card.noise, loss)
    # An exactly smooth curve shows no noise, which is not the same as having none.
    found = {source: value for source, value in known.items() if value}
    if not found:
        return None, UNKNOWN
    source = max(found, key=lambda name: found[name])
    return found[source], source


def _relative(stated: Stated, loss: FloatArray) -> float:
    return stated.value if stated.unit == "relative" else stated.value / float(np.mean(loss))
