"""M2: a power law with a limit, from the study of learning curves in vision and language."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class M2(Law):
    r"""Power law with a limit.

    .. math:: y(x) = e + b\, x^{-c}

    with :math:`x` the amount of training data, counted here in optimiser updates; another unit
    rescales :math:`b`, nothing else.

    References
    ----------
    Alabdulmohsin et al. 2022.
    """

    name = "m2"
    title = "Learning curve M2"
    reference = "Alabdulmohsin et al. 2022"
    year = 2022
    needs = frozenset({"steps"})
    linear = ("e", "b")
    parameters = (
        Parameter("e", "loss in the limit", min=0.0, start=2.5, unit="nats/token"),
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^c"),
        Parameter("c", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
    )
    group = "power_steps"
    note = (
        "The form of `power_steps` and of `pow3`: under the recipe `common` all three are one fit. What differs is the "
        "source and its symbols; they count once."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_x": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        e, b, c = p
        return e + b * np.exp(-c * x["log_x"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, b, c = p
        power = np.exp(-c * x["log_x"])
        return columns(np.ones_like(power), power, -b * x["log_x"] * power)
