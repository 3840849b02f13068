"""M4: an implicit learning curve with a start and a limit, from the study of learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.analytic import sigmoid, softplus
from lawbench.law import Inputs, Law, Parameter, columns
from lawbench.runs import Run
from lawbench.schedule import FloatArray

_MOST = 50
"""Newton steps, of which a handful are enough: the slope changes between 1 and a, in one direction."""


class M4(Law):
    r"""Learning curve that leaves a start and approaches a limit, given implicitly.

    .. math:: \frac{y - e}{(y_0 - y)^{a}} = b\, x^{-c}, \qquad e < y < y_0

    with :math:`x` the amount of training data, counted here in optimiser updates; another unit
    rescales :math:`b`, nothing else. The left side rises with :math:`y` from 0 without end, so
    there is one solution; it is found by Newton steps in the log odds of
    :math:`(y - e) / (y_0 - e)`.

    References
    ----------
    Alabdulmohsin et al. 2022; the form is not confirmed against the paper.
    """

    name = "m4"
    title = "Learning curve M4"
    reference = "Alabdulmohsin et al. 2022 (form unconfirmed)"
    year = 2022
    needs = frozenset({"steps"})
    parameters = (
        Parameter("e", "loss in the limit", min=0.0, max=5.0, start=2.5, unit="nats/token", grid=(1.0, 2.3, 3.0)),
        Parameter("y0", "loss of chance", min=5.0001, max=100.0, start=11.0, unit="nats/token", grid=(6.0, 11.0)),
        Parameter("a", "how long it stays near the start", min=0.01, max=10.0, start=0.5, unit="1", grid=(0.3, 1.0)),
        Parameter("b", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="steps^c", grid=(1.0, 4.0, 20.0)),
        Parameter("c", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.2, 0.4, 0.6)),
    )
    group = "power_steps"
    note = "The form, its signs included, is stated from memory and not confirmed against the paper."
    exceptions: ClassVar[Mapping[str, str]] = {
        "starts": (
            "only the three leading starts are polished to the end, the others stop after 40 steps: 3 of 8 count; "
            "the three agree to rounding, and of starts that are all polished to the end 8 of 8 do"
        ),
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the log of the updates made at every logged point."""
        return {"log_x": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        e, y0, a, _, _ = p
        right = _right(p, x)
        odds = _solve(np.real(a), np.real(right))
        if np.iscomplexobj(p):  # from a solution one Newton step carries the derivative over, exactly
            odds = _newton(odds, a, right)
        return e + (y0 - e) * sigmoid(odds)

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray:
        """Return the derivative by every parameter, of the solution as an implicit function."""
        e, y0, a, b, _ = p
        span, right = y0 - e, _right(p, x)
        odds = _solve(a, right)
        share, rest = sigmoid(odds), sigmoid(-odds)
        moves = span * share * rest / (rest + a * share)
        of_span = moves * (1.0 - a) / span
        return columns(
            rest + of_span,
            share - of_span,
            moves * (np.log(span) - softplus(odds)),
            moves / b,
            -moves * x["log_x"],
        )


def _right(p: NDArray[Any], x: Inputs) -> NDArray[Any]:
    """Return ``log s - a log(1 - s)`` at the solution, with ``s = (y - e) / (y0 - e)``."""
    e, y0, a, b, c = p
    out: NDArray[Any] = np.log(b) - c * x["log_x"] - (1.0 - a) * np.log(y0 - e)
    return out


def _newton(odds: NDArray[Any], a: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    off = a * softplus(odds) - softplus(-odds) - right
    out: NDArray[Any] = odds - off / (sigmoid(-odds) + a * sigmoid(odds))
    return out


def _solve(a: FloatArray, right: FloatArray) -> FloatArray:
    """Return the log odds; they start where one of the two logarithms alone would put them."""
    odds: FloatArray = np.where(right < 0, right, right / a)
    for _ in range(_MOST):
        before, odds = odds, _newton(odds, a, right)
        if np.all(np.abs(odds - before) <= 1e-14 * (1.0 + np.abs(odds))):
            break
    return odds
