"""Results from elsewhere: scored here as our own are, marked, and refused with a sentence when they are wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import lawbench
from lawbench.cli import app
from lawbench.contributions.export import contribution, export_tasks, write_contribution
from lawbench.contributions.schema import parse_contribution, read_contribution
from lawbench.contributions.score import score, store_all
from lawbench.errors import InputError, LawbenchError
from lawbench.leaderboard import leaderboard
from lawbench.provenance.recorded import read_report
from lawbench.provenance.reproduce import reproduce
from lawbench.store import Store, load_rows
from lawbench.suites import find_suite

from .recorded import record

ABOUT = {"name": "in_house", "title": "In-house law", "reference": "not public", "year": 2026, "needs": ["steps"],
         "n_params": 3}  # fmt: skip
SCHEDULE, HORIZON = "pycode-bytes/schedule-25k", "pycode-bytes/horizon-cosine-50-25k"
POSITION = "pycode-bytes/position-cosine-50-25k"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the baselines on the shipped suite."""
    out = tmp_path_factory.mktemp("ours") / "results"
    lawbench.run(["power_steps", "last_value"], find_suite("smoke").tasks, n_jobs=1, out=out)
    return out


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """A contribution that predicts what `power_steps` does, as JSON holds it."""
    tasks = {name: lawbench.load_task(name) for name in (SCHEDULE, HORIZON)}
    predicted = {name: lawbench.fit("power_steps", task.train).predict(task.test) for name, task in tasks.items()}
    made = contribution(ABOUT, "smoke", predicted, params={SCHEDULE: {"alpha": 0.5}}, seconds={SCHEDULE: 1.5})
    return dict(json.loads(made.model_dump_json(by_alias=True)))


