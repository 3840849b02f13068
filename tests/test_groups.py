"""Near-copies: which laws count once, and that the page that says so is right."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lawbench
from lawbench.runs import Run

from .house import REPOSITORY
from .test_known_answers_size import at


def curve() -> Run:
    steps = np.arange(50, 20_000, 250)
    loss = (2.5 + 30.0 * (steps + 1.0) ** -0.5) * (1 + 1e-3 * np.sin(steps))
    return Run("curve", steps, loss, n_params=1e8, tokens_per_step=2.0**19)


def test_the_page_lists_the_groups_that_the_laws_declare() -> None:
    page = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", page, flags=re.M)
    listed = {group: re.findall(r"`(\w+)`", laws) for group, laws in rows}
    declared: dict[str, list[str]] = {}
    for law in lawbench.laws():
        declared.setdefault(law.group or law.name, []).append(law.name)
    assert listed == {group: sorted(laws) for group, laws in declared.items() if len(laws) > 1}


def test_a_power_law_without_limit_is_one_law_in_steps_and_in_compute() -> None:
    run = curve()
    steps, compute = (lawbench.fit(name, run) for name in ("m1", "compute_power"))
    assert steps.predict(run) == pytest.approx(compute.predict(run), rel=1e-8)
    assert steps.params["c"] == pytest.approx(compute.params["alpha"], rel=1e-6)


def test_laws_that_start_from_a_finite_loss_end_as_the_power_law() -> None:
    run = curve()
    power = at("power_steps", [run], L0=2.5, A=30.0, alpha=0.5)
    assert at("pow4", [run], c=2.5, a=30.0**-2, b=0.0, alpha=0.5) == pytest.approx(power, rel=1e-13)
    assert at("m4", [run], e=2.5, y0=11.0, a=1e-9, b=30.0, c=0.5)[-9:] == pytest.approx(power[-9:], rel=1e-6)
    far = {"alpha": 2.5, "kappa": 1e12, "delta": 0.5}
    assert at("mmf", [run], beta=2.5 + 30.0 * 1e6, **far) == pytest.approx(power, rel=1e-6)
