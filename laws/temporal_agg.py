"""The temporal law in a reduced form for mean losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter
from lawbench.runs import Run


class TemporalAggregate(Law):
    r"""Reduced hyperbolic form; not the published law.

    .. math:: L(t) = \frac{1}{r_1 \log(t + r_2) + r_3}

    with :math:`t` the optimiser updates made so far. Counting tokens instead rescales
    :math:`r_2` and shifts :math:`r_3`, nothing else.

    References
    ----------
    After Xiong et al., "Temporal Scaling Law for Large Language Models", arXiv 2404.17785, which
    models losses by token position. On mean losses two of its three functions of time cannot be
    told apart; this keeps the form of the third.
    """

    name = "temporal_agg"
    title = "Temporal law, reduced"
    reference = "after Xiong et al. 2024, arXiv 2404.17785"
    year = 2024
    needs = frozenset({"steps"})
    parameters = (
        Parameter(
            "r1",
            "growth of 1/loss with the log of time",
            min=0.0,
            max=10.0,
            start=0.02,
            unit="1/nats",
            grid=(0.01, 0.04),
        ),
        Parameter(
            "r2", "offset of time", min=1e-3, max=1e9, start=100.0, scale="log", unit="steps", grid=(1.0, 100.0, 1e4)
        ),
        Parameter("r3", "1/loss at the start", min=-10.0, max=10.0, start=0.1, unit="1/nats", grid=(0.0, 0.15)),
    )
    note = "Reduced form, not the published law: the paper's formulas are per token position and were not available."
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": (
            "only the three leading starts are polished to the end, the others stop after 40 steps: 3 of 8 count; "
            "the three agree to rounding, and of starts that are all polished to the end 6 of 8 do"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the updates made at every logged point."""
        return {"t": run.updates}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        r1, r2, r3 = p
        return 1.0 / (r1 * np.log(x["t"] + r2) + r3)
