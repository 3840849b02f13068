"""M1: a power law without limit, from the study of learning curves in vision and language."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class M1(Law):
    r"""Power law without irreducible loss.

    .. math:: y(x) = b\, x^{-c}

    with :math:`x` the amount of training data, counted here in optimiser updates; another unit
    rescales :math:`b`, nothing else.

    References
    ----------
    Alabdulmohsin et al. 2022.
    """

    name = "m1"
    title = "Learning curve M1"
    reference = "Alabdulmohsin et al. 2022"
    year = 2022
    needs = frozenset({"steps"})
    linear = ("b",)
    parameters = (
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^c"),
        Parameter("c", "exponent", min=0.0, max=2.5, start=0.1, unit="1", grid=(0.03, 0.1, 0.2)),
    )
    group = "compute_power"
    note = "At one model size and a constant batch it is `compute_power` in another unit: one fit, which counts once."

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_x": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        b, c = p
        return b * np.exp(-c * x["log_x"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        b, c = p
        power = np.exp(-c * x["log_x"])
        return columns(power, -b * x["log_x"] * power)
