"""Loss spikes and diverged runs: found and reported, never silently dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lawbench.runs import Run

_WINDOW = 3
_SIGMAS = 8.0
_LEAST_SPIKE = 0.02
_LEAST_RISE = 0.1
_ENOUGH = 8


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a curve.

    Attributes
    ----------
    run : str
    spikes : tuple of int
        Steps at which the loss stands far above the points before it.
    diverged : bool
        Whether the run ends well above its lowest loss.
    """

    run: str
    spikes: tuple[int, ...]
    diverged: bool

    def __str__(self) -> str:
        parts = []
        if self.diverged:
            parts.append("ends well above its lowest loss: it diverged")
        if self.spikes:
            shown = ", ".join(str(step) for step in self.spikes[:5]) + (", ..." if len(self.spikes) > 5 else "")
            parts.append(f"has {len(self.spikes)} loss spike{'s' * (len(self.spikes) > 1)} (step {shown})")
        return f"run '{self.run}' " + " and ".join(parts)


def trouble(run: Run) -> Trouble | None:
    """Return the spikes and the divergence of a curve, or None when there is nothing to report.

    A spike is a point more than 8 noise standard deviations, and 2 %, above the median of the three
    points before it; a run has diverged when its last points lie 10 % above its lowest. The noise
    is read off second differences. Curves of fewer than eight points are not judged.

    Examples
    --------
    >>> loss = 2.0 + 5.0 * np.arange(1.0, 101.0) ** -0.5
    >>> loss[60] *= 1.5
    >>> print(trouble(Run("bumpy", np.arange(100), loss)))
    run 'bumpy' has 1 loss spike (step 60)
    """
    if len(run) < _ENOUGH:
        return None
    log_loss = np.log(run.loss)
    noise = 1.4826 * float(np.median(np.abs(np.diff(log_loss, 2)))) / np.sqrt(6.0)
    before = np.median(np.lib.stride_tricks.sliding_window_view(log_loss[:-1], _WINDOW), axis=1)
    above = log_loss[_WINDOW:] - before
    spikes = tuple(int(step) for step in run.steps[_WINDOW:][above > max(_SIGMAS * noise, _LEAST_SPIKE)])
    rise = float(np.median(log_loss[-3:]) - log_loss.min())
    diverged = rise > max(_SIGMAS * noise, _LEAST_RISE)
    return Trouble(run.name, spikes, diverged) if spikes or diverged else None
