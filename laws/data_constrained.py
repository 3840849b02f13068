"""The data-constrained law: repeated tokens and surplus parameters are worth less."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, Published
from lawbench.runs import Run


class DataConstrained(Law):
    r"""Data-constrained law: the Chinchilla law of effective size and effective data.

    .. math::
        L = E + \frac{A}{N'^{\alpha}} + \frac{B}{D'^{\beta}}, \qquad
        D' = U + U R^*_D \left(1 - e^{-R_D / R^*_D}\right), \quad
        N' = U_N + U_N R^*_N \left(1 - e^{-R_N / R^*_N}\right)

    with :math:`U` the unique tokens seen, :math:`R_D = \max(D/U - 1, 0)` the repetitions,
    :math:`U_N = \min(N, N_{\text{opt}}(U))` the parameters that the unique tokens call for and
    :math:`R_N = \max(N/U_N - 1, 0)` their surplus;
    :math:`N_{\text{opt}}(U) = G\, (U G)^{\beta/\alpha}`,
    :math:`G = (\alpha A / \beta B)^{1/(\alpha + \beta)}`.

    References
    ----------
    Muennighoff et al. 2023, "Scaling Data-Constrained Language Models"; parameters of the public
    repository huggingface/datablations.
    """

    name = "data_constrained"
    title = "Data-constrained law"
    reference = "Muennighoff et al. 2023, repository huggingface/datablations"
    year = 2023
    needs = frozenset({"n_params", "tokens", "unique_tokens"})
    varies = frozenset({"n_params", "tokens"})
    unscored = "runs that repeat their data, with the number of unique tokens of each"
    linear = ("E",)
    parameters = (
        Parameter("E", "irreducible loss", min=0.0, start=1.87, unit="nats/token"),
        Parameter(
            "A", "amplitude of the size term", min=1e-3, max=exp(40), start=521.0, scale="log", unit="nats N^alpha",
            grid=(5e1, 5e2, 5e3),
        ),
        Parameter(
            "B", "amplitude of the data term", min=1e-3, max=exp(40), start=1488.0, scale="log", unit="nats D^beta",
            grid=(1e2, 1e3, 1e4),
        ),
        Parameter("alpha", "exponent of the size", min=0.01, max=2.5, start=0.35, unit="1", grid=(0.25, 0.35, 0.5)),
        Parameter("beta", "exponent of the data", min=0.01, max=2.5, start=0.35, unit="1", grid=(0.25, 0.35, 0.5)),
        Parameter("RD", "repetitions after which the worth of data has fallen to 1/e", min=0.01, max=1e4, start=15.0,
                  scale="log", unit="1", grid=(5.0, 20.0)),
        Parameter("RN", "surplus after which the worth of parameters has fallen to 1/e", min=0.01, max=1e4, start=5.0,
                  scale="log", unit="1", grid=(5.0,)),
    )  # fmt: skip
    published = (
        Published(
            source="muennighoff2023",
            reference="public repository huggingface/datablations",
            dataset="datablations",
            values={
                "E": exp(0.6254804), "A": exp(6.255414), "B": exp(7.3049974), "alpha": 0.3526596, "beta": 0.3526596,
                "RD": 15.387756, "RN": 5.309743,
            },
            note="54 runs on C4 with one exponent for both terms; then RD and RN with the rest held",
        ),
    )  # fmt: skip
    note = (
        "All parameters are fitted at once here; the source fits the Chinchilla law first, alpha = beta, and then RD "
        "and RN alone. N_opt is taken at the unique tokens; a public re-implementation takes it at all tokens."
    )
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": (
            "rugged: 3 of 8 starts reach the best optimum, also where all are polished to the end; "
            "the three agree to rounding"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return size, tokens so far and unique tokens at every logged point."""
        assert run.n_params is not None
        assert run.tokens is not None
        unique = np.minimum(float(run.meta["unique_tokens"]), run.tokens)
        return {"n": np.full(len(run), run.n_params), "d": run.tokens, "unique": unique}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        E, A, B, alpha, beta, RD, RN = p
        log_g = np.log(alpha * A / (beta * B)) / (alpha + beta)
        called_for = np.exp(log_g + beta / alpha * (np.log(x["unique"]) + log_g))
        size = _worth(x["n"], np.where(np.real(called_for) < x["n"], called_for, x["n"]), RN)
        data = _worth(x["d"], x["unique"], RD)
        return E + A * np.exp(-alpha * np.log(size)) + B * np.exp(-beta * np.log(data))


def _worth(amount: NDArray[Any], unique: NDArray[Any], decay: NDArray[Any]) -> NDArray[Any]:
    """Return what an amount is worth of which only a part is unique."""
    surplus = amount / unique - 1.0
    out: NDArray[Any] = unique * (1.0 - decay * np.expm1(-surplus / decay))
    return out
