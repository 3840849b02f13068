"""How a report looks: colours of laws, numbers and paths as they are written."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from lawbench.report import tables
from lawbench.report.colours import PALETTE, law_colours, styles
from lawbench.report.manifest import without_paths


def contrast(a: str, b: str) -> float:
    """Contrast ratio as the web guidelines define it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_law_keeps_its_colour_and_entries_look_different() -> None:
    laws = ["mpl", "chinchilla", "annealing_area", "temporal_agg", "power_steps", "new_one"]
    all_of_them = law_colours(laws)
    assert len(set(all_of_them.values())) == len(laws)
    for law in laws[:-1]:
        assert law_colours([law]) == {law: all_of_them[law]}
    assert all(contrast(colour, "#ffffff") > 2.2 for colour in (*PALETTE, *all_of_them.values()))
    entries = [
        ("mpl", "mpl", "common"), ("mpl[warmup=raw]@paper", "mpl", "paper"),
        ("mpl@published:a", "mpl", "published:a"), ("mpl@published:b", "mpl", "published:b"),
    ]  # fmt: skip
    looks = styles(entries)
    assert len({(s.marker, s.filled) for s in looks.values()}) == 4
    assert len({str(s.line) for s in looks.values()}) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lawbench run --out /tmp/a/b", "lawbench run --out b"),
        ("lawbench run --law=~/laws/mine.py", "lawbench run --law=mine.py"),
        (r"C:\Users\me\report", "report"),
        ("open '/data/x.csv': no", "open 'x.csv': no"),
        ("multi-power-100m/schedule at 1/2", "multi-power-100m/schedule at 1/2"),
    ],
)
def test_paths_are_cut(text: str, expected: str) -> None:
    assert without_paths(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-0.0001, "0.000"), (-1.5, "−1.500"), (float("nan"), "–"), (None, "–"), (float("inf"), "–"), (pd.NA, "–")],
)
def test_numbers_are_written_plainly(value: Any, expected: str) -> None:
    assert tables.fixed(3)(value) == expected


def test_small_numbers_keep_their_exponent() -> None:
    assert tables.significant(3)(1.23456e-7) == "1.23e-07"
