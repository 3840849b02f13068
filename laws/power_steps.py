"""Power law in optimiser steps: the baseline that ignores the schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class PowerSteps(Law):
    r"""Power law in optimiser steps, blind to the learning rate.

    .. math:: L(t) = L_0 + A\, t^{-\alpha}

    with :math:`t` the optimiser updates made so far.

    References
    ----------
    The data term of Hoffmann et al. 2022, arXiv 2203.15556, along one run; the baseline of
    Luo et al., ICLR 2025, arXiv 2503.12811.
    """

    name = "power_steps"
    title = "Power law in steps"
    reference = "data term of Hoffmann et al. 2022, arXiv 2203.15556"
    year = 2022
    needs = frozenset({"steps"})
    linear = ("L0", "A")
    parameters = (
        Parameter("L0", "irreducible loss at this size", min=0.0, start=2.5, unit="nats/token"),
        Parameter("A", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha = p
        return L0 + A * np.exp(-alpha * x["log_t"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, alpha = p
        power = np.exp(-alpha * x["log_t"])
        return columns(np.ones_like(power), power, -A * x["log_t"] * power)
