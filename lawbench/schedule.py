"""Learning-rate schedules: the rate at every optimiser step, its area, its drops.

Conventions (fixed once, for every law):

* ``lr[k]`` is the rate used at step ``k = 0..T-1``; a point logged at step ``s`` has seen every
  rate up to and including ``lr[s]``.
* ``S1[s] = sum(lr[:s + 1])``, in units of rate x steps.
* A drop is ``d[k] = lr[k-1] - lr[k]``, ``d[0] = 0``: positive for decay, negative for re-warming.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lawbench.errors import InputError

FloatArray = NDArray[np.float64]
Warmup = Literal["ramp", "flat", "raw"]
WARMUPS: tuple[Warmup, ...] = ("ramp", "flat", "raw")


@dataclass(frozen=True, eq=False)
class Schedule:
    """The learning rate at every optimiser step of a run, warm-up included.

    Parameters
    ----------
    lr : array_like, shape (T,)
        Rate at steps ``0..T-1``; finite and not negative.
    warmup : int, optional
        Number of warm-up steps ``W``: the rate is at its first peak from step ``W - 1`` or ``W``
        on. Read off the first rise of `lr` if it is not given.

    Raises
    ------
    InputError
        If a rate is missing, negative or not finite, or the warm-up is longer than the schedule.

    Examples
    --------
    >>> s = Schedule([0.0, 0.5, 1.0, 1.0, 0.5])
    >>> s.warmup, s.peak, s.drops("ramp").tolist()
    (3, 1.0, [0.0, 0.0, 0.0, 0.0, 0.5])
    """

    lr: FloatArray
    warmup: int = -1
    _memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        lr = np.array(self.lr, dtype=np.float64, ndmin=1)
        if lr.ndim != 1 or lr.size == 0:
            raise InputError(f"a schedule needs a non-empty list of rates, not shape {lr.shape}.")
        bad = ~np.isfinite(lr) | (lr < 0)
        if bad.any():
            k = int(np.argmax(bad))
            raise InputError(
                f"learning rate {lr[k]} at step {k} is not a finite number >= 0: correct the log or the schedule."
            )
        lr.setflags(write=False)
        object.__setattr__(self, "lr", lr)
        if self.warmup < 0:
            object.__setattr__(self, "warmup", _first_rise(lr))
        if self.warmup > lr.size:
            raise InputError(f"warm-up of {self.warmup} steps is longer than the schedule ({lr.size} steps).")

    def __len__(self) -> int:
        return int(self.lr.size)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the memory of sums, and through the checks, so that the rates stay read-only.
        return Schedule, (self.lr, self.warmup)

    @property
    def peak(self) -> float:
        """The rate that the warm-up reaches."""
        return float(self.lr[: self.warmup + 1].max())

    def rates(self, warmup: Warmup = "ramp") -> FloatArray:
        """Return the rates that enter the area ``S1``: ``flat`` sets the warm-up to the peak."""
        return self._flat if _known(warmup) == "flat" else self.lr

    def area(self, warmup: Warmup = "ramp") -> FloatArray:
        """Return ``S1`` at every step, shape (T,), under a warm-up convention."""
        return self._once(f"area:{_known(warmup) == 'flat'}", lambda: np.cumsum(self.rates(warmup)))

    def drops(self, warmup: Warmup = "ramp") -> FloatArray:
        """Return the drop ``lr[k-1] - lr[k]`` at every step, shape (T,).

        ``raw`` keeps the rise of the warm-up as negative drops; ``ramp`` and ``flat`` count from
        the peak.
        """
        lr = self.lr if _known(warmup) == "raw" else self._flat
        return self._once(f"drops:{warmup == 'raw'}", lambda: np.concatenate([[0.0], lr[:-1] - lr[1:]]))

    @property
    def _flat(self) -> FloatArray:
        def build() -> FloatArray:
            lr = self.lr.copy()
            lr[: self.warmup] = self.peak
            return lr

        return self._once("flat", build)

    def _once(self, key: str, build: Any) -> FloatArray:
        if key not in self._memory:
            value = build()
            value.setflags(write=False)
            self._memory[key] = value
        value = self._memory[key]
        assert isinstance(value, np.ndarray)
        return value


def discounted_sum(drops: ArrayLike, decay: float) -> FloatArray:
    """Return ``S2``: the running sum of ``m[i] = decay * m[i-1] + drops[i]``, in O(T).

    Parameters
    ----------
    drops : array_like, shape (T,)
        Rate drops (`Schedule.drops`).
    decay : float
        Momentum ``lambda``; 0 turns the sum into ``peak - lr``. Complex values are allowed, for
        complex-step derivatives.

    Examples
    --------
    >>> discounted_sum([0.0, 1.0, 0.0], 0.5).tolist()
    [0.0, 1.0, 1.5]
    """
    from scipy.signal import lfilter

    momentum = lfilter([1.0], [1.0, -decay], np.asarray(drops, dtype=np.float64))
    out: FloatArray = np.cumsum(momentum)
    return out


def shared_steps(a: Schedule, b: Schedule) -> int:
    """Return the number of leading steps at which two schedules have the same rates.

    This is the branch step of two runs: the first step at which they may differ.

    Examples
    --------
    >>> shared_steps(Schedule([1, 1, 1]), Schedule([1, 1, 0.5, 0.2]))
    2
    """
    n = min(len(a), len(b))
    start, size = 0, 1024  # in blocks, each twice the last: most pairs of runs differ early
    while start < n:
        part = slice(start, min(start + size, n))
        differ = ~np.isclose(a.lr[part], b.lr[part], rtol=1e-9, atol=0.0)
        if differ.any():
            return start + int(np.argmax(differ))
        start, size = start + size, 2 * size
    return n


def _known(warmup: str) -> str:
    if warmup not in WARMUPS:
        raise InputError(f"warm-up convention '{warmup}' is not one of {', '.join(WARMUPS)}.")
    return warmup


def _first_rise(lr: FloatArray) -> int:
    """Length of the leading strictly rising part; 0 when the schedule starts at its peak."""
    falls = np.flatnonzero(np.diff(lr) <= 0)
    rise = int(falls[0]) if falls.size else lr.size - 1
    return rise + 1 if rise > 0 else 0
