"""The broken neural scaling law with two breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.analytic import sigmoid, softplus
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray


def _break(i: int, changes: tuple[float, ...], places: tuple[float, ...], start: float) -> tuple[Parameter, ...]:
    """Return the parameters of one break."""
    return (
        Parameter(
            f"c{i}", f"change of the exponent at break {i}", min=-2.0, max=20.0, start=-0.1, unit="1", grid=changes
        ),
        Parameter(
            f"d{i}", f"place of break {i}", min=1.0, max=1e9, start=start, scale="log", unit="steps", grid=places
        ),
        Parameter(f"f{i}", f"width of break {i}", min=0.01, max=10.0, start=0.3, scale="log", unit="1", grid=(0.3,)),
    )


class Bnsl2(Law):
    r"""Broken neural scaling law: a power law whose exponent changes smoothly twice.

    .. math:: L(t) = a + b\, t^{-c_0} \prod_{i=1}^{2} \left(1 + (t / d_i)^{1/f_i}\right)^{-c_i f_i}

    with :math:`t` the optimiser updates made so far.

    References
    ----------
    Caballero et al. 2023, "Broken Neural Scaling Laws", arXiv 2210.14891, with n = 2.
    """

    name = "bnsl2"
    title = "Broken power law, two breaks"
    reference = "Caballero et al. 2023, arXiv 2210.14891"
    year = 2023
    needs = frozenset({"steps"})
    linear = ("a", "b")
    parameters = (
        Parameter("a", "loss in the limit", min=0.0, start=1.5, unit="nats/token"),
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=20.0, scale="log", unit="nats step^c0"),
        Parameter("c0", "exponent before the breaks", min=0.0, max=1.0, start=0.2, unit="1", grid=(0.1, 0.3, 0.6)),
        *_break(1, (-0.5, -0.15, 0.4), (2e2, 1e3, 5e3), start=1e3),
        *_break(2, (-0.15, 0.2), (8e2, 5e3, 4e4), start=2e4),
    )
    group = "bnsl"
    note = "`bnsl` with a second break. The two breaks may change places; the prediction does not."
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": "rugged: with nine parameters, no two of 8 starts end at the same optimum of the made-up runs",
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
        a, b, c0, *breaks = p
        fall = -c0 * x["log_t"]
        for c, d, f in (breaks[:3], breaks[3:]):
            fall = fall - c * f * softplus((x["log_t"] - np.log(d)) / f)
        return a + b * np.exp(fall)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter."""
        a, b, _, *breaks = p
        fall = self.predict(p, x) - a
        parts = [np.ones_like(fall), fall / b, -fall * x["log_t"]]
        for c, d, f in (breaks[:3], breaks[3:]):
            z = (x["log_t"] - np.log(d)) / f
            bend, share = softplus(z), sigmoid(z)
            parts += [-fall * f * bend, fall * c * share / d, -fall * c * (bend - z * share)]
        return columns(*parts)
