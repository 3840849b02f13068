"""Recognise a schedule in the rates of a log: constant, linear or cosine, with a linear ramp.

Rates are linear in the peak and the end, so that for every length of the ramp two logged rates give
both; all the others then have to agree. A ramp from 0 (Hugging Face, Megatron) and OLMo's are tried, and
a log that gives the rate just used or the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from lawbench.logs.curve import Series
from lawbench.logs.dialects import Asked, cosine_part, rates_of
from lawbench.schedule import FloatArray

RELATIVE, OF_PEAK = 1e-6, 1e-7
"""How closely a logged rate follows a schedule: logs hold 32-bit numbers and few decimals."""
LEAST = 4
"""A schedule with three unknowns is recognised by at least this many different rates."""
MANY = 3
"""As many schedules that fit alike are enough to say that the log cannot tell."""
SHAPES = {
    "hf": {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"},
    "megatron": {"constant": "constant", "linear": "linear", "cosine": "cosine"},
    "olmo": {"constant": "constant_with_warmup", "linear": "linear_with_warmup", "cosine": "cosine_with_warmup"},
}


@dataclass(frozen=True, eq=False)
class Found:
    """A schedule that agrees with every logged rate.

    Attributes
    ----------
    tool, name, asked
        What gives it.
    shift : {0, 1}
        1 if the log gives the rate of the next update.
    lr : ndarray, shape (steps,)
    """

    tool: str
    name: str
    asked: Asked
    shift: int
    lr: FloatArray


def agrees(lr: FloatArray, logged: Series, shift: int) -> np.ndarray:
    """Say which logged rates a schedule has, at the updates it has."""
    at = logged.steps + shift
    inside = at < lr.size
    out = np.zeros(at.size, dtype=bool)
    out[inside] = near(lr[at[inside]], logged.values[inside], float(logged.values.max()))
    # After the last update there is no next rate to compare with.
    out[~inside] = shift == 1
    return np.asarray(out & (inside | (at == lr.size)))


def near(a: FloatArray, b: FloatArray | float, peak: float) -> np.ndarray:
    """Say where two rates are one."""
    return np.asarray(np.abs(a - b) <= RELATIVE * np.abs(b) + OF_PEAK * peak)


def recognise(
    logged: Series,
    lengths: Sequence[int],
    shifts: Sequence[int] = (0, 1),
    warmup: int | None = None,
    peak: float | None = None,
) -> list[Found]:
    """Return every different schedule that agrees with all logged rates.

    Parameters
    ----------
    logged : Series
        The logged rates.
    lengths : sequence of int
        Numbers of steps that the whole schedule may have.
    shifts : sequence of int
        0 for rates just used, 1 for the next ones.
    warmup, peak
        Only schedules with these, where they are known.

    Returns
    -------
    list of Found
        More than one where the log cannot tell them apart.
    """
    found: list[Found] = []
    if logged.steps.size < LEAST or not logged.values.max() > 0:
        return found
    used = int(logged.steps[-1]) + 1
    # A schedule that ends at its tool's default goes before one whose end is free: on a straight line a
    # free end makes up for a step too many.
    for free in (False, True):
        for total, shift in product(lengths, shifts):
            for one in _fits(logged, total, shift, free, warmup, peak):
                if not any(np.allclose(one.lr[:used], o.lr[:used], rtol=1e-9, atol=0) for o in found):
                    found.append(one)
        if found:
            return found
    return found


def _fits(
    logged: Series, total: int, shift: int, free: bool, warmup: int | None, peak: float | None
) -> Iterator[Found]:
    at = (logged.steps + shift).astype(np.float64)
    inside = at < total
    k, rates = at[inside], logged.values[inside]
    if at[-1] > total or k.size < LEAST:
        return
    top = int(np.argmax(rates))
    # A ramp that went on beyond the next logged rate would have left a higher one there.
    longest = int(k[top + 1]) if top + 1 < k.size else total - 1
    ramps = np.arange(min(longest, total - 1) + 1, dtype=np.float64)
    ramps = ramps if warmup is None else ramps[ramps == warmup]
    for tool, shape in product(("hf", "olmo"), ("linear", "cosine") if free else ("constant", "linear", "cosine")):
        good = [
            Asked(total, height, ramp, end)
            for ramp, height, end in _agreeing(tool, shape, free, k, rates, ramps, total)
            if peak is None or abs(height - peak) <= RELATIVE * peak
        ]
        for asked in good[:MANY]:
            yield from _checked(logged, shift, tool, shape, asked)


def _checked(logged: Series, shift: int, tool: str, shape: str, asked: Asked) -> Iterator[Found]:
    if tool == "hf" and asked.end is not None:
        tool = "megatron"
    lr = rates_of(tool, SHAPES[tool][shape], asked)
    if agrees(lr, logged, shift).all():
        yield Found(tool, SHAPES[tool][shape], asked, shift, lr)


def _agreeing(
    tool: str, shape: str, free: bool, k: FloatArray, rates: FloatArray, warmups: FloatArray, total: int
) -> Iterator[tuple[int, float, float | None]]:
    """Return the ramps, with peak and end, that agree with every rate."""
    top, low = int(np.argmax(rates)), int(k.size - 1)
    if free and rates[low] == rates[top]:
        return
    a, b = _parts(tool, shape, k[top], warmups, total)
    with np.errstate(all="ignore"):
        if free:
            c, d = _parts(tool, shape, k[low], warmups, total)
            whole = a * d - b * c
            peak, end = (rates[top] * d - rates[low] * b) / whole, (a * rates[low] - c * rates[top]) / whole
        else:
            peak = rates[top] / (a + (0.1 * b if tool == "olmo" else 0.0))
            end = 0.1 * peak if tool == "olmo" else np.zeros_like(peak)
        good = np.isfinite(peak) & np.isfinite(end) & (peak > 0) & (end >= 0) & (end < peak)
    warmups, peak, end = warmups[good], peak[good], end[good]
    for at, rate in zip(k, rates, strict=True):
        if not warmups.size:
            return
        a, b = _parts(tool, shape, at, warmups, total)
        good = near(a * peak + b * end, rate, float(rates[top]))
        warmups, peak, end = warmups[good], peak[good], end[good]
    for w, p, e in zip(warmups, peak, end, strict=True):
        yield int(w), _plain(float(p)), _plain(float(e)) if free else None


def _plain(value: float) -> float:
    """Take the round number that a value was meant to be: 0.00029999999 was 3e-4 before 32 bits held it."""
    rounded = float(f"{value:.5g}")
    return rounded if abs(rounded - value) <= OF_PEAK * value else value


def _parts(tool: str, shape: str, at: float, warmups: FloatArray, total: int) -> tuple[FloatArray, FloatArray]:
    """Return the factors of peak and end in the rate of update `at`, for every length of the ramp."""
    step = at + 1.0 if tool == "olmo" else at
    u = np.maximum(step - warmups, 0.0) / np.maximum(total - warmups, 1.0)
    fall = {"constant": np.ones_like(u), "linear": 1.0 - u, "cosine": cosine_part(u)}[shape]
    low = 0.1 if tool == "olmo" else 0.0
    ramp = low + (1.0 - low) * step / np.maximum(warmups, 1.0)
    rising = step < warmups
    return np.where(rising, ramp, fall), np.where(rising, 0.0, 1.0 - fall)
