"""Loading: all datasets parsed and kept, and how time and memory grow with the length of a curve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lawbench
from lawbench.data.dataset import read_dataset
from lawbench.data.sources import fetch, where

POINTS = 10_000_000
SAMPLE = 500_000
MIB = 1 << 20

# Seconds of CPU and peak memory above that of the imports, of one call in a process of its own.
# The peak is that of the address space where Linux tells it: `getrusage` also remembers, from
# before the process became its own, how large the one that started it was.
MEASURE = """
import resource, sys, time
from pathlib import Path
import numpy as np
{imports}
def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before, start = peak(), time.process_time()
{call}
print(time.process_time() - start, peak() - before)
"""


def _measured(imports: str, call: str, **environment: str) -> tuple[float, float]:
    code = MEASURE.format(imports=imports, call=call)
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=dict(os.environ) | environment
    )
    seconds, grown = done.stdout.split()
    return float(seconds), float(grown)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Cards of the datasets at hand; what is parsed of them is kept in a folder of its own."""
    cards = [card for card in lawbench.datasets() if not {"upstream", "cache"} & set(where(card).values())]
    if not cards:
        pytest.skip("no dataset is shipped or mirrored: set LAWBENCH_MIRROR")
    monkeypatch.setenv("LAWBENCH_CACHE", str(tmp_path))
    return cards


def test_all_datasets_cold_and_warm(
    benchmark: Any, clock: Any, against: Any, here: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every dataset at hand: parsed, then from what is kept of it; and hashing its files, which both do."""

    def load() -> None:
        for card in here:
            read_dataset(card)

    monkeypatch.setenv("LAWBENCH_PARSED", "off")
    load()  # imports, and files into the page cache
    cold = clock(load)
    monkeypatch.delenv("LAWBENCH_PARSED")
    load()
    benchmark.pedantic(load, rounds=3)
    warm = benchmark.stats["median"]
    against(f"{len(here)} datasets, parsed, against kept", cold, warm, "asked > 1x")
    against("the same, against hashing their files alone", cold, clock(lambda: [fetch(card) for card in here]), "")


def test_memory_of_all_datasets(against: Any, here: list[Any]) -> None:
    """Peak memory of holding every dataset at once, against the bytes of its files."""
    names = [card.name for card in here]
    size = sum(file.bytes for card in here for file in card.source.files)
    _, grown = _measured(
        "import lawbench, lawbench.data.dataset", f"kept = list(map(lawbench.load_dataset, {names!r}))"
    )
    against(f"{len(here)} datasets held at once, files against memory", size / MIB, grown / MIB, "", "MB")


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Path]]:
    """Curves of three lengths as CSV files; deleted afterwards, the longest has 260 MB."""
    folder = tmp_path_factory.mktemp("curves")
    losses = [f",{2 + 3 / (i + 1)}\n" for i in range(1000)]
    found = {}
    for points in (SAMPLE, POINTS // 10, POINTS):
        found[points] = folder / f"{points}.csv"
        with found[points].open("w") as stream:
            stream.write("step,loss\n")
            stream.writelines(f"{i}{losses[i % 1000]}" for i in range(points))
    yield found
    for path in found.values():
        path.unlink()


def test_a_curve_of_ten_million_points(against: Any, curves: dict[int, Path]) -> None:
    """From CSV to a run: against the row-by-row reader (a twentieth, scaled up), and against a tenth of the points."""
    imports = "from lawbench.data import readers\nfrom lawbench.runs import Run"
    ours = {
        points: _measured(
            imports,
            f"curve = readers.read_curve(Path({str(curves[points])!r}))\n"
            "run = Run('long', curve.steps.astype(np.int64), curve.loss)",
        )
        for points in (POINTS // 10, POINTS)
    }
    seconds, grown = _measured(imports, f"readers._read(Path({str(curves[SAMPLE])!r}), ['step', 'loss'])")
    times = POINTS / SAMPLE
    (tenth, tenth_grown), (whole, whole_grown) = ours.values()
    against("10 million points, row by row, against ours (CPU)", times * seconds, whole, "asked >= 5x")
    against("the same, memory", times * grown / MIB, whole_grown / MIB, "asked >= 3x", "MB")
    against("ten times a million points, against 10 million (CPU)", 10 * tenth, whole, "linear: about 1x")
    against("the same, memory", 10 * tenth_grown / MIB, whole_grown / MIB, "linear: about 1x", "MB")
