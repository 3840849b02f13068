"""The multi-exponential law: a drop takes effect exponentially in the rate area since."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Parameter
from lawbench.reductions import POWER, REDUCTION, ReductionLaw
from lawbench.schedule import FloatArray


class MultiExponential(ReductionLaw):
    r"""Multi-exponential law.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} - B \sum_{k \le t} (\eta_{k-1} - \eta_k)\,
               \left(1 - e^{-C\, S_k(t)}\right)

    with :math:`S_k(t) = S_1(t) - S_1(k-1)`, the rate area since change :math:`k`.

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, appendix A, table 3 (MEL).
    """

    name = "mel"
    title = "Multi-exponential law"
    reference = "Luo et al., ICLR 2025, arXiv 2503.12811, table 3"
    year = 2025
    parameters = (
        *POWER,
        REDUCTION,
        Parameter(
            "C",
            "rate at which a drop takes effect",
            min=1e-6,
            max=1e6,
            start=5.0,
            scale="log",
            unit="1/(lr step)",
            grid=(0.1, 0.5, 2.0, 8.0, 30.0, 100.0),
        ),
    )
    note = "An ablation in its paper; the annealing-area law is its like with steps in place of the rate area."

    @staticmethod
    def effect(shape: NDArray[Any], log_lr: FloatArray, area: FloatArray, age: FloatArray) -> NDArray[Any]:
        """Return ``G`` of the rate area since the change."""
        (C,) = shape
        return np.asarray(-np.expm1(-C * area))

    @staticmethod
    def effects(shape: FloatArray, log_lr: FloatArray, area: FloatArray, age: FloatArray) -> FloatArray:
        """Return ``G`` and its derivative by C."""
        (C,) = shape
        left = np.exp(-C * area)
        return np.stack([1.0 - left, area * left])
