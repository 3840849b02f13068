"""A power law at every token position on its own: the rival of laws that share over positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class PositionPower(Law):
    r"""Power law in training time, fitted at every position of the context alone.

    .. math:: L_i(t) = E_i + A_i\, t^{-\alpha_i}

    with :math:`t` the optimiser updates made so far. Counting tokens instead rescales
    :math:`A_i`, nothing else.

    References
    ----------
    A baseline, no paper: three parameters at each position, nothing shared between positions.
    """

    name = "position_power"
    title = "Power law at each position"
    reference = "baseline"
    year = 2026
    needs = frozenset({"steps", "prefix", "position_loss"})
    alone = True
    linear = ("E", "A")
    parameters = (
        Parameter("E", "loss at this position in the limit", min=0.0, start=1.5, unit="nats/token"),
        Parameter("A", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
    )
    note = "A rival with three parameters at every position; it cannot say anything of a position it has not seen."

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        E, A, alpha = p
        return E + A * np.exp(-alpha * x["log_t"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, alpha = p
        power = np.exp(-alpha * x["log_t"])
        return columns(np.ones_like(power), power, -A * x["log_t"] * power)
