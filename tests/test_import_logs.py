"""Importing logs that the tools themselves wrote (tests/logs/make.py): what comes out is what went in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lawbench.data.card import read_card
from lawbench.data.dataset import Dataset, datasets, load_dataset, read_dataset
from lawbench.errors import CardError, DataError, InputError, LawbenchError, UnknownNameError
from lawbench.logs.columns import choose
from lawbench.logs.dialects import Asked, rates_of
from lawbench.logs.importing import Request, read_runs
from lawbench.logs.open import open_log
from lawbench.logs.rates import Told
from lawbench.logs.write import write_dataset
from lawbench.tasks import load_task

LOGS = Path(__file__).parent / "logs"
STATE = LOGS / "trainer" / "cosine" / "trainer_state.json"
HISTORY = json.loads(STATE.read_text(encoding="utf-8"))["log_history"]
EVALUATED = {entry["step"] - 1: entry["eval_loss"] for entry in HISTORY if "eval_loss" in entry}
TRAINED = {entry["step"] - 1: entry["loss"] for entry in HISTORY if "loss" in entry}
USED = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in LOGS.glob("trainer/*/used.json")}
FILES = ["trainer/cosine/trainer_state.json", "pandas.csv", "pandas.jsonl", "pandas.parquet", "wandb.csv",
         "events.out.tfevents.old", "events.out.tfevents.new"]  # fmt: skip


def imported(to: Path, *paths: Path, name: str = "mine", **said: Any) -> Dataset:
    request = Request(**said)
    write_dataset(name, to, read_runs(paths, request), request)
    return read_dataset(read_card(to / name))


def log(name: str) -> Path:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra: logs)")
    return LOGS / name


def csv_file(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_validation_losses_and_the_rates_that_were_used(name: str, tmp_path: Path) -> None:
    (run,) = imported(tmp_path, log(name)).runs
    assert run.steps.tolist() == list(EVALUATED)
    # pandas rounds JSON to ten decimals; TensorBoard holds 32 bits, and so does the loss itself.
    np.testing.assert_allclose(run.loss, list(EVALUATED.values()), rtol=1e-9)
    assert run.schedule is not None
    np.testing.assert_allclose(run.schedule.lr, USED["cosine"], rtol=1e-6)
    assert run.tokens is None if "tfevents" in name else run.tokens is not None
    if run.tokens is not None:
        assert run.tokens.tolist() == [64.0 * (step + 1) for step in EVALUATED]


@pytest.mark.parametrize(("name", "warmup"), [("cosine", None), ("wsd", None), ("linear", 0)])
def test_a_logged_rate_of_the_trainer_is_the_one_just_used(name: str, warmup: int | None, tmp_path: Path) -> None:
    path = LOGS / "trainer" / name / "trainer_state.json"
    (run,) = imported(tmp_path, path, told=Told(warmup=warmup)).runs
    assert run.schedule is not None
    np.testing.assert_allclose(run.schedule.lr, USED[name], rtol=1e-12)


def test_rates_that_belong_to_the_next_step_are_noticed(tmp_path: Path) -> None:
    """The history of the Trainer, with every rate moved one update ahead."""
    state = json.loads(STATE.read_text(encoding="utf-8"))
    after = [*USED["cosine"], 0.0]
    for entry in state["log_history"]:
        if "learning_rate" in entry:
            entry["learning_rate"] = after[entry["step"]]
    data = imported(tmp_path, csv_file(tmp_path, json.dumps(state), "trainer_state.json"))
    assert data.runs[0].schedule is not None
    np.testing.assert_allclose(data.runs[0].schedule.lr, USED["cosine"], rtol=1e-9)
    assert any("of the next update" in quirk for quirk in data.card.quirks)


def test_a_log_that_cannot_tell_the_warm_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fit several schedules.*warmup=0.*warmup=1"):
        imported(tmp_path, LOGS / "trainer" / "linear" / "trainer_state.json")


@pytest.mark.parametrize("case", json.loads((LOGS / "schedules.json").read_text(encoding="utf-8")),
                         ids=lambda case: f"{case['tool']}:{case['name']}")  # fmt: skip
def test_named_schedules_are_those_of_the_tools(case: dict[str, Any]) -> None:
    given = dict(case["arguments"])
    more = {key: given.pop(key) for key in ("decay", "decay_steps", "power") if key in given}
    np.testing.assert_allclose(rates_of(case["tool"], case["name"], Asked(**given, more=more)), case["lr"], rtol=1e-12)


@pytest.mark.parametrize("schedule", ["hf:cosine", "megatron:cosine", "cosine"])
def test_a_told_schedule_is_checked_against_the_log(schedule: str, tmp_path: Path) -> None:
    data = imported(tmp_path, STATE, told=Told(schedule, peak=1e-2, warmup=5))
    assert data.runs[0].schedule is not None
    np.testing.assert_allclose(data.runs[0].schedule.lr, USED["cosine"], rtol=1e-12)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Told("cosine", peak=2e-2, warmup=5), "logs the rate .* where .* gives"),
        (Told("lawbench:cosine", peak=1e-2, warmup=5), "logs the rate .* where lawbench:cosine gives"),
        (Told("cosinus", peak=1e-2), "did you mean 'hf:cosine'"),
        (Told("greedy", peak=1e-2), "unknown schedule 'greedy'"),
        (Told("hf:cosine", peak=1e-2, end=1e-3), "takes no 'end'"),
        (Told("cosine"), "needs --peak"),
        (Told("hf:warmup_stable_decay", peak=1e-2, more={"decay_steps": 99}), "does not fit"),
        (Told(way="nearest"), "is not one of used, next, interpolate"),
    ],
)
def test_schedules_that_cannot_be_are_refused(told: Told, said: str, tmp_path: Path) -> None:
    with pytest.raises(LawbenchError, match=said):
        imported(tmp_path, STATE, told=told)
    assert not (tmp_path / "mine").exists()


def test_without_rates_a_bare_name_that_tools_disagree_on_is_refused(tmp_path: Path) -> None:
    told = Told("constant_with_warmup", peak=1e-2, warmup=5, steps=24)
    with pytest.raises(InputError, match="which, hf:constant_with_warmup, olmo:constant_with_warmup"):
        imported(tmp_path, STATE, lr="none", told=told)
    with pytest.raises(InputError, match="has no learning rate: name its schedule"):
        imported(tmp_path, STATE, lr="none")
    (run,) = imported(tmp_path, STATE, told=Told("none")).runs
    assert run.schedule is None


def test_rates_are_interpolated_only_when_asked_and_the_card_says_so(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "step,loss,lr\n0,5,0.1\n4,4,0.3\n8,3.5,0.2\n10,3,0.1\n12,2.9,0.15\n")
    with pytest.raises(InputError, match="logs the learning rate at 5 of 13 steps"):
        imported(tmp_path, path)
    data = imported(tmp_path, path, told=Told(way="interpolate"))
    assert data.runs[0].schedule is not None
    np.testing.assert_allclose(data.runs[0].schedule.lr[:5], [0.1, 0.15, 0.2, 0.25, 0.3])
    assert any("it is not exact" in quirk for quirk in data.card.quirks)


def test_a_resumed_run_is_refused_until_told_what_to_keep(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"step 15 of 'eval_loss' comes after step 15|step 1\d .* --restart keep-last"):
        imported(tmp_path, LOGS / "resumed.jsonl", loss="loss")
    data = imported(tmp_path, LOGS / "resumed.jsonl", loss="loss", restart="keep-last")
    assert dict(zip(data.runs[0].steps.tolist(), data.runs[0].loss.tolist(), strict=True)) == TRAINED
    assert any("2 points of earlier attempts" in quirk for quirk in data.card.quirks)
    assert data.card.loss.kind == "train"


def test_a_restart_replaces_what_was_logged_beyond_it(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "step,loss\n0,9\n2,8\n4,7\n3,6\n5,5\n")
    (run,) = imported(tmp_path, path, restart="keep-last", told=Told("none")).runs
    assert run.steps.tolist() == [0, 2, 3, 5]
    assert run.loss.tolist() == [9.0, 8.0, 6.0, 5.0]


def chart(folder: Path) -> Path:
    """Two runs side by side, named as a chart's export names its columns: run - metric."""
    header, *rows = (LOGS / "pandas.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    at = {name: names.index(name) for name in ("step", "eval_loss")}
    lines = ["Step,a - eval_loss,a - eval_loss__MIN,b - eval_loss"]
    for row in (line.split(",") for line in rows):
        loss = row[at["eval_loss"]]
        lines.append(f"{row[at['step']]},{loss},{loss},{float(loss) + 1 if loss else ''}")
    return csv_file(folder, "\n".join(lines) + "\n", "chart.csv")


def test_two_runs_in_one_file_are_told_apart(tmp_path: Path) -> None:
    path = chart(tmp_path)
    with pytest.raises(InputError, match=r"has 2 runs: pick one with --run. Runs: a, b"):
        imported(tmp_path, path, told=Told("none"))
    with pytest.raises(UnknownNameError, match="unknown run"):
        imported(tmp_path, path, run="c", told=Told("none"))
    (run,) = imported(tmp_path, path, run="b", count_from=1, told=Told("none")).runs
    assert run.steps.tolist() == list(EVALUATED)
    np.testing.assert_allclose(run.loss, [loss + 1 for loss in EVALUATED.values()], rtol=1e-12)
    rows = csv_file(tmp_path, "run_id,step,loss\nx,0,5\ny,0,6\nx,1,4\ny,1,5\n", "rows.csv")
    with pytest.raises(InputError, match="Runs: x, y"):
        imported(tmp_path, rows, told=Told("none"))
    assert imported(tmp_path, rows, name="y", run="y", told=Told("none")).runs[0].loss.tolist() == [6.0, 5.0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("step,loss\n0,5\n1,nan\n", "line 3: nan in column 'loss' is not a finite number"),
        ("step,loss\n0,5\n1,-1\n", "line 3: -1, but a loss"),
        ("step,loss\n0,5\n1,oops\n", "line 3: 'oops' in column 'loss' is not a number"),
        ("step,loss\n0,5\n1,1_0\n", "is not a number"),
        ("step,loss\n0,5\n1,4\n2,3.", "ends within a line and may be cut"),
        ("step,loss\n0,5\n1\n", "line 3: 1 cells where the header has 2"),
        ("step,loss\n0.5,5\n1,4\n", "0.5, but a step is a whole number"),
        ("step,loss\n-1,5\n1,4\n", "a step is never below 0"),
        ("step,loss\n,5\n1,4\n", "has a value but no step"),
        ("step,loss\n2,5\n1,6\n0,7\n", "run backwards|comes after"),
        ("step,loss\n1,5\n1,6\n", "step 1 of 'loss' comes after step 1"),
        ("step,loss\n1,5\n", "at least two points"),
        ("step,loss,loss\n1,5,5\n", "column 'loss' occurs twice"),
        ("time,loss\n1,5\n", "usual name of the step"),
        ("step,ppl\n1,5\n", "usual name of the loss"),
        ("step,val/a_loss,val/b_loss\n1,5,5\n", "has several losses: pick one with --loss-column"),
        ("", "is empty"),
        ('step,loss\n0,"5\n', "not CSV|ends within"),
        ("step,loss\n0,5\n1,4\n".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("step,loss,né\n0,5,1\n1,4,1\n".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_what_is_no_curve_is_refused_in_a_sentence(content: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(LawbenchError, match=said) as caught:
        imported(tmp_path, csv_file(tmp_path, content), told=Told("none"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_a_million_columns_do_not_hurt(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(10**6))
    row = ",".join("1" for _ in range(10**6))
    path = csv_file(tmp_path, f"step,loss,{wide}\n0,5,{row}\n1,4,{row}\n")
    assert imported(tmp_path, path, told=Told("none")).runs[0].loss.tolist() == [5.0, 4.0]
    with pytest.raises(LawbenchError) as caught:
        choose(open_log(path), loss="d")
    assert len(str(caught.value)) < 5000


def test_validation_loss_is_preferred_and_a_named_column_wins(tmp_path: Path) -> None:
    assert imported(tmp_path, STATE).card.loss.kind == "validation"
    data = imported(tmp_path, STATE, name="train", loss="loss")
    assert data.card.loss.kind == "train"
    assert dict(zip(data.runs[0].steps.tolist(), data.runs[0].loss.tolist(), strict=True)) == TRAINED
    assert any("mean since the point before" in quirk for quirk in data.card.quirks)


def test_the_dataset_has_a_task_and_is_found_where_it_was_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAWBENCH_DATASETS", raising=False)
    imported(tmp_path / "lawbench-datasets", STATE)
    assert "mine" in [card.name for card in datasets()]
    task = load_task("mine/horizon-50")
    assert [len(run) for run in task.train] == [sum(step < 12 for step in EVALUATED)]
    assert {"lr", "prefix", "tokens"} <= task.provides
    imported(tmp_path / "other", STATE, name="yours")
    monkeypatch.setenv("LAWBENCH_DATASETS", str(tmp_path / "other"))
    assert load_dataset("yours").runs[0].loss.size == len(EVALUATED)
    with pytest.raises(UnknownNameError):
        load_dataset("mine")


def test_a_name_clash_and_a_missing_folder_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(tmp_path, STATE, name="over-training")
    monkeypatch.setenv("LAWBENCH_DATASETS", str(tmp_path))
    with pytest.raises(CardError, match="two datasets are named 'over-training'"):
        datasets()
    monkeypatch.setenv("LAWBENCH_DATASETS", str(tmp_path / "absent"))
    with pytest.raises(DataError, match="is not a folder"):
        datasets()


def test_a_schedule_file_must_have_every_step(tmp_path: Path) -> None:
    imported(tmp_path, STATE)
    card = tmp_path / "mine" / "card.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('file = "lr.csv"', 'file = "rates.csv"'), encoding="utf-8")
    with pytest.raises(CardError, match=r"a schedule from a file names one of curve\.csv, lr\.csv"):
        read_dataset(read_card(tmp_path / "mine"))
    card.write_text(card.read_text(encoding="utf-8").replace('file = "rates.csv"', 'file = "curve.csv"'), "utf-8")
    with pytest.raises(CardError, match="needs one row for each of the steps"):
        read_dataset(read_card(tmp_path / "mine"))


def test_tokens_that_grow_unevenly_are_kept_by_point(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "step,loss,tokens\n0,5,10\n1,4,30\n2,3.5,35\n")
    (run,) = imported(tmp_path, path, told=Told("none")).runs
    assert run.tokens is not None
    assert run.tokens.tolist() == [10.0, 30.0, 35.0]


@pytest.mark.tools
def test_the_tools_still_write_what_is_here(tmp_path: Path) -> None:
    for tool in ("torch", "transformers", "accelerate", "tensorboard", "wandb", "pyarrow"):
        pytest.importorskip(tool, reason=f"{tool} is not installed")
    script = [sys.executable, "-W", "ignore", LOGS / "make.py", tmp_path / "logs"]
    subprocess.run([*script, "trainer", "resumed", "tables", "tensorboard", "wandb"], check=True, capture_output=True)
    for name in FILES:
        (run,) = imported(tmp_path / "made", tmp_path / "logs" / name, name=name.split("/")[0]).runs
        assert run.steps.tolist() == list(EVALUATED)
        # Weights may start elsewhere in another version of the tools; the rates may not.
        assert run.schedule is not None
        np.testing.assert_allclose(run.schedule.lr, USED["cosine"], rtol=1e-6)
