"""The check of cost, in units of a computation that runs in the same process."""

from __future__ import annotations

from time import process_time

import numpy as np

from lawbench.checks.samples import reference
from lawbench.law import Law

MOST = 1000.0
"""Largest cost of a reference fit, in units of `yardstick`: ten times that of the dearest registered law."""


def yardstick() -> float:
    """Return the CPU seconds of a million powers, the shortest of three times."""
    base = np.linspace(1.0, 2.0, 1_000_000)
    times = []
    for _ in range(3):
        began = process_time()
        np.exp(-0.5 * np.log(base))
        times.append(process_time() - began)
    return min(times)


def check_budget(law: type[Law]) -> None:
    """A fit of three curves of 95 points costs no more than so many million powers."""
    cost = reference(law).seconds / yardstick()
    assert cost <= MOST, f"a fit of three curves costs as much as {cost:.0f} million powers; {MOST:.0f} are allowed"
