"""The scaling-collapse runs: counts, rebuilt schedules, the irreducible loss, splits and traps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.pickles import read_frame
from lawbench.data.sources import fetch
from lawbench.data.thinning import thinned
from lawbench.noise import repeats
from lawbench.runs import Run
from lawbench.schedule import shared_steps
from lawbench.tasks import load_task

C5M, CHESS = "supercollapse-c5m", "supercollapse-chess"


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {Path(path).stem: read_frame(local) for name in (C5M, CHESS) for path, local in _files(name).items()}


def _files(name: str) -> dict[str, Path]:
    return fetch(find_card(name))


def _name(row: Any) -> str:
    label = "const" if row.schedule == "const" else f"{row.schedule}-{row.decay_frac:g}"
    return f"d{row.D}-{row['T'] / 1e9:g}B-{label}"


def _equal_up_to(a: Run, b: Run) -> tuple[int, int]:
    """Return at how many of the common points before two schedules part the losses are equal, and of how many."""
    assert a.schedule is not None
    assert b.schedule is not None
    steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
    inside = steps < shared_steps(a.schedule, b.schedule)
    return int((a.loss[i] == b.loss[j])[inside].sum()), int(inside.sum())


@pytest.mark.data
def test_counts_of_runs() -> None:
    c5m, chess = load_dataset(C5M), load_dataset(CHESS)
    assert Counter(run.meta["set"] for run in c5m.runs) == {"schedules": 45, "optimal": 40}
    assert Counter(run.meta["schedule"] for run in chess.runs) == {"linear": 40, "const": 40}
    for runs in ([run for run in c5m.runs if run.meta["set"] == "optimal"], chess.runs[:40], chess.runs[40:]):
        assert len({(run.meta["width"], run.meta["seed"]) for run in runs}) == 40
        assert len({run.n_params for run in runs}) == 8
    scheduled = [run for run in c5m.runs if run.meta["set"] == "schedules"]
    assert {run.meta["schedule"].partition("-")[0] for run in scheduled} == {
        "const", "linear", "cosine", "quadratic", "multicosine"
    }  # fmt: skip
    assert (min(run.n_params or 0 for run in scheduled), max(run.n_params or 0 for run in scheduled)) == (
        11796480, 78643200,
    )  # fmt: skip
    assert {run.meta["horizon"] for run in scheduled} == {2.5e9, 5e9, 1e10, 2e10}


@pytest.mark.data
def test_rates_are_rebuilt_to_4e_7_of_the_peak(tables: dict[str, pd.DataFrame]) -> None:
    data, worst = load_dataset(C5M), 0.0
    for _, row in tables["c5m_schedules"].iterrows():
        schedule = data.run(_name(row)).schedule
        assert schedule is not None
        assert (schedule.warmup, schedule.lr[0]) == (762, 0.0)
        assert schedule.peak == pytest.approx(0.01, rel=1e-7)
        assert len(schedule) == row["T"] // 65536
        rebuilt = schedule.lr[row.history.step.to_numpy(dtype=np.int64)]
        worst = max(worst, float(np.max(np.abs(rebuilt - row.history.lr))) / 0.01)
    assert worst == pytest.approx(4.0e-7, abs=2e-8)


@pytest.mark.data
def test_multicosine_rises_again() -> None:
    schedule = load_dataset(C5M).run("d1024-10B-multicosine-1").schedule
    assert schedule is not None
    assert schedule.drops("ramp").min() < 0 < schedule.drops("ramp").max()
    lows = schedule.lr[[762 + (152587 - 762) // 3, -1]]
    assert lows.max() < 1e-9
    assert schedule.lr[762 + 2 * (152587 - 762) // 3] == pytest.approx(0.01)


@pytest.mark.data
def test_trap_column_b_is_not_the_batch_and_tokens_are(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["c5m_schedules"]
    assert set(table.B) == {512}
    for history in table.history:
        assert (history.tokens == 65536 * history.step).all()
    run = load_dataset(C5M).run("d1024-10B-const")
    assert run.tokens is not None
    assert run.tokens[-1] == 152586 * 65536 == (run.steps[-1] + 1) * 64 * 1024
    assert load_dataset(C5M).run("optimal-d768-seed0").tokens_per_step == 256 * 1024
    for history, size in zip(tables["chess"].history, tables["chess"].num_params, strict=True):
        assert np.allclose(history.compute * 1e15, 6.0 * size * 65536 * history.step, rtol=1e-9)


@pytest.mark.data
def test_trap_placeholders_are_not_read(tables: dict[str, pd.DataFrame]) -> None:
    for column in ("P", "alpha", "beta", "test_loss"):
        assert set(tables["c5m_schedules"][column]) == {-1}
    for run in load_dataset(C5M).runs:
        assert run.n_params is not None
        width, extra = run.meta["width"], 8 * run.meta["width"] + 384 if run.meta["set"] == "optimal" else 0
        assert run.n_params == 18 * width**2 + 1536 * width + extra
    for run in load_dataset(CHESS).runs:
        assert run.n_params == 18 * run.meta["width"] ** 2 + 256 * run.meta["width"]


@pytest.mark.data
def test_trap_rows_that_were_filled_are_left_out(tables: dict[str, pd.DataFrame]) -> None:
    data, rows, filled = load_dataset(C5M), 0, 0
    for _, row in tables["c5m"].iterrows():
        log = row.history
        own = np.isclose(log.compute * 1e15 / (6 * row.P * 262144), log.step, rtol=1e-9)
        rows, filled = rows + len(log), filled + int((~own).sum())
        run = data.run(f"optimal-d{row.D}-seed{row.seed:g}")
        assert set(run.steps + 1) <= set(log.step[own])
        assert run.schedule is not None
        # A filled row has the loss, and the rate, of another step than its own.
        there = log.step.to_numpy()[own][:-1]
        assert np.max(np.abs(run.schedule.lr[there] - log.lr.to_numpy()[own][:-1])) < 1e-6
    assert (rows, filled) == (31180, 12695)
    log = tables["c5m"].history.iloc[3]
    repeated = log.set_index("step").test_loss[[1683, 1754, 1768, 1773, 1775, 1837]]
    assert repeated.nunique() == 1
    assert 1683 - 1 in data.run("optimal-d768-seed3").steps
    assert not {1753, 1767, 1772, 1774, 1836} & set(data.run("optimal-d768-seed3").steps)


@pytest.mark.data
def test_the_peak_of_the_compute_optimal_runs_does_not_depend_on_the_width() -> None:
    peaks = {(run.meta["set"], run.meta["peak"]) for run in load_dataset(C5M).runs}
    assert peaks == {("schedules", 0.01), ("optimal", 4.0)}


@pytest.mark.data
@pytest.mark.parametrize(("source", "name"), [("c5m", C5M), ("chess", CHESS)])
def test_the_irreducible_loss_is_what_the_authors_subtract(
    tables: dict[str, pd.DataFrame], source: str, name: str
) -> None:
    card = find_card(name)
    assert card.irreducible is not None
    found = [np.polyfit(log.scaled_L, log.test_loss, 1)[1] for log in tables[source].history]
    assert np.ptp(found) < 1e-12
    assert found[0] == pytest.approx(card.irreducible.value, abs=1e-8)
    lowest = min(float(run.loss.min()) for run in load_dataset(name).runs)
    assert lowest - card.irreducible.value == pytest.approx(0.024 if source == "c5m" else 0.115, abs=5e-4)
    assert all(task.metric == "log_mae_reducible" for task in card.tasks)


@pytest.mark.data
def test_the_first_update_has_rate_0(tables: dict[str, pd.DataFrame]) -> None:
    # That a row after s updates has seen the rates of steps 0 to s - 1: the loss moves at the second update.
    loss = tables["chess"].history.iloc[0].set_index("step").test_loss
    assert loss[0] == loss[1] == pytest.approx(np.log(64), rel=1e-6)
    assert loss[1] - loss[2] > 0.002
    first = tables["c5m_schedules"].history.iloc[0].iloc[0]
    assert first.test_loss == pytest.approx(np.log(256), rel=1e-6)
    assert (first.step, first.tau) == (1, 0)


@pytest.mark.data
def test_curves_start_after_the_warm_up_and_have_at_most_150_points() -> None:
    for name in (C5M, CHESS):
        for run in load_dataset(name).runs:
            assert run.schedule is not None
            assert run.steps[0] >= run.schedule.warmup
            assert 100 < len(run) <= 150
            assert run.steps[-1] >= len(run.schedule) - 2


@pytest.mark.data
def test_trap_runs_of_one_width_repeat_each_other_literally_and_do_not_count() -> None:
    data = load_dataset(C5M)
    const = data.run("d1024-10B-const")
    for name in ("linear-0.2", "cosine-0.2", "quadratic-0.2", "multicosine-0.2"):
        equal, common = _equal_up_to(data.run(f"d1024-10B-{name}"), const)
        assert equal == common > 100
    task = load_task(f"{C5M}/schedule")
    fitted = {(int(s), float(y)) for run in task.train for s, y in zip(run.steps, run.loss, strict=True)}
    for run, mask in zip(task.truth(), task.counts, strict=True):
        assert not fitted & {(int(s), float(y)) for s, y in zip(run.steps[mask], run.loss[mask], strict=True)}


@pytest.mark.data
def test_splits() -> None:
    schedule = load_task(f"{C5M}/schedule")
    assert {run.meta["width"] for run in (*schedule.train, *schedule.test)} == {1024}
    assert [run.meta["schedule"] for run in schedule.train] == ["const", "linear-1"]
    # Decays start at step 762, or at 762 + 0.8 (152587 - 762) = 122222, and differ once single precision shows it.
    assert schedule.branch == (122223, 788, 122228, 802, 122230, 771, 122224)
    longer = load_task(f"{C5M}/schedule-longer")
    assert longer.extrapolation == pytest.approx(4, rel=1e-3)
    sizes = load_task(f"{C5M}/scale-schedules")
    assert sorted({run.meta["width"] for run in sizes.train}) == [768, 896, 1024, 1152]
    assert Counter(run.meta["width"] for run in sizes.test) == {1280: 5, 2048: 5}
    for name in (f"{C5M}/scale-optimal", f"{CHESS}/scale-optimal", f"{CHESS}/scale-constant"):
        task = load_task(name)
        assert [run.meta["width"] for run in task.train] == [768, 896, 1024, 1152, 1280]
        assert [run.meta["width"] for run in task.test] == [1536, 1792, 2048]
        assert {run.meta["seed"] for run in (*task.train, *task.test)} == {0}
        assert all(mask.all() for mask in task.counts)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "seeds", "floor", "reducible"),
    [(f"{C5M}/scale-optimal", 8.97e-5, 9.0e-5, 0.0074), (f"{CHESS}/scale-optimal", 6.54e-4, 6.5e-4, 0.0029)],
)
def test_the_noise_floor_comes_from_seeds_and_grows_with_what_is_subtracted(
    name: str, seeds: float, floor: float, reducible: float
) -> None:
    task = load_task(name)
    assert repeats(load_dataset(task.dataset).runs) == pytest.approx(seeds, rel=0.01)
    assert task.noise_source == "repeated runs"
    assert task.noise_floor == pytest.approx(floor, rel=0.02)
    assert task.primary_floor == pytest.approx(reducible, rel=0.02)


@pytest.mark.data
def test_a_relative_error_hides_what_the_reducible_one_shows() -> None:
    task = load_task(f"{C5M}/schedule")
    score = task.score([np.full(len(run), run.loss.mean()) for run in task.truth()])
    assert score["log_mae"] is not None
    assert score["log_mae_reducible"] is not None
    assert score["log_mae"] < 0.01
    assert score["log_mae_reducible"] > 0.2


def test_thinning_keeps_both_ends_and_is_even_and_logarithmic() -> None:
    steps = np.arange(762, 152586)
    kept = steps[thinned(steps)]
    assert (kept[0], kept[-1]) == (762, 152585)
    assert 140 <= kept.size <= 150
    assert np.diff(kept).max() == pytest.approx((152585 - 762) / 99, abs=2)
    assert (kept < 3000).sum() > 10


@pytest.mark.parametrize("steps", [[5], [5, 9], list(range(40))])
def test_thinning_keeps_a_short_log_whole(steps: list[int]) -> None:
    assert thinned(steps).tolist() == list(range(len(steps)))
