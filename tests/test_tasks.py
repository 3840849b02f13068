"""Tasks: splits, masks, scores and checks of the card, on small shipped datasets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lawbench
from lawbench.data.card import Card
from lawbench.data.dataset import read_dataset
from lawbench.data.task_card import Condition, Selection, TaskCard
from lawbench.errors import CardError, DataError, InputError, LawbenchError, UnknownNameError, WithheldLossError
from lawbench.metrics import METRIC_KEYS
from lawbench.runs import Run
from lawbench.shapes import constant
from lawbench.splits import branch_step, comparable_pairs, reach, select
from lawbench.tasks import Task, fingerprint, make_task

from .conftest import CSV, FILES, card_of


def _task(card: Card, which: int = 0) -> Task:
    return make_task(read_dataset(card), card.tasks[which])


@pytest.fixture
def task(toy: Callable[..., Card]) -> Task:
    return _task(toy())


def _horizon(**changes: Any) -> dict[str, Any]:
    given = {"fit_until": 0.5, "score_from": 0.7, "fitted_points": 3, "scored_points": 3}
    runs = {"fit": {"runs": ["drop"]}, "predict": {"runs": ["drop"]}}
    curves = [{"run": "drop", "branch": 5, "points": 3}]
    return {"name": "horizon", "track": "horizon", **runs, **given, "curves": curves, **changes}


def test_points_count_from_the_branch_on(task: Task) -> None:
    assert task.branch == (6,)
    assert task.counts[0].tolist() == [False] * 4 + [True] * 4
    assert task.test[0].steps.tolist() == list(range(2, 10))
    assert (task.n_fitted, task.n_scored) == (6, 4)
    assert task.provides == {"steps", "lr", "n_params", "tokens"}
    assert task.extrapolation == pytest.approx(10 / 8)


def test_masked_and_unmasked_scores(task: Task) -> None:
    truth = task.truth()[0].loss
    wrong = truth.copy()
    wrong[0] *= np.e
    score = task.score([wrong])
    assert score["log_mae"] == 0.0
    assert score["log_mae_unmasked"] == pytest.approx(1 / 8)
    assert score["r2"] == 1.0
    assert score["coverage"] is None
    assert task.reasons([wrong])["decisions"].startswith("no two predicted runs")
    assert [key for key in score if not key.endswith("_unmasked")] == list(METRIC_KEYS)
    assert {f"{key}_unmasked" for key in score if not key.endswith("_unmasked")} <= set(score)


def test_intervals_are_masked_too(task: Task) -> None:
    truth = task.truth()[0].loss
    low, high = truth - 0.1, truth + 0.1
    low[0] = truth[0] + 0.05
    score = task.score([truth], [(low, high)])
    assert (score["coverage"], score["coverage_unmasked"]) == (1.0, 7 / 8)


def test_the_runs_to_predict_carry_no_loss(task: Task) -> None:
    with pytest.raises(WithheldLossError):
        _ = task.test[0].loss
    assert "loss" not in task.test[0].__dict__
    assert str(task.truth()[0].loss[3]) not in repr(task)


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        ([], "1 runs to predict, but got 0 predictions"),
        ([np.ones(7)], r"has shape \(7,\), not \(8,\)"),
        ([np.full(8, np.nan)], "is nan at step 2"),
        ([np.array([1.0] * 7 + [-1.0])], "is -1.0 at step 9: a predicted loss is finite and above 0"),
    ],
)
def test_predictions_of_the_wrong_kind_are_refused(task: Task, prediction: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        task.score(prediction)


def test_a_horizon_task_splits_one_run_by_optimiser_steps(toy: Callable[..., Card]) -> None:
    task = _task(toy(tasks=[_horizon()]))
    assert task.train[0].steps.tolist() == [2, 3, 4]
    assert task.test[0].steps.tolist() == [7, 8, 9]
    assert task.counts[0].all()
    assert "prefix" in task.provides
    assert len(task.train[0].schedule or ()) == 10
    assert task.score([np.ones(3)])["mae"] == task.score([np.ones(3)])["mae_unmasked"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fitted_points": 7}, "fitted_points is 7 in the card and 6 in the data"),
        ({"scored_points": 5}, "scored_points is 5 in the card and 4 in the data"),
        ({"curves": [{"run": "drop", "branch": 5, "points": 5}]}, r"is \(5, 5\) in the card and \(6, 4\) in the data"),
        ({"curves": []}, r"is None in the card and \(6, 4\) in the data"),
        ({"fit": {"runs": ["flt"]}}, r"`fit` of task 'schedule': unknown run 'flt': did you mean 'flat'\?"),
        ({"predict": {"where": {"token": {"lt": 1.0}}}}, r"did you mean 'tokens'\?"),
        ({"predict": {"where": {"tokens": {"lt": "x"}}}}, "the key 'tasks.0..predict.where.tokens.lt'"),
        ({"predict": {"where": {"tokens": {"lt": 0.0}}}}, "`predict` of task 'schedule' selects no run"),
    ],
)
def test_a_card_that_disagrees_with_the_data_is_refused(
    toy: Callable[..., Card], change: dict[str, Any], said: str
) -> None:
    task = {**card_of(FILES)["tasks"][0], **change}
    with pytest.raises(CardError, match=said):
        _task(toy(tasks=[task]))


def test_conditions() -> None:
    runs = [Run.final(f"r{n}", 3.0, n_params=n, tokens=20 * n, meta={"set": "ab"[n % 2]}) for n in range(1, 6)]

    def names(**where: Condition) -> list[str]:
        return [run.name for run in select(runs, Selection(where=where))]

    assert names(n_params=Condition(ge=2, lt=4)) == ["r2", "r3"]
    assert names(n_params=Condition(gt=2, le=4), set=Condition(eq="a")) == ["r4"]
    assert names(n_params=Condition.model_validate({"in": (1.0, 5.0)})) == ["r1", "r5"]
    assert names(compute=Condition(ge=6 * 20 * 16)) == ["r4", "r5"]
    with pytest.raises(InputError, match="field 'set' of run 'r1' is 'b', which cannot be compared"):
        names(set=Condition(lt=1.0))


def test_the_trunk_of_another_model_is_not_shared() -> None:
    schedule = constant(10, 1.0)
    run = Run("a", [0, 9], [5.0, 4.0], schedule=schedule, model="m")
    assert branch_step(run, [Run("b", [0, 9], [5.0, 4.0], schedule=schedule, model="m")]) == 10
    assert branch_step(run, [Run("b", [0, 9], [5.0, 4.0], schedule=schedule, model="other")]) == 0
    assert branch_step(Run("c", [0, 9], [5.0, 4.0]), [run]) is None


def test_comparable_runs_have_equal_size_and_length() -> None:
    runs = [
        Run("a", [0, 1000], [5.0, 4.0], n_params=1.0, tokens_per_step=1),
        Run("b", [0, 1002], [5.0, 4.1], n_params=1.0, tokens_per_step=1),
        Run("c", [0, 1000], [5.0, 4.0], n_params=2.0, tokens_per_step=1),
        Run("d", [0, 1100], [5.0, 4.0], n_params=1.0, tokens_per_step=1),
    ]
    assert comparable_pairs(runs) == [(0, 1)]


def test_reach_is_the_largest_of_steps_tokens_and_size() -> None:
    small = Run.final("s", 3.0, n_params=10, tokens=100)
    assert reach(Run.final("l", 2.5, n_params=30, tokens=200), [small]) == 3.0
    assert reach(Run.final("l", 2.5, n_params=30, tokens=500), [small]) == 5.0


def test_one_point_runs_are_pooled_in_order_of_compute(toy: Callable[..., Card], places: Path) -> None:
    table = "n,d,loss\n" + "".join(f"{n},{d},{10 / n + 1 / d}\n" for n, d in [(1, 1), (2, 1), (9, 1), (5, 1), (4, 1)])
    loader = (
        "from lawbench.data.readers import read_columns\n"
        "from lawbench.runs import Run\n"
        "def load(card, files):\n"
        "    t = read_columns(files['table.csv'], ['n', 'd', 'loss'])\n"
        "    return [Run.final(f'r{i}', *row) for i, row in enumerate(zip(t['loss'], t['n'], t['d']))]\n"
    )
    split = {
        "name": "scale",
        "track": "scale",
        "fit": {"where": {"n_params": {"le": 2.0}}},
        "predict": {"where": {"n_params": {"gt": 2.0}}},
        "fitted_points": 2,
        "scored_points": 3,
    }
    places.joinpath("toy").mkdir(parents=True)
    places.joinpath("toy", "loader.py").write_text(loader, encoding="utf-8")
    task = _task(toy({"table.csv": table}, runs=[], tasks=[split], n_params=None, tokens_per_step=None))
    truth = [run.loss[0] for run in task.truth()]
    assert [run.n_params for run in task.test] == [9.0, 5.0, 4.0]
    assert task.test[0].dataset == "toy"
    predicted = [np.array([truth[0] * np.e]), np.array([truth[1]]), np.array([truth[2]])]
    score = task.score(predicted)
    assert score["log_mae"] == pytest.approx(1 / 3)
    assert score["final_error"] == pytest.approx(1.0)
    assert score["r2"] is not None
    assert not (places / "toy" / "__pycache__").exists()


@pytest.mark.parametrize("body", ["load = 1 / 0", "def load(card, files):\n    return 1 / 0", "x = 1"])
def test_a_loader_that_fails_is_named(toy: Callable[..., Card], places: Path, body: str) -> None:
    places.joinpath("toy").mkdir(parents=True)
    places.joinpath("toy", "loader.py").write_text(body, encoding="utf-8")
    with pytest.raises(DataError, match=r"the loader of dataset 'toy' failed with .*Error"):
        read_dataset(toy())


def test_a_log_that_contradicts_the_schedule_of_the_card_is_refused(toy: Callable[..., Card]) -> None:
    with pytest.raises(CardError, match=r"the schedule gives 1 at step 4, the log 0.9; correct the schedule"):
        read_dataset(toy({**FILES, "drop.csv": CSV.replace("4,1.0", "4,0.9")}))


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"kind": "cosin", "steps": 10, "peak": 1.0}, r"did you mean 'cosine'\?"),
        ({"kind": "constant", "steps": 9, "peak": 1.0}, "schedule ends after 9 steps"),
        ({"steps": 9, "peak": 1.0}, "kind"),
    ],
)
def test_a_bad_schedule_is_refused(toy: Callable[..., Card], schedule: dict[str, Any], said: str) -> None:
    run = {"name": "drop", "file": "drop.csv", "schedule": schedule}
    with pytest.raises(LawbenchError, match=said):
        read_dataset(toy(runs=[run]))


def test_the_fingerprint_follows_what_defines_a_task(toy: Callable[..., Card]) -> None:
    base = toy()

    def print_of(card: Card, **change: Any) -> str:
        return fingerprint(card, TaskCard(**{**dict(card.tasks[0]), **change}))

    same, kept = print_of(base), {"title": "Other", "quirks": ["x"]}
    assert print_of(toy(**kept)) == same
    assert print_of(base, note="other words") == same
    assert print_of(base, ranked=False) != same
    assert print_of(toy(n_params=7.0)) != same
    assert print_of(toy({**FILES, "flat.csv": FILES["flat.csv"].replace("4.46", "4.47")})) != same
    (base.folder / "loader.py").write_text("def load(card, files):\n    return []\n", encoding="utf-8")
    assert print_of(base) != same


def test_names_are_resolved_with_did_you_mean(places: Path, toy: Callable[..., Card]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown task 'toy/schedule': Known: none"):
        lawbench.load_task("toy/schedule")
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'toy': Known: none"):
        lawbench.load_dataset("toy")


def test_wrong_names_get_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'chinchilla-epoch'\?"):
        lawbench.load_dataset("chinchila-epoch")
    with pytest.raises(UnknownNameError, match=r"did you mean 'multi-power-25m/schedule'\?"):
        lawbench.load_task("multi-power-25m/schedul")
    with pytest.raises(UnknownNameError, match=r"did you mean 'chinchilla-epoch/scale'\?"):
        lawbench.load_task("chinchila-epoch/scale")
    with pytest.raises(UnknownNameError, match=r"did you mean 'schedule'\?"):
        lawbench.tasks("schedules")


def test_tasks_are_listed_from_cards_alone(offline: Path) -> None:
    names = [task.name for task in lawbench.tasks()]
    assert len(names) == len(set(names)) == sum(len(card.tasks) for card in lawbench.datasets())
    assert "over-training/paper-redpajama" in [task.name for task in lawbench.tasks("scale") if not task.ranked]
    assert {"multi-power", "pycode-bytes"} <= {task.family for task in lawbench.tasks("horizon")}
    assert {task.family for task in lawbench.tasks("position")} == {"pycode-bytes"}
    assert "lawbench.tasks" in sys.modules
