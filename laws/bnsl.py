"""The broken neural scaling law with one break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.analytic import sigmoid, softplus
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class Bnsl(Law):
    r"""Broken neural scaling law: a power law whose exponent changes smoothly once.

    .. math:: L(t) = a + b\, t^{-c_0} \left(1 + (t / d_1)^{1/f_1}\right)^{-c_1 f_1}

    with :math:`t` the optimiser updates made so far. The exponent goes from :math:`c_0` to
    :math:`c_0 + c_1` around :math:`d_1`; the smaller :math:`f_1`, the sharper.

    References
    ----------
    Caballero et al. 2023, "Broken Neural Scaling Laws", arXiv 2210.14891, with n = 1.
    """

    name = "bnsl"
    title = "Broken power law, one break"
    reference = "Caballero et al. 2023, arXiv 2210.14891"
    year = 2023
    needs = frozenset({"steps"})
    linear = ("a", "b")
    parameters = (
        Parameter("a", "loss in the limit", min=0.0, start=1.5, unit="nats/token"),
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=20.0, scale="log", unit="nats step^c0"),
        Parameter(
            "c0", "exponent before the break", min=0.0, max=1.0, start=0.2, unit="1", grid=(0.05, 0.2, 0.5, 0.95)
        ),
        Parameter(
            "c1",
            "change of the exponent at the break",
            min=-2.0,
            max=20.0,
            start=-0.1,
            unit="1",
            grid=(-0.9, -0.45, -0.15, 0.1, 0.5, 3.0),
        ),
        Parameter(
            "d1",
            "place of the break",
            min=1.0,
            max=1e9,
            start=3e3,
            scale="log",
            unit="steps",
            grid=(2e2, 7e2, 2.5e3, 1e4, 5e4),
        ),
        Parameter(
            "f1", "width of the break", min=0.01, max=10.0, start=0.3, scale="log", unit="1", grid=(0.05, 0.3, 1.0)
        ),
    )
    group = "bnsl"
    note = (
        "The form is general: `bnsl2` has two breaks, `loss_deceleration` one break and no limit. Each is a law of its "
        "own, because the number of parameters is declared, counted and compared with the number of points; an option "
        "would leave those of unused breaks without effect. The source searches a grid with c0 below 1, as the bounds "
        "here, and then takes least squares of log(y + 1)."
    )
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": (
            "rugged: 2 of 8 starts reach the best optimum (3 of 8 where all are polished to the end); "
            "the two best agree to rounding"
        ),
        "step_unit": (
            "rugged: several optima lie within 1 % of one objective, and a change of the unit of time decides "
            "which one the search ends at; predictions differ by about 2e-4"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        a, b, c0, c1, d1, f1 = p
        bend = f1 * softplus((x["log_t"] - np.log(d1)) / f1)
        return a + b * np.exp(-c0 * x["log_t"] - c1 * bend)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        _, b, c0, c1, d1, f1 = p
        z = (x["log_t"] - np.log(d1)) / f1
        bend, share = softplus(z), sigmoid(z)
        power = np.exp(-c0 * x["log_t"] - c1 * f1 * bend)
        fall = b * power
        return columns(
            np.ones_like(power),
            power,
            -fall * x["log_t"],
            -fall * f1 * bend,
            fall * c1 * share / d1,
            -fall * c1 * (bend - z * share),
        )
