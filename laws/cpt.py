"""Continual pre-training: the annealing-area law through a change of data, plus what the change costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.errors import InputError
from lawbench.law import WARMUP, Inputs, Law, Parameter, columns
from lawbench.reductions import annealing_areas, log_area, schedule_of
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class ContinualPretraining(Law):
    r"""Annealing-area law with a distribution shift at step :math:`c`, where continual pre-training begins.

    .. math::
        L(s) = L_0 + A \left(S_1^{pt} + S_1^{cpt}\right)^{-\alpha} - C_1\, S_2^{pt} - C_2\, S_2^{cpt}
               + B \left(1 - (1 + E\, S_1^{cpt})^{-\beta}\right)

    with :math:`S_1^{pt}` and :math:`S_1^{cpt}` the rate areas before and from step :math:`c`, and
    :math:`S_2^{pt}` and :math:`S_2^{cpt}` the annealing areas of the rate changes before and from
    it, with one momentum :math:`\lambda`. Before :math:`c` it is the annealing-area law; with
    :math:`C_1 = C_2` and :math:`B = 0` it is that all through. A change of data that raises the loss
    has :math:`B > 0`, one that lowers it :math:`B < 0`. A run says its :math:`c` in
    ``meta["cpt_start"]``: the number of optimiser steps before the change of data.

    References
    ----------
    Wang et al. 2025, arXiv 2505.07796; see the note on what is confirmed.
    """

    name = "cpt"
    title = "Continual-pre-training law"
    reference = "Wang et al. 2025, arXiv 2505.07796 (form unconfirmed)"
    year = 2025
    needs = frozenset({"steps", "lr", "cpt_start"})
    options = (WARMUP,)
    linear = ("L0", "A", "C1", "C2", "B")
    parameters = (
        Parameter("L0", "irreducible loss at this size", min=0.0, start=2.5, unit="nats/token"),
        Parameter(
            "A", "amplitude of the power law", min=1e-6, max=1e6, start=0.5, scale="log", unit="nats (lr step)^alpha"
        ),
        Parameter("alpha", "exponent of the rate area", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.3, 0.45, 0.6)),
        Parameter("C1", "loss reduction a unit of annealing area before the change", start=0.4, unit="nats/(lr step)"),
        Parameter("C2", "the same from the change on", start=0.4, unit="nats/(lr step)"),
        Parameter(
            "lambda", "momentum of past drops; memory 1/(1-lambda) steps", min=0.0, max=0.99999, start=0.999, unit="1",
            grid=(0.99, 0.998, 0.9995),
        ),
        Parameter("B", "loss that the change of data adds in the end", min=-20.0, max=20.0, start=0.2,
                  unit="nats/token"),
        Parameter("E", "rate at which the change takes effect", min=1e-4, max=1e6, start=5.0, scale="log",
                  unit="1/(lr step)", grid=(0.5, 5.0, 50.0)),
        Parameter("beta", "exponent of the change", min=0.01, max=5.0, start=0.5, unit="1", grid=(0.25, 0.5, 1.0)),
    )  # fmt: skip
    unscored = "public curves of continual pre-training, with the learning rates and the step at which the data change"
    note = (
        "Confirmed by the paper's abstract and a summary: the annealing-area law, plus a power law of the rate area "
        "since the change for the shift of the distribution. Not confirmed: the formula as written, that each phase "
        "has an annealing coefficient of its own, the form (1 + E S)^-beta, every printed parameter, and how warm-up "
        "and re-warm-up are counted. This project's choices: changes of the rate before the step of the change keep "
        "acting after it, a re-warm-up counts as negative drops of the second phase, and one lambda is fitted."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the rate areas at the logged points and the drops of either phase.

        Raises
        ------
        InputError
            If the start of continual pre-training is not a whole number of steps within the schedule.
        """
        schedule, warmup = schedule_of(self, run)
        start, last = _start(run, len(schedule)), int(run.steps[-1]) + 1
        drops, area = schedule.drops(warmup)[:last], schedule.area(warmup)
        first = np.arange(last) < start
        since = np.maximum(area[run.steps] - (area[start - 1] if start else 0.0), 0.0)
        return {
            "log_area": log_area(self, run),
            "since": since,
            "before": (np.where(first, drops, 0.0), run.steps),
            "after": (np.where(first, 0.0, drops), run.steps),
        }

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        L0, A, alpha, C1, C2, momentum, B, E, beta = p
        old, new = annealing_areas(momentum, x["before"]), annealing_areas(momentum, x["after"])
        shift = -np.expm1(-beta * np.log1p(E * x["since"]))
        return np.asarray(L0 + A * np.exp(-alpha * x["log_area"]) - C1 * old - C2 * new + B * shift)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter; that of the momentum by a complex step."""
        _, A, alpha, C1, C2, momentum, B, E, beta = p
        power = np.exp(-alpha * x["log_area"])
        old, new = (annealing_areas(momentum + 1e-30j, x[phase]) for phase in ("before", "after"))
        by_momentum = -(C1 * old.imag + C2 * new.imag) / 1e-30
        stretch = np.log1p(E * x["since"])
        left = np.exp(-beta * stretch)
        by_rate = B * beta * left * x["since"] / (1.0 + E * x["since"])
        return columns(
            np.ones_like(power), power, -A * x["log_area"] * power, -old.real, -new.real, by_momentum,
            1.0 - left, by_rate, B * left * stretch,
        )  # fmt: skip


def _start(run: Run, steps: int) -> int:
    start = run.meta["cpt_start"]
    whole = isinstance(start, int | float | np.number) and float(start).is_integer()
    if not whole or not 0 <= start <= steps:
        raise InputError(
            f"run '{run.name}' begins continual pre-training at step {start!r}: give `cpt_start` as a whole number "
            f"from 0 to the {steps} steps of its schedule."
        )
    return int(start)
