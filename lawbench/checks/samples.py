"""What the checks give to a law: made-up runs with every input, random parameters, a reference fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from time import process_time
from types import MappingProxyType
from typing import Any

import numpy as np

from lawbench.fitting.fit import fit
from lawbench.fitting.result import Fit
from lawbench.fitting.space import space_of
from lawbench.law import Inputs, Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule
from lawbench.shapes import named_schedule

PEAK, STEPS, WARMUP = 3e-4, 4000, 200
NOISE = 1e-3
"""Relative noise of the reference runs: about that of a smoothed training loss."""
SAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "constant": {},
        "cosine": {"end": 3e-5},
        "linear": {"end": 0.0},
        "wsd": {"end": 3e-5, "decay_start": 3000, "decay": "exponential"},
        "two-stage": {"second": 9e-5, "drop_at": 2000},
        "cyclic": {"end": 0.0, "cycles": 3, "rewarm": 100},
    }
)
"""A schedule of every shape of `lawbench.shapes`."""
FITTED = ("cosine", "two-stage", "constant")


def sample_runs(shapes: Sequence[str] = tuple(SAMPLES), steps: int = STEPS, every: int = 40) -> list[Run]:
    """Return made-up runs that provide every input: curves of several sizes under several schedules."""
    stretch = steps / STEPS
    runs = []
    for i, shape in enumerate(shapes):
        more = {
            key: int(value * stretch) if key in ("decay_start", "drop_at") else value
            for key, value in SAMPLES[shape].items()
        }
        schedule = named_schedule(shape, steps=steps, peak=PEAK, warmup=WARMUP, **more)
        runs.append(sample_run(shape, schedule, every, i))
    return runs


def sample_run(name: str, schedule: Schedule, every: int = 40, i: int = 0) -> Run:
    """Return a made-up run of one schedule, logged from the end of its warm-up on; `i` sets size and position."""
    steps = np.arange(schedule.warmup, len(schedule), every)
    loss = np.asarray(2.0 + 6.0 * (steps + 1.0) ** -0.4 + 0.01 * i, dtype=np.float64)
    return Run(
        name,
        steps,
        loss,
        schedule,
        n_params=1e7 * 3**i,
        tokens_per_step=2.0**19,
        dataset="sample",
        position=2**i,
        meta={"unique_tokens": 5e8, "cpt_start": len(schedule) // 2},
        paired_loss=1.1 * loss - 0.1,
    )


def typical(law: Law) -> FloatArray:
    """Return the parameters that the law calls typical, shape (k,)."""
    return np.array([p.start for p in law.parameters], dtype=np.float64)


def moved(law: Law, by: FloatArray) -> FloatArray:
    """Return parameters away from the typical ones: by a factor ``exp(by)``, or by a share of the value.

    Parameters
    ----------
    by : ndarray, shape (..., k)
    """
    space = space_of(law)
    centre = space.coordinates(typical(law))
    theta = centre + by * np.where(space.is_log, 1.0, np.abs(centre))
    return np.asarray(space.values(np.clip(theta, space.low, space.high)), dtype=np.float64)


def draw(law: Law, count: int = 20, seed: int = 0) -> FloatArray:
    """Return seeded parameter vectors near the typical ones, shape (count, k)."""
    by = np.random.default_rng(seed).normal(scale=0.1, size=(count, len(law.parameters)))
    return moved(law, by)


def stacked(law: Law, runs: Sequence[Run]) -> Inputs:
    """Return the inputs of runs to be predicted, end to end."""
    return law.stack([law.prepare(run.withhold()) for run in runs])


def own_runs(law: type[Law], noise: float = 0.0) -> list[Run]:
    """Return three runs whose losses are what a law predicts at its typical parameters, with seeded noise."""
    model, runs = law(), sample_runs(FITTED)
    losses = np.split(np.asarray(model.predict(typical(model), stacked(model, runs))), len(runs))
    rng = np.random.default_rng(0)
    return [
        replace(run, loss=loss * np.exp(noise * rng.normal(size=loss.size)))
        for run, loss in zip(runs, losses, strict=True)
    ]


@dataclass(frozen=True)
class Reference:
    """The fit of a law to its own noisy predictions, which several checks look at.

    Attributes
    ----------
    runs : list of Run
    fit : Fit
    seconds : float
        CPU time of the fit.
    """

    runs: list[Run]
    fit: Fit
    seconds: float


@lru_cache(maxsize=4)
def reference(law: type[Law], every: int = 1) -> Reference:
    """Return the reference fit of a law, to every point or fewer; the last ones are kept."""
    runs = [run.select(np.arange(len(run)) % every == 0) for run in own_runs(law, NOISE)]
    began = process_time()
    found = fit(law, runs)
    return Reference(runs, found, process_time() - began)
