"""The convex bound on the last iterate, taken as a loss curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.convex import last_iterate_bound
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.reductions import AREA_ONLY, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class ConvexBound(Law):
    r"""Convex last-iterate bound with a constant bound on the gradients, in three unknowns.

    .. math::
        L(t) = c + \frac{a}{2 \sum_{j \le t} \eta_j}
        + \frac{b}{2} \left( \frac{\sum_j \eta_j^2}{\sum_j \eta_j}
        + \sum_{k < t} \frac{\eta_k}{\sum_{j > k} \eta_j} \frac{\sum_{j \ge k} \eta_j^2}{\sum_{j \ge k} \eta_j} \right)

    with :math:`a = M D^2` and :math:`b = M G^2`: a multiple :math:`M` of the bound of the schedule
    cut off at :math:`t`.

    References
    ----------
    Schaipp et al., "The Surprising Agreement Between Convex Optimization Theory and Learning-Rate
    Scheduling for Large Model Training", ICML 2025, arXiv 2501.18965; the bound is that of Defazio
    et al. 2023.
    """

    name = "convex_bound"
    title = "Convex last-iterate bound"
    reference = "Schaipp et al., ICML 2025, arXiv 2501.18965"
    year = 2025
    needs = frozenset({"steps", "lr"})
    options = (AREA_ONLY,)
    linear = ("c", "a", "b")
    parameters = (
        Parameter("c", "level that the bound is added to", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "a", "M D^2: distance to the optimum", min=1e-9, max=1e9, start=0.5, scale="log", unit="nats lr step"
        ),
        Parameter("b", "M G^2: size of the gradients", min=1e-6, max=1e9, start=200.0, scale="log", unit="nats/lr"),
    )
    group = "convex_bound"
    note = (
        "The bound is that of the source; its code also fits gradient bounds that change along the run, with eight "
        "parameters, which is not done here."
    )
    exceptions: ClassVar[Mapping[str, str]] = {
        "step_unit": (
            "the bound is a sum over single steps that grows with the logarithm of their number: cut into smaller "
            "steps of the same rate, a schedule has another bound"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the two parts of the bound at every logged point."""
        schedule, warmup = schedule_of(self, run)
        start, noise = last_iterate_bound(schedule.rates(warmup), run.steps)
        return {"start": start, "noise": noise}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        c, a, b = p
        return np.asarray(c + a * x["start"] + b * x["noise"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        return columns(np.ones_like(p[0] * x["start"]), x["start"], x["noise"])
