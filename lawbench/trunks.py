"""Shared trunks: runs that are literally one run up to a step, found from their losses alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lawbench.runs import Run
from lawbench.schedule import shared_steps

LEAST = 3
"""Equal points that make a trunk: rounded losses of two runs may agree at one or two by chance."""


@dataclass(frozen=True)
class Trunk:
    """The leading points that two runs share.

    Attributes
    ----------
    runs : tuple of str
    points : int
        Leading points, of those at common steps, whose losses are literally equal.
    last : int
        Step of the last of them.
    rates : int, optional
        Leading optimiser steps with equal rates; None where a schedule is not known.
    beyond : int
        Equal points that have seen different rates.
    copy : bool
        Whether the two are equal at every common step and end at the same one.
    """

    runs: tuple[str, str]
    points: int
    last: int
    rates: int | None
    beyond: int
    copy: bool


def shared_trunks(runs: Sequence[Run]) -> list[Trunk]:
    """Return the trunks that pairs of curves share, whatever models they are said to be of.

    A trunk begins at the first step that two curves have in common.

    Examples
    --------
    >>> a = Run("a", [0, 1, 2, 3], [5.0, 4.0, 3.5, 3.2])
    >>> b = Run("b", [0, 1, 2, 3], [5.0, 4.0, 3.5, 3.1])
    >>> [(trunk.runs, trunk.points, trunk.last) for trunk in shared_trunks([a, b])]
    [(('a', 'b'), 3, 2)]
    """
    # Curves on the same steps are compared by a look-up of their first losses, not pair by pair.
    grids: dict[bytes, list[Run]] = {}
    for run in runs:
        if len(run) >= LEAST:
            grids.setdefault(run.steps.tobytes(), []).append(run)
    groups = list(grids.values())
    return [found for i, group in enumerate(groups) for other in groups[i:] for found in _between(group, other)]


def grouped(trunks: Sequence[Trunk]) -> list[tuple[str, dict[str, int]]]:
    """Return the groups of runs that trunks connect, largest first.

    Returns
    -------
    list of (str, dict)
        A run of each group, and for every other one the last step up to which it equals some run
        of the group.
    """
    group: dict[str, dict[str, int]] = {}
    for trunk in trunks:
        a, b = (group.setdefault(name, {name: -1}) for name in trunk.runs)
        if a is not b:
            a |= b
            group |= dict.fromkeys(b, a)
        for name in trunk.runs:
            a[name] = max(a[name], trunk.last)
    unique = sorted({id(runs): runs for runs in group.values()}.values(), key=len, reverse=True)
    return [(first, {name: runs[name] for name in others}) for runs in unique for first, *others in [list(runs)]]


def _between(first: list[Run], second: list[Run]) -> Iterator[Trunk]:
    steps, at_a, at_b = np.intersect1d(first[0].steps, second[0].steps, assume_unique=True, return_indices=True)
    if steps.size < LEAST:
        return
    starts: dict[bytes, list[Run]] = {}
    for b in second:
        starts.setdefault(b.loss[at_b[:LEAST]].tobytes(), []).append(b)
    seen: set[str] = set()
    for a in first:
        seen.add(a.name)
        for b in starts.get(a.loss[at_a[:LEAST]].tobytes(), ()):
            if first is not second or b.name not in seen:
                yield _trunk(a, b, steps, a.loss[at_a] == b.loss[at_b])


def _trunk(a: Run, b: Run, steps: np.ndarray, equal: np.ndarray) -> Trunk:
    points = int(equal.size if equal.all() else np.argmin(equal))
    rates = None if a.schedule is None or b.schedule is None else shared_steps(a.schedule, b.schedule)
    return Trunk(
        (a.name, b.name),
        points,
        int(steps[points - 1]),
        rates,
        # A point logged at step s has seen the rates up to that of s.
        0 if rates is None else int((steps[:points] >= rates).sum()),
        bool(equal.all() and a.steps[-1] == b.steps[-1] == steps[-1]),
    )
