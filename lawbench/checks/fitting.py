"""Checks of fits: a law must find itself, from wherever the search starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lawbench.checks.samples import own_runs, reference
from lawbench.fitting.fit import fit
from lawbench.fitting.result import Fit
from lawbench.law import Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray

HALF = 0.5
"""Share of the starts that must end at the best one."""
SAME = 1e-5
"""Relative difference of predictions that two fits of the same data may have."""


def apart(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> float:
    """Return the largest relative difference of two sets of curves."""
    return max(float(np.abs(a / b - 1.0).max()) for a, b in zip(first, second, strict=True))


def check_recovers(law: type[Law]) -> None:
    """A fit to the law's own noiseless predictions predicts them back."""
    runs = own_runs(law)
    found = fit(law, runs, loss="least_squares")
    off = apart(found.predict(runs), [run.loss for run in runs])
    assert off <= 1e-4, f"its own noiseless curves are off by {off:.1e}"


def check_starts(law: type[Law]) -> None:
    """On its own noisy predictions the fit converges, and at least half the starts end at the best."""
    certificate = reference(law).fit.certificate
    reached = f"{certificate.reached:.0%} of {certificate.starts} starts"
    assert certificate.reached >= HALF, f"{reached} reach the best fit to its own noisy predictions"
    assert certificate.converged, (
        f"the fit to its own noisy predictions does not converge (gradient {certificate.gradient_norm:.1e}, "
        f"two best starts {certificate.agreement:.1e} apart)"
    )


def check_fit_repeats(law: type[Law]) -> None:
    """The same fit twice gives the same parameters, to the last bit."""
    known = reference(law)
    again = fit(law, known.runs)
    assert dict(again.params) == dict(known.fit.params), "two fits of the same runs differ"


def check_fit_order(law: type[Law]) -> None:
    """The order of the fitted runs changes nothing."""
    known = reference(law)
    back = fit(law, known.runs[::-1])
    off = apart(_predicted(back, known.runs), _predicted(known.fit, known.runs))
    assert off <= SAME, f"fitted to the same runs in another order it predicts otherwise, by {off:.1e}"


def _predicted(found: Fit, runs: Sequence[Run]) -> list[FloatArray]:
    return found.predict(runs)
