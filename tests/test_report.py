"""Reports: every file is there, says what the rows say, keeps to licences, and survives what breaks."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.errors import DataError, InputError
from lawbench.leaderboard import leaderboard, pairwise
from lawbench.registry import laws
from lawbench.report import figures, tables
from lawbench.report.equations import formula, mathml
from lawbench.report.manifest import may_show
from lawbench.report.packing import LOSS_UNIT, packed, runs_of, steps_of, unpacked
from lawbench.report.page import write_report
from tests.reports import CURVES, POINTS, fake_dataset, fake_task, make_predictions, make_rows


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lawbench.tasks"), "load_task", fake_task)
    monkeypatch.setattr(import_module("lawbench.data.dataset"), "load_dataset", fake_dataset)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("lawbench.tasks"), "load_task", fake_task)
        patch.setattr(import_module("lawbench.data.dataset"), "load_dataset", fake_dataset)
        folder = tmp_path_factory.mktemp("made") / "report"
        return write_report(make_rows(), make_predictions(), folder, command="lawbench run --out /home/me/x")


class Page(HTMLParser):
    """Collects links, ids and text, and checks that tags close in order."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self._attributes(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key in {"src", "href", "xlink:href", "action", "data", "srcset"}:
                self.references.append(value or "")


def packs(source: str) -> dict[str, Any]:
    """What the script of a page draws from."""
    found = re.findall(r'class="packed" data-name="([^"]+)">([^<]*)<', source)
    return {name: unpacked(text) for name, text in found}


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    return page


def test_every_file_is_there(report: Path) -> None:
    folder = report.parent
    assert report.name == "index.html"
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "leaderboard.md", "results.csv", "board.json", "manifest.json", "references.bib", "checklist.md",
        "figures", "tables",
    }  # fmt: skip
    assert {path.name for path in (folder / "tables").iterdir()} == {"board-schedule.tex", "board-scale.tex"}
    names = {path.name for path in (folder / "figures").iterdir()}
    for stem in ("board-schedule", "distance-schedule", "board-scale", "residuals-schedule-multi-power-100m"):
        assert {f"{stem}.svg", f"{stem}.pdf"} <= names
    assert names == set(json.loads((folder / "manifest.json").read_text())["figures"])
    assert all(path.stat().st_size > 1000 for path in (folder / "figures").iterdir())


