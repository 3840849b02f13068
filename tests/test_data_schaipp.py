"""The cooldown study: schedules, joined logs and traps, measured on its 202 files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, find_card, load_dataset, read_dataset
from lawbench.data.sources import fetch
from lawbench.errors import DataError
from lawbench.noise import repeats
from lawbench.runs import Run
from lawbench.splits import select
from lawbench.tasks import Task, load_task

LR_TOLERANCE = 1e-12
"""Largest difference between a logged rate and the closed form, in units of the peak."""


@cache
def _data() -> Dataset:
    return load_dataset("schaipp")


@cache
def _task(name: str) -> Task:
    return load_task(f"schaipp/{name}")


@cache
def _logs() -> dict[str, Any]:
    """Return what the files hold, read whole and by a plain parser, by the name inside them."""
    card = find_card("schaipp")
    logs = {}
    for path, local in fetch(card).items():
        log = json.loads(local.read_text(encoding="utf-8"))
        log["path"] = path
        logs[log["name"]] = log
    return logs


def _run_of(log: dict[str, Any]) -> Run:
    """Return the run of a file, found by what makes it one of its kind."""
    config = log["config"]
    series = "rerun" if "grad_norm" in log["path"] else "llama" if config["model"] == "llama" else ""
    study = "grid" if "-124m" in log["path"] or "ann124" in log["path"] else "sizes"
    cosine, fraction = config["scheduler"] == "cos", config["wsd_fract_decay"]
    (run,) = [
        run
        for run in _data().runs
        if run.meta["series"] == (series or study)
        and run.model == f"{config['model']} {config['n_layer']}x{config['n_embd']}"
        and (run.meta["peak_lr"], run.meta["iterations"]) == (config["lr"], config["iterations"])
        and (run.meta["shape"] == "cosine") == cosine
        and (cosine or run.meta["fraction"] == fraction)
        and (not cosine or (run.meta["final"] == 0.1) == (config.get("cos_final_lr", -1) < 0))
        and (run.meta["decay"] == "sqrt") == (not cosine and fraction > 0 and config.get("decay_type") == "sqrt")
    ]
    return run


def _means(log: dict[str, Any]) -> dict[int, float]:
    """Return the mean loss of every evaluated iteration."""
    values: dict[int, list[float]] = {}
    for iteration, loss in zip(log["history"]["val"]["iter"], log["history"]["val"]["val_loss"], strict=True):
        values.setdefault(iteration, []).append(loss)
    return {iteration: float(np.mean(losses)) for iteration, losses in values.items()}


def _source(log: dict[str, Any]) -> str | None:
    resumed = log["config"]["resume_from"]
    return None if resumed in (None, "None") else resumed.split("/")[-3]


def _point(run: Run, iteration: int) -> float:
    return float(run.loss[np.flatnonzero(run.steps == iteration - 1)[0]])


@pytest.mark.data
def test_202_runs_of_eight_sizes() -> None:
    data = _data()
    assert (len(data.runs), sum(len(run) for run in data.runs)) == (202, 33810)
    assert Counter((run.meta["series"], run.meta["shape"]) for run in data.runs) == {
        ("grid", "constant"): 4, ("grid", "cooldown"): 92, ("grid", "cosine"): 21,
        ("rerun", "constant"): 5, ("rerun", "cooldown"): 20, ("rerun", "cosine"): 5,
        ("sizes", "constant"): 8, ("sizes", "cooldown"): 16, ("sizes", "cosine"): 24,
        ("llama", "constant"): 1, ("llama", "cooldown"): 3, ("llama", "cosine"): 3,
    }  # fmt: skip
    millions = {run.model: (run.n_params or 0.0) / 1e6 for run in data.runs}
    assert millions == pytest.approx(
        {
            "llama_norm 8x384": 33.45, "llama_norm 8x512": 52.99, "llama_norm 10x512": 59.81,
            "llama_norm 12x640": 93.11, "llama_norm 12x768": 123.53, "llama_norm 16x768": 151.84,
            "llama_norm 24x768": 208.47, "llama 24x768": 208.47, "llama_norm 24x1024": 359.74,
        },
        rel=1e-3,
    )  # fmt: skip
    for run in data.runs:
        assert run.tokens_per_step == (204800 if "24x1024" in run.model else 102400)


@pytest.mark.data
def test_the_model_size_counts_the_tied_embedding_once() -> None:
    layers, width, hidden, vocabulary = 12, 768, 2048, 50304
    exact = layers * (4 * width**2 + 3 * width * hidden + 2 * width) + width + vocabulary * width
    assert {run.n_params for run in _data().runs if run.model == "llama_norm 12x768"} == {exact}


@pytest.mark.data
def test_the_closed_forms_give_every_logged_rate() -> None:
    compared = 0
    for log in _logs().values():
        run, train = _run_of(log), log["history"]["train"]
        assert run.schedule is not None
        at, logged = np.array(train["iter"]), np.array(train["train_lr"])
        made = at < log["config"]["iterations"]
        error = np.abs(run.schedule.lr[at[made]] - logged[made])
        assert error.max() <= LR_TOLERANCE * log["config"]["lr"]
        assert len(run.schedule) == log["config"]["iterations"]
        assert run.schedule.warmup == 300
        assert run.schedule.peak == log["config"]["lr"]
        compared += int(made.sum())
    assert compared > 100_000


@pytest.mark.data
def test_trap_the_last_logged_rate_is_that_of_a_step_never_made() -> None:
    logged_zero = 0
    for log in _logs().values():
        run, train = _run_of(log), log["history"]["train"]
        last = [lr for at, lr in zip(train["iter"], train["train_lr"], strict=True) if at == len(run.schedule or ())]
        assert run.schedule is not None
        if run.meta["shape"] == "constant":
            assert set(run.schedule.lr[300:]) == {run.schedule.peak}
            assert set(last) == {0.0}
            logged_zero += 1
        elif run.meta["shape"] == "cosine" and last:
            assert run.schedule.lr[-1] == pytest.approx(
                0.1 * run.schedule.peak if run.meta["final"] else 1e-7, rel=1e-9
            )
            assert run.schedule.lr[-1] < last[0] < run.schedule.lr[-1] * 1.001
    assert logged_zero == 18


@pytest.mark.data
def test_curves_hold_the_validation_loss_that_is_logged_while_training() -> None:
    offsets, gaps = [], set()
    for log in _logs().values():
        run, means = _run_of(log), _means(log)
        own = {int(step) + 1: loss for step, loss in zip(run.steps, run.loss, strict=True) if step + 1 in means}
        assert own == pytest.approx({at: loss for at, loss in means.items() if at > 300}, rel=1e-12)
        assert run.steps[0] == 399
        assert 0 < len(run.schedule or ()) - 1 - run.steps[-1] <= 200
        offsets.append(log["summary"]["final-val/loss"] - run.loss[-1])
        missing = {int(at) for a, b in pairwise(run.steps + 1) for at in range(a + 200, b, 200)}
        source = _logs().get(_source(log) or "", log)
        assert missing <= {at for one in (log, source) for at in one["config"].get("full_eval_at", [])}
        gaps |= missing
    assert np.median(offsets) == pytest.approx(0.036, abs=5e-4)
    assert {3000, 10000, 25000, 50000} <= gaps


@pytest.mark.data
def test_trap_repeated_and_unordered_evaluations_are_sorted_means() -> None:
    unordered = [log for log in _logs().values() if (np.diff(log["history"]["val"]["iter"]) < 0).any()]
    assert len(unordered) == 39
    (log,) = [
        log for name, log in _logs().items() if name.startswith("cos-10") and "lr0.002" in name and "35000" in name
    ]
    table = log["history"]["val"]
    twice = [loss for at, loss in zip(table["iter"], table["val_loss"], strict=True) if at == 2600]
    assert max(twice) - min(twice) > 0.002
    assert _point(_run_of(log), 2600) == pytest.approx(np.mean(twice), rel=1e-12)


@pytest.mark.data
def test_trap_cooldown_logs_continue_the_constant_run_that_they_name() -> None:
    cooldowns = [log for log in _logs().values() if _run_of(log).meta["shape"] == "cooldown"]
    joined = [log for log in cooldowns if min(log["history"]["val"]["iter"]) > 0]
    assert (len(cooldowns), len(joined)) == (131, 90)
    differ = 0
    for log in joined:
        run, source = _run_of(log), _logs()[_source(log) or ""]
        trunk, start = _run_of(source), min(log["history"]["val"]["iter"])
        assert trunk.meta["shape"] == "constant"
        assert (trunk.model, trunk.meta["peak_lr"]) == (run.model, run.meta["peak_lr"])
        before = run.steps + 1 < start
        assert start <= run.meta["iterations"] * (1 - run.meta["fraction"]) + 1
        assert run.loss[before].tolist() == trunk.loss[: before.sum()].tolist()
        assert run.steps[before].tolist() == trunk.steps[: before.sum()].tolist()
        assert abs(_point(run, start) - _point(trunk, start)) < 1e-3
        differ += _point(run, start) != _point(trunk, start)
    assert differ > 0


@pytest.mark.data
def test_trap_208m_is_two_models() -> None:
    llama = {run.model for run in _data().runs if run.meta["series"] == "llama"}
    sizes = {run.model for run in _data().runs if run.meta["series"] == "sizes"}
    assert llama == {"llama 24x768"}
    assert "llama_norm 24x768" in sizes
    assert not llama & sizes


@pytest.mark.data
def test_trap_a_diverged_run_is_in_no_task() -> None:
    diverged = [run.name for run in _data().runs if run.loss[-1] > 5]
    assert diverged == ["grid-12x768-cosine-0-lr0.005-50000"]
    for task in find_card("schaipp").tasks:
        used = [*select(_data().runs, task.fit), *select(_data().runs, task.predict)]
        assert diverged[0] not in {run.name for run in used}


@pytest.mark.data
@pytest.mark.parametrize(
    ("peak", "apart"), [("0.0001", 0.0008), ("0.0005", 0.0020), ("0.001", 0.0012), ("0.002", 0.0024)]
)
def test_repeated_constant_runs_differ_as_the_card_says(peak: str, apart: float) -> None:
    a, b = (_data().run(f"{series}-12x768-constant-lr{peak}-50000") for series in ("grid", "rerun"))
    assert a.steps.tolist() == b.steps.tolist()
    assert np.mean(np.abs(a.loss - b.loss)) == pytest.approx(apart, abs=5e-5)
    if peak == "0.001":
        assert repeats(_data().runs) == repeats([a, b]) == pytest.approx(2.8e-4, rel=0.01)


@pytest.mark.data
@pytest.mark.parametrize("task", [info.name for info in find_card("schaipp").tasks])
def test_no_scored_loss_is_a_fitted_one(task: str) -> None:
    found = _task(task)
    fitted = {(run.model, int(s), float(y)) for run in found.train for s, y in zip(run.steps, run.loss, strict=True)}
    for run, mask in zip(found.truth(), found.counts, strict=True):
        points = zip(run.steps[mask], run.loss[mask], strict=True)
        assert not fitted & {(run.model, int(s), float(y)) for s, y in points}
    assert found.provides >= {"steps", "lr", "n_params", "tokens"}


@pytest.mark.data
def test_tasks_go_as_far_as_their_notes_say() -> None:
    far = {name: _task(name).extrapolation for name in ("schedule-longer", "schedule-208m")}
    assert far["schedule-longer"] == pytest.approx(2.0, abs=0.02)
    for name, factor in {"constant-10": 10, "constant-20": 5, "cosine-20": 5, "cooldown-33": 3}.items():
        task = _task(f"horizon-{name}")
        assert task.extrapolation == pytest.approx(factor, rel=0.02)
        assert len(task.train) == 1
    peaks = _task("schedule-peaks")
    assert {run.meta["peak_lr"] for run in peaks.train} == {5e-4, 1e-3}
    assert {run.meta["peak_lr"] for run in peaks.test} == {1e-4, 2e-3}
    for name, shapes in {"cosine": {"cosine"}, "cooldown": {"cooldown"}, "cooldown-to-cosine": {"cosine"}}.items():
        task = _task(f"scale-{name}")
        assert len({run.n_params for run in task.train}) == 7
        assert {run.model for run in task.test} == {"llama_norm 24x1024"}
        assert {run.meta["shape"] for run in task.test} == shapes
        sizes = [max(run.n_params or 0 for run in runs) for runs in (task.test, task.train)]
        assert sizes[0] / sizes[1] == pytest.approx(1.7, abs=0.05)


def _log(name: str, val: dict[int, list[float]], **config: Any) -> str:
    """Return a small log of the study's format: 400 iterations, one evaluation every 50."""
    known = {
        "model": "llama_norm", "n_layer": 2, "n_embd": 8, "lr": 0.001, "scheduler": "wsd", "wsd_fract_decay": 0,
        "iterations": 400, "warmup_steps": 100, "resume_from": "None", "batch_size": 2, "acc_steps": 3,
        "world_size": 1, "sequence_length": 16, "seed": 0,
    }  # fmt: skip
    points = [(at, loss) for at, losses in val.items() for loss in losses]
    table = {"iter": [at for at, _ in points], "val_loss": [loss for _, loss in points]}
    log = {"name": name, "summary": {"parameters": 100}, "config": known | config, "history": {"val": table}}
    return json.dumps(log, indent=4)


