"""The multi-power law: loss reduction summed over every change of the learning rate."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.changes import Changes
from lawbench.law import AdamW, Inputs, Parameter, Published
from lawbench.reductions import EXPONENT, POWER, REDUCTION, ReductionLaw, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray

_REPOSITORY = "public repository thu-yao-01-luo/MultiPowerLaw, commit 8da9f19, README and fitted parameters"
_PAPER = "Luo et al., ICLR 2025, arXiv 2503.12811, table 7"


_SETS: dict[str, tuple[str, str, str, dict[str, tuple[float, ...]]]] = {
    "luo2025-repo": (
        _REPOSITORY,
        "raw",
        "AdamW, stopped early; the ramp of the warm-up enters the sum over drops",
        {
            "25m": (3.04045406, 0.52468604, 0.50786857, 363.78751622, 2.06560812, 0.58279013, 0.64142257),
            "100m": (2.6514477, 0.60115152, 0.45295811, 437.9464276, 2.13245612, 0.59785199, 0.65523644),
            "400m": (2.37474466, 0.65421216, 0.42878731, 523.42464371, 2.02462735, 0.59350493, 0.63472457),
        },
    ),
    "luo2025": (
        _PAPER,
        "ramp",
        "printed to two or three digits, so that the level of the curve is known to .005 only",
        {
            "25m": (3.17, 0.51, 0.53, 446.4, 2.07, 0.41, 0.52),
            "100m": (2.79, 0.59, 0.46, 521.4, 0.24, 0.60, 0.65),
            "400m": (2.52, 0.66, 0.42, 614.3, 0.16, 0.88, 0.56),
        },
    ),
}


def _published(source: str) -> tuple[Published, ...]:
    reference, warmup, note, sets = _SETS[source]
    names = ("L0", "A", "alpha", "B", "C", "beta", "gamma")
    return tuple(
        Published(
            source=source,
            reference=reference,
            dataset=f"multi-power-{size}",
            values=dict(zip(names, values, strict=True)),
            fitted_on=("cosine_24000", "constant_24000", "wsdcon_9"),
            options={"warmup": warmup},
            note=note,
        )
        for size, values in sets.items()
    )


class MultiPower(ReductionLaw):
    r"""Multi-power law.

    .. math::
        L(t) = L_0 + A\, S_1(t)^{-\alpha} - B \sum_{k \le t} (\eta_{k-1} - \eta_k)\,
               G\!\left(\eta_k^{-\gamma} S_k(t)\right), \qquad G(x) = 1 - (1 + C x)^{-\beta}

    with :math:`S_k(t) = S_1(t) - S_1(k-1)`, the rate area since change :math:`k`.

    References
    ----------
    Luo et al., "A Multi-Power Law for Loss Curve Prediction Across Learning Rate Schedules",
    ICLR 2025, arXiv 2503.12811.
    """

    name: ClassVar[str] = "mpl"
    title = "Multi-power law"
    reference = "Luo et al., ICLR 2025, arXiv 2503.12811"
    year = 2025
    parameters = (
        *POWER,
        REDUCTION,
        Parameter(
            "C",
            "rate at which a drop takes effect",
            min=1e-6,
            max=1e6,
            start=1.0,
            scale="log",
            unit="lr^gamma/(lr step)",
            grid=(0.003, 0.03, 0.3, 3.0),
        ),
        EXPONENT,
        Parameter(
            "gamma",
            "dependence of that effect on the rate",
            min=0.0,
            max=1.0,
            start=0.5,
            unit="1",
            grid=(0.3, 0.6, 0.9),
        ),
    )
    published = (*_published("luo2025-repo"), *_published("luo2025"))
    paper = AdamW(
        reference=_REPOSITORY,
        rates={"L0": 5e-2, "A": 5e-2, "B": 5e-2, "C": 5e-2, "alpha": 5e-3, "beta": 5e-3, "gamma": 5e-3},
        start={"C": 1.0, "beta": 0.5, "gamma": 0.5},
        # G = 1 to rounding: what remains is the law that falls linearly with the rate.
        held={"C": 1e30, "beta": 1.0, "gamma": 0.0},
        start_options={"warmup": "ramp"},
        options={"warmup": "raw"},
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area and every rate change: the exact sum."""
        schedule, warmup = schedule_of(self, run)
        return {"log_area": log_area(self, run), "changes": Changes.of(schedule, run.steps, warmup)}

    @staticmethod
    def effect(shape: NDArray[Any], log_lr: FloatArray, area: FloatArray, age: FloatArray) -> NDArray[Any]:
        """Return ``G`` of the rate area, scaled by a power of the rate."""
        C, beta, gamma = shape
        return np.asarray(-np.expm1(-beta * np.log1p(C * np.exp(-gamma * log_lr) * area)))

    @staticmethod
    def effects(shape: FloatArray, log_lr: FloatArray, area: FloatArray, age: FloatArray) -> FloatArray:
        """Return ``G`` and its derivatives by C, beta and gamma."""
        C, beta, gamma = shape
        scaled = np.exp(-gamma * log_lr)
        scaled *= area
        out = np.empty((4, *scaled.shape))
        left = np.log1p(C * scaled)
        np.multiply(left, -beta, out=out[0])
        np.exp(out[0], out=out[0])
        np.multiply(out[0], left, out=out[2])
        np.divide(scaled, 1.0 + C * scaled, out=out[1])
        out[1] *= out[0]
        out[1] *= beta
        np.multiply(out[1], log_lr, out=out[3])
        out[3] *= -C
        np.subtract(1.0, out[0], out=out[0])
        return out