def test_the_page_is_well_formed_and_loads_nothing(report: Path) -> None:
    page = read_page(report)
    outside = [r for r in page.references if not r.startswith(("#", "data:image/webp;base64,")) and r != "data:,"]
    assert outside == []
    assert not page.tags & {"iframe", "object", "embed", "form"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\b\s*\(", report.read_text(encoding="utf-8"))
    source = report.read_text(encoding="utf-8")
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)
    assert len(page.ids) == len(set(page.ids))
    targets = {r[1:] for r in page.references if r.startswith("#")}
    assert targets <= set(page.ids)
    assert len(targets) > 10


def test_the_page_says_what_the_rows_say(report: Path) -> None:
    text = " ".join(" ".join(read_page(report).text).split())
    assert "mpl[warmup=raw]@paper has the smallest error on one task from one dataset family" in text
    assert "0.333 times that of the baseline power_steps (skill 0.667)" in text
    assert "it raised <ValueError>" in text
    assert "gamma" in text
    assert "none stated; may not be redistributed" in text
    assert "thu-yao-01-luo/MultiPowerLaw" in text


def test_every_number_of_the_markdown_follows_from_the_csv(report: Path) -> None:
    rows = pd.read_csv(report.parent / "results.csv")
    known: set[str] = set()
    for name in ("schedule", "scale"):
        for table in (tables.board_table(leaderboard(rows, name)), tables.pair_table(pairwise(rows, name))):
            known |= {cell for cells in table.cells for cell in cells}
    document = (report.parent / "leaderboard.md").read_text(encoding="utf-8")
    lines = [line for line in document.splitlines() if line.startswith("|") and not line.startswith("|-")]
    cells = {cell.strip() for line in lines for cell in line.strip("|").split(" | ")}
    heads = {column.label for column in (*tables.BOARD, *tables.PAIRS)}
    assert cells - heads <= known
    assert len(cells - heads) > 30
    sentences = [line for line in document.splitlines() if "times that of the baseline" in line]
    assert len(sentences) == 2
    for sentence in sentences:
        assert set(re.findall(r"\d+\.\d+", sentence)) <= known


def test_the_csv_holds_every_row(report: Path) -> None:
    with (report.parent / "results.csv").open(newline="") as handle:
        back = list(csv.DictReader(handle))
    assert len(back) == len(make_rows())
    assert [(r["task"], r["entry"]) for r in back] == sorted((r["task"], r["entry"]) for r in back)
    assert float(next(r for r in back if r["entry"] == "mpl")["log_mae"]) == 0.0123 / 2


def test_the_manifest_names_no_machine(report: Path) -> None:
    import getpass
    import platform

    facts = json.loads((report.parent / "manifest.json").read_text())
    assert facts["command"] == "lawbench run --out x"
    assert re.fullmatch("[0-9a-f]{64}", facts["laws"]["mpl"])
    assert facts["laws"]["other"] is None
    assert facts["data"]["multi-power-100m"]["commit"] == "8da9f1902602f3391b971a811e3cc51604541769"
    assert facts["cells"] == {"failed": 1, "ok": 5}
    for path in report.parent.glob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert "/home/" not in text
        assert str(report.parent) not in text
        for name in {platform.node(), getpass.getuser()} - {"root", "localhost", ""}:
            assert not re.search(rf"\b{re.escape(name)}\b", text)


def test_the_same_rows_give_the_same_files(fake: None, tmp_path: Path) -> None:
    rows = make_rows()
    for name, own in (("a", rows), ("b", rows.iloc[::-1])):
        write_report(own, make_predictions(), tmp_path / name)
    date = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:+]+)?")
    files = [p.relative_to(tmp_path / "a") for p in sorted((tmp_path / "a").rglob("*.*")) if p.is_file()]
    assert len(files) > 10
    for file in files:
        a, b = ((tmp_path / name / file).read_bytes() for name in "ab")
        if file.suffix in {".html", ".json"}:
            a, b = (date.sub("", x.decode()).encode() for x in (a, b))
        assert a == b, file


def test_a_committed_report_shows_no_points_of_closed_data(fake: None, tmp_path: Path) -> None:
    page = write_report(make_rows(), make_predictions(), tmp_path, committed=True)
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert [n for n in names if "chinchilla-epoch" in n] == [
        "residuals-scale-chinchilla-epoch.webp"
    ]  # fmt: skip
    assert "residuals-schedule-multi-power-100m.svg" in names
    source = page.read_text(encoding="utf-8")
    assert source.count("data:image/webp;base64,") == 1
    data = packs(source)
    assert set(data) == {"core", "multi-power-100m"}
    assert {panel["task"] for panel in data["multi-power-100m"]["panels"]} == {CURVES}
    source += json.dumps(data)
    everything = source + "".join(p.read_text() for p in tmp_path.glob("*.*") if p.suffix != ".html")
    for run in fake_task(POINTS).truth():
        assert f"{run.loss[0]:.5f}" not in everything


def test_data_without_a_card_counts_as_closed() -> None:
    assert not may_show("no-such-dataset", committed=True)
    assert may_show("multi-power-100m", committed=True)
    assert not may_show("chinchilla-epoch", committed=True)
    assert may_show("chinchilla-epoch", committed=False)


def test_unreachable_data_leaves_out_curves_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def load(name: str) -> Any:
        if name == POINTS:
            raise DataError("no file at /home/me/mirror")
        return fake_task(name)

    monkeypatch.setattr(import_module("lawbench.tasks"), "load_task", load)
    page = write_report(make_rows(), make_predictions(), tmp_path)
    text = " ".join(read_page(page).text)
    assert "The curves of chinchilla-epoch (scale) are left out" in text
    assert "lawbench fetch chinchilla-epoch" in text
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "board-scale.svg" in names
    assert "residuals-schedule-multi-power-100m.svg" in names


