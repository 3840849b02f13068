"""The annealing-area law extended to model size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import WARMUP, Inputs, Law, Parameter, columns
from lawbench.reductions import POWER, annealing_areas, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray

MILLION = 1e6
"""Unit of N: with it the printed parameters give the losses of the printed fits of one size."""


class AnnealingAreaSize(Law):
    r"""Annealing-area law for several model sizes.

    .. math::
        L(s, N) = L_0 + A\, S_1(s)^{-\alpha} + B\, N^{-\beta} - C\, S_2(s)\, N^{\gamma}

    with :math:`N` in millions of parameters and :math:`S_2` as in the annealing-area law, of
    momentum :math:`\lambda`.

    References
    ----------
    Tissue et al., "Scaling Law with Learning Rate Annealing", 2024, arXiv 2408.11029, equation 7.
    """

    name = "annealing_area_size"
    title = "Annealing-area law with model size"
    reference = "Tissue et al. 2024, arXiv 2408.11029, equation 7"
    year = 2024
    needs = frozenset({"steps", "lr", "n_params"})
    varies = frozenset({"n_params"})
    options = (WARMUP,)
    linear = ("L0", "A", "B", "C")
    parameters = (
        *POWER,
        Parameter(
            "B", "amplitude of the size term", min=1e-6, max=1e6, start=3.0, scale="log", unit="nats (1e6 N)^beta"
        ),
        Parameter("beta", "exponent of the size", min=0.01, max=2.0, start=0.2, unit="1", grid=(0.1, 0.25, 0.5)),
        Parameter(
            "C", "loss reduction a unit of annealing area", min=0.0, start=0.4, unit="nats/(lr step) (1e6 N)^-gamma"
        ),
        Parameter(
            "gamma", "growth of that reduction with size", min=-1.0, max=1.0, start=0.05, unit="1", grid=(0.0, 0.1, 0.3)
        ),
        Parameter(
            "lambda",
            "momentum of past drops; memory 1/(1-lambda) steps",
            min=0.0,
            max=0.99999,
            start=0.999,
            unit="1",
            grid=(0.99, 0.998, 0.9995),
        ),
    )
    note = (
        "The paper counts N without embeddings, holds lambda at .999 and takes the warm-up as flat; lambda is fitted "
        "here. That N is in millions is our reading of its printed parameters. The losses that they were fitted on "
        "are not public, so its fits cannot be repeated. Two sizes leave L0, B and beta undetermined."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rate area, the log of the size, and the drops of the whole schedule."""
        assert run.n_params is not None
        schedule, warmup = schedule_of(self, run)
        return {
            "log_area": log_area(self, run),
            "log_n": np.full(len(run), np.log(run.n_params / MILLION)),
            "drops": (schedule.drops(warmup)[: int(run.steps[-1]) + 1], run.steps),
        }

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, B, beta, C, gamma, momentum = p
        size = B * np.exp(-beta * x["log_n"]) - C * np.exp(gamma * x["log_n"]) * annealing_areas(momentum, x["drops"])
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) + size)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter; that of the momentum by a complex step."""
        _, A, alpha, B, beta, C, gamma, momentum = p
        power, size = np.exp(-alpha * x["log_area"]), np.exp(-beta * x["log_n"])
        annealing = np.exp(gamma * x["log_n"]) * annealing_areas(momentum + 1e-30j, x["drops"])
        return columns(
            np.ones_like(power),
            power,
            -A * x["log_area"] * power,
            size,
            -B * x["log_n"] * size,
            -annealing.real,
            -C * x["log_n"] * annealing.real,
            -C * annealing.imag / 1e-30,
        )
