"""The public datasets: counts, schedules, splits and traps, measured on their files."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Sequence

import numpy as np
import pytest

import lawbench
from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.readers import read_columns
from lawbench.data.sources import fetch, known_answer
from lawbench.errors import WithheldLossError
from lawbench.noise import repeats, second_differences
from lawbench.runs import Run
from lawbench.schedule import shared_steps
from lawbench.tasks import TaskInfo, load_task

pytestmark = pytest.mark.data
SIZES = ("25m", "100m", "400m")


def _same_losses(size: str, a: str, b: str) -> tuple[int, int]:
    """Return at how many common steps two logs have equal losses, and the last of them in a row."""
    data = load_dataset(f"multi-power-{size}")
    first, second = data.run(a), data.run(b)
    steps, i, j = np.intersect1d(first.steps, second.steps, return_indices=True)
    equal = first.loss[i] == second.loss[j]
    unbroken = int(np.argmin(equal)) if not equal.all() else equal.size
    return int(equal.sum()), int(steps[unbroken - 1]) if unbroken else -1


def test_multi_power_has_27_curves_and_6265_points() -> None:
    data = [load_dataset(f"multi-power-{size}") for size in SIZES]
    assert [len(one.runs) for one in data] == [9, 9, 9]
    assert sum(len(run) for one in data for run in one.runs) == 6265
    assert min(len(run) for one in data for run in one.runs) == 95
    assert max(len(run) for one in data for run in one.runs) == 546
    assert {int(run.steps[0]) for one in data for run in one.runs} == {2160, 2176}


@pytest.mark.parametrize("size", SIZES)
def test_multi_power_schedules_are_those_of_the_logs(size: str) -> None:
    card = find_card(f"multi-power-{size}")
    data, files = load_dataset(card.name), fetch(card)
    for declared in card.runs:
        run = data.run(declared.name)
        logged = read_columns(files[declared.file], ["step", "lr"])
        assert run.schedule is not None
        rebuilt = run.schedule.lr[logged["step"].astype(int)]
        assert np.max(np.abs(rebuilt / logged["lr"] - 1)) < 1e-6
        assert run.schedule.lr[:2160].tolist() == np.linspace(0, 3e-4, 2160).tolist()
        assert run.schedule.lr[:2160].sum() == pytest.approx(0.324, rel=1e-12)
        assert 24000 not in run.steps


def test_multi_power_losses_have_four_decimals() -> None:
    for size in SIZES:
        card = find_card(f"multi-power-{size}")
        for path in fetch(card).values():
            with path.open(encoding="utf-8") as stream:
                written = [row["loss"].partition(".")[2] for row in csv.DictReader(stream)]
            assert max(map(len, written)) == 4


def test_tokens_are_those_of_128_sequences_of_4096_a_step() -> None:
    run = load_dataset("multi-power-100m").run("cosine_24000")
    assert run.tokens is not None
    assert run.tokens[0] == (run.steps[0] + 1) * 128 * 4096
    assert run.n_params == 100e6


def test_branch_steps_and_points_that_count() -> None:
    branches = {"25m": (24000, 2162, 20001, 20001, 8000, 8000)}
    points = {
        "25m": (375, 545, 31, 31, 49, 49),
        "100m": (375, 545, 31, 31, 63, 63),
        "400m": (375, 546, 31, 31, 63, 63),
    }
    for size in SIZES:
        task = load_task(f"multi-power-{size}/schedule")
        assert [run.name for run in task.train] == ["cosine_24000", "constant_24000", "wsdcon_9"]
        assert [run.name for run in task.test] == [
            "constant_72000", "cosine_72000", "wsd", "wsdld", "wsdcon_3", "wsdcon_18",
        ]  # fmt: skip
        assert task.branch == branches["25m"]
        assert tuple(int(mask.sum()) for mask in task.counts) == points[size]
        for run, mask, branch in zip(task.test, task.counts, task.branch, strict=True):
            assert branch is not None
            assert (run.steps[mask] >= branch).all()
            assert (run.steps[~mask] < branch).all()
        assert task.n_fitted == {"25m": 437, "100m": 451, "400m": 451}[size]


def test_trap_25m_wsd_repeats_the_two_stage_run_in_loss_and_the_constant_run_in_schedule() -> None:
    assert _same_losses("25m", "wsd", "wsdcon_9") == (46, 7936)
    assert _same_losses("25m", "wsd", "constant_72000") == (139, 19840)
    assert _same_losses("25m", "wsd", "constant_24000")[0] < 10
    data = load_dataset("multi-power-25m")
    first, second = data.run("wsd").schedule, data.run("constant_24000").schedule
    assert first is not None
    assert second is not None
    assert shared_steps(first, second) - 1 == 20000


def test_trap_100m_140_of_171_points_of_wsd_are_literally_fitted() -> None:
    for name in ("wsd", "wsdld"):
        assert _same_losses("100m", name, "constant_24000") == (140, 19968)
    task = load_task("multi-power-100m/schedule")
    fitted = {(int(s), float(y)) for run in task.train for s, y in zip(run.steps, run.loss, strict=True)}
    wsd, mask = task.truth()[2], task.counts[2]
    literal = np.array([(int(s), float(y)) in fitted for s, y in zip(wsd.steps, wsd.loss, strict=True)])
    assert (len(wsd), int(literal.sum())) == (171, 140)
    assert not (literal & mask).any()


def test_trap_400m_most_of_the_trunk_is_literally_fitted() -> None:
    assert [_same_losses("400m", name, "constant_24000")[0] for name in ("wsd", "wsdld")] == [110, 111]


@pytest.mark.parametrize("size", SIZES)
def test_trap_a_two_stage_row_at_step_8000_has_the_new_rate_and_the_old_loss(size: str) -> None:
    data = load_dataset(f"multi-power-{size}")
    run = data.run("wsdcon_3")
    at = int(np.flatnonzero(run.steps == 8000)[0])
    assert run.schedule is not None
    assert run.schedule.lr[7999:8001].tolist() == [3e-4, 3e-5]
    assert abs(run.loss[at] - run.loss[at - 1]) < 0.005
    assert run.loss[at] - run.loss[at + 1] > 0.03
    assert np.diff(run.steps)[at - 1] == 64
    assert run.steps[-1] == (14144 if size == "25m" else 15936)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", ["constant", "cosine"])
@pytest.mark.parametrize(("percent", "fitted"), [(20, 96), (50, 265)])
def test_horizon_tasks_fit_a_prefix_and_score_the_last_30_percent(
    size: str, shape: str, percent: int, fitted: int
) -> None:
    task = load_task(f"multi-power-{size}/horizon-{shape}-{percent}")
    assert task.train[0].steps[-1] < 720 * percent
    assert task.test[0].steps[0] >= 50400
    assert (task.n_fitted, task.n_scored) == (fitted, 169)
    assert task.provides == {"steps", "lr", "n_params", "tokens", "prefix"}


def test_chinchilla_keeps_240_of_245_points() -> None:
    card = find_card("chinchilla-epoch")
    (path,) = fetch(card).values()
    table = read_columns(path, ["Model Size", "Training FLOP", "loss"])
    data = load_dataset(card.name)
    kept = np.array([run.loss[0] for run in data.runs])
    assert (table["loss"].size, kept.size) == (245, 240)
    assert kept.max() < np.sort(table["loss"])[-5] == pytest.approx(3.4469954)
    assert np.flatnonzero(kept == kept.max()).size == 2
    for run in data.runs:
        assert run.compute is not None
        assert run.compute[0] == pytest.approx(run.meta["flop"], rel=1e-12)


def test_chinchilla_splits_at_8e20_into_202_and_38_points() -> None:
    task = load_task("chinchilla-epoch/scale")
    assert (len(task.train), len(task.test), task.n_scored) == (202, 38, 38)
    assert max(run.meta["flop"] for run in task.train) < 8e20 <= min(run.meta["flop"] for run in task.test)
    assert task.provides == {"n_params", "tokens"}
    assert (task.noise_source, task.branch[0]) == ("rounding", None)


def test_chinchilla_losses_are_quantised_as_the_card_says() -> None:
    card = find_card("chinchilla-epoch")
    levels = np.unique([run.loss[0] for run in load_dataset(card.name).runs])
    assert levels.size == 94
    assert card.quantisation is not None
    assert np.median(np.diff(np.log(levels))) == pytest.approx(card.quantisation.value, rel=0.01)


def test_over_training_has_104_runs_on_three_corpora() -> None:
    data = load_dataset("over-training")
    assert len(data.runs) == 104
    corpora = [run.meta["corpus"] for run in data.runs]
    assert {name: corpora.count(name) for name in set(corpora)} == {"c4": 34, "redpajama": 35, "refinedweb": 35}
    losses = np.array([run.loss[0] for run in data.runs])
    assert (losses.min(), losses.max()) == (pytest.approx(2.38, abs=0.005), pytest.approx(6.12, abs=0.005))
    for run in data.runs:
        assert run.tokens is not None
        assert run.n_params is not None
        assert run.tokens[0] == pytest.approx(20 * run.n_params * run.meta["multiplier"], rel=1e-6)
        assert run.meta["n_params_no_embed"] < run.n_params


@pytest.mark.parametrize(("corpus", "fitted"), [("c4", 31), ("redpajama", 32), ("refinedweb", 32)])
def test_over_training_fits_small_runs_of_one_corpus(corpus: str, fitted: int) -> None:
    task = load_task(f"over-training/scale-{corpus}")
    assert (len(task.train), len(task.test)) == (fitted, 3)
    assert {run.meta["corpus"] for run in (*task.train, *task.test)} == {corpus}
    assert max(run.n_params or 0 for run in task.train) < 4.12e8 < min(run.n_params or 0 for run in task.test)
    assert task.noise_source == "stated"


def test_over_training_split_of_the_paper() -> None:
    task = load_task("over-training/paper-redpajama")
    assert not task.ranked

    def tokens_per_parameter(runs: Sequence[Run]) -> list[int]:
        return [round(float(run.tokens[0] / run.n_params)) for run in runs if run.tokens is not None and run.n_params]

    assert sorted(tokens_per_parameter(task.train)) == [20, 20, 20, 20, 320]
    assert tokens_per_parameter(task.test) == [640, 20]


def test_over_training_states_the_error_of_the_evaluation() -> None:
    card = find_card("over-training")
    assert card.noise is not None
    errors = []
    for path, local in fetch(card).items():
        if "open_lm" in path:
            (c4,) = [r for r in json.loads(local.read_text())["results"] if any("c4_val" in v for v in r["val_data"])]
            errors.append((c4["loss_sequences_upper_95"] - c4["loss_sequences_lower_95"]) / 2 / 1.96)
    assert np.mean(errors) == pytest.approx(card.noise.value, abs=1e-4)


@pytest.mark.parametrize(("size", "floor"), [("25m", 2.66e-4), ("100m", 2.75e-4), ("400m", 2.42e-4)])
def test_the_noise_floor_is_the_spread_of_two_constant_runs(size: str, floor: float) -> None:
    data, task = load_dataset(f"multi-power-{size}"), load_task(f"multi-power-{size}/schedule")
    assert task.noise_floor == pytest.approx(floor, rel=0.01)
    assert task.noise_source == "repeated runs"
    a, b = (data.run(f"constant_{steps}") for steps in (24000, 72000))
    assert repeats([a, b]) == repeats(data.runs) == task.noise_floors[0]
    local = second_differences(b.loss)
    assert local is not None
    assert 1e-4 < local < floor


@pytest.mark.parametrize("info", lawbench.tasks(), ids=lambda info: info.name)
def test_no_task_shows_a_loss_of_what_it_asks(info: TaskInfo) -> None:
    task = load_task(info.name)
    assert (task.name, task.family, task.ranked) == (info.name, info.family, info.ranked)
    hidden = pickle.dumps(task.test)
    for run, true in zip(task.test, task.truth(), strict=True):
        with pytest.raises(WithheldLossError):
            _ = run.loss
        assert "loss" not in run.__dict__
        assert true.loss[-1].tobytes() not in hidden
        assert true.loss.tobytes() not in hidden


@pytest.mark.parametrize("info", lawbench.tasks(), ids=lambda info: info.name)
def test_the_truth_predicts_itself(info: TaskInfo) -> None:
    task = load_task(info.name)
    truth = [run.loss for run in task.truth()]
    score = task.score(truth)
    assert score["log_mae"] == score["worste_unmasked"] == score["final_error"] == 0.0
    assert score["decisions"] in (None, 1.0)
    assert task.score([1.01 * y for y in truth])["log_mae"] == pytest.approx(np.log(1.01))
    # Of single evaluations on small sets nobody knows the noise.
    if task.ranked and not (task.dataset == "over-training" and "-on-" in task.name):
        assert task.noise_floor is not None
    assert task.noise_floor is None or task.noise_floor > 0
    # A schedule task may predict other schedules of the same length.
    assert task.extrapolation > (0.99 if task.track == "schedule" else 1.5)


def test_known_answers_have_forty_points(known_answers: None) -> None:
    table = read_columns(known_answer("annealing_area_40_points.csv"), ["step", "loss"])
    assert table["loss"].size == 40
    assert set(table["step"]) == set(range(1000, 20001, 1000))
