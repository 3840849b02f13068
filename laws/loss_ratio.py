"""The predicted loss is a fixed multiple of the given one: the baseline of the track pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class LossRatio(Law):
    r"""Proportional losses.

    .. math:: L_1 = K\, L_0

    with :math:`L_0` the given loss at the same checkpoint.

    References
    ----------
    A baseline, no paper.
    """

    name = "loss_ratio"
    title = "Loss ratio"
    reference = "baseline"
    year = 2026
    needs = frozenset({"paired_loss"})
    linear = ("K",)
    parameters = (Parameter("K", "ratio of the two losses", min=1e-3, max=1e3, start=1.0, scale="log", unit="1"),)

    def prepare(self, run: Run) -> Inputs:
        """Return the given loss at every logged point."""
        assert run.paired_loss is not None
        return {"given": run.paired_loss}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        (K,) = p
        return np.asarray(K * x["given"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by the ratio."""
        (K,) = p
        return columns(x["given"] * np.ones_like(K))
