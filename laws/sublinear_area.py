"""A law of this project: progress in a sublinear rate area, and noise that follows the recent rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate, chebval
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.reductions import each_once
from lawbench.runs import IntArray, Run
from lawbench.schedule import FloatArray, discounted_sum

UNIT = 1e-3
"""Rates are counted in this unit in the progress, so that A and p are told apart."""
_PROGRESS = (0.0, 1.25)
_MEMORY = (3.0, 1e5)
_LOG_MEMORY = (float(np.log(_MEMORY[0])), float(np.log(_MEMORY[1])))
_DEGREES = (15, 47)
"""Ranges of p and tau, and the degree of the polynomials that interpolate over each in a search."""


@dataclass(frozen=True)
class _Past:
    """Rates up to the last logged step, and the logged steps."""

    rates: FloatArray
    steps: IntArray

    def progress(self, p: Any) -> NDArray[Any]:
        """Return the log of the progress, shape (n,) or (batch, n); steps at rate 0 bring none."""
        moving = self.rates > 0
        log_rates = np.log(self.rates[moving] / UNIT)
        seen = np.cumsum(moving)[self.steps]

        def one(power: Any) -> NDArray[Any]:
            return np.log(np.concatenate([[0.0], np.cumsum(np.exp(power * log_rates))])[seen])

        return each_once(p, one)

    def recent(self, tau: Any) -> NDArray[Any]:
        """Return the moving average of the rate, shape (n,) or (batch, n)."""
        rises = np.diff(self.rates, prepend=0.0)

        def one(steps: Any) -> NDArray[Any]:
            kept = np.exp(-1.0 / steps)
            return np.asarray((1.0 - kept) * discounted_sum(rises, kept)[self.steps])

        return each_once(tau, one)


@dataclass(frozen=True)
class _Table:
    """The same, interpolated between Chebyshev nodes: as smooth, and free of the length of the schedule.

    Outside the law's own bounds, which a user may widen, the sums themselves are taken.
    """

    past: _Past
    by_p: FloatArray
    by_log_tau: FloatArray

    @classmethod
    def of(cls, past: _Past) -> _Table:
        return cls(
            past,
            chebinterpolate(lambda u: np.stack([past.progress(p) for p in _at(u, _PROGRESS)]), _DEGREES[0]),
            chebinterpolate(lambda u: np.stack([past.recent(tau) for tau in np.exp(_at(u, _LOG_MEMORY))]), _DEGREES[1]),
        )

    def progress(self, p: Any) -> NDArray[Any]:
        u = _to(p, _PROGRESS)
        return np.asarray(chebval(u, self.by_p, tensor=False)) if _inside(u) else self.past.progress(p)

    def recent(self, tau: Any) -> NDArray[Any]:
        u = _to(np.log(tau), _LOG_MEMORY)
        return np.asarray(chebval(u, self.by_log_tau, tensor=False)) if _inside(u) else self.past.recent(tau)


def _inside(u: Any) -> bool:
    return bool((np.abs(np.real(u)) <= 1.0 + 1e-9).all())


def _at(u: Any, ends: tuple[float, float]) -> Any:
    """Return the value at a place between -1 and 1."""
    return ends[0] + (ends[1] - ends[0]) * (u + 1.0) / 2.0


def _to(value: Any, ends: tuple[float, float]) -> Any:
    """Return the place of a value, between -1 and 1."""
    return 2.0 * (value - ends[0]) / (ends[1] - ends[0]) - 1.0


class SublinearArea(Law):
    r"""Sublinear-area law.

    .. math::
        L(t) = L_0 + A \left( \sum_{k \le t} \eta_k^{\,p} \right)^{-\alpha} + b\, \bar\eta_t, \qquad
        \bar\eta_t = \left(1 - e^{-1/\tau}\right) \sum_{k \le t} e^{-(t - k)/\tau}\, \eta_k

    with rates in the sum in units of :math:`10^{-3}`. A step brings progress as a power :math:`p` of its
    rate, between counting steps (0) and counting rate area (1), and the noise that the rate of the last
    :math:`\tau` steps keeps up lies on top. With :math:`p = 1` it is the annealing-area law of momentum
    :math:`e^{-1/\tau}` in which the warm-up counts as a rise of the rate.

    References
    ----------
    This project's own form, not published elsewhere. The noise is the annealing term of Tissue et al.,
    "Scaling Law with Learning Rate Annealing", 2024, arXiv 2408.11029.
    """

    name = "sublinear_area"
    title = "Sublinear-area law (ours)"
    reference = "lawbench; annealing term of Tissue et al. 2024"
    year = 2026
    needs = frozenset({"steps", "lr"})
    linear = ("L0", "A", "b")
    compared = ("regularised",)
    parameters = (
        Parameter("L0", "irreducible loss at this size", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "A",
            "amplitude of the power law",
            min=1e-9,
            max=1e9,
            start=10.0,
            scale="log",
            unit="nats ((1e3 lr)^p step)^alpha",
        ),
        Parameter(
            "alpha", "exponent of the progress", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.15, 0.3, 0.45, 0.6)
        ),
        Parameter(
            "b", "loss that a unit of rate keeps up", min=1e-9, max=1e9, start=100.0, scale="log", unit="nats/lr"
        ),
        Parameter(
            "tau",
            "memory of the noise",
            min=_MEMORY[0],
            max=_MEMORY[1],
            start=500.0,
            scale="log",
            unit="step",
            grid=(30.0, 300.0, 3000.0),
        ),
        Parameter(
            "p",
            "exponent of the rate in the progress",
            min=_PROGRESS[0],
            max=_PROGRESS[1],
            start=0.5,
            unit="1",
            grid=(0.0, 0.25, 0.5, 0.75, 1.0),
        ),
    )
    note = (
        "Ours. That progress grows less than in proportion to the rate is an observation, not a theorem: p lies "
        "between .56 and .70 on the multi-power curves and below .4 on our own small models. tau is tied to the step."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rates up to the last logged step."""
        return {"past": self._past(run)}

    def approximate(self, run: Run) -> Inputs:
        """Return what interpolates over p and tau."""
        return {"past": _Table.of(self._past(run))}

    @staticmethod
    def _past(run: Run) -> _Past:
        assert run.schedule is not None
        return _Past(run.schedule.lr[: int(run.steps[-1]) + 1], run.steps)

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, b, tau, power = p
        progress = np.concatenate([past.progress(power) for past in x["past"]], axis=-1)
        recent = np.concatenate([past.recent(tau) for past in x["past"]], axis=-1)
        return np.asarray(L0 + A * np.exp(-alpha * progress) + b * recent)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter; those of tau and p by complex steps."""
        _, A, alpha, b, tau, power = p
        tiny = 1e-30
        progress = np.concatenate([past.progress(power + tiny * 1j) for past in x["past"]], axis=-1)
        recent = np.concatenate([past.recent(tau + tiny * 1j) for past in x["past"]], axis=-1)
        fallen = np.exp(-alpha * progress.real)
        by_power = -A * alpha * fallen * progress.imag / tiny
        return columns(
            np.ones_like(fallen), fallen, -A * progress.real * fallen, recent.real, b * recent.imag / tiny, by_power
        )
