"""Loss to loss: a shifted power law from one loss of a model to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Borrowed, Inputs, Law, Option, Parameter
from lawbench.runs import Run


class LossToLoss(Law):
    r"""Shifted power law between two losses of models trained with the same size and tokens.

    .. math:: L_1 = K \max(L_0 - E_0, 0)^{\kappa} + E_1

    with :math:`L_0` the given loss, on another evaluation set or of a model trained on another
    corpus, and :math:`L_1` the predicted one. With :math:`K = \kappa = 1` and :math:`E_0 = E_1` the
    two are equal.

    References
    ----------
    Brandfonbrener et al. 2024, "Loss-to-Loss Prediction"; "LLMs on the Line", 2025.
    """

    name = "loss_to_loss"
    title = "Loss-to-loss law"
    reference = "Brandfonbrener et al. 2024"
    year = 2024
    needs = frozenset({"paired_loss"})
    varies = frozenset({"paired_loss"})
    options = (
        Option(
            "limits",
            "fitted",
            ("fitted", "chinchilla"),
            "whether E0 and E1 are fitted, or are the irreducible losses of Chinchilla laws of the two losses",
            compared=True,
        ),
    )
    linear = ("K", "E1")
    parameters = (
        Parameter("K", "amplitude", min=1e-3, max=1e3, start=1.0, scale="log", unit="nats^(1-kappa)"),
        Parameter("kappa", "exponent", min=0.05, max=5.0, start=1.0, unit="1", grid=(0.5, 0.8, 1.0, 1.3, 2.0)),
        Parameter("E0", "limit of the given loss", min=0.0, max=20.0, start=1.0, unit="nats/token",
                  grid=(0.0, 0.5, 1.0, 1.5, 2.0, 2.5)),
        Parameter("E1", "limit of the predicted loss", min=0.0, start=1.0, unit="nats/token"),
    )  # fmt: skip
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": "rugged: E0 and kappa make up for each other, and 1 of 8 starts reaches the best optimum",
    }
    note = (
        "The source takes E0 and E1 from separate fits of the two losses; that is `limits=chinchilla`, which needs "
        "sizes and tokens. Where all four are fitted, E0 and kappa make up for each other: the objective is flat in "
        "E0 up to the smallest fitted loss, its minimum often lies just there, and beyond it the law predicts E1 for "
        "every loss."
    )

    def borrowed(self) -> Mapping[str, Borrowed]:
        """Return where the limits come from, if they are not fitted."""
        if self.choices["limits"] == "fitted":
            return {}
        return {"E0": Borrowed("chinchilla", "E", of="paired_loss"), "E1": Borrowed("chinchilla", "E")}

    def prepare(self, run: Run) -> Inputs:
        """Return the given loss at every logged point."""
        assert run.paired_loss is not None
        return {"given": run.paired_loss}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        K, kappa, E0, E1 = p
        excess = x["given"] - E0
        # Both branches keep a complex step: below its limit a loss has nothing left to give.
        above = np.real(excess) > 0
        power = np.where(above, np.exp(kappa * np.log(np.where(above, excess, 1.0))), 0.0)
        return np.asarray(K * power + E1)
