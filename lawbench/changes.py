"""Sums over every change of the learning rate, exact or on a graded tree of intervals.

Laws of the multi-power kind sum a smooth function over all past rate changes at every logged
point: ``sum_{k <= t} d[k] f(lr[k], S_k(t))`` with ``S_k(t) = S1(t) - S1(k-1)``. For a cosine of
24,000 steps that is 24,000 terms at each of 171 points.

Seen from a point, ``f`` varies fast over the newest changes and ever more slowly over older ones.
The graded sum cuts the past of each point into intervals no longer than half their age, and
replaces an interval over which the rate is smooth by a few of its own changes, weighted so that
polynomials in the step are summed exactly. Jumps and kinks of the rate stay as they are. A cosine
of 24,000 steps then costs about a hundred terms a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.schedule import FloatArray, Schedule, Warmup

IntArray = NDArray[np.int64]
Term = Callable[[FloatArray, FloatArray, FloatArray], NDArray[Any]]
"""``f(log_lr, area, age)``: log of the rate after the change, rate area and steps since it."""

SMALLEST_RATE = 1e-10
_PAIRS_AT_ONCE = 1 << 16
_KINK = 0.1
_RATIO = 2.0
FINE = 12
"""Nodes with which a graded sum is within 1e-9 of the exact one, and mostly within rounding."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of (logged point, earlier change), sorted by point; `first` starts each point's pairs."""

    weight: FloatArray
    log_lr: FloatArray
    area: FloatArray
    age: FloatArray
    first: IntArray

    def total(self, term: Term) -> NDArray[Any]:
        """Sum ``weight * term(...)`` over the pairs of each point; leading axes are kept."""
        values = term(self.log_lr, self.area, self.age)
        values *= self.weight
        return np.add.reduceat(values, self.first, axis=-1)


@dataclass(frozen=True, eq=False)
class Changes:
    """The rate changes of one run, as seen from its logged points.

    Attributes
    ----------
    at : ndarray of int, shape (m,)
        Steps of the changes (or of the nodes that stand for them), ascending.
    weight, log_lr, before : ndarray, shape (m,)
        Drop, log of the rate from that step on, and ``S1`` up to the step before.
    steps : ndarray of int, shape (n,)
        Logged steps.
    area : ndarray, shape (n,)
        ``S1`` at the logged steps.
    """

    at: IntArray
    weight: FloatArray
    log_lr: FloatArray
    before: FloatArray
    steps: IntArray
    area: FloatArray

    @classmethod
    def of(cls, schedule: Schedule, steps: IntArray, warmup: Warmup = "ramp") -> Changes:
        """Collect the changes of a schedule up to the last logged step.

        Parameters
        ----------
        schedule : Schedule
        steps : ndarray of int, shape (n,)
            Logged steps.
        warmup : {"ramp", "flat", "raw"}
            Convention for the area and the drops.
        """
        drops, area = schedule.drops(warmup), schedule.area(warmup)
        at = np.flatnonzero(drops[: int(steps[-1]) + 1]).astype(np.int64)
        log_lr = np.log(np.maximum(schedule.rates(warmup)[at], SMALLEST_RATE))
        return cls(at, drops[at], log_lr, area[at - 1], steps, area[steps])

    def total(self, term: Term) -> NDArray[Any]:
        """Return the sum at every logged point, shape (..., n); 0 where no change came before.

        Only a bounded number of pairs is held at any moment, however long the schedule.
        """
        return np.concatenate([sum(p.total(term) for p in parts) for parts in self._points()], axis=-1)

    def _points(self) -> Iterator[Iterator[Pairs]]:
        """Yield groups of neighbouring points; each group yields its pairs in parts that add up."""
        seen = np.searchsorted(self.at, self.steps, side="right")
        ends = np.cumsum(seen)
        start = 0
        while start < seen.size:
            base = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, base + _PAIRS_AT_ONCE, side="right")))
            yield self._parts(start, stop, seen[start:stop])
            start = stop

    def _parts(self, start: int, stop: int, seen: IntArray) -> Iterator[Pairs]:
        # More than one part only for a single point that has seen more changes than fit at once.
        size = int(seen[0]) if stop == start + 1 else 0
        for low in range(0, max(size, 1), _PAIRS_AT_ONCE):
            count = np.minimum(seen - low, _PAIRS_AT_ONCE) if size else seen
            point = np.repeat(np.arange(start, stop), count)
            change = low + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            yield self.pair(point, change, self.weight[change], start, stop)

    def pair(self, point: IntArray, change: IntArray, weight: FloatArray, start: int, stop: int) -> Pairs:
        """Return the pairs of `point` (ascending) and `change`; points without one get a 0.

        Every point of ``start..stop-1`` leads with a pair of weight 0, because `reduceat` cannot
        sum nothing.
        """
        points = np.arange(start, stop)
        order = np.searchsorted(point, points)
        first = order + np.arange(points.size)

        def led(values: NDArray[Any], blank: float) -> FloatArray:
            return np.insert(values, order, blank)

        return Pairs(
            led(weight, 0.0),
            led(self.log_lr[change], 0.0),
            led(np.maximum(self.area[point] - self.before[change], 0.0), 1.0),
            led(self.steps[point] - self.at[change] + 1.0, 1.0),
            first,
        )


