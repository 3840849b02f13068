"""Checks of datasets: each thing that can be wrong is made once, and found; nothing is wrong with ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lawbench.cli import app
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, datasets, read_dataset
from lawbench.data.sources import where
from lawbench.dataset_checks import CHECKS, Inspection, Subject, check_dataset
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.shapes import named_schedule
from lawbench.trunks import grouped, shared_trunks

from .conftest import CSV, FILES, _without_data, card_of
from .house import settle

Toy = Callable[..., Card]


def _said(check: str, card: Card, runs: Sequence[Run] | None = None) -> list[tuple[bool, str]]:
    data = read_dataset(card) if runs is None else Dataset(card, tuple(runs))
    return list(CHECKS[check](Subject(card, data)))


def _problems(found: Inspection) -> list[str]:
    return [f"{finding.check}: {finding.text}" for finding in found.findings if finding.problem]


def _curve(name: str, n: int = 40, branch: int | None = None, **more: Any) -> Run:
    """A falling curve on steps 0, 1, ..; from its branch on it is another one than the rest."""
    steps = np.arange(n)
    loss = 2.0 + 3.0 / np.sqrt(steps + 1.0)
    if branch is not None:
        loss[branch:] -= 0.001 * (steps[branch:] - branch + 1)
    return Run(name, steps, loss, **more)


def test_a_good_dataset_has_no_problem_and_says_what_it_lacks(toy: Toy) -> None:
    found = check_dataset(toy())
    assert found.passed
    assert found.checks == ("files", "runs", *CHECKS)
    assert ("losses", False) in {(finding.check, finding.problem) for finding in found.findings}


def test_a_loss_far_above_a_uniform_guess_is_a_problem(toy: Toy) -> None:
    assert _said("losses", toy(vocabulary=50257)) == []
    ((problem, text),) = _said("losses", toy(vocabulary=8))
    assert problem
    assert "drop (8 points, up to 4.8)" in text
    assert "4.08" in text


def test_losses_without_a_vocabulary_or_in_another_unit_are_not_bounded(toy: Toy) -> None:
    ((problem, text),) = _said("losses", toy())
    assert (problem, "no `vocabulary`" in text) == (False, True)
    other = {"kind": "train", "smoothing": "none", "unit": "bits per byte"}
    ((problem, text),) = _said("losses", toy(vocabulary=8, loss=other))
    assert (problem, "'bits per byte'" in text) == (False, True)


@pytest.mark.parametrize(
    ("row", "said"),
    [("9,0.5,nan", "nan in column 'loss'"), ("9,0.5,0", "a loss is above 0"), ("8,0.5,4", "steps must increase")],
)
def test_a_dataset_that_cannot_be_read_is_a_problem(toy: Toy, row: str, said: str) -> None:
    found = check_dataset(toy(FILES | {"drop.csv": CSV + row + "\n"}))
    assert said in _problems(found)[0]
    assert found.checks == ("files", "runs")


def test_a_schedule_that_ends_before_its_log_is_a_problem(toy: Toy) -> None:
    runs = card_of(FILES)["runs"]
    runs[1]["schedule"]["steps"] = 7
    assert "its schedule ends after 7 steps" in _problems(check_dataset(toy(runs=runs)))[0]


def test_a_file_with_other_bytes_is_a_problem(toy: Toy) -> None:
    card = toy()
    (card.folder / "flat.csv").write_text(FILES["flat.csv"].replace("4.", "3.", 1))
    found = check_dataset(card)
    assert not found.passed
    assert "files: file 'flat.csv' of dataset 'toy'" in _problems(found)[0]
    assert "expected sha256" in _problems(found)[0]


def test_missing_and_dead_schedules_are_told(toy: Toy) -> None:
    flat, zero, cut = Schedule(np.ones(40)), Schedule(np.zeros(40)), Schedule(np.append(np.ones(39), 0.0))
    assert _said("schedules", toy(), [_curve("a")]) == [(False, "no run has a schedule")]
    assert _said("schedules", toy(), [_curve("a"), _curve("b", schedule=flat)]) == [
        (False, "1 of 2 runs have a schedule")
    ]
    assert _said("schedules", toy(), [_curve("b", schedule=flat)]) == []
    assert _said("schedules", toy(), [_curve("b", schedule=zero)]) == [
        (True, "the learning rate is 0 at every step: b")
    ]
    ((problem, text),) = _said("schedules", toy(), [_curve("b", schedule=cut)])
    assert (problem, "after one above a tenth of the peak: b" in text) == (False, True)


def test_spikes_and_divergence_are_remarks(toy: Toy) -> None:
    loss = 2.0 + 3.0 / np.sqrt(np.arange(1.0, 101.0))
    bumpy, up = loss.copy(), loss.copy()
    bumpy[60] *= 1.5
    up[-10:] *= 2.0
    runs = [Run(name, np.arange(100), y) for name, y in (("fine", loss), ("bumpy", bumpy), ("up", up))]
    ((problem, text),) = _said("spikes", toy(), runs)
    assert not problem
    assert "run 'bumpy' has 1 loss spike (step 60)" in text
    assert "run 'up' ends well above its lowest loss: it diverged" in text
    assert "fine" not in text


def test_a_run_under_two_names_is_a_problem(toy: Toy) -> None:
    ((problem, text),) = _said("duplicates", toy(), [_curve("a"), _curve("b"), _curve("c", branch=20)])
    assert (problem, "a and b have literally the same losses to their end (40 points)" in text) == (True, True)
    final = {"loss": 2.5, "n_params": 1e6, "tokens": 1e9}
    ((problem, text),) = _said("duplicates", toy(), [Run.final(name, **final) for name in "abc"])
    assert (problem, text) == (True, "final losses that are equal in everything: a = b = c")
    seeds = [Run.final(name, **final, meta={"seed": i}) for i, name in enumerate("ab")]
    ((problem, text),) = _said("duplicates", toy(), seeds)
    assert (problem, text) == (False, "final losses that are equal but for their meta: a = b")
    other = [Run.final("a", **final), Run.final("b", **(final | {"tokens": 2e9}))]
    assert _said("duplicates", toy(), other) == []


def test_equal_losses_after_the_rates_part_are_a_problem(toy: Toy) -> None:
    flat = named_schedule("constant", steps=40, peak=1.0)

    def runs(drop_at: int, branch: int) -> list[Run]:
        drop = named_schedule("two-stage", steps=40, peak=1.0, second=0.1, drop_at=drop_at)
        return [_curve("flat", schedule=flat), _curve("drop", schedule=drop, branch=branch)]

    assert _said("duplicates", toy(), runs(20, 20)) == _said("duplicates", toy(), runs(20, 22)) == []
    ((problem, text),) = _said("duplicates", toy(), runs(10, 20))
    assert (problem, "literally the same losses at 10 points after their rates part" in text) == (True, True)


def test_recorded_branches_are_held_to_the_losses_and_rates(toy: Toy) -> None:
    flat = named_schedule("constant", steps=40, peak=1.0)
    drop = named_schedule("two-stage", steps=40, peak=1.0, second=0.1, drop_at=20)
    parent = _curve("flat", schedule=flat)

    def said(branch: object, at: int = 20, name: object = "flat") -> list[tuple[bool, str]]:
        child = _curve("drop", schedule=drop, branch=at, meta={"parent": name, "branch": branch})
        return _said("branches", toy(), [parent, child])

    assert said(20) == []
    assert said(20, at=15) == [(True, "drop branches from flat at step 20, but their losses differ at step 15")]
    assert said(25, at=25) == [(True, "drop branches from flat at step 25, but their rates differ from step 20 on")]
    assert said(0) == [(False, "drop branches from flat at step 0, but they have no logged step before it in common")]
    for wrong in (said(None), said(20, name="flut"), said(20, name=None)):
        ((problem, text),) = wrong
        assert (problem, "is not a run and a step" in text) == (True, True)


def test_trunks_are_found_on_other_steps_and_other_models() -> None:
    a = _curve("a", model="x")
    every_third = _curve("b", branch=20, model="y").select(np.arange(40) % 3 == 0)
    (trunk,) = shared_trunks([a, every_third])
    assert (trunk.points, trunk.last, trunk.rates, trunk.copy) == (7, 18, None, False)
    assert shared_trunks([a, Run("c", a.steps, a.loss + 0.1)]) == []
    assert shared_trunks([a, _curve("c", branch=2)]) == []


def test_runs_with_a_trunk_in_common_are_one_group(toy: Toy) -> None:
    runs = [_curve(name, branch=at) for name, at in (("a", None), ("b", 10), ("c", 20))]
    runs += [Run(name, run.steps, run.loss + 1) for name, run in zip("xy", runs, strict=False)]
    assert grouped(shared_trunks(runs)) == [("a", {"b": 9, "c": 19}), ("x", {"y": 9})]
    many = [Run(f"{k}{run.name}", run.steps, run.loss + k) for k in range(9) for run in runs[:2]]
    *told, (_, last) = _said("trunks", toy(tasks=[]), many)
    assert told[0] == (False, "0a shares its trunk with 0b (to step 9)")
    assert last == "6 more runs share trunks, in 3 groups"


def _task_card(toy: Toy, **changes: Any) -> Card:
    task = {
        "name": "scale", "track": "scale", "fit": {"runs": ["a"]}, "predict": {"runs": ["b"]},
        "fitted_points": 40, "scored_points": 40,
    }  # fmt: skip
    return toy(tasks=[task | changes])


def test_a_task_that_counts_fitted_points_is_a_problem(toy: Toy) -> None:
    runs = [_curve("a", model="x"), _curve("b", branch=20, model="y")]
    remark, (problem, text) = _said("trunks", _task_card(toy), runs)
    assert remark == (False, "a shares its trunk with b (to step 19)")
    assert problem
    assert text.startswith("task scale counts 20 points of b literally equal to the fitted a (branch None")


def test_a_point_logged_a_step_late_is_a_remark(toy: Toy) -> None:
    flat = named_schedule("constant", steps=40, peak=1.0)
    drop = named_schedule("two-stage", steps=40, peak=1.0, second=0.1, drop_at=20)
    card = _task_card(toy, track="schedule", scored_points=20, curves=[{"run": "b", "branch": 20, "points": 20}])
    fitted = _curve("a", schedule=flat)
    for late, count in ((20, 1), (21, 2), (24, 2)):
        found = _said("trunks", card, [fitted, _curve("b", schedule=drop, branch=late)])
        assert len(found) == count
        assert found[-1][0] == (late == 24)


def test_tasks_that_do_not_hold_are_problems(toy: Toy) -> None:
    ((problem, text),) = _said("tasks", _task_card(toy, fitted_points=41), [_curve("a"), _curve("b", branch=1)])
    assert (problem, "fitted_points is 41 in the card and 40 in the data" in text) == (True, True)
    assert _said("tasks", toy(tasks=[])) == [(False, "the card has no task")]


def test_the_source_of_the_noise_floor_is_told(toy: Toy) -> None:
    final = [Run.final(name, 2.5, 1e6, 1e9) for name in "ab"]
    assert _said("noise", toy(), final) == [(False, "noise floor of 2 of 2 runs: unknown: nothing is called a tie")]
    stated = {"value": 0.01, "unit": "relative", "source": "stated"}
    ((problem, text),) = _said("noise", toy(noise=stated), final)
    assert (problem, text) == (False, "noise floor of 2 of 2 runs: stated, median 0.01 in log loss")


def _call(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, offline: Path) -> Path:
    """The toy dataset of the command line; no way to any other data."""
    return settle(monkeypatch, tmp_path / "house") / "datasets" / "toy"


def test_the_command_exits_with_0_1_or_2(house: Path) -> None:
    assert "1 of 1 datasets checked, 0 problems" in _call("datasets", "check").stderr
    assert json.loads(_call("check", "toy", "--json").stdout) == json.loads(_call("datasets", "check", "--json").stdout)
    data, card = house / "flat.csv", house / "card.toml"
    kept = data.read_text()
    data.write_text(kept.replace("2.", "1.", 1))
    shown = _call("datasets", "check", "toy", code=1)
    assert "PROBLEM" in shown.stdout
    (found,) = json.loads(_call("datasets", "check", "toy", "--json", code=1).stdout)
    assert (found["passed"], found["findings"][0]["check"]) == (False, "files")
    data.unlink()
    source = '[source]\nrepository = "nobody/nothing"\ncommit = "' + "0" * 40 + '"\n'
    card.write_text(card.read_text().replace("[source]\n", source))
    shown = _call("datasets", "check", "toy", code=2)
    assert "not checked" in shown.stdout
    assert "0 of 1 datasets checked, 0 problems; not checked: toy" in shown.stderr


def test_check_of_neither_law_nor_dataset_suggests_one(house: Path) -> None:
    assert "unknown law or dataset 'toi': did you mean 'toy'" in _call("check", "toi", code=2).stderr
    assert "unknown dataset 'toi'" in _call("datasets", "check", "toi", code=2).stderr


@pytest.mark.parametrize("card", datasets(), ids=lambda card: card.name)
def test_our_datasets_have_no_problem(card: Card) -> None:
    if "upstream" in where(card).values():
        _without_data(f"files of {card.name} are not on this machine: set LAWBENCH_MIRROR or run `lawbench fetch`")
    assert _problems(check_dataset(card)) == []
