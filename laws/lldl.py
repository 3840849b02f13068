"""The law of linear loss reduction: every drop acts at once and in full."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import WARMUP, Inputs, Law, columns
from lawbench.reductions import POWER, REDUCTION, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class LinearReduction(Law):
    r"""Linear loss reduction: the multi-power law with :math:`G = 1`.

    .. math:: L(t) = L_0 + A\, S_1(t)^{-\alpha} - B\, (\eta_{peak} - \eta_t)

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, appendix A, table 3 (LLDL).
    """

    name = "lldl"
    title = "Linear loss reduction"
    reference = "Luo et al., ICLR 2025, arXiv 2503.12811, table 3"
    year = 2025
    needs = frozenset({"steps", "lr"})
    options = (WARMUP,)
    linear = ("L0", "A", "B")
    parameters = (*POWER, REDUCTION)
    group = "mpl"
    note = (
        "An ablation in its paper; also where the repository of the multi-power law starts its optimiser. Its printed "
        "errors at 25M (MAE .0077) are not those of the converged fit (.0051), which an independent second "
        "implementation confirms."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area and the fall of the rate up to every logged point."""
        schedule, warmup = schedule_of(self, run)
        return {"log_area": log_area(self, run), "fall": np.cumsum(schedule.drops(warmup))[run.steps]}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, B = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) - B * x["fall"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, alpha, _ = p
        power = np.exp(-alpha * x["log_area"])
        return columns(np.ones_like(power), power, -A * x["log_area"] * power, -x["fall"])
