"""A hybrid of this project: a power of the rate area, and the noise terms of the convex bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.convex import last_iterate_bound
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.reductions import AREA_ONLY, POWER, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class ConvexBoundPower(Law):
    r"""Convex bound with a free exponent: four parameters.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} + \frac{b}{2}
        \left( \eta_t + \sum_{k < t} \frac{\eta_k^2}{\sum_{k < j \le t} \eta_j} \right)

    The bound's own first term is the case :math:`\alpha = 1`; the bracket is what its other two
    terms add up to (see `lawbench.convex`).

    References
    ----------
    This project's own form, not published elsewhere. The noise terms are those of the bound of
    Defazio et al. 2023, as Schaipp et al., ICML 2025, arXiv 2501.18965, use it.
    """

    name = "convex_bound_power"
    title = "Convex bound with a power law (ours)"
    reference = "lawbench; noise terms of Defazio et al. 2023"
    year = 2026
    needs = frozenset({"steps", "lr"})
    options = (AREA_ONLY,)
    linear = ("L0", "A", "b")
    parameters = (
        *POWER,
        Parameter("b", "M G^2: size of the gradients", min=1e-6, max=1e9, start=200.0, scale="log", unit="nats/lr"),
    )
    group = "convex_bound"
    note = "Ours: no theory says that the exponent of the bound's first term may be free."
    exceptions: ClassVar[Mapping[str, str]] = {
        "step_unit": (
            "the bound is a sum over single steps that grows with the logarithm of their number: cut into smaller "
            "steps of the same rate, a schedule has another bound"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area and the noise terms of the bound at every logged point."""
        schedule, warmup = schedule_of(self, run)
        return {"log_area": log_area(self, run), "noise": last_iterate_bound(schedule.rates(warmup), run.steps)[1]}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, b = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) + b * x["noise"])

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, A, alpha, _ = p
        power = np.exp(-alpha * x["log_area"])
        return columns(np.ones_like(power), power, -A * x["log_area"] * power, x["noise"])
