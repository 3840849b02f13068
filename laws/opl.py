"""The one-power law: a power of the rate area and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, columns
from lawbench.reductions import AREA_ONLY, POWER, log_area
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class OnePower(Law):
    r"""One-power law: the multi-power law without loss reduction.

    .. math:: L(t) = L_0 + A\, S_1(t)^{-\alpha}

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, appendix A, table 3 (OPL).
    """

    name = "opl"
    title = "One-power law"
    reference = "Luo et al., ICLR 2025, arXiv 2503.12811, table 3"
    year = 2025
    needs = frozenset({"steps", "lr"})
    options = (AREA_ONLY,)
    linear = ("L0", "A")
    parameters = POWER
    group = "mpl"
    note = (
        "An ablation in its paper. Its printed errors at 25M (MAE .0378) are not those of the converged fit (.0246), "
        "which an independent second implementation confirms."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the rate area at every logged point."""
        return {"log_area": log_area(self, run)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, alpha = p
        power = np.exp(-alpha * x["log_area"])
        return columns(np.ones_like(power), power, -A * x["log_area"] * power)
