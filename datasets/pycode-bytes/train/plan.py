"""Every run as data: its size, seed and schedule, and the run that it branches from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from model import SIZES, SMOKE, Shape

from lawbench.schedule import Schedule, shared_steps
from lawbench.shapes import named_schedule

PEAKS: Mapping[str, float] = dict.fromkeys(("25k", "150k", "450k", "800k", "smoke"), 6e-3)
"""Peak rate: one for all sizes, so that sizes differ in nothing else.

Of the trial rates, 1e-2 was the best at each size after 200 steps; but at 450k, twice that was
much worse, and the plan doubles the peak once. Nothing else was tuned.
"""

TRIAL_RATES = (1e-3, 3e-3, 1e-2, 2e-2, 3e-2)


@dataclass(frozen=True)
class Settings:
    """What all runs of a plan share; a step has `batch` windows of `context` tokens."""

    shape: Shape
    steps: int = 2000
    warmup: int = 100
    batch: int = 32
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    eval_windows: int = 1024
    log_every: int = 50

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one optimiser step."""
        return self.batch * self.shape.context


@dataclass(frozen=True, eq=False)
class Planned:
    """One run to be trained.

    `parent` names the run whose first `branch` steps have the same rates, seed and batches;
    `arguments` rebuild the schedule with `lawbench.shapes.named_schedule`.
    """

    name: str
    size: str
    settings: Settings
    seed: int
    arguments: Mapping[str, Any]
    schedule: Schedule = field(repr=False)
    parent: str | None = None
    branch: int | None = None

    @property
    def key(self) -> str:
        """Hash of all that decides the result, the corpus aside."""
        what = {"settings": asdict(self.settings), "seed": self.seed}
        return hashlib.sha256(json.dumps(what).encode() + self.schedule.lr.tobytes()).hexdigest()

    @property
    def starts(self) -> tuple[int, ...]:
        """Steps after which it is logged densely: the first, and that of the branch."""
        return (0,) if self.branch is None else (0, self.branch)


def settings_of(size: str) -> Settings:
    """Return what the runs of a size share; size ``smoke`` takes seconds."""
    if size == "smoke":
        return Settings(SMOKE, steps=30, warmup=4, batch=8, eval_windows=16, log_every=5)
    return Settings(SIZES[size])


def plan(size: str) -> list[Planned]:
    """Return all runs of a size, parents before the runs that branch from them."""
    shared = settings_of(size)
    steps, peak = shared.steps, PEAKS[size]
    low, last = 0.1 * peak, steps * 4 // 5
    trunk = _planned("constant-2t", size, shared, kind="constant", steps=2 * steps, peak=peak)

    def new(name: str, kind: str, times: int = 1, seed: int = 0, peak: float = peak, **more: Any) -> Planned:
        return _planned(name, size, shared, seed, kind=kind, steps=times * steps, peak=peak, **more)

    def branched(name: str, kind: str, times: int = 1, **more: Any) -> Planned:
        run = new(name, kind, times, **more)
        branch = shared_steps(trunk.schedule, run.schedule)
        return Planned(name, size, shared, 0, run.arguments, run.schedule, trunk.name, branch)

    return [
        trunk,
        new("cosine10-t", "cosine", end=low),
        branched("drop30-t", "two-stage", second=0.3 * peak, drop_at=steps // 2),
        branched("drop10-t", "two-stage", second=0.1 * peak, drop_at=steps // 2),
        branched("wsd-linear-t", "wsd", decay_start=last, decay="linear"),
        branched("wsd-sqrt-t", "wsd", decay_start=last, decay="sqrt"),
        branched("wsd-linear-2t", "wsd", 2, decay_start=2 * last, decay="linear"),
        branched("wsd-sqrt-2t", "wsd", 2, decay_start=2 * last, decay="sqrt"),
        new("cyclic-t", "cyclic", end=low, cycles=2, rewarm=steps // 20),
        new("cosine0-t", "cosine"),
        new("linear0-t", "linear"),
        new("cosine10-2t", "cosine", 2, end=low),
        new("cosine10-half-t", "cosine", peak=peak / 2, end=low / 2),
        new("cosine10-double-t", "cosine", peak=2 * peak, end=2 * low),
        # The repeated seeds of the constant rate end at T: the trunk of seed 0 has that step too.
        *(new(f"cosine10-t-seed{seed}", "cosine", seed=seed, end=low) for seed in (1, 2)),
        *(new(f"constant-t-seed{seed}", "constant", seed=seed) for seed in (1, 2)),
    ]


def trials(size: str) -> list[Planned]:
    """Return the short runs from whose losses the peak rate of a size was chosen."""
    shared = settings_of(size)
    steps = shared.steps // 10
    return [_planned(f"trial-{peak:g}", size, shared, kind="constant", steps=steps, peak=peak) for peak in TRIAL_RATES]


def log_steps(run: Planned) -> list[int]:
    """Return the steps after which a run is evaluated.

    Powers of two after its first step and after its branch, every 50 steps throughout, and the
    last steps of both lengths, at which runs are compared.
    """
    n, shared = len(run.schedule), run.settings
    dense = {start + offset for start in run.starts for offset in (0, 1, 2, 4, 8, 16, 32)}
    ends = {shared.steps - 1, n - 1}
    return sorted(step for step in dense | ends | set(range(0, n, shared.log_every)) if step < n)


def steps_to_train(run: Planned) -> int:
    """Return how many steps a run takes, its parent's aside."""
    return len(run.schedule) - (run.branch or 0)


def branches(run: Planned, runs: list[Planned]) -> list[int]:
    """Return the steps at which other runs branch off a run."""
    return sorted({int(np.int64(r.branch or 0)) for r in runs if r.parent == run.name})


def _planned(name: str, size: str, settings: Settings, seed: int = 0, **arguments: Any) -> Planned:
    arguments = {**arguments, "warmup": settings.warmup}
    return Planned(name, size, settings, seed, arguments, named_schedule(**arguments))
