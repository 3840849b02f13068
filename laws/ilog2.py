"""Inverse logarithm: ilog2 of the classic learning-curve families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray

UNIT = 1000.0
"""Steps in the unit of time."""


class Ilog2(Law):
    r"""Inverse of the log of time, for a falling loss.

    .. math:: L(t) = c + \frac{a}{\log(t + 1)}

    with :math:`t` in thousands of optimiser updates: unlike a power law, this form changes with
    the unit of time. The source writes it for a rising curve, :math:`c - a / \log(t + 1)`.

    References
    ----------
    Domhan et al. 2015, as listed in the public repository automl/lcpfn.
    """

    name = "ilog2"
    title = "Learning curve ilog2"
    reference = "Domhan et al. 2015, after automl/lcpfn"
    year = 2015
    needs = frozenset({"steps"})
    linear = ("c", "a")
    parameters = (
        Parameter("c", "loss in the limit", min=0.0, start=2.0, unit="nats/token"),
        Parameter("a", "amplitude", min=1e-9, max=1e6, start=1.0, scale="log", unit="nats"),
    )
    note = "The unit of time, a thousand updates, is a choice of this project; the form depends on it."
    exceptions: ClassVar[Mapping[str, str]] = {
        "step_unit": "the logarithm of 1 + t/1000 has no parameter that could take up another unit of time",
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the inverse of the log of the time at every logged point."""
        return {"inverse": 1.0 / np.log1p(run.updates / UNIT)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        c, a = p
        return c + a * x["inverse"]

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        return columns(np.ones_like(x["inverse"] * p[0]), x["inverse"])
