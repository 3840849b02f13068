"""M3: a power law that flattens once the data are many, from the study of learning curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class M3(Law):
    r"""Power law that levels off at :math:`b\, g^c`.

    .. math:: y(x) = b \left(\frac{1}{x} + g\right)^{c}

    with :math:`x` the amount of training data, counted here in optimiser updates; another unit
    rescales :math:`b` and :math:`g`, nothing else.

    References
    ----------
    Alabdulmohsin et al. 2022; the form is not confirmed against the paper.
    """

    name = "m3"
    title = "Learning curve M3"
    reference = "Alabdulmohsin et al. 2022 (form unconfirmed)"
    year = 2022
    needs = frozenset({"steps"})
    linear = ("b",)
    parameters = (
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^c"),
        Parameter(
            "g",
            "where it levels off",
            min=1e-12,
            max=10.0,
            start=1e-4,
            scale="log",
            unit="1/steps",
            grid=(1e-7, 1e-5, 1e-4, 1e-3, 1e-2),
        ),
        Parameter("c", "exponent", min=0.0, max=2.5, start=0.1, unit="1", grid=(0.05, 0.1, 0.2, 0.4)),
    )
    note = "The form, its signs included, is stated from memory and not confirmed against the paper."

    def prepare(self, run: Run) -> Inputs:
        """Return the updates made at every logged point."""
        return {"x": run.updates}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        b, g, c = p
        return b * np.exp(c * np.log(1.0 / x["x"] + g))

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        b, g, c = p
        base = 1.0 / x["x"] + g
        power = np.exp(c * np.log(base))
        return columns(power, b * c * power / base, b * np.log(base) * power)
