"""Numbers for the page's script: quantised, thinned, written as small whole numbers and compressed."""

from __future__ import annotations

import json
import math
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOSS_UNIT = 1e-4
"""Nats that one unit of a packed loss stands for."""
RESIDUAL_UNIT = 1e-5
"""Log loss that one unit of a packed residual stands for."""
_LARGEST = 10_000_000


def steps_of(values: ArrayLike, unit: float = 1.0) -> list[int]:
    """Return values in whole units: the first, then the differences from one to the next.

    Examples
    --------
    >>> steps_of([2.5, 2.5001, 2.4998], unit=1e-4)
    [25000, 1, -3]
    """
    scaled = np.asarray(values, dtype=np.float64) / unit
    whole: NDArray[np.int64] = np.rint(np.clip(scaled, -_LARGEST, _LARGEST)).astype(np.int64)
    return [int(x) for x in np.diff(whole, prepend=np.int64(0))]


def short(value: Any, digits: int = 4) -> float | int | None:
    """Return a number with few significant digits; None for one that is missing or not finite."""
    if value is None or value != value or not math.isfinite(float(value)):
        return None
    number = float(f"{float(value):.{digits}g}")
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def runs_of(mask: Sequence[bool] | NDArray[np.bool_]) -> list[int]:
    """Return a mask as the lengths of its runs, beginning with one of False.

    Examples
    --------
    >>> runs_of([False, False, True])
    [2, 1]
    """
    flags = np.asarray(mask, dtype=bool)
    changes = np.flatnonzero(np.diff(flags, prepend=False))
    ends = [0, *map(int, changes), len(flags)]
    return [b - a for a, b in pairwise(ends)]


def packed(value: Any) -> str:
    """Return a value as JSON, deflated, in base64: what ``DecompressionStream("deflate")`` of a browser reads."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(text: str) -> Any:
    """Return what `packed` was given."""
    return json.loads(zlib.decompress(b64decode(text)))
