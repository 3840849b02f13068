"""The learning rate of every optimiser step of an imported run: told, logged, or recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lawbench.errors import InputError
from lawbench.logs.curve import Series
from lawbench.logs.dialects import Asked, as_shape, meanings, rates_of
from lawbench.logs.infer import Found, agrees, recognise
from lawbench.schedule import FloatArray

NO_SCHEDULE = "none"
WAYS = ("used", "next", "interpolate")


@dataclass(frozen=True)
class Told:
    """What the user says about the rates.

    Attributes
    ----------
    schedule : str, optional
        Name of a schedule, ``none``, or nothing: then the log has to tell.
    peak, warmup, steps, end
        Its arguments.
    more : mapping
        Arguments of some schedules only: decay_steps, decay, power.
    way : str, optional
        ``used`` or ``next``: which update a logged rate belongs to; ``interpolate``.
    """

    schedule: str | None = None
    peak: float | None = None
    warmup: int | None = None
    steps: int | None = None
    end: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    way: str | None = None


@dataclass(frozen=True, eq=False)
class Rates:
    """The schedule of a run, and how it is known.

    Attributes
    ----------
    lr : ndarray, shape (steps,), optional
    shape : mapping, optional
        How a card writes it, where one of our own shapes has exactly these rates.
    how : str
        One sentence for the card.
    """

    lr: FloatArray | None
    shape: Mapping[str, float | int | str] | None
    how: str


def rates(name: str, told: Told, logged: Series | None, last: int, total: int | None) -> Rates:
    """Return the schedule of a run.

    Parameters
    ----------
    name : str
        Name of the log, for messages.
    told : Told
    logged : Series, optional
        Rates of the log.
    last : int
        The last logged step, counted from 0.
    total : int, optional
        Number of steps that the log says the run was to have.

    Raises
    ------
    InputError, UnknownNameError
        If the rate of every step up to `last` is not known.
    """
    if told.way not in (None, *WAYS):
        raise InputError(f"--lr {told.way} is not one of {', '.join(WAYS)}.")
    if told.schedule == NO_SCHEDULE:
        return Rates(None, None, "The learning rate is not known.")
    if told.schedule is not None:
        return _long_enough(name, _named(name, told, logged, last, total), last)
    if logged is None or not logged.steps.size:
        raise InputError(
            f"{name} has no learning rate: name its schedule (--schedule cosine --peak 3e-4 --warmup 2000 --steps "
            "100000), or say --schedule none."
        )
    return _long_enough(name, _from_log(name, told, logged, last, total), last)


def _long_enough(name: str, found: Rates, last: int) -> Rates:
    if found.lr is not None and found.lr.size <= last:
        raise InputError(
            f"{name} is logged up to step {last}, counted from 0, but its schedule has {found.lr.size} steps: "
            "correct --steps."
        )
    return found


def _named(name: str, told: Told, logged: Series | None, last: int, total: int | None) -> Rates:
    asked = _asked(told, total)
    tried: list[Found] = []
    problem: Exception | None = None
    for tool, shape in meanings(told.schedule or ""):
        try:
            tried.append(Found(tool, shape, asked, 0, rates_of(tool, shape, asked)))
        except InputError as error:
            problem = problem or error
    if not tried:
        assert problem is not None
        raise problem
    if logged is not None and logged.steps.size:
        return _compared(name, told, tried, logged)
    first = tried[0]
    rest = [one for one in tried[1:] if not np.allclose(one.lr, first.lr, rtol=1e-9, atol=0)]
    if rest and first.tool != "lawbench":
        ways = ", ".join(f"{one.tool}:{one.name}" for one in [first, *rest])
        raise InputError(f"the tools differ in what '{told.schedule}' means: say which, {ways}.")
    return _card(first, f"As told on import: {_words(first)}. The log has no learning rate to check it against.")


def _asked(told: Told, total: int | None) -> Asked:
    steps = told.steps if told.steps is not None else total
    if steps is None or told.peak is None:
        missing = "--steps" if steps is None else "--peak"
        raise InputError(f"schedule '{told.schedule}' needs {missing}.")
    if not 0 < steps < 2**31:
        raise InputError(f"a schedule of {steps} steps is none: correct --steps.")
    return Asked(steps, told.peak, told.warmup or 0, told.end, told.more)


def _compared(name: str, told: Told, tried: list[Found], logged: Series) -> Rates:
    """Return the first candidate that has all logged rates."""
    shifts = {"used": (0,), "next": (1,)}.get(told.way or "", (0, 1))
    for one in tried:
        for shift in shifts:
            if agrees(one.lr, logged, shift).all():
                found = replace(one, shift=shift)
                return _card(found, f"As told on import: {_words(found)}; {_checked(found, logged)}.")
    worst = max(tried, key=lambda one: int(agrees(one.lr, logged, shifts[0]).sum()))
    bad = ~agrees(worst.lr, logged, shifts[0])
    i = int(np.argmax(bad))
    at = int(logged.steps[i]) + shifts[0]
    there = f"{worst.lr[at]:.6g}" if at < worst.lr.size else "nothing"
    raise InputError(
        f"{name} logs the rate {logged.values[i]:.6g} at step {logged.steps[i]}, counted from 0, where "
        f"{worst.tool}:{worst.name} gives {there}; correct the schedule, or say --lr-column none."
    )


def _from_log(name: str, told: Told, logged: Series, last: int, total: int | None) -> Rates:
    every = bool(logged.steps[0] == 0 and logged.steps[-1] >= last and np.all(np.diff(logged.steps) == 1))
    steps = told.steps if told.steps is not None else total
    shifts = {"used": (0,), "next": (1,)}.get(told.way or "", (0, 1))
    if told.way != "interpolate":
        lengths = [steps] if steps else list(dict.fromkeys((int(logged.steps[-1]) + 1, last + 1)))
        found = recognise(logged, lengths, shifts, told.warmup, told.peak)
        found = [one for one in found if one.lr.size > last and told.end in (None, one.asked.end or 0.0)]
        if len(found) == 1:
            return _card(found[0], f"Recognised in the log: {_words(found[0])}; {_checked(found[0], logged)}.")
        if every and told.way != "next":
            return Rates(logged.values, None, "The learning rate is logged at every optimiser step.")
        if found:
            ways = "; ".join(_words(one) for one in found[:3])
            raise InputError(
                f"the rates in {name} fit several schedules: give --warmup, --peak, --lr used or "
                f"--schedule. They fit {ways}."
            )
        raise InputError(
            f"{name} logs the learning rate at {logged.steps.size} of {last + 1} steps, and they fit no constant, "
            "linear or cosine schedule: name it with --schedule (and --steps), or say --lr interpolate or "
            "--schedule none."
        )
    lr = np.interp(np.arange(max(last, int(logged.steps[-1])) + 1), logged.steps, logged.values)
    return Rates(
        lr, None,
        f"The learning rate is logged at {logged.steps.size} steps only; between them it is a straight line, and "
        "before the first and after the last it is held, as asked on import: it is not exact.",
    )  # fmt: skip


def _card(found: Found, how: str) -> Rates:
    shape: Mapping[str, float | int | str] | None = None
    if found.tool == "lawbench":
        given = {"warmup": found.asked.warmup or None, "end": found.asked.end, **found.asked.more}
        shape = {"kind": found.name, "steps": found.asked.steps, "peak": found.asked.peak}
        shape |= {key: value for key, value in given.items() if value is not None}
    elif not found.asked.more:
        shape = as_shape(found.lr, found.asked)
    return Rates(found.lr, shape, how)


def _words(found: Found) -> str:
    a = found.asked
    given = {"steps": a.steps, "peak": f"{a.peak:g}", "warmup": a.warmup, "end": a.end, **a.more}
    return f"{found.tool}:{found.name}, " + ", ".join(f"{k}={v}" for k, v in given.items() if v is not None)


def _checked(found: Found, logged: Series) -> str:
    which = "of the next update" if found.shift else "just used"
    return f"it has all {logged.steps.size} logged rates, each the rate {which}"