def graded(schedule: Schedule, steps: IntArray, warmup: Warmup = "ramp", nodes: int = 6, grade: float = 0.5) -> Pairs:
    """Return the graded sum of a schedule: few weighted changes for every logged point.

    With the default nodes and grade it is within 1e-7 of the exact sum, relative to the largest.

    Parameters
    ----------
    schedule, steps, warmup
        As in `Changes.of`.
    nodes : int
        Changes that stand for a smooth interval.
    grade : float
        Longest interval, as a multiple of its age.
    """
    changes = Changes.of(schedule, steps, warmup)
    drops = schedule.drops(warmup)[: int(steps[-1]) + 1]
    tree = _Tree(drops, schedule.rates(warmup)[: drops.size], nodes)
    point, step, weight = tree.pairs(steps, grade)
    order = np.argsort(point, kind="stable")
    change = np.searchsorted(changes.at, step[order])
    return changes.pair(point[order], change, weight[order], 0, steps.size)


class _Tree:
    """Intervals of ``2**level`` steps, each with the weights of its nodes and whether they may be used."""

    def __init__(self, drops: FloatArray, rates: FloatArray, nodes: int) -> None:
        self.nodes = nodes
        self.leaf = int(np.ceil(np.log2(3 * nodes)))
        self.top = max(self.leaf, int(np.ceil(np.log2(max(drops.size, 2)))))
        size = 1 << self.top
        self.drops = np.zeros(size)
        self.drops[: drops.size] = drops
        rates = np.concatenate([rates, np.full(size - rates.size, rates[-1])])
        before = np.abs(np.concatenate([[0.0], self.drops[:-1]]))
        breaks = np.abs(self.drops - np.concatenate([[0.0], self.drops[:-1]])) > _KINK * np.maximum(
            np.abs(self.drops), before
        )
        self.changed = np.concatenate([[0], np.cumsum(self.drops != 0.0)])
        self.broken = np.concatenate([[0], np.cumsum(breaks)])
        self.rates = rates

    def level(self, level: int) -> tuple[NDArray[np.bool_], FloatArray, IntArray]:
        """Return, for the intervals of a level: may nodes stand for it, their weights, their offsets."""
        n = 1 << level
        start = np.arange(0, self.drops.size, n)
        rows = self.rates.reshape(-1, n)
        smooth = (self.broken[start + n] - self.broken[start + 1] == 0) & (self.drops[start] != 0.0)
        smooth &= rows.max(axis=1) <= _RATIO * rows.min(axis=1)
        u = (2.0 * np.arange(n) + 1.0) / n - 1.0
        wanted = np.sin(np.pi * (np.arange(self.nodes) + 0.5 - self.nodes / 2) / self.nodes)
        offsets = np.searchsorted(u, wanted).clip(0, n - 1).astype(np.int64)
        basis = np.polynomial.chebyshev.chebvander(u, self.nodes - 1)
        lagrange = np.linalg.solve(basis[offsets].T, basis.T)
        return smooth, self.drops.reshape(-1, n) @ lagrange.T, offsets

    def pairs(self, steps: IntArray, grade: float) -> tuple[IntArray, IntArray, FloatArray]:
        """Descend from the whole past of every point; return point, step and weight of every term."""
        point = np.arange(steps.size)
        interval = np.zeros(steps.size, np.int64)
        found: list[tuple[IntArray, IntArray, FloatArray]] = []
        for level in range(self.top, self.leaf - 1, -1):
            n = 1 << level
            begin = interval * n
            age = steps[point] - (begin + n - 1) + 1
            alive = (begin <= steps[point]) & (self.changed[begin + n] > self.changed[begin])
            smooth, weights, offsets = self.level(level)
            take = alive & smooth[interval] & (age > 0) & (n <= grade * age)
            rows = interval[take]
            found.append(
                (
                    np.repeat(point[take], self.nodes),
                    (begin[take, None] + offsets).ravel(),
                    weights[rows].ravel(),
                )
            )
            keep = alive & ~take
            point = np.repeat(point[keep], 2)
            interval = np.stack([2 * interval[keep], 2 * interval[keep] + 1], axis=1).ravel()
        n = 1 << (self.leaf - 1)
        step = (interval[:, None] * n + np.arange(n)).ravel()
        point = np.repeat(point, n)
        here = (step <= steps[point]) & (self.drops[step] != 0.0)
        found.append((point[here], step[here], self.drops[step[here]]))
        points, at, weight = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return points, at, weight
