"""README and docs/reading.md say what the committed reports say."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import pytest

from .house import REPOSITORY

REPORT = REPOSITORY / "reports" / "full-0.2.0"
TEXT = " ".join((REPOSITORY / "docs" / "reading.md").read_text(encoding="utf-8").split())
SKILLS = re.findall(r"`([^`]+)` (−?\.\d{3}) \(([\w-]+)\)", TEXT)
ERRORS = re.findall(r"`([^`]+)` (\d+\.\d+) % on `([^`]+)`", TEXT)


@pytest.fixture(scope="module")
def boards() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REPORT / "board.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(REPORT / "results.csv", low_memory=False)


def test_there_is_something_to_check() -> None:
    assert len(SKILLS) >= 20
    assert len(ERRORS) >= 6


@pytest.mark.parametrize(("entry", "skill", "board"), SKILLS)
def test_a_skill_is_that_of_its_row(boards: dict[str, Any], entry: str, skill: str, board: str) -> None:
    (row,) = [row for row in boards[board]["rows"] if row["entry"] == entry]
    assert f"{row['skill']:.3f}".replace("0.", ".", 1) == skill.replace("−", "-")


@pytest.mark.parametrize(("entry", "error", "task"), ERRORS)
def test_an_error_is_that_of_its_row(rows: pd.DataFrame, entry: str, error: str, task: str) -> None:
    (value,) = rows.loc[(rows["entry"] == entry) & (rows["task"] == task), "log_mae"]
    assert f"{100 * value:.2f}" == error


def test_the_recipe_numbers_are_those_of_the_rows(rows: pd.DataFrame) -> None:
    for size, early, converged, counted in (
        ("25m", ".00376", ".00440", (".00164", ".00154")),
        ("100m", ".00435", ".00478", (".00255", ".00225")),
        ("400m", ".00484", ".00630", (".00326", ".00340")),
    ):
        own = rows[rows["task"] == f"multi-power-{size}/schedule"].set_index("entry")
        for entry, whole, part in (("mpl[warmup=raw]@paper", early, counted[0]), ("mpl", converged, counted[1])):
            assert f"{own.loc[entry, 'mae_unmasked']:.5f}" == f"0{whole}"
            assert f"{own.loc[entry, 'log_mae']:.5f}" == f"0{part}"
            assert whole in TEXT
            assert part in TEXT


def test_counts_are_those_of_the_report(rows: pd.DataFrame, boards: dict[str, Any]) -> None:
    cells = f"{rows['task'].nunique()} tasks of {rows['dataset'].nunique()} datasets, {rows['law'].nunique()} laws, "
    assert f"{cells}{rows['entry'].nunique()} entries, {len(rows):,} cells" in TEXT
    assert f"{(rows['status'] == 'failed').sum()} cells failed" in TEXT
    right = {row["entry"]: row["decisions"] for row in boards["schedule"]["rows"]}
    assert f"{right['sublinear_area@regularised']:.0%}".replace("%", " %") in TEXT
    assert f"{right['annealing_area[warmup=raw]']:.0%}".replace("%", " %") in TEXT


def test_coverage_is_that_of_the_boards(boards: dict[str, Any]) -> None:
    found = {name: {row["entry"]: row["coverage"] for row in board["rows"]} for name, board in boards.items()}
    ours = [found[name]["sublinear_area@regularised"] for name in ("schedule", "horizon")]
    assert f"cover {ours[0]:.0%} of the points of the schedule board and {ours[1]:.0%} of".replace("%", " %") in TEXT
    assert f"has {found['scale']['overtraining']:.0%} on the scale".replace("%", " %") in TEXT


def test_the_folders_hold_reports_of_this_version() -> None:
    from lawbench import __version__

    for name in ("full", "offline"):
        facts = json.loads((REPOSITORY / "reports" / f"{name}-{__version__}" / "manifest.json").read_text("utf-8"))
        assert facts["lawbench"] == __version__
        assert facts["committed"]
        assert facts["suite"].startswith(name)