@pytest.fixture
def study(toy: Callable[..., Card], tmp_path: Path) -> Callable[[dict[str, str]], Dataset]:
    """Return a function that reads small logs with the loader of the study."""

    def build(files: dict[str, str]) -> Dataset:
        loader = Path(__file__).parent.parent / "datasets" / "schaipp" / "loader.py"
        folder = tmp_path / "datasets" / "toy"
        folder.mkdir(parents=True)
        (folder / "loader.py").write_text(loader.read_text(encoding="utf-8"), encoding="utf-8")
        return read_dataset(toy(files, runs=[], tasks=[], n_params=None, tokens_per_step=None))

    return build


def test_small_logs_are_sorted_joined_and_counted_from_step_0(study: Callable[[dict[str, str]], Dataset]) -> None:
    stable = _log("stable", {250: [3.0, 3.2], 0: [9.0], 100: [4.5], 150: [4.0], 200: [3.5], 300: [2.9]})
    ann = _log("ann", {250: [3.05], 300: [2.8], 350: [2.7]}, wsd_fract_decay=0.25, resume_from="/exps/stable/ckpts/250")
    first, second = study({"stable.json": stable, "ann.json": ann}).runs[::-1]
    assert (first.name, second.name) == ("sizes-2x8-constant-lr0.001-400", "sizes-2x8-linear-0.25-lr0.001-400")
    assert first.steps.tolist() == [149, 199, 249, 299]
    assert first.loss.tolist() == pytest.approx([4.0, 3.5, 3.1, 2.9])
    assert second.steps.tolist() == [149, 199, 249, 299, 349]
    assert second.loss.tolist() == [4.0, 3.5, 3.05, 2.8, 2.7]
    assert second.tokens is not None
    assert second.tokens[0] == 150 * 96
    assert second.schedule is not None
    assert second.schedule.lr[[0, 50, 100, 300, 350, 399]] == pytest.approx(
        [1e-5, 0.505e-3, 1e-3, 1e-3, 0.5e-3, 0.01e-3], rel=1e-12
    )