@pytest.fixture
def data(whole: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(whole)


@pytest.fixture
def call() -> Callable[..., str]:
    def invoke(*arguments: object, code: int = 0) -> str:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output + repr(done.exception)
        assert "Traceback" not in done.output
        return done.output

    return invoke


def test_predictions_score_as_those_of_our_own(data: dict[str, Any], ours: Path) -> None:
    rows = load_rows(ours).set_index(["entry", "task"])
    found = {str(outcome.row["task"]): outcome for outcome in score(parse_contribution(data))}
    assert {name: outcome.status for name, outcome in found.items()} == {
        SCHEDULE: "ok", HORIZON: "ok", POSITION: "not_applicable"
    }  # fmt: skip
    for name in (SCHEDULE, HORIZON):
        for metric in ("log_mae", "r2", "worste", "log_mae_unmasked"):
            assert found[name].row[metric] == rows.loc[("power_steps", name), metric]
    assert found[SCHEDULE].row["seconds"] == 1.5
    assert found[SCHEDULE].row["n_params_law"] == 3
    assert found[SCHEDULE].params == {"alpha": 0.5}


def test_boards_rank_them_marked(data: dict[str, Any], ours: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    assert len(store_all(score(parse_contribution(data)), store)) == 3
    for path in ours.glob("*.json"):
        (store.folder / path.name).write_bytes(path.read_bytes())
    board = leaderboard(load_rows(store.folder), "schedule")
    ranks = dict(zip(board["entry"], board["rank"], strict=True))
    assert ranks["in_house@contributed"] == ranks["power_steps"] == 1
    assert "not reproduced" in board.attrs["note"]
    assert "not reproduced" not in leaderboard(load_rows(ours), "schedule").attrs["note"]
    rows = load_rows(store.folder)
    rows.attrs["store"] = str(store.folder)
    report = read_report(record(rows, tmp_path / "report"))
    assert [entry for _, entry in report.facts["contributed"]] == ["in_house@contributed"] * 3
    again = reproduce(report, n_jobs=1)
    assert again.agrees
    assert again.counts == {"identical": 6, "differs": 0, "not rerun": 0, "contributed": 3}


def test_intervals_are_scored(data: dict[str, Any]) -> None:
    for task in data["tasks"].values():
        task["intervals"] = {
            run: {"low": [0.5 * x for x in curve], "high": [2.0 * x for x in curve]}
            for run, curve in task["predictions"].items()
        }
    rows = {str(o.row["task"]): o.row for o in score(parse_contribution(data))}
    assert rows[SCHEDULE]["coverage"] == 1.0
    data["tasks"][SCHEDULE]["intervals"].popitem()
    with pytest.raises(InputError, match=r"intervals of run .* missing"):
        score(parse_contribution(data))


def test_a_variant_is_an_entry_of_its_own(data: dict[str, Any]) -> None:
    data["entry"] = "in_house[breaks=2]"
    assert {o.row["entry"] for o in score(parse_contribution(data))} == {"in_house[breaks=2]@contributed"}


def test_the_same_file_twice_is_stored_once_and_another_needs_a_word(
    data: dict[str, Any], tmp_path: Path, call: Callable[..., str]
) -> None:
    file, out = tmp_path / "file.json", tmp_path / "results"
    file.write_text(json.dumps(data))
    assert "0 stored" in call("contribute", file, "--out", out, "--dry-run")
    assert not out.exists()
    assert "3 stored" in call("contribute", file, "--out", out)
    assert "0 stored" in call("contribute", file, "--out", out)
    stored = {path.name: path.read_bytes() for path in out.iterdir()}
    run, curve = next(iter(data["tasks"][SCHEDULE]["predictions"].items()))
    data["tasks"][SCHEDULE]["predictions"][run] = [1.01 * x for x in curve]
    file.write_text(json.dumps(data))
    assert "--replace" in call("contribute", file, "--out", out, code=2)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == stored
    assert "1 stored" in call("contribute", file, "--out", out, "--replace")


def _with(data: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def _run(data: dict[str, Any]) -> str:
    return str(next(iter(data["tasks"][SCHEDULE]["predictions"])))


BAD: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "not a contribution": (lambda d: _with(d, "format", value="other"), "'format' is not"),
    "other schema": (lambda d: _with(d, "schema", value=2), "schema 2"),
    "unknown key": (lambda d: _with(d, "laww", value={}), "unknown key 'laww'"),
    "missing key": (lambda d: d.pop("suite"), "'suite' is missing"),
    "registered law": (lambda d: (_with(d, "law", "name", value="mpl"), _with(d, "entry", value="mpl")), "registered"),
    "bad name": (lambda d: _with(d, "law", "name", value="My law"), "law.name"),
    "entry of another law": (lambda d: _with(d, "entry", value="other"), "after the name of its law"),
    "entry with a recipe": (lambda d: _with(d, "entry", value="in_house@paper"), "after the name of its law"),
    "unknown input": (lambda d: _with(d, "law", "needs", value=["step"]), "did you mean 'steps'"),
    "unknown suite": (lambda d: _with(d, "suite", value="smok"), "did you mean 'smoke-1'"),
    "suite without version": (lambda d: _with(d, "suite", value="smoke"), "has no version"),
    "unknown task": (lambda d: _with(d, "tasks", "pycode-bytes/schedul", value={"predictions": {}}), "did you mean"),
    "missing task": (lambda d: d["tasks"].pop(HORIZON), f"missing \\(1\\): {HORIZON}"),
    "unneeded task": (lambda d: _with(d, "tasks", POSITION, value={"predictions": {}}), "knows nothing of positions"),
    "unknown run": (lambda d: _with(d, "tasks", SCHEDULE, "predictions", "x", value=[3.0]), "unknown run"),
    "missing run": (lambda d: d["tasks"][SCHEDULE]["predictions"].pop(_run(d)), "predictions of run .* missing"),
    "too few points": (lambda d: d["tasks"][SCHEDULE]["predictions"][_run(d)].pop(), "points, but"),
    "zero": (lambda d: _with(d, "tasks", SCHEDULE, "predictions", _run(d), value=[0.0]), "greater than 0"),
    "negative": (lambda d: _with(d, "tasks", SCHEDULE, "predictions", _run(d), value=[-1]), "greater than 0"),
    "not a number": (lambda d: _with(d, "tasks", SCHEDULE, "predictions", _run(d), value=["3"]), "valid number"),
    "nan": (lambda d: _with(d, "tasks", SCHEDULE, "predictions", _run(d), value=[float("nan")]), "NaN"),
    "infinite": (lambda d: _with(d, "tasks", SCHEDULE, "seconds", value=float("inf")), "Infinity"),
    "upside-down": (
        lambda d: _with(d, "tasks", SCHEDULE, "intervals", value={
            run: {"low": [2.0] * len(c), "high": [1.0] * len(c)}
            for run, c in d["tasks"][SCHEDULE]["predictions"].items()
        }),
        "ends below its start",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_bad_files_are_refused_with_a_sentence_and_nothing_is_written(
    data: dict[str, Any], tmp_path: Path, call: Callable[..., str], fault: str
) -> None:
    import re

    spoil, says = BAD[fault]
    spoil(data)
    file = tmp_path / "file.json"
    file.write_text(json.dumps(data))
    said = call("contribute", file, "--out", tmp_path / "results", code=2)
    assert re.search(says, said), said
    assert len(said.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 100_000, '{"format": "lawbench contribution"}'])
def test_files_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(InputError):
        read_contribution(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = ("format", "schema", "entry", "law", "suite", "tasks")


@given(key=st.sampled_from(KEYS), inner=st.sampled_from([None, "name", "needs", "year", SCHEDULE]), value=JSON)
def test_any_value_anywhere_is_taken_or_refused_in_words(
    whole: dict[str, Any], key: str, inner: str | None, value: Any
) -> None:
    data = copy.deepcopy(whole)
    if inner is not None and isinstance(data[key], dict) and inner in data[key]:
        data[key][inner] = value
    else:
        data[key] = value
    try:
        taken = parse_contribution(data)
    except LawbenchError:
        return
    assert taken.model_dump(mode="json", by_alias=True, exclude_unset=True) == data


def test_what_is_exported_holds_no_loss_that_is_to_be_predicted(tmp_path: Path, call: Callable[..., str]) -> None:
    out = export_tasks("smoke", fitted=True)
    for name, task in out["tasks"].items():
        loaded = lawbench.load_task(name)
        assert list(task["predict"]) == [run.name for run in loaded.test]
        assert list(task["fit"]) == [run.name for run in loaded.train]
        for run in loaded.test:
            told = task["predict"][run.name]
            assert told["steps"] == run.steps.tolist()
            assert "loss" not in told
            assert run.schedule is not None
            rates = np.concatenate([np.full(n, rate) for rate, n in out["schedules"][told["schedule"]]])
            np.testing.assert_array_equal(rates, run.schedule.lr)
        fitted = {step for run in loaded.train for step in run.steps.tolist()}
        assert {step for told in task["fit"].values() for step in told["steps"]} == fitted
    file = tmp_path / "tasks.json"
    assert "3 tasks" in call("export-tasks", "--suite", "smoke", "--to", file)
    assert "fit" not in json.loads(file.read_text())["tasks"][SCHEDULE]
    before = file.read_bytes()
    assert "not overwritten" in call("export-tasks", "--suite", "smoke", "--to", file, code=2)
    assert file.read_bytes() == before


def test_a_file_is_written_and_read_back(whole: dict[str, Any], tmp_path: Path) -> None:
    made = parse_contribution(whole)
    file = write_contribution(made, tmp_path / "file.json")
    assert read_contribution(file) == made
    with pytest.raises(InputError, match="not overwritten"):
        write_contribution(made, file)
