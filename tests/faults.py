"""A law without fault, and one law for each fault that the conformance suite must find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Option, Parameter, Published
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Sound(Law):
    r"""A law without fault; the others are this one with one fault each.

    .. math:: L(t) = L_0 + A\, t^{-\alpha}
    """

    name = "sound"
    title = "Sound"
    reference = "the tests"
    year = 2026
    needs = frozenset({"steps"})
    linear: ClassVar[tuple[str, ...]] = ("L0", "A")
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("L0", "floor", min=0.1, start=2.0, unit="nats/token"),
        Parameter("A", "amplitude", min=1e-6, max=1e6, start=5.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.2, 0.5, 0.8)),
    )

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        L0, A, alpha = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_t"]))


class Uncited(Sound):
    r"""Without a source: .. math:: L."""

    reference = ""


class Wordless(Sound):
    """No formula."""


class Adrift(Sound):
    __doc__ = Sound.__doc__
    parameters = (*Sound.parameters[:2], Parameter("alpha", "exponent", min=0.01, max=2.0, start=0.5))


class OutOfBounds(Sound):
    __doc__ = Sound.__doc__
    parameters = (*Sound.parameters[:2], Parameter("alpha", "exponent", min=0.6, max=2.0, start=0.5, unit="1"))


class Choosy(Sound):
    __doc__ = Sound.__doc__
    options = (Option("clock", "steps", ("steps", "none"), "what counts as time"),)

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates) if self.choices["clock"] == "steps" else np.full(len(run), np.nan)}


class Misprinted(Sound):
    __doc__ = Sound.__doc__
    published = (Published("paper", "a paper", "sample", {"L0": 2.0, "A": 5.0}),)


class Negative(Sound):
    __doc__ = Sound.__doc__

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        return super().predict(p, x) - 3.0


class Averaged(Sound):
    __doc__ = Sound.__doc__

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        return np.asarray(super().predict(p, x).mean(axis=-1, keepdims=True))


class OneByOne(Sound):
    __doc__ = Sound.__doc__

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        return super().predict(p if np.ndim(p) == 1 else p[:, :1], x)


class Bent(Sound):
    __doc__ = Sound.__doc__
    linear = ("L0", "A", "alpha")


class Rough(Sound):
    __doc__ = Sound.__doc__

    def approximate(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates) + 1e-3}


class Slanted(Sound):
    __doc__ = Sound.__doc__

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        return np.stack(np.broadcast_arrays(1.0, p[1] * x["log_t"], p[2] + 0 * x["log_t"]))


class Absolute(Sound):
    """Its complex step is finite and wrong."""

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        L0, A, alpha = p
        return np.asarray(L0 + A * np.exp(-np.abs(alpha) * x["log_t"]))


class Vandal(Sound):
    __doc__ = Sound.__doc__

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        out = super().predict(p, x)
        x["log_t"] += 1e-9
        return out


class Moody(Sound):
    __doc__ = Sound.__doc__
    calls: ClassVar[list[int]] = []

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        self.calls.append(1)
        return super().predict(p, x) * (1.0 + 1e-9 * len(self.calls))


class Sociable(Sound):
    __doc__ = Sound.__doc__

    def stack(self, prepared: Sequence[Inputs]) -> Inputs:
        first = prepared[0]["log_t"][0]
        return {"log_t": np.concatenate([one["log_t"] + 1e-6 * first * i for i, one in enumerate(prepared)])}


class Peeking(Sound):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates) + 0.0 * run.loss}


class ShortSighted(Sound):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(np.where(run.updates > 10_000, np.inf, run.updates))}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        L0, A, alpha = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_t"]) + (0.0 * x["log_t"]))


class Rates(Sound):
    """A law of the rate."""

    needs = frozenset({"steps", "lr"})

    def rates(self, run: Run) -> FloatArray:
        assert run.schedule is not None
        return np.asarray(run.schedule.lr[run.steps], dtype=np.float64)


class LogRate(Rates):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        with np.errstate(divide="ignore"):
            return {"log_t": np.log(run.updates) - 1e-9 / self.rates(run)}


class RootOfDrop(Rates):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        with np.errstate(invalid="ignore"):
            return {"log_t": np.log(run.updates) + 1e-9 * np.sqrt(3.001e-4 - self.rates(run))}


class FixedRate(Rates):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates + 1e6 * self.rates(run))}


class FixedStep(Sound):
    __doc__ = Sound.__doc__

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates + 500.0)}


class FixedToken(Sound):
    __doc__ = Sound.__doc__
    needs = frozenset({"steps", "tokens"})

    def prepare(self, run: Run) -> Inputs:
        assert run.tokens is not None
        return {"log_t": np.log(run.tokens / 1e6 + 100.0)}


class Twofold(Sound):
    """Two parameters of which the data tell only the sum: no fit gives both, and none needs to."""

    linear = ("A",)
    parameters = (*Sound.parameters, Parameter("beta", "a second exponent", min=0.0, start=0.1, unit="1"))

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        L0, A, alpha, beta = p
        # Every start is its own optimum: the floor repels all but its grid values.
        return np.asarray(L0 + 0.3 * np.sin(40.0 * L0) + A * np.exp(-(alpha + beta) * x["log_t"]))


class FirstRun(Sound):
    __doc__ = Sound.__doc__

    def estimate(self, runs: Sequence[Run]) -> Mapping[str, float]:
        return {"L0": float(runs[0].loss[-1]), "A": 1.0, "alpha": 0.5}


class Unsteady(Sound):
    __doc__ = Sound.__doc__
    calls: ClassVar[list[int]] = []

    def estimate(self, runs: Sequence[Run]) -> Mapping[str, float]:
        self.calls.append(1)
        return {"L0": 2.0 + 1e-9 * len(self.calls), "A": 1.0, "alpha": 0.5}


class Bound(Sound):
    __doc__ = Sound.__doc__

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.log = lambda value: np.log(value)


class Renamed(Sound):
    """Its fits are written under a name that nobody finds."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.name = "other"  # type: ignore[misc]


FAULTS = {
    "citation": [Uncited, Wordless],
    "parameters": [Adrift, OutOfBounds],
    "options": [Choosy],
    "published": [Misprinted],
    "finite": [Negative],
    "shape": [Averaged],
    "batch": [OneByOne],
    "linear": [Bent],
    "approximate": [Rough],
    "derivative": [Slanted, Absolute],
    "untouched": [Vandal],
    "deterministic": [Moody],
    "order": [Sociable],
    "withheld": [Peeking],
    "long_horizon": [ShortSighted],
    "zero_rate": [LogRate],
    "rewarmed": [RootOfDrop],
    "recovers": [FirstRun],
    "starts": [Twofold],
    "fit_repeats": [Unsteady],
    "fit_order": [FirstRun],
    "step_unit": [FixedStep],
    "token_unit": [FixedToken],
    "rate_unit": [FixedRate],
    "pickle": [Bound],
    "json": [Renamed],
}
