"""The multi-power law in which a drop takes effect with the steps since."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lawbench.law import Parameter
from lawbench.reductions import EXPONENT, POWER, REDUCTION, ReductionLaw, power_effect, power_effects
from lawbench.schedule import FloatArray


class MultiPowerSteps(ReductionLaw):
    r"""Multi-power law in steps: a drop takes effect with the steps since, whatever the rate.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} - B \sum_{k \le t} (\eta_{k-1} - \eta_k)\, G(t - k + 1),
        \qquad G(x) = 1 - (1 + C x)^{-\beta}

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, appendix A, table 3 (SPL).
    """

    name = "mpl_steps"
    title = "Multi-power law in steps"
    reference = "Luo et al., ICLR 2025, arXiv 2503.12811, table 3"
    year = 2025
    parameters = (
        *POWER,
        REDUCTION,
        Parameter(
            "C",
            "rate at which a drop takes effect",
            min=1e-9,
            max=1e3,
            start=0.01,
            scale="log",
            unit="1/step",
            grid=(1e-4, 1e-3, 1e-2, 0.1),
        ),
        EXPONENT,
    )
    note = (
        "An ablation in its paper, named SPL there. C is tied to the step: it does not carry over to another batch "
        "size. Its printed errors at 25M (MAE .0066) are not those of the converged fit (.0043), which an independent "
        "second implementation confirms."
    )

    @staticmethod
    def effect(shape: NDArray[Any], log_lr: FloatArray, area: FloatArray, age: FloatArray) -> NDArray[Any]:
        """Return ``G`` of the steps since the change."""
        return power_effect(shape, age)

    @staticmethod
    def effects(shape: FloatArray, log_lr: FloatArray, area: FloatArray, age: FloatArray) -> FloatArray:
        """Return ``G`` and its derivatives by C and beta."""
        return power_effects(shape, age)
