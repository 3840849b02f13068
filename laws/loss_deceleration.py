"""Loss deceleration: a power law without floor whose exponent drops once, early in training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.analytic import sigmoid, softplus
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


class LossDeceleration(Law):
    r"""Loss deceleration: the broken power law with one break and no irreducible loss.

    .. math:: L(t) = b\, t^{-c_0} \left(1 + (t / d_1)^{1/f_1}\right)^{-c_1 f_1}

    with :math:`t` the optimiser updates made so far. Its readings are the loss at the break,
    :math:`L_d = b\, d_1^{-c_0}`, the time of the break, :math:`t_d = d_1`, and the exponent after
    it, :math:`r_d = c_0 + c_1`.

    References
    ----------
    Mircea et al. 2025, public repository mirandrom/zsl; the form is that of Caballero et al. 2023,
    arXiv 2210.14891.
    """

    name = "loss_deceleration"
    title = "Loss deceleration"
    reference = "Mircea et al. 2025, repository mirandrom/zsl"
    year = 2025
    needs = frozenset({"steps"})
    linear = ("b",)
    parameters = (
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=20.0, scale="log", unit="nats step^c0"),
        Parameter("c0", "exponent before the break", min=0.0, max=1.0, start=0.2, unit="1", grid=(0.05, 0.2, 0.4, 0.7)),
        Parameter(
            "c1",
            "change of the exponent at the break",
            min=-2.0,
            max=5.0,
            start=-0.1,
            unit="1",
            grid=(-0.65, -0.35, -0.15, 0.05, 0.3),
        ),
        Parameter(
            "d1",
            "time of the break",
            min=1.0,
            max=1e9,
            start=6e3,
            scale="log",
            unit="steps",
            grid=(5e2, 2e3, 8e3, 3e4, 1.2e5),
        ),
        Parameter(
            "f1", "width of the break", min=0.01, max=10.0, start=0.3, scale="log", unit="1", grid=(0.1, 0.3, 1.0)
        ),
    )
    group = "bnsl"
    note = (
        "`bnsl` with a = 0. The source fits least squares of the log loss to training losses after update 100, "
        "smoothed by a mean over log-spaced windows. Its table is printed to two digits, too few to predict a loss "
        "with: a known answer, not published parameters. c0 is kept below 1, as in the search of the form's source: "
        "where the break lies before the data, the best c0 is endless, with d1 at 0."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        b, c0, c1, d1, f1 = p
        bend = f1 * softplus((x["log_t"] - np.log(d1)) / f1)
        return b * np.exp(-c0 * x["log_t"] - c1 * bend)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        b, c0, c1, d1, f1 = p
        z = (x["log_t"] - np.log(d1)) / f1
        bend, share = softplus(z), sigmoid(z)
        power = np.exp(-c0 * x["log_t"] - c1 * f1 * bend)
        fall = b * power
        return columns(
            power,
            -fall * x["log_t"],
            -fall * f1 * bend,
            fall * c1 * share / d1,
            -fall * c1 * (bend - z * share),
        )
