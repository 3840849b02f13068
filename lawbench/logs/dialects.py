"""Named schedules as the tools compute them: Hugging Face, Megatron, OLMo, and our own.

They agree on shapes and differ at the edges: where the ramp starts, whether it reaches the peak at
step ``W - 1`` or ``W``, and whether the first update has step 0 or 1. All return ``lr[k]``, the rate of
update ``k = 0..T-1``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lawbench.errors import InputError, LawbenchError, unknown
from lawbench.schedule import FloatArray
from lawbench.shapes import SHAPES, named_schedule


@dataclass(frozen=True)
class Asked:
    """Arguments of a schedule.

    Attributes
    ----------
    steps, warmup : int
        Optimiser steps in all, and those of the ramp.
    peak : float
    end : float, optional
        The last rate; the tool's own default where it is not given.
    more : mapping
        What only some shapes take: ``decay_steps``, ``decay``, ``power``.
    """

    steps: int
    peak: float
    warmup: int = 0
    end: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def cosine_part(u: FloatArray) -> FloatArray:
    """Fall from 1 to 0 as half a cosine."""
    return np.asarray(0.5 * (1.0 + np.cos(np.pi * u)))


def _root_part(u: FloatArray) -> FloatArray:
    return np.asarray(1.0 - np.sqrt(u))


def _linear_part(u: FloatArray) -> FloatArray:
    return np.asarray(1.0 - u)


def _ramped(a: Asked, after: FloatArray, k: FloatArray, low: float = 0.0, inclusive: bool = False) -> FloatArray:
    """Rise in a straight line from `low` at step 0 to the peak at step `warmup`."""
    ramp = low + (a.peak - low) * k / max(1, a.warmup)
    return np.where(k <= a.warmup if inclusive and a.warmup else k < a.warmup, ramp, after)


def _progress(a: Asked, k: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(k - a.warmup, 0.0) / max(1, a.steps - a.warmup))


def _hf(shape: Callable[[FloatArray], FloatArray] | None, least: float | None = 0.0) -> Callable[[Asked], FloatArray]:
    def rates(a: Asked) -> FloatArray:
        k = np.arange(a.steps, dtype=np.float64)
        end = a.end if a.end is not None else least
        if end is None:
            raise InputError("this schedule needs --end.")
        after = np.full(k.size, a.peak) if shape is None else end + (a.peak - end) * shape(_progress(a, k))
        return _ramped(a, after, k)

    return rates


def _hf_polynomial(a: Asked) -> FloatArray:
    power = _number(a, "power", 1.0)

    def shape(u: FloatArray) -> FloatArray:
        return np.asarray((1.0 - np.minimum(u, 1.0)) ** power)

    return _hf(shape, least=1e-7)(a)


def _hf_inverse_sqrt(a: Asked) -> FloatArray:
    k = np.arange(a.steps, dtype=np.float64)
    scale = a.warmup or 10_000
    return _ramped(a, a.peak / np.sqrt(np.maximum(k + scale - a.warmup, 1.0) / scale), k)


def _hf_wsd(a: Asked) -> FloatArray:
    k, end, u = np.arange(a.steps, dtype=np.float64), a.end or 0.0, _decayed(a)
    style = a.more.get("decay", "cosine")
    forms = {"cosine": cosine_part, "linear": _linear_part, "1-sqrt": _root_part}
    if style not in forms:
        raise unknown("decay", str(style), forms)
    return _ramped(a, end + (a.peak - end) * forms[style](u), k, low=end)


def _megatron(shape: Callable[[FloatArray], FloatArray] | None) -> Callable[[Asked], FloatArray]:
    def rates(a: Asked) -> FloatArray:
        k, end = np.arange(a.steps, dtype=np.float64), a.end or 0.0
        after = np.full(k.size, a.peak) if shape is None else end + (a.peak - end) * shape(_progress(a, k))
        return _ramped(a, after, k, inclusive=True)

    return rates


def _megatron_inverse_sqrt(a: Asked) -> FloatArray:
    k = np.arange(a.steps, dtype=np.float64)
    after = a.peak * max(a.warmup, 1) ** 0.5 / np.sqrt(np.maximum(k, 1.0))
    return _ramped(a, np.maximum(a.end or 0.0, after), k, inclusive=True)


def _megatron_wsd(a: Asked) -> FloatArray:
    k, end, u = np.arange(a.steps, dtype=np.float64), a.end or 0.0, _decayed(a)
    forms: dict[str, Callable[[FloatArray], FloatArray]] = {
        "exponential": lambda u: 2.0 * 0.5**u - 1.0,
        "linear": _linear_part,
        "cosine": cosine_part,
        "minus_sqrt": _root_part,
    }
    style = a.more.get("decay", "exponential")
    if style not in forms:
        raise unknown("decay", str(style), forms)
    return _ramped(a, end + (a.peak - end) * forms[style](u), k, inclusive=True)


def _decayed(a: Asked) -> FloatArray:
    """Return how far the last `decay_steps` have gone, from 0 to 1."""
    length = _number(a, "decay_steps", None)
    if not 0 < length <= a.steps - a.warmup:
        raise InputError(f"a decay of {length:g} steps does not fit {a.steps} steps with a warm-up of {a.warmup}.")
    k = np.arange(a.steps, dtype=np.float64)
    return np.asarray(np.clip((k - (a.steps - length)) / length, 0.0, 1.0))


def _olmo(shape: Callable[[FloatArray], FloatArray] | None) -> Callable[[Asked], FloatArray]:
    def rates(a: Asked) -> FloatArray:
        # OLMo raises its step before it trains it, and its ramp starts at a tenth of the peak.
        k, end = np.arange(1, a.steps + 1, dtype=np.float64), 0.1 * a.peak if a.end is None else a.end
        after = np.full(k.size, a.peak) if shape is None else end + (a.peak - end) * shape(_progress(a, k))
        return _ramped(a, after, k, low=0.1 * a.peak)

    return rates


def _olmo_inverse_sqrt(a: Asked) -> FloatArray:
    k = np.arange(1, a.steps + 1, dtype=np.float64)
    return _ramped(a, a.peak * np.sqrt(a.warmup / np.maximum(max(a.warmup, 1), k)), k, low=0.1 * a.peak)


@dataclass(frozen=True)
class Dialect:
    """How a tool computes a schedule, and which arguments beyond steps and peak it takes."""

    rates: Callable[[Asked], FloatArray]
    takes: frozenset[str]


def _takes(rates: Callable[[Asked], FloatArray], words: str = "warmup") -> Dialect:
    return Dialect(rates, frozenset(words.split()))


TOOLS: Mapping[str, Mapping[str, Dialect]] = {
    "hf": {
        "constant": _takes(_hf(None), ""),
        "constant_with_warmup": _takes(_hf(None)),
        "linear": _takes(_hf(_linear_part)),
        "cosine": _takes(_hf(cosine_part)),
        "cosine_with_min_lr": _takes(_hf(cosine_part, least=None), "warmup end"),
        "polynomial": _takes(_hf_polynomial, "warmup end power"),
        "inverse_sqrt": _takes(_hf_inverse_sqrt),
        "warmup_stable_decay": _takes(_hf_wsd, "warmup end decay_steps decay"),
    },
    "megatron": {
        "constant": _takes(_megatron(None)),
        "linear": _takes(_megatron(_linear_part), "warmup end"),
        "cosine": _takes(_megatron(cosine_part), "warmup end"),
        "inverse-square-root": _takes(_megatron_inverse_sqrt, "warmup end"),
        "WSD": _takes(_megatron_wsd, "warmup end decay_steps decay"),
    },
    "olmo": {
        "constant": _takes(_olmo(None), ""),
        "constant_with_warmup": _takes(_olmo(None)),
        "linear_with_warmup": _takes(_olmo(_linear_part), "warmup end"),
        "cosine_with_warmup": _takes(_olmo(cosine_part), "warmup end"),
        "inverse_sqrt_with_warmup": _takes(_olmo_inverse_sqrt),
    },
}


def meanings(name: str) -> list[tuple[str, str]]:
    """Return the tools that know a schedule by this name, as (tool, name); ours first.

    A name may say its tool: ``megatron:cosine``.

    Raises
    ------
    UnknownNameError
        If no tool knows it.
    """
    asked, colon, bare = name.partition(":")
    known = {"lawbench": dict.fromkeys(SHAPES), **{tool: dict.fromkeys(shapes) for tool, shapes in TOOLS.items()}}
    if colon and asked not in known:
        raise unknown("tool", asked, known)
    found = [(tool, n) for tool, n in ((tool, bare if colon else name) for tool in known)
             if n in known[tool] and (not colon or tool == asked)]  # fmt: skip
    if not found:
        raise unknown("schedule", name, [f"{tool}:{n}" for tool, shapes in known.items() for n in shapes])
    return found


def rates_of(tool: str, name: str, asked: Asked) -> FloatArray:
    """Return the rate of every update, shape (steps,).

    Raises
    ------
    InputError, UnknownNameError
        If the arguments do not fit the schedule.

    Examples
    --------
    >>> rates_of("hf", "linear", Asked(steps=4, peak=1.0, warmup=2)).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    given = {"warmup": asked.warmup or None, "end": asked.end, **asked.more}
    if tool == "lawbench":
        more = {key: value for key, value in given.items() if value is not None}
        return named_schedule(name, steps=asked.steps, peak=asked.peak, **more).lr
    dialect = TOOLS[tool][name]
    for key, value in given.items():
        if value is not None and key not in dialect.takes:
            raise InputError(
                f"schedule {tool}:{name} takes no '{key}': it takes "
                f"{', '.join(sorted({'steps', 'peak'} | dialect.takes))}."
            )
    if not (asked.steps > 0 and asked.peak > 0 and 0 <= asked.warmup < asked.steps and (asked.end or 0.0) >= 0):
        raise InputError(
            f"a schedule needs 0 <= warm-up < steps, a peak above 0 and no end below 0; got {asked.warmup} of "
            f"{asked.steps} steps, peak {asked.peak:g}, end {asked.end}."
        )
    return dialect.rates(asked)


def as_shape(rates: FloatArray, asked: Asked) -> dict[str, float | int | str] | None:
    """Return the card's way to write a schedule, if one of our shapes has exactly these rates."""
    for kind in ("constant", "cosine", "linear"):
        arguments: dict[str, float | int | str] = {"steps": asked.steps, "peak": asked.peak}
        arguments |= {"warmup": asked.warmup} if asked.warmup else {}
        arguments |= {"end": asked.end} if asked.end is not None and kind != "constant" else {}
        try:
            ours = named_schedule(kind, **arguments).lr
        except LawbenchError:
            continue
        if np.allclose(ours, rates, rtol=1e-12, atol=1e-15 * asked.peak):
            return {"kind": kind, **arguments}
    return None


def _number(asked: Asked, key: str, default: float | None) -> float:
    value = asked.more.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"this schedule needs a number for '{key}': write --schedule NAME,{key}=NUMBER.")
    return float(value)
