"""From log files to runs: what each column gives, and what a user of the data must know."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lawbench.errors import InputError
from lawbench.logs.columns import COUNTS_UPDATES, Chosen, choose, pick_run
from lawbench.logs.curve import Series, not_negative, positive, series
from lawbench.logs.open import open_log
from lawbench.logs.rates import NO_SCHEDULE, Rates, Told, rates
from lawbench.logs.table import Cells, Table
from lawbench.schedule import FloatArray

HF = "Hugging Face trainer_state.json"


@dataclass(frozen=True)
class Request:
    """What the user says about the logs; what is not said is guessed or left out.

    Attributes
    ----------
    step, loss, lr, tokens : str, optional
        Names of columns; ``none`` for no rate or no tokens.
    run : str, optional
        The run of a file that holds several.
    told : Told
        The schedule.
    restart : {"keep-last"}, optional
    count_from : {0, 1}, optional
        What the log calls the first update.
    tokens_per_step, n_params, vocabulary : float, optional
    """

    step: str | None = None
    loss: str | None = None
    lr: str | None = None
    tokens: str | None = None
    run: str | None = None
    told: Told = field(default_factory=Told)
    restart: str | None = None
    count_from: int | None = None
    tokens_per_step: float | None = None
    n_params: float | None = None
    vocabulary: int | None = None


@dataclass(frozen=True, eq=False)
class Imported:
    """One run of a log.

    Attributes
    ----------
    name : str
    path, form, sha256
        The file that it came from, what kind of file that is, and its hash.
    chosen : Chosen
        Its columns.
    curve : Series
        Losses by step.
    rates : Rates
    tokens : ndarray, shape (n,), optional
        Tokens at the logged points, where they are not a constant number a step.
    tokens_per_step : float, optional
    tokens_are : str
    quirks : tuple of str
    """

    name: str
    path: Path
    form: str
    sha256: str
    chosen: Chosen
    curve: Series
    rates: Rates
    tokens: FloatArray | None
    tokens_per_step: float | None
    tokens_are: str
    quirks: tuple[str, ...]


def read_runs(paths: Sequence[Path], request: Request) -> list[Imported]:
    """Return the run of every file.

    Raises
    ------
    InputError, UnknownNameError
        One sentence: the file, what is wrong with it, and what to do.
    """
    _check(request)
    runs: list[Imported] = []
    for path in paths:
        run = read_run(path, request)
        taken = {other.name for other in runs}
        number = next(i for i in range(1, len(paths) + 2) if _numbered(run.name, i) not in taken)
        runs.append(replace(run, name=_numbered(run.name, number)))
    return runs


def read_run(path: Path, request: Request) -> Imported:
    """Return the run of a file; see `read_runs`."""
    _check(request)
    table, mark = pick_run(open_log(path), request.run)
    chosen = choose(table, request.step, request.loss, request.lr, request.tokens)
    if request.told.schedule == NO_SCHEDULE:
        chosen = replace(chosen, lr=None)
    wanted = dict.fromkeys(name for name in (chosen.step, chosen.loss, chosen.lr, chosen.tokens) if name)
    cells = table.columns(list(wanted))
    positive(table, cells[chosen.loss], chosen.loss)
    if chosen.lr is not None:
        not_negative(table, cells[chosen.lr], chosen.lr)
    first, curve, known = _counted(table, cells, chosen, request)
    if curve.steps.size < 2:
        raise InputError(
            f"{path.name} has {curve.steps.size} values of '{chosen.loss}': a curve needs at least two points."
        )
    tokens, per_step, tokens_are = _tokens(table, cells, chosen, curve, first, request)
    name = request.run or _stem(path)
    return Imported(
        re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "run", path, table.form, _sha256(path), chosen, curve,
        known, tokens, per_step, tokens_are, (*_about(table, chosen, curve, first, request, mark), known.how),
    )  # fmt: skip


def _check(request: Request) -> None:
    for what, value in (
        ("--tokens-per-step", request.tokens_per_step), ("--n-params", request.n_params),
        ("--vocabulary", request.vocabulary),
    ):  # fmt: skip
        if value is not None and not (np.isfinite(value) and value > 0):
            raise InputError(f"{what} {value:g} is not a number above 0.")
    if request.restart not in (None, "keep-last"):
        raise InputError(f"--restart {request.restart} is unknown: the only way is keep-last.")
    if request.count_from not in (None, 0, 1):
        raise InputError(f"--count-from {request.count_from} is neither 0 nor 1.")


def _counted(table: Table, cells: dict[str, Cells], chosen: Chosen, request: Request) -> tuple[int, Series, Rates]:
    """Return what the log calls its first update, the curve and the rates.

    Where nothing says how steps are counted, 0 is taken unless the rates only fit 1.
    """
    known = table.form == HF or chosen.step in COUNTS_UPDATES
    ways = [request.count_from] if request.count_from is not None else [1] if known else [0, 1]
    problem: InputError | None = None
    for first in ways:
        try:
            curve = series(table, cells[chosen.step], cells[chosen.loss], chosen.loss, first, request.restart)
            if not curve.steps.size:
                raise InputError(f"{table.path.name} has no values of '{chosen.loss}'.")
            logged = None
            if chosen.lr is not None:
                logged = series(table, cells[chosen.step], cells[chosen.lr], chosen.lr, first, request.restart)
            last, total = int(curve.steps[-1]), table.facts.get("max_steps")
            return first, curve, rates(table.path.name, request.told, logged, last, total)
        except InputError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _tokens(
    table: Table, cells: dict[str, Cells], chosen: Chosen, curve: Series, first: int, request: Request
) -> tuple[FloatArray | None, float | None, str]:
    """Return tokens at the points, or a constant number a step, and how they are known."""
    if chosen.tokens is None:
        if request.tokens_per_step is None:
            return None, None, "not known"
        return None, request.tokens_per_step, f"step + 1 times {request.tokens_per_step:g}, as told on import"
    found = series(table, cells[chosen.step], cells[chosen.tokens], chosen.tokens, first, request.restart)
    said = f"column '{chosen.tokens}' of the log"
    if found.steps.size and found.values[-1] > 0:
        per_step = request.tokens_per_step or float(found.values[-1] / (found.steps[-1] + 1.0))
        if np.allclose(found.values, per_step * (found.steps + 1.0), rtol=1e-9, atol=0):
            return None, per_step, f"{said}: {per_step:g} a step"
        if request.tokens_per_step is not None:
            raise InputError(
                f"{table.path.name}: column '{chosen.tokens}' does not say {per_step:g} tokens a step; "
                "correct --tokens-per-step, or give --tokens-column none."
            )
    both, at, _ = np.intersect1d(found.steps, curve.steps, return_indices=True)
    if both.size == curve.steps.size and (found.values[at] > 0).all():
        return found.values[at], None, said
    return None, None, f"not known: {said} lacks them at some logged points"


def _about(
    table: Table, chosen: Chosen, curve: Series, first: int, request: Request, mark: str | None
) -> list[str]:  # fmt: skip
    """Say what a user of the data must know."""
    used = ", ".join(f"{what} '{name}'" for what, name in vars(chosen).items() if name and what != "kind")
    out = [f"Imported from {table.path.name} ({table.form}), columns {used}."]
    if request.run is not None:
        out.append(f"The file holds several runs{f' (column {mark})' if mark else ''}; this is '{request.run}'.")
    if first == 1:
        out.append("The log counts finished updates: its step n is step n - 1 here, where steps count from 0.")
    elif request.count_from is None:
        out.append("Steps are taken as counted from 0; the log does not say.")
    if curve.before:
        out.append(f"Points before the first update are left out: {curve.before}.")
    if curve.dropped:
        out.append(
            f"The run was resumed; {curve.dropped} points of earlier attempts are left out, the later ones kept."
        )
    if chosen.kind == "train":
        mean = ", each the mean since the point before" if table.form == HF else ""
        out.append(f"Losses are training losses{mean}; no validation loss is used.")
    return out


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _stem(path: Path) -> str:
    """Name a run by its file, or by its folder where all files have one name."""
    if path.name == "trainer_state.json" or "tfevents" in path.name:
        folders = [part for part in path.absolute().parts[1:-1] if not re.fullmatch(r"checkpoint-\d+", part)]
        return folders[-1] if folders else "run"
    return path.stem


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
