"""Which column is what: guessed by the usual names, or as told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lawbench.errors import InputError, unknown
from lawbench.logs.table import Table

NONE = "none"
STEPS = (
    "train/global_step", "trainer/global_step", "global_step", "step", "steps", "iteration", "iterations", "iter",
    "num_updates", "update", "_step",
)  # fmt: skip
"""Usual names of the step, the most telling first: ``_step`` counts calls of a logger."""
COUNTS_UPDATES = {"train/global_step"}
"""Steps that count finished updates, so that the first update is 1."""
RUN_COLUMNS = ("run", "run_id", "run_name")
VALIDATION = {"eval", "evaluation", "val", "valid", "validation", "dev", "test", "heldout"}
PLAIN = {"loss", "train", "training", "lm", "ce", "cross", "entropy", "nll", "total"} | VALIDATION
NOT_A_LOSS = {"scale", "scaler", "std", "min", "max", "best", "aux", "router", "balancing", "z", "grad", "scaling"}
RATES = ({"lr"}, {"learning", "rate"})
TOKENS = (
    {"tokens"}, {"tokens", "seen"}, {"num", "tokens"}, {"total", "tokens"}, {"consumed", "tokens"},
    {"num", "input", "tokens", "seen"}, {"throughput", "total", "tokens"}, {"global", "train", "tokens", "seen"},
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Names of the columns that are used, and what kind of loss it is.

    Attributes
    ----------
    step, loss : str
    lr, tokens : str, optional
    kind : {"validation", "train", "unknown"}
        ``unknown`` where a column was named whose name does not tell.
    """

    step: str
    loss: str
    lr: str | None
    tokens: str | None
    kind: Literal["validation", "train", "unknown"]


def choose(
    table: Table, step: str | None = None, loss: str | None = None, lr: str | None = None, tokens: str | None = None
) -> Chosen:
    """Return the columns of a log, guessed where they are not named; ``none`` stands for no column.

    A validation loss is preferred to a training loss.

    Raises
    ------
    UnknownNameError
        If a named column is not there.
    InputError
        If there is no step or loss among the usual names, or several that are equally plain.
    """
    names = table.names
    for name in filter(None, (step, loss, lr, tokens)):
        if name not in names and not (name == NONE and name in (lr, tokens)):
            raise unknown(f"column of {table.path.name}", name, names[:200])
    step = step or _step(table)
    rest = [name for name in names if name != step]
    loss = loss or _loss(table, rest)
    lr = lr or _optional(table, rest, "learning rate", "--lr-column", lambda w: w in RATES, _is_rate, loss)
    tokens = tokens or _optional(table, rest, "tokens", "--tokens-column", lambda w: w in TOKENS, _never, loss)
    words = _words(loss)
    kind: Literal["validation", "train", "unknown"]
    kind = "validation" if words & VALIDATION else "train" if words <= PLAIN else "unknown"
    return Chosen(step, loss, None if lr == NONE else lr, None if tokens == NONE else tokens, kind)


def pick_run(table: Table, run: str | None) -> tuple[Table, str | None]:
    """Return the table of one run of a file, and the column that tells runs apart, if there is one.

    Raises
    ------
    InputError, UnknownNameError
        If the file has several runs and none is named, or has no run of that name.
    """
    if table.runs:
        chosen = _one(table, run, list(table.runs))
        here = table.runs[chosen]
        inner = table.columns

        def columns(wanted: Sequence[str]) -> dict[str, object]:
            found = inner([here[name] for name in wanted])
            return {name: found[here[name]] for name in wanted}

        return replace(table, names=tuple(here), columns=columns, runs={}), None  # type: ignore[arg-type]
    marks = [name for name in table.names if name.lower() in RUN_COLUMNS]
    if not marks or table.texts is None:
        if run is not None:
            raise InputError(f"{table.path.name} does not tell runs apart: leave --run out.")
        return table, None
    texts = table.texts(marks[0])
    chosen = _one(table, run, list(dict.fromkeys(texts)))
    keep = [text == chosen for text in texts]
    whole = table.columns

    def rows(wanted: Sequence[str]) -> dict[str, object]:
        return {name: _kept(cells, keep) for name, cells in whole(wanted).items()}

    return replace(table, columns=rows, texts=None), marks[0]  # type: ignore[arg-type]


def _kept(cells: object, keep: list[bool]) -> object:
    import numpy as np

    from lawbench.logs.table import Cells

    assert isinstance(cells, Cells)
    mask = np.array(keep)
    return Cells(cells.values[mask], cells.there[mask], cells.places[mask])


def _one(table: Table, run: str | None, runs: list[str]) -> str:
    if run is None and len(runs) == 1:
        return runs[0]
    if run is None:
        raise InputError(f"{table.path.name} has {len(runs)} runs: pick one with --run. Runs: {_listed(runs)}.")
    if run not in runs:
        raise unknown(f"run of {table.path.name}", run, runs[:200])
    return run


def _step(table: Table) -> str:
    lower: dict[str, str] = {}
    for name in table.names:
        lower.setdefault(name.lower(), name)
    for usual in STEPS:
        if usual in lower:
            return lower[usual]
    raise InputError(
        f"{table.path.name} has no column with a usual name of the step: name it with --step-column. "
        f"Columns: {_listed(table.names)}."
    )


def _loss(table: Table, names: Sequence[str]) -> str:
    words = {name: _words(name) for name in names if "oss" in name.lower()}
    losses = {n: w for n, w in words.items() if "loss" in w and not w & NOT_A_LOSS}
    for group in ([n for n, w in losses.items() if w & VALIDATION], [n for n, w in losses.items() if w <= PLAIN]):
        plain = [name for name in group if losses[name] <= PLAIN]
        found = plain if len(plain) == 1 else group
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{table.path.name} has several losses: pick one with --loss-column. Losses: {_listed(found)}."
            )
    raise InputError(
        f"{table.path.name} has no column with a usual name of the loss: name it with --loss-column. "
        f"Columns: {_listed(table.names)}."
    )


def _optional(
    table: Table,
    names: Sequence[str],
    what: str,
    flag: str,
    plain: Callable[[set[str]], bool],
    like: Callable[[set[str]], bool],
    loss: str,
) -> str | None:
    """Return the column of the rate or the tokens; of equally plain ones that which goes with the loss."""
    words = {name: _words(name) for name in names if name != loss}
    bare = {name: found - VALIDATION - {"train", "trainer", "training", "optim"} for name, found in words.items()}
    for fits in (plain, like):
        found = [name for name, rest in bare.items() if fits(rest)]
        beside = [name for name in found if (words[name] ^ _words(loss)).isdisjoint(VALIDATION | {"train"})]
        if len(found) == 1 or len(beside) == 1:
            return (found if len(found) == 1 else beside)[0]
        if found:
            raise InputError(
                f"{table.path.name} has several columns of the {what}: pick one with {flag}, or `{flag} none`. "
                f"Columns: {_listed(found)}."
            )
    return None


def _is_rate(words: set[str]) -> bool:
    return any(rate <= words for rate in RATES)


def _never(_: set[str]) -> bool:
    return False


def _words(name: str) -> set[str]:
    """Split a name at what is no letter; ``CrossEntropyLoss`` and ``group0`` at capitals and digits.

    Examples
    --------
    >>> sorted(_words("eval/c4-CrossEntropyLoss"))
    ['c', 'cross', 'entropy', 'eval', 'loss']
    """
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 60 else name[:57] + "..." for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
