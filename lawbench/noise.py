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
    best = _longest_pair(runs)
    return None if best is None else float(np.mean(best[best.shape[0] // 2 :]))


def repeats_by_position(runs: Sequence[Run]) -> float | None:
    """Return the same for the loss at one position, averaged over positions.

    Larger than for the mean over positions, because fewer tokens are averaged.
    """
    best = _longest_pair([run for run in runs if run.position_loss is not None], by_position=True)
    return None if best is None else float(np.mean(best[best.shape[0] // 2 :]))


def _longest_pair(runs: Sequence[Run], by_position: bool = False) -> FloatArray | None:
    """Return the differences in log loss of the pair of repeated runs with the most common steps."""
    best: FloatArray | None = None
    for a, b in combinations([run for run in runs if run.schedule is not None and len(run) >= 10], 2):
        if a.schedule is None or b.schedule is None or a.model != b.model:
            continue
        # Of thousands of runs few pairs can still be longer: those are looked at, the others are not.
        if best is not None and min(len(a), len(b)) <= len(best):
            continue
        steps, at_a, at_b = np.intersect1d(a.steps, b.steps, return_indices=True)
        inside = steps < shared_steps(a.schedule, b.schedule)
        first, second = (run.position_loss if by_position else run.loss for run in (a, b))
        assert first is not None
        assert second is not None
        difference = np.abs(np.log(first[at_a[inside]]) - np.log(second[at_b[inside]]))
        independent = len(difference) >= 10 and np.mean(difference == 0) <= 0.5
        if independent and (best is None or len(difference) > len(best)):
            best = difference
    return best


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


def reducible(floor: float, loss: FloatArray, irreducible: float) -> float:
    """Return a noise floor of log loss as one of the log of the reducible loss.

    A small relative change of the loss is ``loss / (loss - irreducible)`` times as large a change
    of its reducible part; the mean of that over the scored points.

    Examples
    --------
    >>> reducible(0.001, np.array([4.0]), 3.0)
    0.004
    """
    return floor * float(np.mean(loss / (loss - irreducible)))


def _relative(stated: Stated, loss: FloatArray) -> float:
    return stated.value if stated.unit == "relative" else stated.value / float(np.mean(loss))