def test_square_root_and_cosine_by_hand(study: Callable[[dict[str, str]], Dataset]) -> None:
    sqrt = _log("a", {150: [4.0], 200: [3.0]}, wsd_fract_decay=0.25, decay_type="sqrt")
    cosine = _log("b", {150: [4.0], 200: [3.0]}, scheduler="cos", cos_final_lr=-1, iterations=401)
    a, b = (run.schedule for run in study({"a.json": sqrt, "b.json": cosine}).runs)
    assert a is not None
    assert b is not None
    assert a.lr[[300, 325, 399]] == pytest.approx([1e-3, 0.5e-3, 1e-3 * (1 - 0.99**0.5)], rel=1e-12)
    assert b.lr[[0, 99, 400]] == pytest.approx([1e-5, 1e-3, 1e-4], rel=1e-12)
    assert b.lr[99 + 301 // 2] == pytest.approx(0.55e-3, rel=0.01)
    assert b.lr[33] == pytest.approx(1e-5 + (1e-3 - 1e-5) * (1 - np.cos(np.pi / 3)) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"val":', '"evaluations":', "'a.json' has 0 keys 'val' instead of one"),
        ('"seed": 0', '"seed": 0, "val": 1', "'a.json' has 2 keys 'val' instead of one"),
        ('"None"', '"/exps/other/ckpts/0"', "failed with KeyError: 'other'"),
    ],
)
def test_a_log_of_another_format_is_refused(
    study: Callable[[dict[str, str]], Dataset], old: str, new: str, said: str
) -> None:
    log = _log("a", {150: [4.0], 200: [3.0]})
    with pytest.raises(DataError, match=said):
        study({"a.json": log.replace(old, new)})
