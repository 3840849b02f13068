"""Training of the dataset of our own, on a tiny model: restarts, branches, batches, failures."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lawbench.errors import DataError
from lawbench.schedule import Schedule

from .house import REPOSITORY, TRAIN, modules_of

pytest.importorskip("torch", reason="torch is not installed: pip install 'lawbench[train]'")

MODULES = ("files", "corpus", "model", "plan", "trainer", "session", "exchange", "progress", "pool")


@pytest.fixture(scope="module")
def own() -> Iterator[SimpleNamespace]:
    """The modules of the trainer."""
    with modules_of(TRAIN, *MODULES) as found:
        yield found


@pytest.fixture
def runs(own: SimpleNamespace) -> dict[str, Any]:
    return {run.name: run for run in own.plan.plan("smoke")}


@pytest.fixture
def corpus(own: SimpleNamespace) -> Any:
    texts = own.corpus.texts(None)
    return own.trainer.Corpus(texts["train"], texts["val"], own.plan.settings_of("smoke"))


def _session(own: SimpleNamespace, work: Path) -> Any:
    return own.pool.Order(work, "smoke").session()


def _files(work: Path) -> dict[str, bytes]:
    """Everything that a folder holds, by its path, except what only serves to go on."""
    paths = [path for path in sorted(work.rglob("*")) if path.is_file() and path.suffix not in (".pt", ".partial")]
    return {str(path.relative_to(work)): path.read_bytes() for path in paths if path.name != "lock"}


def _none(step: int) -> None:
    pass


@pytest.fixture(scope="module")
def trained(own: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder in which the whole plan of smoke runs is done."""
    work: Path = tmp_path_factory.mktemp("work")
    session = _session(own, work)
    for run in session.runs:
        assert session.finish(run, _none)["status"] == "ok"
    return work


def test_counts_are_those_of_the_model(own: SimpleNamespace) -> None:
    for name, shape in own.model.SIZES.items():
        model = own.model.Model(shape, seed=0)
        parameters = {key: weight.numel() for key, weight in model.named_parameters()}
        embeddings = parameters["bytes.weight"] + parameters["positions.weight"]
        counts = own.model.count(shape)
        assert counts["with_embeddings"] == sum(parameters.values())
        assert counts["without_embeddings"] == counts["with_embeddings"] - embeddings
        assert counts["without_embeddings"] == pytest.approx(1e3 * float(name.removesuffix("k")), rel=0.02)


def test_a_batch_depends_on_seed_and_step_alone(own: SimpleNamespace, corpus: Any) -> None:
    first = corpus.batch(0, 7)
    corpus.batch(1, 7)
    assert (corpus.batch(0, 7) == first).all()
    assert not (corpus.batch(1, 7) == first).all()
    assert not (corpus.batch(0, 8) == first).all()
    assert first.shape == (8, 33)


