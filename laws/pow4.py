"""Power law with a limit and an offset of time: pow4 of the classic learning-curve families."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Pow4(Law):
    r"""Power law with a limit and an offset of time, for a falling loss.

    .. math:: L(t) = c + (a t + b)^{-\alpha}

    with :math:`t` the optimiser updates made so far. The source writes it for a rising curve,
    :math:`c - (a t + b)^{-\alpha}`. Without offset it is `pow3`, with :math:`\alpha = 1` a
    hyperbola.

    References
    ----------
    Domhan et al. 2015, as listed in the public repository automl/lcpfn.
    """

    name = "pow4"
    title = "Learning curve pow4"
    reference = "Domhan et al. 2015, after automl/lcpfn"
    year = 2015
    needs = frozenset({"steps"})
    linear = ("c",)
    parameters = (
        Parameter("c", "loss in the limit", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "a",
            "rate",
            min=1e-30,
            max=1e6,
            start=0.01,
            scale="log",
            unit="nats^(-1/alpha)/step",
            grid=(1e-8, 1e-5, 1e-3, 1e-2),
        ),
        Parameter("b", "offset", min=0.0, max=1e6, start=0.1, unit="nats^(-1/alpha)", grid=(0.0, 0.1, 1.0)),
        Parameter("alpha", "exponent", min=0.001, max=10.0, start=0.5, unit="1", grid=(0.15, 0.3, 0.5, 0.8)),
    )
    group = "power_steps"

    def prepare(self, run: Run) -> Inputs:
        """Return the updates made at every logged point."""
        return {"t": run.updates}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        c, a, b, alpha = p
        return c + np.exp(-alpha * np.log(a * x["t"] + b))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, a, b, alpha = p
        base = a * x["t"] + b
        power = np.exp(-alpha * np.log(base))
        slope = -alpha * power / base
        return columns(np.ones_like(power), slope * x["t"], slope, -np.log(base) * power)
