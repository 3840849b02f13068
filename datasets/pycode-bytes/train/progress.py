"""Lines that say how far a plan is and when it will be done."""

from __future__ import annotations

import time
from typing import Any

from model import SIZES, SMOKE, count
from plan import Planned, steps_to_train

EVERY_SECONDS = 30.0


class Watch:
    """Counts steps over a whole plan, of which `jobs` runs train at a time, and prints a line now and then."""

    def __init__(self, runs: list[Planned], jobs: int) -> None:
        self.runs, self.jobs = runs, jobs
        self.left = {id(run): steps_to_train(run) for run in runs}
        self.total = sum(self.left.values())
        self.seconds: dict[str, float] = {}
        self.diverged: list[str] = []
        self._at: dict[int, tuple[float, int]] = {}
        self._said: dict[int, float] = {}

    def begin(self, run: Planned, step: int) -> None:
        """Start to watch a run that goes on at a step."""
        now = time.monotonic()
        self.left[id(run)] = len(run.schedule) - step
        self._at[id(run)], self._said[id(run)] = (now, step), now
        self._say(run, f"starts at step {step} of {len(run.schedule)}")

    def step(self, run: Planned, step: int) -> None:
        """Note that a run has come to a step."""
        now = time.monotonic()
        self.left[id(run)] = len(run.schedule) - step
        if now - self._said[id(run)] < EVERY_SECONDS:
            return
        (then, before), self._at[id(run)], self._said[id(run)] = self._at[id(run)], (now, step), now
        took, known = (now - then) / max(step - before, 1), self.seconds.get(run.size)
        self.seconds[run.size] = took if known is None else 0.8 * known + 0.2 * took
        self._say(run, f"step {step} of {len(run.schedule)}, {1e3 * took:.0f} ms a step with evaluations")

    def end(self, run: Planned, record: dict[str, Any]) -> None:
        """Note that nothing is left of a run, and say what became of it."""
        self.left[id(run)] = 0
        if record["status"] == "ok":
            self._say(run, f"done, final loss {record['final_loss']:.4f}")
        else:
            self.diverged.append(f"{run.size} {run.name}")
            self._say(run, f"diverged: {record['reason']}")

    def _say(self, run: Planned, what: str) -> None:
        done = 1 - sum(self.left.values()) / max(self.total, 1)
        number = self.runs.index(run) + 1
        line = f"[{time.strftime('%H:%M:%S')}] run {number} of {len(self.runs)}, {run.size} {run.name}: {what}"
        print(f"{line}; plan {100 * done:.0f} %{self._eta()}", flush=True)

    def _eta(self) -> str:
        if not self.seconds:
            return ""
        left = sum(self._seconds(run.size) * self.left[id(run)] for run in self.runs) / self.jobs
        return f", {int(left // 3600)} h {int(left % 3600 // 60):02d} min left"

    def _seconds(self, size: str) -> float:
        """Seconds of a step: measured, or guessed from the nearest size that was."""
        if size in self.seconds:
            return self.seconds[size]
        known = min(self.seconds, key=lambda other: abs(_inner(other) - _inner(size)))
        return float(self.seconds[known] * (_inner(size) / _inner(known)) ** 0.66)


def _inner(size: str) -> int:
    return count(SIZES.get(size, SMOKE))["without_embeddings"]
