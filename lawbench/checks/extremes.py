"""Checks far from what is fitted: long horizons, no learning rate, a rate that rises again."""

from __future__ import annotations

import numpy as np

from lawbench.checks.prediction import must_be_losses
from lawbench.checks.samples import PEAK, STEPS, WARMUP, draw, sample_run, sample_runs
from lawbench.law import Law
from lawbench.schedule import Schedule
from lawbench.shapes import cosine, cyclic, linear


def check_long_horizon(law: type[Law]) -> None:
    """Predictions stay finite and above 0 for runs ten times as long."""
    model = law()
    must_be_losses(model, draw(model, 5), sample_runs(steps=10 * STEPS, every=1000), " on a run ten times as long")


def check_zero_rate(law: type[Law]) -> None:
    """Predictions stay finite and above 0 where the rate is 0 for the last quarter of the run."""
    model = law()
    decay = linear(3 * STEPS // 4, PEAK, 0.0, WARMUP)
    still = Schedule(np.concatenate([decay.lr, np.zeros(STEPS // 4)]), warmup=WARMUP)
    must_be_losses(model, draw(model, 5), [sample_run("still", still)], " where the rate is 0")


def check_rewarmed(law: type[Law]) -> None:
    """Predictions stay finite and above 0 where the rate rises again, from 0 or to a higher peak than before."""
    model = law()
    restart = cyclic(STEPS, PEAK, 0.0, WARMUP, cycles=4, rewarm=50)
    higher = np.concatenate([cosine(STEPS // 2, PEAK, 0.1 * PEAK, WARMUP).lr, cosine(STEPS // 2, 3 * PEAK).lr])
    runs = [sample_run("restart", restart), sample_run("higher", Schedule(higher, warmup=WARMUP), i=1)]
    must_be_losses(model, draw(model, 5), runs, " on a re-warmed schedule")
