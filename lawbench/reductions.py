"""What laws share that take past changes of the learning rate off a power of the rate area.

`ReductionLaw` is the multi-power family: its members differ only in how a change takes effect.
`annealing_areas` is the discounted sum of the annealing-area law, for many momenta at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from lawbench.changes import FINE, graded
from lawbench.law import WARMUP, Inputs, Law, Option, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule, Warmup, discounted_sum

AREA_ONLY = Option(WARMUP.name, WARMUP.default, ("ramp", "flat"), "how the warm-up enters the rate area")
"""The option of laws that sum rates and not their drops: `raw` would be the same as `ramp`."""

POWER = (
    Parameter("L0", "irreducible loss at this size", min=0.0, start=2.5, unit="nats/token"),
    Parameter(
        "A", "amplitude of the power law", min=1e-6, max=1e6, start=0.6, scale="log", unit="nats (lr step)^alpha"
    ),
    Parameter("alpha", "exponent of the rate area", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.3, 0.45, 0.6)),
)
"""Parameters of ``L0 + A S1^-alpha``, which all these laws start with."""
REDUCTION = Parameter("B", "loss reduction by annealing", min=1e-3, max=1e9, start=500.0, scale="log", unit="nats/lr")
EXPONENT = Parameter(
    "beta", "exponent of the effect of a drop", min=0.01, max=1.0, start=0.5, unit="1", grid=(0.15, 0.4, 0.75)
)


def schedule_of(law: Law, run: Run) -> tuple[Schedule, Warmup]:
    """Return the schedule of a run and the warm-up convention of a law."""
    assert run.schedule is not None
    return run.schedule, cast(Warmup, law.choices["warmup"])


def log_area(law: Law, run: Run) -> FloatArray:
    """Return the log of the rate area at every logged point."""
    schedule, warmup = schedule_of(law, run)
    return np.asarray(np.log(schedule.area(warmup)[run.steps]))


class ReductionLaw(Law):
    r"""A power of the rate area less a sum over rate changes, with parameters ``L0, A, alpha, B, *shape``.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} - B \sum_{k \le t} (\eta_{k-1} - \eta_k)\, G_k(t)

    A member gives :math:`G`, from nothing at the change to its full effect 1, and its derivatives.
    """

    needs = frozenset({"steps", "lr"})
    options = (WARMUP,)
    linear: ClassVar[tuple[str, ...]] = ("L0", "A", "B")
    group = "mpl"

    @staticmethod
    @abstractmethod
    def effect(shape: NDArray[Any], log_lr: FloatArray, area: FloatArray, age: FloatArray) -> NDArray[Any]:
        """Return ``G``: log of the rate after the change, rate area and steps since it, as `Changes` gives them."""

    @staticmethod
    @abstractmethod
    def effects(shape: FloatArray, log_lr: FloatArray, area: FloatArray, age: FloatArray) -> FloatArray:
        """Return ``G`` and its derivative by every shape parameter, stacked."""

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area and the sum over rate changes: graded so finely that only rounding is left."""
        schedule, warmup = schedule_of(self, run)
        return {"log_area": log_area(self, run), "changes": graded(schedule, run.steps, warmup, nodes=FINE)}

    def approximate(self, run: Run) -> Inputs:
        """Return the same with fewer terms."""
        schedule, warmup = schedule_of(self, run)
        return {"log_area": log_area(self, run), "changes": graded(schedule, run.steps, warmup)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, B, *_ = p
        reduction = np.concatenate([c.total(lambda *term: self.effect(p[4:], *term)) for c in x["changes"]], axis=-1)
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) - B * reduction)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter; one pass over the changes."""
        _, A, alpha, B, *_ = p
        sums = np.concatenate([c.total(lambda *term: self.effects(p[4:], *term)) for c in x["changes"]], axis=-1)
        power = np.exp(-alpha * x["log_area"])
        return columns(
            np.ones_like(power), power, -A * x["log_area"] * power, -sums[0], *(-B * by_shape for by_shape in sums[1:])
        )


def power_effect(shape: NDArray[Any], x: FloatArray) -> NDArray[Any]:
    """Return ``1 - (1 + C x)^-beta``."""
    C, beta = shape
    return np.asarray(-np.expm1(-beta * np.log1p(C * x)))


def power_effects(shape: FloatArray, x: FloatArray) -> FloatArray:
    """Return ``1 - (1 + C x)^-beta`` and its derivatives by C and beta, stacked."""
    C, beta = shape
    log_left = np.log1p(C * x)
    left = np.exp(-beta * log_left)
    return np.stack([1.0 - left, beta * left * x / (1.0 + C * x), left * log_left])


def annealing_areas(momentum: Any, runs: Iterable[tuple[FloatArray, NDArray[np.int64]]]) -> NDArray[Any]:
    """Return the annealing area ``S2`` at every logged point.

    Parameters
    ----------
    momentum : number or ndarray, shape (batch, 1)
        Momentum of past drops, real or complex.
    runs : iterable of (drops, steps)
        Drops at every step, and the logged steps, of each run.

    Returns
    -------
    ndarray, shape (n,) or (batch, n)
        Runs end to end. Equal momenta are summed once.

    Examples
    --------
    >>> annealing_areas(0.5, [(np.array([0.0, 1.0, 0.0]), np.array([1, 2]))]).tolist()
    [1.0, 1.5]
    """
    several = tuple(runs)

    def one(value: Any) -> NDArray[Any]:
        return np.concatenate([discounted_sum(drops, value)[steps] for drops, steps in several])

    return each_once(momentum, one)


def each_once(values: Any, one: Callable[[Any], NDArray[Any]]) -> NDArray[Any]:
    """Apply a function to a number, or to every row of a batch of shape (batch, 1): to equal values once.

    Examples
    --------
    >>> each_once(np.array([[2.0], [2.0]]), lambda value: np.array([value, value**2])).tolist()
    [[2.0, 4.0], [2.0, 4.0]]
    """
    distinct, place = np.unique(np.ravel(values), return_inverse=True)
    rows = np.stack([one(value) for value in distinct])
    return np.asarray(rows[place] if np.ndim(values) else rows[0])
