"""Pairs: the loss of a run beside the loss from which it is to be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lawbench.data.task_card import Pair
from lawbench.errors import InputError, unknown
from lawbench.runs import Run
from lawbench.splits import fields, select


def judged(run: Run, evaluation: str) -> Run:
    """Return a run with its loss on an evaluation set; an empty name leaves it as it is."""
    return run.on(evaluation) if evaluation else run


def paired(runs: Sequence[Run], every: Sequence[Run], pair: Pair) -> list[Run]:
    """Return runs with the predicted loss as `loss` and the given one as `paired_loss`.

    Parameters
    ----------
    runs : sequence of Run
        Runs of which a loss is fitted or predicted.
    every : sequence of Run
        All runs of the dataset, among which partners are looked for.
    pair : Pair
        What a card says of the pair.

    Raises
    ------
    UnknownNameError
        If a run, field or evaluation set that the pair names does not exist.
    InputError
        If a run or one of its points has no partner, where these are not to be dropped, or a run
        has several.

    Examples
    --------
    >>> run = Run.final("a", 3.0, n_params=1e8, tokens=2e9, evaluations={"code": [1.5]})
    >>> (one,) = paired([run], [run], Pair(loss="code"))
    >>> one.loss.tolist(), one.paired_loss.tolist()
    ([1.5], [3.0])
    """
    partners = None if pair.runs is None else _by_match(select(every, pair.runs), pair.match)
    out = []
    for run in runs:
        other = run if partners is None else partners.get(_key(run, pair.match))
        if other is not None:
            out += _joined(run, other, pair)
        elif pair.unpaired == "refuse":
            raise InputError(f'{_unpaired(run, pair)}: correct `pair`, or drop it with unpaired = "drop".')
    return out


def _key(run: Run, match: Sequence[str]) -> tuple[Any, ...]:
    known = fields(run)
    for name in match:
        if name not in known:
            raise unknown(f"field of run '{run.name}'", name, known)
    return tuple(known[name] for name in match)


def _by_match(runs: Sequence[Run], match: Sequence[str]) -> dict[tuple[Any, ...], Run]:
    out: dict[tuple[Any, ...], Run] = {}
    for run in runs:
        other = out.setdefault(_key(run, match), run)
        if other is not run:
            raise InputError(
                f"runs '{other.name}' and '{run.name}' are equal in {' and '.join(match)}: a run has one partner."
            )
    return out


def _joined(run: Run, other: Run, pair: Pair) -> list[Run]:
    """Return the points of a run that its partner has too; none if there are none."""
    at = {int(step): i for i, step in enumerate(other.steps)}
    shared = np.array([int(step) in at for step in run.steps])
    if not shared.all() and pair.unpaired == "refuse":
        step = run.steps[~shared][0]
        raise InputError(f"run '{other.name}' has no loss at step {step} to pair with that of run '{run.name}'.")
    if not shared.any():
        return []
    given = judged(other, pair.given).loss[[at[int(step)] for step in run.steps[shared]]]
    return [replace(judged(run, pair.loss).select(shared), evaluations={}, position_loss=None, paired_loss=given)]


def _unpaired(run: Run, pair: Pair) -> str:
    same = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in zip(pair.match, _key(run, pair.match), strict=True))  # fmt: skip
    return f"run '{run.name}' has no partner of equal {same} among the `runs` of its pair"
