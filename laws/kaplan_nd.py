"""Kaplan's law of size and data: no irreducible loss, and the two terms do not simply add."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, Published, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class KaplanNd(Law):
    r"""Kaplan's law of model size and data.

    .. math:: L(N, D) = \left[\left(\frac{N_c}{N}\right)^{\alpha_N / \alpha_D} + \frac{D_c}{D}\right]^{\alpha_D}

    Along a run, :math:`D` counts the tokens so far.

    References
    ----------
    Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv 2001.08361, table 2.
    """

    name = "kaplan_nd"
    title = "Kaplan law of size and data"
    reference = "Kaplan et al. 2020, arXiv 2001.08361"
    year = 2020
    needs = frozenset({"n_params", "tokens"})
    varies = frozenset({"n_params", "tokens"})
    parameters = (
        Parameter(
            "Nc", "size at which endless data would give a loss of 1", min=1.0, max=1e60, start=1e14, scale="log",
            unit="parameters", grid=(1e10, 1e12, 1e14, 1e17),
        ),
        Parameter("alpha_N", "exponent of the size", min=0.001, max=2.0, start=0.08, unit="1", grid=(0.05, 0.1, 0.2)),
        Parameter(
            "Dc", "data at which an endless model would have a loss of 1", min=1.0, max=1e60, start=2e13, scale="log",
            unit="tokens", grid=(1e11, 1e13, 1e15, 1e18),
        ),
        Parameter("alpha_D", "exponent of the data", min=0.001, max=2.0, start=0.1, unit="1", grid=(0.05, 0.1, 0.2)),
    )  # fmt: skip
    published = (
        Published(
            source="kaplan2020",
            reference="Kaplan et al. 2020, arXiv 2001.08361, table 2",
            dataset="webtext2",
            values={"Nc": 6.4e13, "alpha_N": 0.076, "Dc": 1.8e13, "alpha_D": 0.103},
            note="the paper's runs are not public; N does not count embeddings",
        ),
    )
    note = "The source fits final losses of runs that were stopped early, and counts N without embeddings."

    def prepare(self, run: Run) -> Inputs:
        """Return the logs of size and tokens so far at every logged point."""
        assert run.n_params is not None
        assert run.tokens is not None
        return {"log_n": np.full(len(run), np.log(run.n_params)), "log_d": np.log(run.tokens)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        Nc, alpha_N, Dc, alpha_D = p
        size = np.exp(alpha_N / alpha_D * (np.log(Nc) - x["log_n"]))
        return np.exp(alpha_D * np.log(size + np.exp(np.log(Dc) - x["log_d"])))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        Nc, alpha_N, Dc, alpha_D = p
        log_size = np.log(Nc) - x["log_n"]
        size, data = np.exp(alpha_N / alpha_D * log_size), np.exp(np.log(Dc) - x["log_d"])
        total = size + data
        loss = np.exp(alpha_D * np.log(total))
        share = size / total
        return columns(
            loss * share * alpha_N / Nc,
            loss * share * log_size,
            loss * (1.0 - share) * alpha_D / Dc,
            loss * (np.log(total) - share * alpha_N / alpha_D * log_size),
        )
