"""The Step Law tables: counts, diverged rows, rates, minima and splits, measured on their files."""

from __future__ import annotations

import runpy
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
DENSE, MOE = "data/dense_lr_bs_loss.csv", "data/moe_lr_bs_loss.csv"


@pytest.fixture(scope="module")
def dense() -> pd.DataFrame:
    return pd.read_csv(fetch(find_card("step-law"))[DENSE])


@pytest.fixture(scope="module")
def moe() -> pd.DataFrame:
    return pd.read_csv(fetch(find_card("step-law"))[MOE])


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("step-law")


def _kind(data: Dataset, kind: str) -> list[Run]:
    return [run for run in data.runs if run.meta["kind"] == kind]


def _tokens(run: Run) -> float:
    assert run.tokens is not None
    return float(run.tokens[0])


def test_181_of_1911_dense_rows_diverged(dense: pd.DataFrame, moe: pd.DataFrame, data: Dataset) -> None:
    assert (dense.shape, moe.shape) == ((1911, 13), (708, 31))
    assert int((dense["smooth loss"] > 3.5).sum()) == 181
    assert dense["smooth loss"].max() == pytest.approx(11.1, abs=0.05)
    assert (moe["smooth loss"] <= 3.5).all()
    assert (len(_kind(data, "dense")), len(_kind(data, "moe"))) == (1911 - 181, 708)
    # Nothing lies near the cut, so its exact place decides nothing.
    assert max(float(run.loss[0]) for run in data.runs) < 3.2


def test_trap_the_smoothed_loss_falls_with_tokens_and_the_raw_loss_does_not(dense: pd.DataFrame) -> None:
    lowest = dense.groupby(["N", "D"])[["loss", "smooth loss"]].min()
    falls = {
        name: all((lowest.loc[size, name].diff().dropna() < 0).all() for size in dense["N"].unique())
        for name in ("loss", "smooth loss")
    }
    assert falls == {"loss": False, "smooth loss": True}
    assert (dense["loss"] - dense["smooth loss"]).std() == pytest.approx(0.033, abs=0.0005)


def test_17_dense_cells_and_their_lowest_losses(dense: pd.DataFrame, data: Dataset) -> None:
    cells = dense.groupby(["N", "D"])["smooth loss"]
    assert len(cells) == 17
    assert (cells.size().min(), cells.size().max()) == (47, 120)
    best = {(run.n_params, _tokens(run)): run.loss[0] for run in _kind(data, "dense") if run.meta["best"]}
    assert best == cells.min().to_dict()
    assert sum(bool(run.meta["best"]) for run in _kind(data, "moe")) == 16


def test_trap_rates_printed_with_three_or_four_digits_are_one_rate(dense: pd.DataFrame, data: Dataset) -> None:
    assert dense["lr"].nunique() == 26
    rates = {run.meta["peak_lr"] for run in _kind(data, "dense")}
    assert len(rates) == 14
    assert all(2 * np.log2(rate) == pytest.approx(round(2 * np.log2(rate)), abs=1e-9) for rate in rates)
    both = dense[dense["lr"].isin([0.00391, 0.003906])]["lr"].nunique()
    assert (both, sum(abs(rate / 0.0039 - 1) < 0.01 for rate in rates)) == (2, 1)


def test_a_rate_off_the_grid_is_refused() -> None:
    loader = runpy.run_path(str(find_card("step-law").loader))
    assert loader["_on_grid"]("0.00391") == loader["_on_grid"]("0.003906") == 2.0**-8
    with pytest.raises(DataError, match=r"peak rate 0\.003 of 'step-law' is no power"):
        loader["_on_grid"]("0.003")


def test_tokens_are_batch_times_steps_times_2048(data: Dataset) -> None:
    for run in data.runs:
        assert run.meta["sequences"] * run.meta["updates"] * 2048 == pytest.approx(_tokens(run), rel=0.003)
        assert run.schedule is None


def test_mixtures_of_experts_are_models_of_their_own(data: Dataset) -> None:
    assert not {run.model for run in _kind(data, "moe")} & {run.model for run in _kind(data, "dense")}
    assert {run.model for run in _kind(data, "moe")} == {"moe-1in89", "moe-2in88", "moe-1in8", "moe-3in8"}
    for info in find_card("step-law").tasks:
        task = load_task(f"step-law/{info.name}")
        assert {run.meta["kind"] for run in (*task.train, *task.test)} == {"dense"}


def test_the_noise_is_the_scatter_near_the_best_run(data: Dataset) -> None:
    scatter = []
    for cell in (run for run in _kind(data, "dense") if run.meta["best"]):
        near = [
            run
            for run in _kind(data, "dense")
            if (run.model, _tokens(run)) == (cell.model, _tokens(cell)) and run.loss[0] < 1.01 * cell.loss[0]
        ]
        x, y = (np.log([run.meta[name] for run in near]) for name in ("peak_lr", "sequences"))
        x, y = x - x.mean(), y - y.mean()
        design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
        losses = np.log([run.loss[0] for run in near])
        rest = losses - design @ np.linalg.lstsq(design, losses, rcond=None)[0]
        scatter.append(float(np.sqrt(np.sum(rest**2) / (len(near) - 6))))
    card = find_card("step-law")
    assert card.noise is not None
    assert len(scatter) == 17
    assert np.median(scatter) == pytest.approx(card.noise.value, rel=0.05)
    assert [min(scatter), max(scatter)] == pytest.approx([8e-4, 1.8e-3], abs=1e-4)


def test_the_scale_task_holds_out_many_tokens_and_the_largest_model(data: Dataset) -> None:
    task = load_task("step-law/scale")
    assert all(run.meta["best"] for run in (*task.train, *task.test))
    assert (len(task.train), len(task.test)) == (11, 6)
    assert all(_tokens(run) < 5e10 and (run.n_params or 0) < 1e9 for run in task.train)
    assert all(_tokens(run) >= 5e10 or (run.n_params or 0) > 1e9 for run in task.test)
    assert Counter(run.model for run in task.train) == {
        "dense-215m": 3, "dense-268m": 3, "dense-429m": 3, "dense-537m": 2,
    }  # fmt: skip
    assert "best run of each cell" in " ".join(find_card("step-law").quirks)


def test_the_1b_task_predicts_both_cells_of_the_largest_model() -> None:
    task = load_task("step-law/scale-1b")
    assert (len(task.train), sorted(map(_tokens, task.test))) == (15, [2e10, 5.69e10])
    assert {run.n_params for run in task.test} == {1073741824}
