"""The conformance suite itself: each check finds the fault that it is there for, and exceptions are kept honest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from lawbench.checks import CHECKS, check_law
from lawbench.checks.suite import run_check
from lawbench.law import Law

from .faults import FAULTS, Negative, Sound


def test_a_sound_law_passes() -> None:
    assert [result for result in check_law(Sound) if result.status != "passed"] == []


@pytest.mark.parametrize(
    ("check", "law"),
    [(check, law) for check, laws in FAULTS.items() for law in laws],
    ids=lambda x: getattr(x, "name", x),
)
def test_each_check_finds_its_fault(check: str, law: type[Law]) -> None:
    found = run_check(check, law)
    assert found.status == "failed"
    assert found.reason


def test_every_check_but_that_of_time_has_a_fault_here() -> None:
    assert set(CHECKS) - set(FAULTS) == {"budget"}


def test_a_slow_law_exceeds_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that a test would have to waste is taken off the yardstick instead."""
    assert run_check("budget", Sound).status == "passed"
    monkeypatch.setattr("lawbench.checks.budget.yardstick", lambda: 1e-9)
    assert "are allowed" in run_check("budget", Sound).reason


def test_a_declared_exception_counts_as_kept() -> None:
    class Declared(Negative):
        exceptions: ClassVar[Mapping[str, str]] = {"finite": "on purpose"}

    found = run_check("finite", Declared)
    assert (found.status, found.passed, found.reason) == ("excepted", True, "on purpose")


def test_a_stale_exception_fails() -> None:
    class Stale(Sound):
        exceptions: ClassVar[Mapping[str, str]] = {"finite": "on purpose"}

    found = run_check("finite", Stale)
    assert (found.status, found.passed) == ("stale", False)
    assert "take the exception out" in found.reason


@pytest.mark.parametrize(
    ("exceptions", "reason"), [({"finte": "why"}, "finte, which is no check"), ({"finite": ""}, "without a reason")]
)
def test_exceptions_name_checks_and_reasons(exceptions: dict[str, str], reason: str) -> None:
    class Odd(Sound):
        __doc__ = Sound.__doc__

    Odd.exceptions = exceptions
    assert reason in run_check("citation", Odd).reason


def test_a_plug_in_author_gets_one_case_a_check(tmp_path: Path) -> None:
    """An exception is an expected failure with its reason; a stale one fails."""
    (tmp_path / "test_mine.py").write_text(
        """
from lawbench.checks import parametrize_with_checks
from lawbench.registry import find_law


class Mine(find_law("power_steps")):
    exceptions = {"finite": "it dives", "shape": "it does not"}

    def predict(self, p, x):
        return super().predict(p, x) - 3.0


@parametrize_with_checks(["power_steps", Mine])
def test_mine(law, check):
    check(law)
"""
    )
    names = "finite or shape or batch"
    command = [sys.executable, "-m", "pytest", "-q", "-rxf", "-p", "no:cacheprovider", "-k", names, tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 4 passed" in done.stdout
    assert "1 xfailed" in done.stdout
    assert "it dives" in done.stdout
    assert "XPASS(strict)" in done.stdout
