"""The Chinchilla law: loss as a function of model size and training tokens."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, Published, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Chinchilla(Law):
    r"""Chinchilla law; along a run, ``D`` counts the tokens so far, so it predicts curves too.

    .. math:: L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, approach 3.
    """

    name = "chinchilla"
    title = "Chinchilla law"
    reference = "Hoffmann et al. 2022, arXiv 2203.15556"
    year = 2022
    needs = frozenset({"n_params", "tokens"})
    varies = frozenset({"n_params", "tokens"})
    linear = ("E", "A", "B")
    parameters = (
        Parameter("E", "irreducible loss", min=0.0, start=1.8, unit="nats/token"),
        Parameter(
            "A", "amplitude of the size term", min=1e-3, max=exp(40), start=400.0, scale="log", unit="nats N^alpha"
        ),
        Parameter(
            "B", "amplitude of the data term", min=1e-3, max=exp(40), start=2000.0, scale="log", unit="nats D^beta"
        ),
        Parameter("alpha", "exponent of the size", min=0.0, max=2.5, start=0.35, unit="1", grid=(0.1, 0.25, 0.4, 0.6)),
        Parameter("beta", "exponent of the data", min=0.0, max=2.5, start=0.35, unit="1", grid=(0.1, 0.25, 0.4, 0.6)),
    )
    published = (
        Published(
            source="hoffmann2022",
            reference="Hoffmann et al. 2022, arXiv 2203.15556 (rounded)",
            dataset="chinchilla-epoch",
            values={"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
            note="fitted on the paper's own runs, of which the dataset is a reconstruction",
        ),
        Published(
            source="hoffmann2022-tex",
            reference="unrounded in the TeX source of arXiv 2203.15556, quoted by epoch-research/analyzing-chinchilla",
            dataset="chinchilla-epoch",
            values={
                "E": exp(0.5267228),
                "A": exp(6.0073404),
                "B": exp(6.0179186),
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
            note="fitted on the paper's own runs, of which the dataset is a reconstruction",
        ),
        Published(
            source="besiroglu2024",
            reference="Besiroglu et al. 2024, arXiv 2404.10102",
            dataset="chinchilla-epoch",
            values={"E": 1.817, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658},
            note="fitted on all 240 points; stopped slightly before the minimum of its own objective",
        ),
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the logs of size and tokens so far at every logged point."""
        assert run.n_params is not None
        assert run.tokens is not None
        return {"log_n": np.full(len(run), np.log(run.n_params)), "log_d": np.log(run.tokens)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        E, A, B, alpha, beta = p
        return E + A * np.exp(-alpha * x["log_n"]) + B * np.exp(-beta * x["log_d"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, B, alpha, beta = p
        size, data = np.exp(-alpha * x["log_n"]), np.exp(-beta * x["log_d"])
        return columns(np.ones_like(size), size, data, -A * x["log_n"] * size, -B * x["log_d"] * data)