def test_no_window_comes_twice_in_an_epoch(own: SimpleNamespace, corpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    cut = own.trainer._cut
    monkeypatch.setattr(
        own.trainer, "_cut", lambda text, starts, s: seen.extend(starts.tolist()) or cut(text, starts, s)
    )
    for step in range(corpus.n_windows // 8 + 1):
        corpus.batch(0, step)
    assert sorted(seen[: corpus.n_windows]) == [32 * i for i in range(corpus.n_windows)]
    assert seen[corpus.n_windows :] != seen[: len(seen) - corpus.n_windows]


def test_the_plan_holds_what_it_should(own: SimpleNamespace) -> None:
    for size in ("25k", "150k", "450k"):
        runs = own.plan.plan(size)
        assert len({run.name for run in runs}) == len(runs) == 18
        assert {run.settings.tokens_per_step for run in runs} == {4096}
        assert all(len(own.plan.log_steps(run)) >= 40 for run in runs)
        assert all(np.diff(own.plan.log_steps(run)).max() <= 50 for run in runs)
        assert all(own.plan.log_steps(run)[-1] == len(run.schedule) - 1 for run in runs)
        trunk = runs[0]
        for run in (run for run in runs if run.parent is not None):
            assert run.parent == trunk.name
            assert run.seed == trunk.seed
            assert (run.schedule.lr[: run.branch] == trunk.schedule.lr[: run.branch]).all()
            assert run.schedule.lr[run.branch] != trunk.schedule.lr[run.branch]
    rises = {run.name for run in runs if (np.diff(run.schedule.lr[100:]) > 0).any()}
    assert rises == {"cyclic-t"}


def test_a_branch_is_what_training_from_scratch_gives(own: SimpleNamespace, trained: Path, tmp_path: Path) -> None:
    scratch, branched = _session(own, tmp_path), _session(own, trained)
    children = [run for run in scratch.runs if run.parent is not None]
    assert len(children) == 6
    for run in children:
        assert branched.place(branched.runs[0]).snapshot(run.branch).is_file()
        assert not scratch.ready(run)
        assert scratch.open(run).step == 0
        scratch.finish(run, _none)
        for part in ("curve", "positions", "record"):
            assert getattr(scratch.place(run), part).read_bytes() == getattr(branched.place(run), part).read_bytes()


def test_rows_before_the_branch_are_those_of_the_trunk(own: SimpleNamespace, trained: Path) -> None:
    session = _session(own, trained)
    trunk = session.place(session.runs[0]).curve.read_text().splitlines()
    for run in (run for run in session.runs if run.parent is not None):
        rows = session.place(run).curve.read_text().splitlines()[1:]
        shared = [row for row in rows if int(row.split(",")[0]) < run.branch]
        assert len(shared) > 5
        assert set(shared) <= set(trunk)
        assert not set(rows[len(shared) :]) & set(trunk)


def test_a_run_that_goes_on_gives_identical_files(
    own: SimpleNamespace, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(step: int) -> None:
        if step == 17:
            raise Killed

    monkeypatch.setattr(own.trainer, "SAVE_EVERY", 7)
    session = _session(own, tmp_path)
    for run in session.runs[:3]:
        start = session.open(run).step
        if start < 17:
            with pytest.raises(Killed):
                session.finish(run, kill)
            assert session.open(run).step == max(14, start)
        session.finish(run, _none)
    expected = _files(trained)
    got = _files(tmp_path)
    assert len(got) >= 9
    assert all(expected[path] == content for path, content in got.items())


def test_a_killed_command_goes_on(own: SimpleNamespace, trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(TRAIN), "--smoke", "--work", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("runs/smoke/*/run.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.wait()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/smoke/*/run.json")}
    assert 3 <= len(kept) < 18
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 0, second.stderr
    assert "plan 100 %" in second.stdout
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    assert _files(tmp_path) == _files(trained)


def test_processes_give_what_one_process_gives(own: SimpleNamespace, trained: Path, tmp_path: Path) -> None:
    order = own.pool.Order(tmp_path, "smoke")
    session = order.session()
    session.runs = session.runs[:4]
    own.pool.train_apart([order], [session], own.progress.Watch(session.runs, 2), 2)
    expected = _files(trained)
    got = _files(tmp_path)
    assert {path.split("/")[2] for path in got} == {run.name for run in session.runs}
    assert all(expected[path] == content for path, content in got.items())


def test_losses_by_position_average_to_the_loss(own: SimpleNamespace, trained: Path, runs: dict[str, Any]) -> None:
    for name, run in runs.items():
        folder = trained / "runs" / "smoke" / name
        curve = np.genfromtxt(folder / "curve.csv", delimiter=",", names=True)
        with gzip.open(folder / "positions.csv.gz", "rt") as lines:
            positions = np.genfromtxt(lines, delimiter=",", skip_header=1)
        assert curve["step"].tolist() == positions[:, 0].tolist() == own.plan.log_steps(run)
        assert positions.shape[1] == 33
        assert positions[:, 1:].mean(1) == pytest.approx(curve["loss"], abs=1e-5)
        assert curve["lr"] == pytest.approx(run.schedule.lr[curve["step"].astype(int)], rel=1e-6)
        assert curve["loss"][-1] < 0.8 * curve["loss"][0]


def test_a_row_has_used_the_rate_of_its_step(own: SimpleNamespace, runs: dict[str, Any], corpus: Any) -> None:
    run = runs["constant-2t"]
    other = dataclasses.replace(run, schedule=Schedule([*run.schedule.lr[:5], 0.5 * run.schedule.lr[5]]))
    logs = []
    for each in (dataclasses.replace(run, schedule=Schedule(run.schedule.lr[:6])), other):
        trainer = own.trainer.Trainer(each, corpus, "cpu")
        while not trainer.done:
            assert trainer.advance()
        logs.append({row["step"]: row["loss"] for row in trainer.log.rows})
    assert logs[0][4] == logs[1][4]
    assert logs[0][5] != logs[1][5]


def test_divergence_is_recorded_and_the_rest_goes_on(
    own: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = _session(own, tmp_path)
    good = session.runs[1]
    bad = dataclasses.replace(good, name="bad", schedule=Schedule([*good.schedule.lr[:10], *[1e38] * 20]))
    session.runs = [bad, good]
    watch = own.progress.Watch(session.runs, 1)
    own.pool.train_here([session], watch)
    assert watch.diverged == ["smoke bad"]
    record = json.loads(session.place(bad).record.read_text())
    assert (record["status"], record["final_loss"]) == ("diverged", None)
    assert "not finite" in record["reason"]
    assert len(session.place(bad).curve.read_text().splitlines()) > 5
    assert "nan" not in session.place(bad).curve.read_text()
    assert "smoke bad: diverged" in capsys.readouterr().out
    assert session.finish(bad, _none) == record
    assert session.finish(good, _none)["status"] == "ok"


def test_finished_runs_are_never_overwritten(own: SimpleNamespace, tmp_path: Path) -> None:
    session = _session(own, tmp_path)
    run = session.runs[1]
    session.finish(run, _none)
    before = _files(tmp_path)
    changed = dataclasses.replace(run, seed=5)
    with pytest.raises(DataError, match="finished run of another plan or corpus: move it away"):
        session.finish(changed, _none)
    assert _files(tmp_path) == before


def test_export_keeps_what_the_dataset_holds(own: SimpleNamespace, trained: Path, tmp_path: Path) -> None:
    session = _session(own, trained)
    names = [run.name for run in session.runs]
    assert own.exchange.export(session, tmp_path) == names
    first = _files(tmp_path)
    assert set(first) == {"smoke/curves.csv", "smoke/positions.csv.gz", "smoke/runs.json"}
    assert [run["name"] for run in json.loads(first["smoke/runs.json"])["runs"]] == names
    assert first["smoke/curves.csv"].startswith(b"run,step,lr,loss,train_loss\nconstant-2t,0,")
    # Neither the same results again nor fewer of them change anything.
    fresh = _session(own, tmp_path / "work")
    fresh.finish(fresh.runs[1], _none)
    for one in (session, fresh):
        assert own.exchange.export(one, tmp_path) == names
        assert {path: content for path, content in _files(tmp_path).items() if "work" not in path} == first
    # Another result under the same name is refused.
    curve = fresh.place(fresh.runs[1]).curve
    curve.write_text(curve.read_text().replace("5.", "6.", 1))
    with pytest.raises(DataError, match="holds another result of cosine10-t than"):
        own.exchange.export(fresh, tmp_path)
    assert (tmp_path / "smoke" / "curves.csv").read_bytes() == first["smoke/curves.csv"]


def test_a_fresh_folder_takes_over_what_the_dataset_holds(own: SimpleNamespace, trained: Path, tmp_path: Path) -> None:
    session = _session(own, trained)
    own.exchange.export(session, tmp_path / "dataset")
    fresh = _session(own, tmp_path / "work")
    assert own.exchange.adopt(fresh, tmp_path / "dataset") == [run.name for run in session.runs]
    assert own.exchange.adopt(fresh, tmp_path / "dataset") == []
    for run in session.runs:
        assert fresh.place(run).curve.read_bytes() == session.place(run).curve.read_bytes()
        assert fresh.place(run).positions.read_bytes() == session.place(run).positions.read_bytes()
        assert fresh.finish(run, _none)["final_loss"] == session.finish(run, _none)["final_loss"]
    # Runs of another corpus are not taken.
    other = _session(own, tmp_path / "other")
    other.corpus_sha256 = dict.fromkeys(other.corpus_sha256, "0" * 64)
    assert own.exchange.adopt(other, tmp_path / "dataset") == []


def test_two_trainings_do_not_share_a_folder(own: SimpleNamespace, tmp_path: Path) -> None:
    with own.session.alone(tmp_path), pytest.raises(DataError, match="another training uses"):  # noqa: SIM117
        with own.session.alone(tmp_path):
            pass
