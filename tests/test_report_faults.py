"""Reports from bad input: they come out, say what is missing, and rank nothing they should not."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lawbench.cell import Outcome
from lawbench.report import page as page_module
from lawbench.report import parts, tables
from lawbench.report.page import write_report
from lawbench.report.studio import Studio
from lawbench.store import Store, load_cells, load_rows
from tests.reports import CURVES, POINTS, fake_dataset, fake_task, make_predictions, make_rows


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lawbench.tasks"), "load_task", fake_task)
    monkeypatch.setattr(import_module("lawbench.data.dataset"), "load_dataset", fake_dataset)
    # What these tests are about is the page; figures take most of the time and have tests of their own.
    monkeypatch.setattr(Studio, "draw", lambda *_args, **_more: None)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("&#39;", "'")


def ranked(folder: Path, board: str) -> dict[str, Any]:
    """Rank by entry, as ``board.json`` says."""
    return {row["entry"]: row["rank"] for row in json.loads((folder / "board.json").read_text())[board]["rows"]}


def test_other_schemas_and_foreign_files_are_named_and_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for row in make_rows().to_dict("records"):
        clean = {k: None if v is pd.NA or v != v else v for k, v in row.items()}
        store.write(Outcome(clean, (), {"alpha": 0.5}))
    first, second = sorted(store.folder.glob("*.json"))[:2]
    cell = json.loads(first.read_text())
    first.write_text(json.dumps({**cell, "schema": 1}))
    second.write_text("{")
    (store.folder / "other.json").write_text('{"a": 1}')
    rows = load_rows(store.folder)
    params = {(c.row["task"], c.row["entry"]): c.params for c in load_cells(store.folder)}
    written = text_of(write_report(rows, {}, tmp_path / "out", params=params))
    assert "was written by another version of lawbench (schema 1): ignored." in written
    assert "is damaged or not a lawbench result: ignored." in written
    assert "'other.json' is not a lawbench result: ignored." in written
    assert str(tmp_path) not in written
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == len(make_rows()) - 2


def test_an_entry_without_some_cells_is_shown_and_not_ranked(tmp_path: Path) -> None:
    rows = make_rows()
    more = rows[(rows["task"] == CURVES) & (rows["entry"] != "mpl")].assign(task="multi-power-25m/schedule",
                                                                         dataset="multi-power-25m")  # fmt: skip
    path = write_report(pd.concat([rows, more]), {}, tmp_path)
    assert ranked(tmp_path, "schedule")["mpl"] is None
    assert ranked(tmp_path, "schedule")["power_steps"] is not None
    assert "is not ranked: no result on multi-power-25m/schedule" in text_of(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_an_entry_without_a_usable_error_counts_as_failed(tmp_path: Path, bad: float) -> None:
    rows = make_rows()
    rows.loc[rows["entry"] == "mpl", "log_mae"] = bad
    path = write_report(rows, make_predictions(), tmp_path)
    board = json.loads((tmp_path / "board.json").read_text())["schedule"]
    row = next(row for row in board["rows"] if row["entry"] == "mpl")
    assert row["failed"] == 1
    assert row["rank"] > 1
    assert "NaN" not in (tmp_path / "board.json").read_text()
    assert path.is_file()


def test_a_board_without_its_baseline_ranks_nothing_and_says_so(tmp_path: Path) -> None:
    rows = make_rows()
    path = write_report(rows[rows["entry"] != "power_steps"], {}, tmp_path)
    boards = json.loads((tmp_path / "board.json").read_text())
    assert "schedule" not in boards
    assert set(ranked(tmp_path, "scale").values()) == {1, 2}
    assert "Board schedule is left out: none of its tasks has a result of its baseline." in text_of(path)


def test_a_track_without_cells_has_no_board(tmp_path: Path) -> None:
    rows = make_rows()
    path = write_report(rows[rows["task"] == POINTS], {}, tmp_path)
    assert list(json.loads((tmp_path / "board.json").read_text())) == ["scale"]
    assert 'id="board-schedule"' not in text_of(path)


def test_a_metric_that_nobody_knows_loses_its_board_only(tmp_path: Path) -> None:
    rows = make_rows()
    rows.loc[rows["task"] == CURVES, "metric"] = "accuracy"
    path = write_report(rows, {}, tmp_path)
    assert list(json.loads((tmp_path / "board.json").read_text())) == ["scale"]
    assert "Board schedule could not be made: InputError: rows are to be ranked by 'accuracy'" in text_of(path)


def test_a_failing_table_loses_only_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(_: Any) -> tables.Table:
        raise KeyError("nothing")

    monkeypatch.setattr(page_module, "PARTS", (parts.TablePart("mine", "Mine", fails), *parts.PARTS))
    written = text_of(write_report(make_rows(), {}, tmp_path))
    assert "Table mine of board schedule could not be made: KeyError: 'nothing'." in written
    assert "Pairs of entries" in written


def test_a_new_part_is_one_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    columns = (tables.Column("entry", "entry", tables.text), tables.Column("skill", "my skill", tables.fixed(2)))
    mine = parts.TablePart("mine", "A table of my own", lambda facts: tables.table(facts.board, columns))
    monkeypatch.setattr(page_module, "PARTS", (*parts.PARTS, mine))
    written = text_of(write_report(make_rows(), {}, tmp_path))
    assert written.count("A table of my own</summary>") == 2
    assert "my skill" in written
