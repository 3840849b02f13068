"""The over-training law: size and data fall with one exponent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray

_LOG_SIX = np.log(6.0)


class Overtraining(Law):
    r"""Over-training law, in tokens a parameter :math:`M = D / N`.

    .. math:: L(N, M) = E + a\, N^{\eta} + b\, 6^{\eta / 2} (M N)^{\eta}

    This is the form of the public code; the paper writes it in compute,
    :math:`E + (a M^{\eta} + b M^{-\eta})\, C^{-\eta}`. It is the Chinchilla law with one exponent
    for both terms, :math:`\alpha = \beta = -\eta`. Along a run, :math:`D` counts the tokens so far.

    References
    ----------
    Gadre et al. 2024, "Language models scale reliably with over-training and on downstream
    tasks", arXiv 2403.08540.
    """

    name = "overtraining"
    title = "Over-training law"
    reference = "Gadre et al. 2024, arXiv 2403.08540"
    year = 2024
    needs = frozenset({"n_params", "tokens"})
    varies = frozenset({"n_params", "tokens"})
    linear = ("E", "a", "b")
    parameters = (
        Parameter("E", "irreducible loss", min=0.0, start=1.8, unit="nats/token"),
        Parameter("a", "amplitude of the size term", min=1e-3, max=1e12, start=200.0, scale="log", unit="nats N^-eta"),
        Parameter("b", "amplitude of the data term", min=1e-3, max=1e12, start=400.0, scale="log", unit="nats D^-eta"),
        Parameter(
            "eta", "exponent of both", min=-2.5, max=0.0, start=-0.3, unit="1", grid=(-0.6, -0.45, -0.3, -0.2, -0.1)
        ),
    )
    note = "The source fits plain least squares of the loss to five runs; its errors are reproduced, see the ledger."

    def prepare(self, run: Run) -> Inputs:
        """Return the logs of size and tokens so far at every logged point."""
        assert run.n_params is not None
        assert run.tokens is not None
        return {"log_n": np.full(len(run), np.log(run.n_params)), "log_d": np.log(run.tokens)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        E, a, b, eta = p
        return E + a * np.exp(eta * x["log_n"]) + b * np.exp(eta * (x["log_d"] + _LOG_SIX / 2.0))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, a, b, eta = p
        log_d = x["log_d"] + _LOG_SIX / 2.0
        size, data = np.exp(eta * x["log_n"]), np.exp(eta * log_d)
        return columns(np.ones_like(size), size, data, a * x["log_n"] * size + b * log_d * data)
