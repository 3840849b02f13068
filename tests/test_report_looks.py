"""How a report looks: colours of laws, numbers and paths as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lawbench.registry import law_names
from lawbench.report import tables
from lawbench.report.colours import LINES, PALETTE, law_looks, styles
from lawbench.report.manifest import without_paths


def contrast(a: str, b: str) -> float:
    """Contrast ratio as the web guidelines define it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira and Fernandes 2009, table 1, severity 1: what a colour-blind reader sees, in linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colours: Sequence[str], sight: str) -> np.ndarray:
    """CIELAB of colours as a reader sees them."""
    values = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(SIGHT[sight]).T, 0, 1)
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
    )
    f = np.cbrt(xyz @ seen.T / np.array([[0.95047], [1.0], [1.08883]]))
    return np.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_readers_tell_the_palette_apart(sight: str) -> None:
    seen = lab(PALETTE, sight)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 1e3 * np.eye(len(PALETTE))
    assert apart.min() > 10


def test_a_law_keeps_its_look_and_entries_look_different() -> None:
    laws = [*law_names(), "new_one"]
    looks = law_looks(laws)
    assert len(set(looks.values())) == len(laws) <= len(PALETTE) * len(LINES)
    for law in laws:
        assert law_looks([law]) == {law: looks[law]}
    assert all(contrast(colour, "#ffffff") > 3 for colour in (*PALETTE, *(c for c, _ in looks.values())))
    entries = [
        ("mpl", "mpl", "common"), ("mpl[warmup=raw]@paper", "mpl", "paper"),
        ("mpl@published:a", "mpl", "published:a"), ("mpl@published:b", "mpl", "published:b"),
    ]  # fmt: skip
    drawn = styles(entries)
    assert len({(s.marker, s.filled) for s in drawn.values()}) == 4
    assert len({s.dash for s in drawn.values()}) == 4
    assert {s.colour for s in drawn.values()} == {looks["mpl"][0]}


def test_text_of_the_page_can_be_read() -> None:
    css = (files("lawbench.report") / "templates" / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    for ground in ("#ffffff", colours["wash"]):
        assert all(contrast(colours[text], ground) >= 4.5 for text in ("ink", "soft", "link"))
        assert contrast(colours["edge"], ground) >= 3


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
