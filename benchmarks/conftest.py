"""Prints, after the table of seconds, the ratios: seconds are this machine's, ratios are the result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

import lawbench
from lawbench.errors import LawbenchError

RATIOS: list[tuple[str, float, float, str, str]] = []


@pytest.fixture
def against() -> Callable[..., float]:
    """Return a function that records what a reference takes, what we do and what was asked, and gives the ratio."""

    def record(name: str, reference: float, ours: float, asked: str, unit: str = "s") -> float:
        RATIOS.append((name, reference, ours, asked, unit))
        return reference / ours

    return record


@pytest.fixture
def clock() -> Callable[[Callable[[], Any]], float]:
    """Return a function that times one call."""

    def measure(call: Callable[[], Any]) -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return measure


@pytest.fixture(scope="session")
def dataset() -> Callable[[str], Any]:
    """Return a loader that skips where the data cannot be reached."""

    def load(name: str) -> Any:
        try:
            return lawbench.load_dataset(name)
        except LawbenchError as error:
            pytest.skip(str(error))

    return load


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if RATIOS:
        terminalreporter.section(f"ratios on {os.cpu_count()} cores")
        for name, reference, ours, asked, unit in RATIOS:
            ratio = f"{reference / ours:8.0f}x" if reference >= 10 * ours else f"{reference / ours:8.2f}x"
            terminalreporter.write_line(
                f"{name:<52} reference {reference:9.3f} {unit:<2} ours {ours:9.4f} {unit:<2} {ratio}   {asked}"
            )
