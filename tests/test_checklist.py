"""The checklist of a report: answers are facts of cards, runs and rows, and empty where none is known."""

from __future__ import annotations

import pandas as pd
import pytest

import lawbench
from lawbench.data.dataset import find_card
from lawbench.provenance.here import state
from lawbench.report.checklist import board_items, checklist, data_items, fit_items, on_board

SHIPPED = "pycode-bytes"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    tasks = [f"{SHIPPED}/schedule-25k", f"{SHIPPED}/horizon-cosine-50-25k"]
    return lawbench.run(["power_steps", "pow3"], tasks, n_jobs=1, out=tmp_path_factory.mktemp("rows"))


def test_answers_are_those_of_the_card_and_the_runs() -> None:
    data = lawbench.load_dataset(SHIPPED)
    said = {item.question: item.answer for item in data_items(data.card, data.runs)}
    assert said["runs"] == str(len(data.runs))
    assert said["how N is counted"] == data.card.n_params_counts
    assert said["licence"] == data.card.licence
    assert said["source"] == "shipped with lawbench"
    peaks = [run.schedule.peak for run in data.runs if run.schedule is not None]
    assert said["peak learning rate"].split(" to ")[0] == f"{min(peaks):.4g}"


def test_what_is_not_known_is_empty() -> None:
    card = find_card(SHIPPED)
    assert all(item.answer == "" for item in data_items(None, None))
    without = {item.question: item.answer for item in data_items(card, None)}
    assert without["runs"] == without["warm-up"] == without["model sizes"] == without["how C is counted"] == ""
    assert without["how hyper-parameters were chosen, and whether they scale"] == ""
    assert without["loss"]


def test_a_board_states_its_split_and_its_numbers(rows: pd.DataFrame) -> None:
    here = on_board(rows, "horizon")
    assert set(here["task"]) == {f"{SHIPPED}/horizon-cosine-50-25k"}
    said = {item.question: item.answer for item in board_items(here, find_card(SHIPPED))}
    assert "up to 0.5" in said["what is predicted"]
    assert said["least error of a task"].startswith(f"{here['log_mae'].min():.4g}")
    assert said["prediction intervals"] == said["unit of the bootstrap"] == ""
    assert said["failed fits"] == "0 of 2 cells"
    assert on_board(rows, "scale").empty


def test_every_dataset_and_board_of_a_report_has_its_table(rows: pd.DataFrame) -> None:
    text = checklist(rows, state(rows))
    heads = [line for line in text.splitlines() if line.startswith("#")]
    boards = [f"### {SHIPPED}, board {board}" for board in ("schedule", "horizon", "horizon-steps")]
    assert heads == ["# Checklist", "## Laws", "## Fits", f"## {SHIPPED}", *boards]
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| Validation")}
    assert widths == {2}
    assert "huber, delta 0.001" in text


def test_a_law_and_a_dataset_from_elsewhere_leave_blanks(rows: pd.DataFrame) -> None:
    other = rows.assign(law="theirs", dataset="elsewhere")
    text = checklist(other, state(other))
    assert "| theirs | | | | |" in text
    assert "| Training | runs |  |" in text
    assert all(item.answer != "nan" for item in fit_items(other, state(other)))
