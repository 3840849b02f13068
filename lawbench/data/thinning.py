"""Thinning of logs that are much denser than a fit needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lawbench.points import IntArray


def thinned(steps: ArrayLike, even: int = 100, logarithmic: int = 50) -> IntArray:
    """Return the indices of the logged points to keep: those nearest to a fixed set of steps.

    The set is spread evenly from the first to the last logged step, for what happens late, and
    evenly in log step, for the start. It depends on the steps alone, never on a loss. First and last point
    are always kept, and a log that is not denser than the set nearly whole.

    Parameters
    ----------
    steps : array_like, shape (n,)
        Logged steps, increasing, from 0 on.
    even, logarithmic : int
        Numbers of steps in the two halves of the set; their sum is the most that is kept.

    Examples
    --------
    >>> thinned(range(1000), even=3, logarithmic=4).tolist()
    [0, 9, 99, 500, 999]
    """
    logged = np.asarray(steps, dtype=np.float64)
    first, last = logged[0], logged[-1]
    wanted = np.concatenate([np.linspace(first, last, even), np.geomspace(first + 1, last + 1, logarithmic) - 1])
    after = np.clip(np.searchsorted(logged, wanted), 1, max(1, logged.size - 1))
    nearer_before = wanted - logged[after - 1] < logged[np.minimum(after, logged.size - 1)] - wanted
    return np.unique(np.where(nearer_before | (after == logged.size), after - 1, after)).astype(np.int64)
