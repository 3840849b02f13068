"""Lines that say how far a plan is and when it will be done."""

from __future__ import annotations

import time

from model import SIZES, SMOKE, count
from plan import Planned, steps_to_train

EVERY_SECONDS = 15.0


class Watch:
    """Counts steps over a whole plan and prints a line now and then."""

    def __init__(self, runs: list[Planned]) -> None:
        self.left = {id(run): steps_to_train(run) for run in runs}
        self.runs, self.total = runs, sum(self.left.values())
        self.seconds: dict[str, float] = {}
        self._last = self._said = time.monotonic()
        self._step = 0

    def begin(self, run: Planned, step: int) -> None:
        """Start to watch a run that goes on at a step."""
        self.left[id(run)] = len(run.schedule) - step
        self._step, self._last = step, time.monotonic()

    def step(self, run: Planned, step: int) -> None:
        """Note that a run has made its next step."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        known = self.seconds.get(run.size)
        # A running mean over some hundred steps, evaluations included.
        self.seconds[run.size] = took if known is None else known + 0.005 * (took - known)
        self.left[id(run)] = len(run.schedule) - step
        if now - self._said >= EVERY_SECONDS:
            self._said = now
            self.say(run, f"step {step} of {len(run.schedule)}, {1e3 * self.seconds[run.size]:.0f} ms a step")

    def end(self, run: Planned, what: str) -> None:
        """Note that nothing is left of a run, and say what became of it."""
        self.left[id(run)] = 0
        self.say(run, what)

    def say(self, run: Planned, what: str) -> None:
        """Print one line."""
        done = 1 - sum(self.left.values()) / max(self.total, 1)
        number = self.runs.index(run) + 1
        line = f"[{time.strftime('%H:%M:%S')}] run {number} of {len(self.runs)}, {run.size} {run.name}: {what}"
        print(f"{line}; plan {100 * done:.0f} %{self._eta()}", flush=True)

    def _eta(self) -> str:
        if not self.seconds:
            return ""
        left = sum(self._seconds(run.size) * self.left[id(run)] for run in self.runs)
        return f", {int(left // 3600)} h {int(left % 3600 // 60):02d} min left"

    def _seconds(self, size: str) -> float:
        """Seconds of a step: measured, or guessed from the nearest size that was."""
        if size in self.seconds:
            return self.seconds[size]
        known = min(self.seconds, key=lambda other: abs(_inner(other) - _inner(size)))
        return float(self.seconds[known] * (_inner(size) / _inner(known)) ** 0.66)


def _inner(size: str) -> int:
    return count(SIZES.get(size, SMOKE))["without_embeddings"]
