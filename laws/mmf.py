"""Morgan-Mercer-Flodin curve: mmf of the classic learning-curve families."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Mmf(Law):
    r"""Morgan-Mercer-Flodin curve, between a start and a limit.

    .. math:: L(t) = \alpha - \frac{\alpha - \beta}{1 + (\kappa t)^{\delta}}

    with :math:`t` the optimiser updates made so far; it falls where :math:`\beta > \alpha`. Well
    beyond :math:`1/\kappa` it is `pow3`.

    References
    ----------
    Domhan et al. 2015, as listed in the public repository automl/lcpfn.
    """

    name = "mmf"
    title = "Learning curve mmf"
    reference = "Domhan et al. 2015, after automl/lcpfn"
    year = 2015
    needs = frozenset({"steps"})
    linear = ("alpha", "beta")
    parameters = (
        Parameter("alpha", "loss in the limit", min=0.0, start=2.5, unit="nats/token"),
        Parameter("beta", "loss at the start", min=0.0, max=1e3, start=11.0, unit="nats/token"),
        Parameter(
            "kappa",
            "rate",
            min=1e-9,
            max=1e3,
            start=1e-2,
            scale="log",
            unit="1/steps",
            grid=(1e-5, 1e-4, 1e-3, 1e-2, 0.1),
        ),
        Parameter("delta", "exponent", min=0.01, max=5.0, start=0.5, unit="1", grid=(0.2, 0.4, 0.6, 1.0)),
    )
    group = "power_steps"
    note = "Losses of language models often pull it to its limit `pow3`, with beta at its upper bound."

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        alpha, beta, kappa, delta = p
        power = np.exp(delta * (x["log_t"] + np.log(kappa)))
        return alpha + (beta - alpha) / (1.0 + power)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        alpha, beta, kappa, delta = p
        log_time = x["log_t"] + np.log(kappa)
        left = 1.0 / (1.0 + np.exp(delta * log_time))
        slope = -(beta - alpha) * left * (1.0 - left)
        return columns(1.0 - left, left, slope * delta / kappa, slope * log_time)
