"""Priors of the recipe ``regularised``: what the training curves of other families say of pure numbers.

A pure number (an exponent, say) means the same on every dataset, so fits elsewhere tell where it
lies. For every law ``priors.json`` holds the mean estimate of each family (`lawbench.priors` writes
it from stored results of the recipe ``common``); the prior of a fit is a normal distribution with
mean and spread of the families other than that of the fitted runs. No test point enters it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from lawbench.errors import NotApplicableError
from lawbench.runs import Run
from lawbench.schedule import FloatArray

FEWEST_FAMILIES = 3
"""Fewer other families than this say nothing of a spread."""
LEAST_SPREAD = 0.05
"""A prior is never narrower than this: few families may agree by chance."""


@dataclass(frozen=True, eq=False)
class Prior:
    """A quadratic penalty on coordinates of a search.

    Attributes
    ----------
    centre : ndarray, shape (free,)
    precision : ndarray, shape (free,)
        0 where nothing is known.
    """

    centre: FloatArray
    precision: FloatArray

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the penalty, shape (batch,)."""
        out: FloatArray = 0.5 * (self.precision * (theta - self.centre) ** 2).sum(axis=-1)
        return out

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return its derivative, shape (batch, free)."""
        return np.asarray(self.precision * (theta - self.centre))

    def times(self, strength: float) -> Prior:
        """Return the prior with another strength."""
        return Prior(self.centre, self.precision * strength)


@cache
def learned() -> Mapping[str, Any]:
    """Return what ``priors.json`` holds: datasets by family, and estimates by law, parameter and family."""
    found: Mapping[str, Any] = json.loads(files("lawbench.fitting").joinpath("priors.json").read_text(encoding="utf-8"))
    return found


def has_prior(law: str) -> bool:
    """Return whether anything was learned for a law."""
    return law in learned()["laws"]


def moments(law: str, datasets: frozenset[str]) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of the prior of each parameter, for fits to some datasets.

    Parameters
    ----------
    law : str
    datasets : frozenset of str
        Datasets of the fitted runs; their families are left out.

    Raises
    ------
    NotApplicableError
        If fewer than three other families say anything.

    Examples
    --------
    >>> sorted(moments("sublinear_area", frozenset({"multi-power-25m"})))
    ['alpha', 'p']
    """
    known = learned()
    own = {family for family, members in known["families"].items() if datasets & set(members)}
    out = {}
    for name, by_family in known["laws"].get(law, {}).items():
        values = [value for family, value in by_family.items() if family not in own]
        if len(values) >= FEWEST_FAMILIES:
            spread = float(np.std(values, ddof=1)) * (1.0 + 1.0 / len(values)) ** 0.5
            out[name] = (float(np.mean(values)), max(spread, LEAST_SPREAD))
    if not out:
        raise NotApplicableError(
            f"law '{law}' has no prior from at least {FEWEST_FAMILIES} other families: use recipe 'common'."
        )
    return out


def effective_points(residuals: FloatArray, runs: Sequence[Run]) -> float:
    """Return how many independent points the residuals of some runs are worth.

    A curve of n points is worth n over its integrated autocorrelation time, at least 1; one-point
    runs are independent. What a law gets wrong stays wrong for long, so a curve of hundreds of
    points may be worth a handful.

    Parameters
    ----------
    residuals : ndarray, shape (n,)
        Of all runs, end to end.
    runs : sequence of Run

    Examples
    --------
    >>> run = Run("a", [0, 1, 2, 3], [3.0, 2.0, 2.0, 2.0])
    >>> effective_points(np.array([0.1, 0.1, 0.1, 0.1]), [run])
    1.0
    """
    total = 0.0
    for own in np.split(residuals, np.cumsum([len(run) for run in runs])[:-1]):
        total += max(1.0, own.size / _autocorrelation_time(own))
    return total


def _autocorrelation_time(residuals: FloatArray) -> float:
    """Return 1 plus twice the autocorrelations up to the first pair that does not add up to more than 0.

    That pair is where the initial positive sequence ends (Geyer 1992, "Practical Markov Chain Monte
    Carlo", Statistical Science 7, section 3.3). Residuals are not centred: an offset is an error too.
    """
    size = residuals.size
    spectrum = np.fft.rfft(residuals, 2 * size)
    correlation = np.fft.irfft(spectrum * spectrum.conj())[:size]
    if correlation[0] <= 0 or size < 2:
        return 1.0
    pairs = correlation[: size - size % 2].reshape(-1, 2).sum(axis=1) / correlation[0]
    end = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else pairs.size
    return max(1.0, 2.0 * float(pairs[:end].sum()) - 1.0)
