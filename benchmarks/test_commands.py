"""Commands as a user meets them: CPU to start, the whole benchmark cold, and again when all is stored."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lawbench
from lawbench.errors import LawbenchError


def _cpu(*arguments: str) -> float:
    """CPU seconds of the best of five runs of a command."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


@pytest.mark.parametrize("command", ["--help", "laws"])
def test_starting_a_light_command(benchmark: Any, against: Any, command: str) -> None:
    """CPU seconds, beside those of importing numpy, which every law needs."""
    reference = _cpu("-c", "import numpy")
    ours = benchmark.pedantic(lambda: _cpu("-m", "lawbench.cli", command), rounds=1)
    against(f"lawbench {command} (CPU), against importing numpy", reference, ours, "asked <= 0.4 s CPU")


def test_the_whole_benchmark_cold_and_warm(benchmark: Any, clock: Any, against: Any, tmp_path: Path) -> None:
    """Every law on every task, all recipes, without the report; then once more from the store."""
    try:
        for task in lawbench.tasks():
            lawbench.load_task(task.name)
    except LawbenchError as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "lawbench.cli", "run", "--no-report", "--out", str(tmp_path / "results")]

    def once() -> None:
        subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))

    cold = clock(once)
    benchmark.pedantic(once, rounds=3)
    warm = benchmark.stats["median"]
    against("the whole benchmark, cold, against stored", cold, warm, "asked <= 90 s, <= 3 s")
