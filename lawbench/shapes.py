"""Schedules by name, as cards and logs write them: constant, cosine, linear, wsd, two-stage, cyclic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from lawbench.errors import InputError, unknown
from lawbench.schedule import FloatArray, Schedule

Decay = Literal["linear", "exponential", "cosine", "sqrt"]


def constant(steps: int, peak: float, warmup: int = 0) -> Schedule:
    """Return a linear warm-up and then one rate.

    Examples
    --------
    >>> constant(4, 1.0, warmup=2).lr.tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    return _build(steps, peak, warmup, lambda k: np.full(k.size, peak))


def cosine(steps: int, peak: float, end: float = 0.0, warmup: int = 0) -> Schedule:
    """Return a half cosine from `peak` at the end of the warm-up to `end` at step `steps`."""
    return _build(steps, peak, warmup, lambda k: end + 0.5 * (peak - end) * (1 + np.cos(np.pi * k / (steps - warmup))))


def linear(steps: int, peak: float, end: float = 0.0, warmup: int = 0) -> Schedule:
    """Return a straight line from `peak` at the end of the warm-up to `end` at step `steps`."""
    return _build(steps, peak, warmup, lambda k: peak + (end - peak) * k / (steps - warmup))


def wsd(
    steps: int, peak: float, end: float = 0.0, warmup: int = 0, *, decay_start: int, decay: Decay = "linear"
) -> Schedule:
    """Return warm-up, a stable phase up to `decay_start`, then a decay to `end` at step `steps`.

    Examples
    --------
    >>> wsd(6, 1.0, decay_start=2).lr.tolist()
    [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if not warmup <= decay_start < steps:
        raise InputError(f"a wsd schedule of {steps} steps cannot start its decay at step {decay_start}.")

    def rate(k: FloatArray) -> FloatArray:
        u = np.clip((k + warmup - decay_start) / (steps - decay_start), 0.0, 1.0)
        out: FloatArray
        if decay == "exponential":
            if end <= 0:
                raise InputError("an exponential decay needs an end rate above 0.")
            out = peak * (end / peak) ** u
        elif decay == "linear":
            out = peak + (end - peak) * u
        elif decay == "cosine":
            out = end + 0.5 * (peak - end) * (1 + np.cos(np.pi * u))
        elif decay == "sqrt":
            out = peak + (end - peak) * np.sqrt(u)
        else:
            raise unknown("decay", decay, ("linear", "exponential", "cosine", "sqrt"))
        return out

    return _build(steps, peak, warmup, rate)


def two_stage(steps: int, peak: float, second: float, drop_at: int, warmup: int = 0) -> Schedule:
    """Return `peak` up to step ``drop_at - 1``, then `second`."""
    return _build(steps, peak, warmup, lambda k: np.where(k + warmup < drop_at, peak, second))


def cyclic(steps: int, peak: float, end: float = 0.0, warmup: int = 0, *, cycles: int = 2, rewarm: int = 0) -> Schedule:
    """Return half cosines from `peak` to `end`, one a cycle; later cycles first rise linearly for `rewarm` steps.

    The cycles share the steps after the warm-up evenly.

    Examples
    --------
    >>> cyclic(8, 1.0, cycles=2, rewarm=2).lr.round(3).tolist()
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.5, 1.0, 0.5]
    """
    length = (steps - warmup) / cycles if cycles > 0 else 0.0
    if not 0 <= rewarm < length:
        raise InputError(f"{cycles} cycles in {steps} steps with {warmup=} leave no room for {rewarm=}.")

    def rate(k: FloatArray) -> FloatArray:
        cycle = np.minimum(np.floor(k / length), cycles - 1)
        inside, rise = k - cycle * length, np.where(cycle > 0, rewarm, 0)
        falling = end + 0.5 * (peak - end) * (1 + np.cos(np.pi * (inside - rise) / (length - rise)))
        out: FloatArray = np.where(inside < rise, end + (peak - end) * inside / np.maximum(rise, 1), falling)
        return out

    return _build(steps, peak, warmup, rate)


SHAPES: Mapping[str, Callable[..., Schedule]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "wsd": wsd,
    "two-stage": two_stage,
    "cyclic": cyclic,
}


def named_schedule(kind: str, **arguments: Any) -> Schedule:
    """Return a schedule by its name and arguments.

    Raises
    ------
    UnknownNameError
        If no shape has this name.
    InputError
        If the arguments do not fit the shape.

    Examples
    --------
    >>> named_schedule("two-stage", steps=4, peak=1.0, second=0.1, drop_at=2).lr.tolist()
    [1.0, 1.0, 0.1, 0.1]
    """
    if kind not in SHAPES:
        raise unknown("schedule", kind, SHAPES)
    try:
        return SHAPES[kind](**arguments)
    except TypeError as error:
        reason = str(error).replace("()", "")
        raise InputError(f"schedule '{kind}' cannot be built from {sorted(arguments)}: {reason}.") from error


def _build(steps: int, peak: float, warmup: int, after: Callable[[FloatArray], FloatArray]) -> Schedule:
    """Join the linear warm-up and the shape, which gets ``k = 0, 1, ..`` counted from its end."""
    if not (steps > 0 and peak > 0 and 0 <= warmup < steps):
        raise InputError(f"a schedule needs 0 <= warm-up < steps and a peak above 0; got {warmup=}, {steps=}, {peak=}.")
    rest = after(np.arange(steps - warmup, dtype=np.float64))
    return Schedule(np.concatenate([np.linspace(0.0, peak, warmup), rest]), warmup=warmup)
