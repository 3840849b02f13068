"""Power law in compute without a floor: the baseline of the scale track."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter
from lawbench.runs import Run


class ComputePower(Law):
    r"""Power law in training compute, with no irreducible loss.

    .. math:: L(C) = A\, C^{-\alpha}, \qquad C = 6 N D / 10^{18}

    References
    ----------
    The form of Kaplan et al. 2020, arXiv 2001.08361, fitted to all runs and not only
    to the compute-optimal ones.
    """

    name = "compute_power"
    title = "Power law in compute"
    reference = "form of Kaplan et al. 2020, arXiv 2001.08361"
    year = 2020
    needs = frozenset({"n_params", "tokens"})
    linear = ("A",)
    parameters = (
        Parameter("A", "loss at 1e18 FLOP", min=1e-6, max=1e6, start=4.0, scale="log", unit="nats/token"),
        Parameter("alpha", "exponent", min=0.0, max=1.0, start=0.05, unit="1", grid=(0.02, 0.05, 0.1)),
    )
    group = "compute_power"
    note = "At one model size and a constant batch it is `m1` in another unit: one fit, which counts once."

    def prepare(self, run: Run) -> Inputs:
        """Return the log of compute, in units of 1e18 FLOP, at every logged point."""
        assert run.compute is not None
        return {"log_c": np.log(run.compute / 1e18)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        A, alpha = p
        return A * np.exp(-alpha * x["log_c"])
