"""The annealing-area law: a power of the rate area less the momentum of past rate drops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import WARMUP, Inputs, Law, Parameter, columns
from lawbench.reductions import annealing_areas, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class AnnealingArea(Law):
    r"""Learning-rate annealing-area law.

    .. math::
        L(s) = L_0 + A\, S_1(s)^{-\alpha} - C\, S_2(s), \qquad
        m_i = \lambda m_{i-1} + (\eta_{i-1} - \eta_i), \quad S_2(s) = \sum_{i \le s} m_i

    References
    ----------
    Tissue et al., "Scaling Law with Learning Rate Annealing", 2024, arXiv 2408.11029.
    """

    name = "annealing_area"
    title = "Annealing-area law"
    reference = "Tissue et al. 2024, arXiv 2408.11029"
    year = 2024
    needs = frozenset({"steps", "lr"})
    # Papers take the warm-up in different ways, and that decides more than the form: each way is an entry.
    options = (replace(WARMUP, compared=True),)
    linear = ("L0", "A", "C")
    parameters = (
        Parameter("L0", "irreducible loss at this size", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "A", "amplitude of the power law", min=1e-6, max=1e6, start=0.5, scale="log", unit="nats (lr step)^alpha"
        ),
        Parameter(
            "alpha", "exponent of the rate area", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.3, 0.4, 0.5, 0.6)
        ),
        Parameter("C", "loss reduction a unit of annealing area", min=0.0, start=0.4, unit="nats/(lr step)"),
        Parameter(
            "lambda",
            "momentum of past drops; memory 1/(1-lambda) steps",
            min=0.0,
            max=0.99999,
            start=0.999,
            unit="1",
            grid=(0.99, 0.995, 0.998, 0.999, 0.9995),
        ),
    )
    note = (
        "The paper holds lambda at .999 and takes the warm-up as flat; lambda is fitted here (its footnote 5 allows "
        "that), and alpha is not comparable across warm-up conventions."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area at the logged points and the drops of the whole schedule."""
        schedule, warmup = schedule_of(self, run)
        last = int(run.steps[-1])
        return {"log_area": log_area(self, run), "drops": (schedule.drops(warmup)[: last + 1], run.steps)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, C, momentum = p
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) - C * annealing_areas(momentum, x["drops"]))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter; that of the momentum by a complex step."""
        _, A, alpha, C, momentum = p
        power = np.exp(-alpha * x["log_area"])
        annealing = annealing_areas(momentum + 1e-30j, x["drops"])
        by_momentum = -C * annealing.imag / 1e-30
        return columns(np.ones_like(power), power, -A * x["log_area"] * power, -annealing.real, by_momentum)
