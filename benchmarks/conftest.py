"""Prints, after the table of seconds, the ratios: seconds are this machine's, ratios are the result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

import lawbench
from lawbench.errors import LawbenchError

RATIOS: list[tuple[str, float, float, str]] = []


@pytest.fixture
def against() -> Callable[[str, float, float, str], float]:
    """Return a function that records reference seconds, our seconds and what was asked, and gives the ratio."""

    def record(name: str, reference: float, ours: float, asked: str) -> float:
        RATIOS.append((name, reference, ours, asked))
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
        for name, reference, ours, asked in RATIOS:
            terminalreporter.write_line(
                f"{name:<52} reference {reference:9.3f} s   ours {ours:9.4f} s   {reference / ours:8.0f}x   {asked}"
            )
