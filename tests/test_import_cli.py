"""``lawbench import``: it shows, asks, writes, and refuses in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lawbench.cli import app

STATE = Path(__file__).parent / "logs" / "trainer" / "cosine" / "trainer_state.json"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAWBENCH_DATASETS", raising=False)
    return tmp_path


def call(*arguments: object, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["import", *(str(argument) for argument in arguments)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done


def test_without_a_terminal_it_shows_and_writes_nothing(work: Path) -> None:
    shown = call(STATE, "--name", "mine", code=2)
    assert "eval_loss (validation): 8 points" in shown.stdout
    assert "hf:cosine, steps=24, peak=0.01, warmup=5" in shown.stdout
    assert "confirm with --yes" in shown.stderr
    assert not (work / "lawbench-datasets").exists()


def test_it_writes_says_what_is_next_and_never_overwrites(work: Path) -> None:
    assert "Next: lawbench run --task mine" in call(STATE, "--name", "mine", "--yes").stdout
    card = work / "lawbench-datasets" / "mine" / "card.toml"
    before = card.read_bytes()
    assert "exists and is not overwritten" in call(STATE, "--name", "mine", "--yes", code=2).stderr
    assert card.read_bytes() == before
    assert sorted(path.name for path in card.parent.parent.iterdir()) == ["mine"]


def test_json_holds_what_was_written(work: Path) -> None:
    out = json.loads(call(STATE, "--name", "mine", "--n-params", "1e6", "--yes", "--json").stdout)
    assert out["tasks"] == ["mine/horizon-50"]
    assert out["n_params"] == 1e6
    assert out["runs"][0]["points"] == 8


def test_arguments_of_the_schedule_are_flags_or_follow_its_name(work: Path) -> None:
    log = work / "log.csv"
    log.write_text("step,loss\n" + "".join(f"{step},{9 - step / 10}\n" for step in range(0, 40, 2)), encoding="utf-8")
    told = ["--schedule", "cosine", "--peak", "3e-4", "--warmup", "4", "--steps", "40", "--end", "3e-5"]
    call(log, "--name", "ours", *told, "--yes")
    assert 'kind = "cosine"' in (work / "lawbench-datasets" / "ours" / "card.toml").read_text(encoding="utf-8")
    call(log, "--name", "wsd", "--schedule", "WSD,decay_steps=10,steps=40,peak=3e-4,decay=linear", "--yes")
    assert (work / "lawbench-datasets" / "wsd" / "lr.csv").read_text(encoding="utf-8").count("\n") == 41
    twice = call(log, "--name", "twice", "--schedule", "cosine,peak=1e-4", "--peak", "3e-4", "--yes", code=2)
    assert "give one of them" in twice.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((STATE, "--name", "over-training"), "there is a dataset 'over-training' already"),
        ((STATE, "--name", "../x"), "cannot name a dataset"),
        (("absent.csv", "--name", "x"), "is not a file: give a .csv file"),
        ((STATE, "--name", "x", "--loss-column", "evalloss"), "did you mean 'eval_loss'?"),
        ((STATE, "--name", "x", "--n-params", "-1"), "--n-params -1 is not a number above 0"),
        ((STATE, "--name", "x", "--count-from", "7"), "is neither 0 nor 1"),
        ((STATE, "--name", "x", "--restart", "keep-first"), "the only way is keep-last"),
        ((STATE, "--name", "x", "--run", "b"), "does not tell runs apart"),
    ],
)
def test_what_cannot_be_is_refused(work: Path, arguments: tuple[object, ...], said: str) -> None:
    assert said in call(*arguments, "--yes", code=2).stderr
    assert not (work / "lawbench-datasets").exists()
