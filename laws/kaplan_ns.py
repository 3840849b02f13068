"""Kaplan's law of size and steps, the steps counted as at an endless batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter, Published
from lawbench.runs import Run
from lawbench.schedule import FloatArray

B_STAR, ALPHA_B = 2.1e8, 0.21
"""Critical batch in tokens at a loss of 1, and its exponent, as the paper measured them (not fitted)."""
_MOST = 60
"""Newton steps; they start at most a factor of 2 below the solution where alpha_S is at most 1."""


class KaplanNs(Law):
    r"""Kaplan's law of model size and optimiser steps.

    .. math::
        L(N, S) = \left(\frac{N_c}{N}\right)^{\alpha_N} + \left(\frac{S_c}{S_{\min}}\right)^{\alpha_S}, \qquad
        S_{\min} = \frac{S}{1 + B_{\text{crit}} / B}, \quad B_{\text{crit}} = \frac{B_*}{L^{1/\alpha_B}}

    with :math:`S` the updates made so far and :math:`B` the mean batch in tokens, D / S. The loss
    is on both sides: the right side falls with it, so there is one solution, found by Newton steps.
    :math:`B_*` and :math:`\alpha_B` are the paper's constants, which it measured apart.

    References
    ----------
    Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv 2001.08361, table 3.
    """

    name = "kaplan_ns"
    title = "Kaplan law of size and steps"
    reference = "Kaplan et al. 2020, arXiv 2001.08361"
    year = 2020
    needs = frozenset({"n_params", "tokens", "steps"})
    varies = frozenset({"n_params"})
    parameters = (
        Parameter(
            "Nc", "size at which endless training would give a loss of 1", min=1.0, max=1e60, start=1e14, scale="log",
            unit="parameters", grid=(1e10, 1e12, 1e14, 1e17),
        ),
        Parameter("alpha_N", "exponent of the size", min=0.001, max=2.0, start=0.08, unit="1", grid=(0.05, 0.1, 0.2)),
        Parameter(
            "Sc", "steps at which the second term is 1", min=1e-6, max=1e12, start=2e3, scale="log", unit="steps",
            grid=(1e2, 1e3, 1e4),
        ),
        Parameter("alpha_S", "exponent of the steps", min=0.01, max=3.0, start=0.7, unit="1", grid=(0.3, 0.5, 0.8)),
    )  # fmt: skip
    published = (
        Published(
            source="kaplan2020",
            reference="Kaplan et al. 2020, arXiv 2001.08361, table 3",
            dataset="webtext2",
            values={"Nc": 6.5e13, "alpha_N": 0.077, "Sc": 2.1e3, "alpha_S": 0.76},
            note="the paper's runs are not public; N does not count embeddings",
        ),
    )
    note = "Blind to the schedule; the source fits all steps after warm-up, and counts N without embeddings."
    exceptions: ClassVar[Mapping[str, str]] = {
        "step_unit": "the critical batch is in tokens, with the paper's constants held: a smaller batch is another run",
        "token_unit": "the critical batch, 2.1e8 tokens at a loss of 1, is the paper's constant and not fitted",
    }

    def prepare(self, run: Run) -> Inputs:
        """Return the logs of size and updates, and how far the batch is from the critical one at a loss of 1."""
        assert run.n_params is not None
        assert run.tokens is not None
        return {
            "log_n": np.full(len(run), np.log(run.n_params)),
            "log_s": np.log(run.updates),
            "critical": B_STAR * run.updates / run.tokens,
        }

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every point."""
        Nc, alpha_N, Sc, alpha_S = p
        size = np.exp(alpha_N * (np.log(Nc) - x["log_n"]))
        steps = np.exp(alpha_S * (np.log(Sc) - x["log_s"]))
        loss = _solve(np.real(size), np.real(steps), np.real(alpha_S), x["critical"])
        if np.iscomplexobj(p):  # from a solution one Newton step carries the derivative over, exactly
            loss = _newton(loss, size, steps, alpha_S, x["critical"])
        return loss


def _newton(
    loss: NDArray[Any], size: NDArray[Any], steps: NDArray[Any], alpha_S: NDArray[Any], critical: FloatArray
) -> NDArray[Any]:
    """Step towards ``loss = size + steps (1 + critical loss^(-1/alpha_B))^alpha_S``."""
    ratio = critical * np.exp(-np.log(loss) / ALPHA_B)
    right = steps * np.exp(alpha_S * np.log1p(ratio))
    slope = 1.0 + right * alpha_S / ALPHA_B * ratio / (1.0 + ratio) / loss
    out: NDArray[Any] = loss - (loss - size - right) / slope
    return out


def _solve(size: FloatArray, steps: FloatArray, alpha_S: FloatArray, critical: FloatArray) -> FloatArray:
    """Return the loss. What is 0 there is concave and rises, so that Newton steps from below stay below."""
    alone = (np.log(steps) + alpha_S * np.log(critical)) / (1.0 + alpha_S / ALPHA_B)
    loss = np.maximum(size + steps, np.exp(alone))
    for _ in range(_MOST):
        before, loss = loss, _newton(loss, size, steps, alpha_S, critical)
        if np.all(np.abs(loss - before) <= 1e-14 * loss):
            break
    return loss
