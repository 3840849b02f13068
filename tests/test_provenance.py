"""Reports read back, compared and run again: what agrees, what changed, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import lawbench
from lawbench.cli import app
from lawbench.columns import as_frame
from lawbench.errors import InputError
from lawbench.provenance.causes import causes
from lawbench.provenance.differences import compare
from lawbench.provenance.here import predictions_hash, state
from lawbench.provenance.recorded import Recorded, read_report
from lawbench.provenance.reproduce import reproduce
from lawbench.suites import find_suite

from .house import House, settle, write_law
from .recorded import change, record

LAWS = ("power_steps", "last_value", "pow3")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three laws on the shipped suite, made by one worker."""
    root = tmp_path_factory.mktemp("smoke")
    rows = lawbench.run(LAWS, find_suite("smoke").tasks, n_jobs=1, out=root / "results")
    return record(rows, root / "report")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The toy dataset, a law of one's own, and a report of both."""
    settle(monkeypatch, tmp_path / "house")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    write_law(work, "own")
    rows = lawbench.run(["power_steps", "own.py"], "toy", "common", n_jobs=1, out=work / "results")
    return record(rows, work / "report")


def as_recorded(rows: pd.DataFrame, **facts: Any) -> Recorded:
    return Recorded("test", rows, state(rows) | {"predictions": {}} | facts)


def edited(rows: pd.DataFrame, entry: str, **values: Any) -> pd.DataFrame:
    """Return rows with other values in those of one entry."""
    records = [
        {name: None if pd.isna(v) and not isinstance(v, str) else v for name, v in row.items()} | values
        if row["entry"] == entry
        else row
        for row in rows.astype(object).where(rows.notna(), None).to_dict("records")
    ]
    return as_frame(records)  # type: ignore[arg-type]


def test_a_report_is_read_back_to_the_last_bit(smoke: Path) -> None:
    rows = lawbench.run(LAWS, find_suite("smoke").tasks, out=smoke.parent / "results")
    assert rows.attrs["computed"] == 0
    pd.testing.assert_frame_equal(read_report(smoke).rows, rows, check_exact=True)


