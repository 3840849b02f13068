"""Checks that a choice of units changes nothing once the parameters are fitted again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lawbench.checks.fitting import apart
from lawbench.checks.samples import PEAK, reference
from lawbench.fitting.fit import fit
from lawbench.law import Law
from lawbench.runs import Run
from lawbench.schedule import Schedule

SAME = 1e-4
"""Relative difference of predictions that a change of units may make: a tenth of the noise."""
_MANY, _THOUSAND, _EVERY = 4, 1e3, 3


def check_step_unit(law: type[Law]) -> None:
    """Time may be counted in steps or in the tokens of a smaller batch: every step as four of the same rate."""
    _unchanged(law, _finer, "counting every step as four")


def check_token_unit(law: type[Law]) -> None:
    """Tokens may be counted in thousands."""
    _unchanged(law, _thousands, "counting tokens in thousands")


def check_rate_unit(law: type[Law]) -> None:
    """Learning rates may be divided by their peak."""
    _unchanged(law, _normalised, "dividing the learning rate by its peak")


def _unchanged(law: type[Law], change: Callable[[Run], Run], what: str) -> None:
    """Raise where a fit to changed runs predicts otherwise; a law that does not see the change needs no fit."""
    known = reference(law, _EVERY)
    before, runs = known.fit.predict(known.runs), [change(run) for run in known.runs]
    if apart(known.fit.predict(runs), before) == 0.0:
        return
    off = apart(fit(law, runs).predict(runs), before)
    assert off <= SAME, f"{what} changes its refitted predictions by {off:.1e}"


def _finer(run: Run) -> Run:
    assert run.schedule is not None
    schedule = Schedule(np.repeat(run.schedule.lr, _MANY), warmup=_MANY * run.schedule.warmup)
    assert run.tokens_per_step is not None
    per_step, meta = run.tokens_per_step / _MANY, {**run.meta, "cpt_start": _MANY * run.meta["cpt_start"]}
    return replace(run, steps=_MANY * run.steps + _MANY - 1, schedule=schedule, tokens_per_step=per_step, meta=meta)


def _thousands(run: Run) -> Run:
    assert run.tokens is not None
    assert run.tokens_per_step is not None
    meta = {**run.meta, "unique_tokens": run.meta["unique_tokens"] / _THOUSAND}
    return replace(run, tokens=run.tokens / _THOUSAND, tokens_per_step=run.tokens_per_step / _THOUSAND, meta=meta)


def _normalised(run: Run) -> Run:
    assert run.schedule is not None
    return replace(run, schedule=Schedule(run.schedule.lr / PEAK, warmup=run.schedule.warmup))
