"""Power law with a limit: the three-parameter member of the classic learning-curve families."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Pow3(Law):
    r"""Power law with a limit, for a falling loss.

    .. math:: L(t) = c + a\, t^{-\alpha}

    with :math:`t` the optimiser updates made so far. The source writes it for a rising curve,
    :math:`c - a\, t^{-\alpha}`.

    References
    ----------
    Domhan et al. 2015, as listed in the public repository automl/lcpfn.
    """

    name = "pow3"
    title = "Learning curve pow3"
    reference = "Domhan et al. 2015, after automl/lcpfn"
    year = 2015
    needs = frozenset({"steps"})
    linear = ("c", "a")
    parameters = (
        Parameter("c", "loss in the limit", min=0.0, start=2.5, unit="nats/token"),
        Parameter("a", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
    )
    group = "power_steps"
    note = (
        "The form of `power_steps` and of `m2`: under the recipe `common` all three are one fit. What differs is the "
        "source and its symbols; they count once."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        c, a, alpha = p
        return c + a * np.exp(-alpha * x["log_t"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, a, alpha = p
        power = np.exp(-alpha * x["log_t"])
        return columns(np.ones_like(power), power, -a * x["log_t"] * power)
