"""The routed-models dataset: counts, missing losses, seeds and splits, measured on its file."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.runs import Run
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
SEEDS = ("dense-130m-009", "dense-130m-010", "dense-130m-011")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    (path,) = fetch(find_card("routing")).values()
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("routing")


def _curves(data: Dataset) -> list[Run]:
    return [run for run in data.runs if run.meta["kind"] == "curve"]


def test_223_runs_of_four_kinds(table: pd.DataFrame, data: Dataset) -> None:
    assert table.shape == (5799, 22)
    curves = _curves(data)
    assert Counter(run.meta["router"] for run in curves) == {"dense": 13, "hash": 69, "s-base": 87, "rl-r": 54}
    assert len(data.runs) == 2 * len(curves) == 2 * 223
    assert {run.meta["experts"] for run in curves if run.meta["router"] == "dense"} == {1.0}
    dense = [run.n_params or 0 for run in curves if run.meta["router"] == "dense"]
    assert (min(dense), max(dense)) == (16527360, 1308819456)
    assert max(run.n_params or 0 for run in curves) == pytest.approx(2.07e11, rel=0.01)


def test_trap_untrained_starts_and_missing_losses_are_dropped(table: pd.DataFrame, data: Dataset) -> None:
    start = table.loc[table["step"] == 0, "loss_validation"]
    missing = table[table["loss_validation"].isna()]
    assert len(start) == 223
    assert start.between(10.7, 11.0).all()
    assert missing["hyper_id"].nunique() == len(missing) == 8
    assert set(missing["step"]) == {248000}
    curves = _curves(data)
    assert sum(map(len, curves)) == 5799 - 223 - 8 == 5568
    assert max(float(run.loss[0]) for run in curves) < 4


def test_trap_steps_count_updates(data: Dataset) -> None:
    ends = Counter(int(run.updates[-1]) for run in _curves(data))
    assert ends == {249000: 221, 250000: 1, 248000: 1}
    assert {int(run.updates[0]) for run in _curves(data)} == {10000}


def test_sizes_are_without_embeddings(table: pd.DataFrame) -> None:
    one = table.drop_duplicates("hyper_id")
    plain = one[(one["router_type"] == "Dense") & (one["flop_increase"] == 1)]
    attention = 5 * plain["d_model"] * plain["kqv_size"] * plain["num_heads"]
    blocks = plain["num_blocks"] * (attention + 8 * plain["d_model"] ** 2)
    assert np.max(np.abs(plain["total_parameter_count"] / blocks - 1)) < 1e-3


def test_tokens_are_marked_as_approximate_and_rates_are_absent(data: Dataset) -> None:
    card = find_card("routing")
    assert card.tokens_are.startswith("APPROXIMATE")
    assert all(run.schedule is None for run in data.runs)
    tokens = data.run("dense-1.3b-005").tokens
    assert tokens is not None
    assert tokens[-1] == pytest.approx(130e9, rel=0.01)


def test_three_seeds_give_the_noise(data: Dataset) -> None:
    runs, card = [data.run(name) for name in SEEDS], find_card("routing")
    assert [run.meta["seed"] for run in runs] == [1.0, 2.0, 3.0]
    assert len({run.model for run in runs}) == 1
    assert {run.meta["seed"] for run in data.runs if run.model != runs[0].model} == {42.0}
    finals = np.array([run.loss[-1] for run in runs])
    assert card.noise is not None
    assert np.std(finals, ddof=1) == pytest.approx(card.noise.value, abs=5e-5)
    assert np.ptp(finals) == pytest.approx(0.0013, abs=5e-5)
    late = [np.mean(np.abs(np.log(a.loss / b.loss))[a.updates > 125000]) for a, b in combinations(runs, 2)]
    assert max(late) < card.noise.value / finals.mean()


@pytest.mark.parametrize(("name", "sizes", "held_out"), [("scale-curves", 5, 1), ("scale-curves-130m", 4, 2)])
def test_scale_tasks_hold_out_the_largest_dense_models(name: str, sizes: int, held_out: int) -> None:
    task = load_task(f"routing/{name}")
    assert task.ranked
    assert {run.meta["router"] for run in (*task.train, *task.test)} == {"dense"}
    assert {run.meta["flop_increase"] for run in (*task.train, *task.test)} == {1.0}
    assert len({run.n_params for run in task.train}) == sizes
    assert len(task.test) == held_out
    assert max(run.n_params or 0 for run in task.test) == 1308819456
    assert task.provides == {"steps", "n_params", "tokens"}


def test_final_losses_at_one_number_of_tokens_are_not_ranked() -> None:
    task = load_task("routing/scale-final")
    assert not task.ranked
    ends = {float(run.tokens[-1]) for run in (*task.train, *task.test) if run.tokens is not None}
    assert ends == {249000 * 520000.0}


@pytest.mark.parametrize("size", ["130m", "370m", "1-3b"])
def test_horizon_tasks_fit_up_to_step_125000(size: str) -> None:
    task = load_task(f"routing/horizon-{size}-50")
    assert task.train[0].updates[-1] == 120000
    assert task.test[0].updates[0] == 180000
    assert task.provides == {"steps", "n_params", "tokens", "prefix"}


def test_four_fitted_points_are_not_ranked() -> None:
    task = load_task("routing/horizon-1-3b-20")
    assert (task.ranked, task.n_fitted) == (False, 4)