def test_two_workers_in_another_folder_agree_bit_by_bit(
    smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = reproduce(read_report(smoke), n_jobs=2, out="again")
    assert found.agrees
    assert found.counts == {"identical": 9, "differs": 0, "not rerun": 0, "contributed": 0}
    scored = [cell.change for cell in found.cells if cell.change and cell.change.status == ("ok", "ok")]
    assert len(scored) >= 7
    assert all(cell.same_predictions for cell in scored)
    done = CliRunner().invoke(app, ["reproduce", str(smoke), "--sample", "2", "-j", "1", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["identical"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def test_a_changed_law_file_is_named(toy: Path) -> None:
    own = toy.parent / "own.py"
    report = read_report(toy)
    assert reproduce(report, laws=[own], n_jobs=1).agrees
    facts = {**report.facts, "laws": {**report.facts["laws"], "own": "0" * 64, "power_steps": "0" * 64}}
    rows = edited(report.rows, "power_steps", log_mae=0.5)
    found = reproduce(Recorded("old", rows, facts, report.columns), laws=[own], n_jobs=1)
    assert not found.agrees
    by_entry = {cell.entry: cell for cell in found.cells}
    assert by_entry["own"].verdict == "identical"  # another file, the same result
    cell = by_entry["power_steps"]
    assert cell.verdict == "differs"
    assert [str(cause) for cause in cell.causes] == ["law file of power_steps"]
    assert cell.change is not None
    assert set(cell.change.columns or {}) == {"log_mae"}
    assert cell.change.beyond_floor


def test_changed_data_and_code_are_named_cell_by_cell(toy: Path) -> None:
    facts = read_report(toy).facts
    other = json.loads(json.dumps(facts))
    other["data"]["toy"]["sha256"]["flat.csv"] = "0" * 64
    other["definitions"] = dict.fromkeys(facts["definitions"], "0" * 64)
    other["packages"]["numpy"] = "1.0"
    other["packages"]["seaborn"] = "0"
    other["engine"] = {"sha256": "0" * 64, "files": {**facts["engine"]["files"], "fitting/solve.py": "", "cell.py": ""}}
    kinds = [(cause.kind, cause.what) for cause in causes(facts, other, "toy/schedule", "power_steps")]
    assert kinds == [
        ("recipe", "how laws are fitted: fitting/solve.py"),
        ("engine", "engine: cell.py"),
        ("data", "data hash of toy: flat.csv"),
        ("library", f"numpy {facts['packages']['numpy']} → 1.0"),
    ]
    only_task = {**facts, "definitions": dict.fromkeys(facts["definitions"], "0" * 64)}
    assert [c.kind for c in causes(facts, only_task, "toy/schedule", "power_steps")] == ["task"]
    assert causes(facts, facts, "toy/schedule", "power_steps") == ()


def test_a_report_of_other_code_than_its_manifest_lists_says_so(toy: Path) -> None:
    rows = read_report(toy).rows
    assert state(rows)["stale"] == []
    old = state(edited(rows, "power_steps", fingerprint="0" * 64))
    assert old["stale"] == [["toy/horizon", "power_steps"], ["toy/schedule", "power_steps"]]
    new = state(rows)
    assert [c.kind for c in causes(old | {"predictions": {}}, new, "toy/schedule", "power_steps")] == ["stale"]


def test_diff_says_what_changed_and_by_how_much(toy: Path) -> None:
    rows = read_report(toy).rows
    floor = float(rows["noise_floor"].iloc[0])
    before = as_recorded(rows[~((rows["entry"] == "own") & (rows["task"] == "toy/schedule"))])
    better = edited(rows, "power_steps", log_mae=1.0)
    found = compare(before, as_recorded(better))
    assert found.differ
    assert found.counts == {"added": 1, "removed": 0, "changed": 2, "same": 1}
    (added,) = (cell for cell in found.cells if cell.kind == "added")
    assert (added.task, added.entry, added.status) == ("toy/schedule", "own", ("", "ok"))
    assert all(cell.beyond_floor for cell in found.cells if cell.kind == "changed")
    small = edited(rows[rows["task"] == "toy/schedule"], "power_steps", log_mae=1e-3)
    nudged = edited(small, "power_steps", log_mae=1e-3 + 0.5 * floor)
    (cell,) = (c for c in compare(as_recorded(small), as_recorded(nudged)).cells if c.kind == "changed")
    assert cell.beyond_floor is False
    assert cell.change == pytest.approx(0.5 * floor)


def test_diff_names_rank_changes_board_by_board(toy: Path) -> None:
    rows = read_report(toy).rows
    here = rows[rows["task"] == "toy/schedule"]
    worse = edited(here, "own", log_mae=10 * float(here["log_mae"].max()))
    first = edited(here, "own", log_mae=0.1 * float(here["log_mae"].min()))
    found = compare(as_recorded(first), as_recorded(worse))
    assert {(r.board, r.entry, r.before, r.after) for r in found.ranks} == {
        ("schedule", "own", 1, 2),
        ("schedule", "power_steps", 2, 1),
    }


def test_cells_without_a_score_agree_by_their_status(toy: Path) -> None:
    rows = read_report(toy).rows
    failed = edited(rows, "own", status="failed", reason="it took 3 s", log_mae=None, objective=None)
    other = edited(rows, "own", status="failed", reason="it took 4 s", log_mae=None, objective=1.0)
    assert not compare(as_recorded(failed), as_recorded(other)).differ
    absent = edited(rows, "own", status="not_applicable", log_mae=None)
    assert compare(as_recorded(failed), as_recorded(absent)).differ


def test_other_predictions_differ_also_where_every_metric_agrees(toy: Path) -> None:
    report = read_report(toy)
    hashes = json.loads(json.dumps(report.facts["predictions"]))
    hashes["toy/schedule"]["own"] = predictions_hash([[1.0]])
    other = Recorded("other", report.rows, {**report.facts, "predictions": hashes}, report.columns)
    (cell,) = (cell for cell in compare(report, other).cells if cell.kind == "changed")
    assert (cell.task, cell.entry, cell.same_predictions, cell.columns) == ("toy/schedule", "own", False, {})


def test_what_cannot_run_here_is_said_and_does_not_agree(toy: Path) -> None:
    report = read_report(toy)
    found = reproduce(report, n_jobs=1)
    reasons = {cell.entry: cell.reason for cell in found.cells if cell.verdict == "not rerun"}
    assert set(reasons) == {"own"}
    assert "--law" in reasons["own"]
    assert not found.agrees


def test_commands_exit_as_they_say(toy: Path, tmp_path: Path) -> None:
    def call(*arguments: object, code: int) -> str:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    same = record(read_report(toy).rows, tmp_path / "same")
    assert "4 same" in call("diff", toy, same, "--exit-code", code=0)
    other = record(edited(read_report(toy).rows, "own", log_mae=9.0), tmp_path / "other")
    assert "own" in call("diff", toy, other, code=0)
    shown = call("diff", toy, other, "--exit-code", "--json", code=1)
    assert json.loads(shown[shown.index("{") : shown.rindex("}") + 1])["changed"] == 2
    assert "--law" in call("reproduce", toy, "-j", 1, code=1)
    assert "empty folder" in call("reproduce", toy, "--out", toy.parent / "results", code=2)
    assert "at least 1" in call("reproduce", toy, "--sample", 0, code=2)
    assert "not a folder" in call("diff", toy, tmp_path / "none", code=2)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("manifest.json", None, "holds no manifest.json"),
        ("manifest.json", "{", "damaged"),
        ("manifest.json", "[]", "not a manifest of this version"),
        ("results.csv", None, "holds no results.csv"),
        ("results.csv", "law\nmpl\n", "no column options"),
        ("results.csv", "cut", "another number of cells"),
        ("results.csv", "words", "could not convert"),
        ("results.csv", "twice", "twice"),
    ],
)
def test_a_damaged_report_is_refused_with_a_sentence(toy: Path, file: str, text: str | None, says: str) -> None:
    path = toy / file
    whole = path.read_text()
    if text is None:
        path.unlink()
    elif text == "cut":
        path.write_text(whole.rstrip()[:-70].rpartition(",")[0] + "\n")
    elif text == "words":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False).assign(log_mae="much")
        frame.to_csv(path, index=False)
    elif text == "twice":
        path.write_text(whole + whole.splitlines()[1] + "\n")
    else:
        path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_report(toy)
    if file == "manifest.json" and text is None:
        return
    path.write_text(whole)
    change(toy, schema=99)
    with pytest.raises(InputError, match="schema 1"):
        read_report(toy)


def test_an_edited_law_and_edited_data_are_named_by_another_process(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.rows(n_jobs=1, out="results")
    code = "from pathlib import Path; import sys; sys.path.insert(0, {root!r}); import lawbench;\n" + (
        "from lawbench.store import load_rows\n"
        "import importlib.util as u\n"
        "spec = u.spec_from_file_location('recorded', {helper!r}); m = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(m)\n"
        "rows = load_rows('results'); rows.attrs['store'] = 'results'; m.record(rows, Path('report'))\n"
    )
    helper = str(Path(__file__).parent / "recorded.py")
    done = house.python(code.format(root=str(house.root), helper=helper))
    assert done.returncode == 0, done.stderr
    again = house.lawbench("reproduce", "report", "-j", "1")
    assert again.returncode == 0, again.stderr + again.stdout
    write_law(house.root / "laws", "good", **{"grid=(0.2, 0.5, 0.8)": "grid=(0.3,)"})
    done = house.lawbench("reproduce", "report", "-j", "1")
    assert done.returncode == 1, done.stderr + done.stdout
    assert "law file of good" in done.stdout
