"""The multi-power law in which a drop takes effect with the rate area alone."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lawbench.law import Parameter
from lawbench.reductions import EXPONENT, POWER, REDUCTION, ReductionLaw, power_effect, power_effects
from lawbench.schedule import FloatArray


class MultiPowerNoGamma(ReductionLaw):
    r"""Multi-power law with :math:`\gamma = 0`.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} - B \sum_{k \le t} (\eta_{k-1} - \eta_k)\, G(S_k(t)),
        \qquad G(x) = 1 - (1 + C x)^{-\beta}

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, appendix A, table 3 (No-gamma).
    """

    name = "mpl_nogamma"
    title = "Multi-power law, gamma = 0"
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
            start=10.0,
            scale="log",
            unit="1/(lr step)",
            # From rates divided by their peak, or areas of long runs, to raw rates of short ones.
            grid=(0.003, 0.03, 0.3, 3.0, 30.0, 300.0),
        ),
        EXPONENT,
    )
    note = "An ablation in its paper; the limit of the functional scaling law for a large c3."

    @staticmethod
    def effect(shape: NDArray[Any], log_lr: FloatArray, area: FloatArray, age: FloatArray) -> NDArray[Any]:
        """Return ``G`` of the rate area since the change."""
        return power_effect(shape, area)

    @staticmethod
    def effects(shape: FloatArray, log_lr: FloatArray, area: FloatArray, age: FloatArray) -> FloatArray:
        """Return ``G`` and its derivatives by C and beta."""
        return power_effects(shape, area)
