"""The last fitted loss, for ever: the baseline of the tracks horizon and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter
from lawbench.runs import Run


class LastValue(Law):
    r"""Last loss of the fitted part of the run.

    .. math:: L(t) = L(t_{\text{last fitted}})

    References
    ----------
    A baseline, no paper.
    """

    name = "last_value"
    title = "Last value"
    reference = "baseline"
    year = 2026
    needs = frozenset({"steps", "prefix"})
    alone = True
    linear = ("L",)
    parameters = (Parameter("L", "last fitted loss", start=3.0, scale="log", min=1e-6, max=1e6, unit="nats/token"),)

    def prepare(self, run: Run) -> Inputs:
        """Return only how many points there are."""
        return {"one": np.ones(len(run))}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the same loss at every point."""
        (L,) = p
        return L * x["one"]

    def estimate(self, runs: Sequence[Run]) -> Mapping[str, float]:
        """Return the last logged loss of the last run."""
        return {"L": float(runs[-1].loss[-1])}