def test_a_failing_figure_loses_only_itself(fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError("in /home/me/figures.py")

    monkeypatch.setattr(figures, "residuals_figure", fails)
    page = write_report(make_rows(), make_predictions(), tmp_path)
    text = " ".join(read_page(page).text)
    assert "Figure residuals-schedule-multi-power-100m could not be drawn: ZeroDivisionError: in figures.py." in text
    assert (tmp_path / "figures" / "board-schedule.svg").is_file()


@pytest.mark.parametrize("wrong", [np.ones(3), np.full(300, np.nan), np.zeros(300)])
def test_unusable_predictions_lose_only_themselves(fake: None, tmp_path: Path, wrong: np.ndarray) -> None:
    predictions = make_predictions()
    predictions[CURVES, "mpl"] = [wrong, wrong]
    page = write_report(make_rows(), predictions, tmp_path)
    assert f"The curves of entry mpl on task {CURVES} are left out" in " ".join(read_page(page).text)
    data = packs(page.read_text(encoding="utf-8"))
    place = [entry[0] for entry in data["core"]["entries"]]
    drawn = {place[int(i)] for panel in data["multi-power-100m"]["panels"] for i in panel["lines"]}
    assert drawn == {"power_steps", "mpl[warmup=raw]@paper"}


def test_a_report_without_predictions_or_rows_still_comes_out(fake: None, tmp_path: Path) -> None:
    page = write_report(make_rows(), {}, tmp_path / "a")
    assert packs(page.read_text())["multi-power-100m"]["panels"] == []
    page = write_report(make_rows().iloc[:0], {}, tmp_path / "b")
    assert "No board can be shown" in page.read_text()


def test_bad_rows_write_nothing(fake: None, tmp_path: Path) -> None:
    rows = make_rows()
    with pytest.raises(InputError, match="no column objective"):
        write_report(rows.drop(columns="objective"), {}, tmp_path / "x")
    with pytest.raises(InputError, match="two rows"):
        write_report(pd.concat([rows, rows]), {}, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_old_figures_go_and_other_files_stay(fake: None, tmp_path: Path) -> None:
    write_report(make_rows(), make_predictions(), tmp_path)
    (tmp_path / "figures" / "mine.svg").write_text("kept")
    write_report(make_rows(), {}, tmp_path)
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "mine.svg" in names
    assert "residuals-schedule-multi-power-100m.svg" not in names


def test_settings_of_matplotlib_are_restored(fake: None, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    write_report(make_rows(), make_predictions(), tmp_path)
    assert dict(mpl.rcParams) == before


def test_latex_tables_have_every_cell_and_compile(report: Path, tmp_path: Path) -> None:
    table = (report.parent / "tables" / "board-schedule.tex").read_text(encoding="utf-8")
    body = [line for line in table.splitlines() if line.endswith("\\\\")]
    assert len(body) == 1 + len(leaderboard(make_rows(), "schedule"))
    assert len({line.count(" & ") for line in body}) == 1
    assert "power\\_steps" in table
    assert table.isascii()
    if shutil.which("pdflatex"):
        (tmp_path / "t.tex").write_text(
            f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{table}\\end{{document}}"
        )
        done = subprocess.run(
            ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"], cwd=tmp_path, capture_output=True
        )
        assert done.returncode == 0, done.stdout[-500:]


def test_the_json_says_what_the_markdown_says(report: Path) -> None:
    boards = json.loads((report.parent / "board.json").read_text(encoding="utf-8"))
    document = (report.parent / "leaderboard.md").read_text(encoding="utf-8")
    assert list(boards) == ["schedule", "scale"]
    for board in boards.values():
        assert board["answer"] in document
        assert next(row["rank"] for row in board["rows"] if row["rank"] is not None) == 1


@given(st.lists(st.floats(0.5, 20.0), min_size=1, max_size=90))
def test_packed_losses_come_back_to_half_a_unit(losses: list[float]) -> None:
    back = np.cumsum(unpacked(packed(steps_of(losses, LOSS_UNIT)))) * LOSS_UNIT
    assert np.abs(back - losses).max() <= LOSS_UNIT / 2 * (1 + 1e-6)


@given(st.lists(st.booleans(), max_size=40))
def test_a_packed_mask_comes_back(mask: list[bool]) -> None:
    lengths = runs_of(mask)
    assert [i % 2 == 1 for i, n in enumerate(lengths) for _ in range(n)] == mask


def test_every_law_has_an_equation_that_converts() -> None:
    for law in laws():
        told = formula(law)
        assert told.equations, law.name
        assert all(equation.startswith("<math") and "xmlns" not in equation for equation in told.equations), law.name
    assert mathml("\\left( a") == "<code>\\left( a</code>"
