"""The (Mis)Fitting dataset: counts, dropped runs, assumed schedules and splits, measured on its file."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.noise import second_differences
from lawbench.runs import Run
from lawbench.spikes import trouble
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
KEY = ["model", "total_steps", "peak_lr", "sweep"]
MIXED_SWEEP = "2024_11_10-23_08_29_sweep_test"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    (path,) = fetch(find_card("misfitting")).values()
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("misfitting")


def _kind(data: Dataset, kind: str) -> list[Run]:
    return [run for run in data.runs if run.meta["kind"] == kind]


def test_the_file_has_4852_rows_in_240_runs(table: pd.DataFrame) -> None:
    sizes = table.groupby(KEY).size()
    assert (len(table), len(sizes), int((sizes >= 10).sum())) == (4852, 240, 127)
    assert table["model"].nunique() == 11
    assert (table["loss"] == table["C4 Eval Loss"]).all()


def test_what_remains_has_219_runs_and_4682_points(data: Dataset) -> None:
    curves, finals = _kind(data, "curve"), _kind(data, "final")
    assert (len(curves), sum(map(len, curves))) == (219, 4682)
    assert sum(len(run) >= 10 for run in curves) == 118
    assert len({run.n_params for run in curves}) == 11
    for curve, final in zip(curves, finals, strict=True):
        assert (final.name, final.loss[0]) == (f"{curve.name}-final", curve.loss[-1])
        assert curve.tokens is not None
        assert final.tokens is not None
        assert final.tokens[0] == curve.tokens[-1]
        assert final.provides == {"n_params", "tokens"}


def test_trap_rows_of_several_runs_under_one_key(table: pd.DataFrame, data: Dataset) -> None:
    twice = table[table.duplicated([*KEY, "current_steps"], keep=False)]
    losses = twice.groupby([*KEY, "current_steps"])["loss"]
    spread = losses.max() - losses.min()
    assert (len(spread), int((spread > 0).sum())) == (27, 21)
    assert spread.max() == pytest.approx(2.2, abs=0.05)
    assert twice.groupby(KEY).ngroups == 16
    assert set(twice["sweep"]) == {MIXED_SWEEP}
    assert MIXED_SWEEP not in {run.meta["sweep"] for run in data.runs}
    assert table.loc[table["sweep"] == MIXED_SWEEP, KEY].drop_duplicates().shape[0] == 240 - 219


def test_trap_one_loss_under_two_peak_rates(table: pd.DataFrame, data: Dataset) -> None:
    rates = table.groupby("loss")["peak_lr"].nunique()
    shared = table[table["loss"].isin(rates.index[rates > 1])]
    assert set(shared["model"]) == {"misfitting_17m"}
    assert set(shared["sweep"]) == {MIXED_SWEEP}
    every = np.concatenate([run.loss for run in _kind(data, "curve")])
    assert np.unique(every).size == every.size


def test_trap_points_beyond_the_plan_are_dropped(table: pd.DataFrame, data: Dataset) -> None:
    beyond = table[table["current_steps"] > table["total_steps"]]
    assert beyond["portion_steps_elapsed"].tolist() == [1.024, 1.024]
    for peak, loss in zip(beyond["peak_lr"], beyond["loss"], strict=True):
        run = data.run(f"70m-250-{peak:g}")
        assert run.steps.tolist() == [249]
        assert run.loss[0] < loss - 0.6


def test_trap_tokens_are_those_of_the_evaluation(table: pd.DataFrame, data: Dataset) -> None:
    assert (table["train_tokens"] == table["D"]).all()
    for run in _kind(data, "curve"):
        assert run.tokens is not None
        assert np.array_equal(run.tokens, (run.steps + 1.0) * 1048576)


def test_trap_counts_beyond_64_bits_are_not_integers(table: pd.DataFrame, data: Dataset) -> None:
    assert table["C_6ND"].astype(float).max() > 2**63
    largest = max(float(run.compute[-1]) for run in data.runs if run.compute is not None)
    assert largest == pytest.approx(6 * 1182757632 * 20000 * 1048576.0)


def test_schedules_are_the_assumed_cosine(data: Dataset) -> None:
    for run in _kind(data, "curve"):
        assert run.schedule is not None
        peak = run.meta["peak_lr"]
        assert (len(run.schedule), run.schedule.warmup) == (int(run.meta["total_steps"]), 50)
        assert run.schedule.lr[49] == run.schedule.lr[50] == peak
        assert 0.1 * peak <= run.schedule.lr[-1] <= (0.1 + 0.01) * peak
        assert run.steps[-1] == len(run.schedule) - 1


def test_the_card_says_wherever_a_rate_is_assumed() -> None:
    card = find_card("misfitting")
    assert "learning rates assumed" in card.title
    assert "ASSUMED" in card.quirks[0]
    for info in card.tasks:
        assert ("assumed" in info.note) == ("lr" in load_task(f"misfitting/{info.name}").provides)


def test_trap_no_spike_is_left(table: pd.DataFrame, data: Dataset) -> None:
    ordered = table.sort_values("current_steps", kind="stable").groupby(KEY)["loss"]
    rises = ordered.apply(lambda loss: float(np.max(np.diff(np.log(loss)), initial=0.0)))
    assert int((rises > 0.02).sum()) == 10
    curves = _kind(data, "curve")
    assert max(float(np.max(np.diff(np.log(run.loss)), initial=0.0)) for run in curves) < 0.005
    assert not [found for run in curves if (found := trouble(run))]


def test_the_noise_is_the_spread_of_runs_that_differ_in_length(data: Dataset) -> None:
    gaps = []
    for a, b in combinations(_kind(data, "curve"), 2):
        if (a.model, a.meta["peak_lr"]) != (b.model, b.meta["peak_lr"]):
            continue
        assert a.schedule is not None
        assert b.schedule is not None
        n = min(len(a.schedule), len(b.schedule))
        apart = np.abs(a.schedule.lr[1:n] / b.schedule.lr[1:n] - 1) >= 0.02
        until = int(np.argmax(apart)) + 1 if apart.any() else n
        steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
        if (steps < until).any():
            last = int(np.flatnonzero(steps < until)[-1])
            if steps[last] >= 800:
                gaps.append(abs(float(np.log(a.loss[i[last]] / b.loss[j[last]]))))
    card = find_card("misfitting")
    assert card.noise is not None
    assert len(gaps) == 8
    assert np.mean(gaps) == pytest.approx(card.noise.value, abs=5e-5)
    local = [second_differences(run.loss[len(run) // 2 :]) for run in _kind(data, "curve") if len(run) >= 10]
    assert np.median([x for x in local if x]) == pytest.approx(1.4e-4, abs=2e-5)


def test_peak_rates_move_the_final_loss_by_up_to_a_third(data: Dataset) -> None:
    cells: dict[tuple[str, float], list[float]] = {}
    for run in _kind(data, "final"):
        cells.setdefault((run.meta["size"], run.meta["total_steps"]), []).append(float(run.loss[0]))
    assert max(max(cell) - min(cell) for cell in cells.values()) == pytest.approx(0.33, abs=0.005)


def test_scale_tasks_compare_one_peak_rate_and_hold_out_the_large_models() -> None:
    for name in ("scale", "scale-curves"):
        task = load_task(f"misfitting/{name}")
        assert {run.meta["peak_lr"] for run in (*task.train, *task.test)} == {0.001}
        assert {run.meta["size"] for run in task.test} == {"400m", "1b"}
        assert max(run.n_params or 0 for run in task.train) == 418819968
        assert len({run.n_params for run in task.train}) == 8
    assert load_task("misfitting/scale").n_fitted == 59


def test_schedule_tasks_go_to_longer_cosines_at_every_peak_rate() -> None:
    for name, times, new in (("schedule-25m", 8.0, {0.0004}), ("schedule-100m", 3.0, set())):
        task = load_task(f"misfitting/{name}")
        assert task.ranked
        fitted, predicted = ({run.meta["peak_lr"] for run in runs} for runs in (task.train, task.test))
        assert fitted == {0.001, 0.002, 0.004}
        assert predicted == fitted | new
        assert task.extrapolation == pytest.approx(times)
        # A schedule at a fitted rate shares its warm-up, one at a new rate nothing but the rate 0 it begins with.
        assert all(branch == (1 if run.meta["peak_lr"] in new else 51)
                   for run, branch in zip(task.test, task.branch, strict=True))  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fitted"), [("50m-10", 12), ("50m-20", 25), ("300m-20", 12), ("1b-30", 11)]
)  # fmt: skip
def test_horizon_tasks_reach_three_times_as_far(name: str, fitted: int) -> None:
    task = load_task(f"misfitting/horizon-{name}")
    assert (len(task.train), len(task.test), task.n_fitted) == (1, 1, fitted)
    assert task.extrapolation > 3
    assert "prefix" in task.provides
