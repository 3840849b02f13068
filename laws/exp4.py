"""Stretched exponential: exp4 of the classic learning-curve families."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Exp4(Law):
    r"""Stretched exponential with a limit, for a falling loss.

    .. math:: L(t) = c + \exp(-a\, t^{\alpha} + b)

    with :math:`t` the optimiser updates made so far. The source writes it for a rising curve,
    :math:`c - \exp(-a\, t^{\alpha} + b)`. As :math:`\alpha \to 0` with :math:`a \alpha` and
    :math:`b - a` fixed it becomes `pow3`.

    References
    ----------
    Domhan et al. 2015, as listed in the public repository automl/lcpfn.
    """

    name = "exp4"
    title = "Learning curve exp4"
    reference = "Domhan et al. 2015, after automl/lcpfn"
    year = 2015
    needs = frozenset({"steps"})
    linear = ("c",)
    parameters = (
        Parameter("c", "loss in the limit", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "a", "rate", min=1e-12, max=1e3, start=0.1, scale="log", unit="step^-alpha", grid=(1e-3, 0.03, 0.3, 1.5)
        ),
        Parameter("alpha", "stretch", min=0.01, max=2.0, start=0.3, unit="1", grid=(0.1, 0.2, 0.35, 0.6)),
        Parameter("b", "log of the amplitude", min=-30.0, max=1e3, start=1.0, unit="1", grid=(0.5, 2.0, 4.0)),
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        c, a, alpha, b = p
        return c + np.exp(b - a * np.exp(alpha * x["log_t"]))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, a, alpha, b = p
        power = np.exp(alpha * x["log_t"])
        fall = np.exp(b - a * power)
        return columns(np.ones_like(fall), -fall * power, -fall * a * x["log_t"] * power, fall)
