"""The OLMo ladder: counts, rates rebuilt exactly, and the traps of its files."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.readers import read_columns
from lawbench.data.sources import fetch
from lawbench.noise import repeats
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
FOLDER = "src/scripts/paper/data/ladder-runs"
C4 = "eval/c4_en-validation/CrossEntropyLoss"
SIZES = {"190M": 190354176, "370M": 371262464, "760M": 758220288, "1B": 1279395840, "3B": 3169533000}
LENGTHS = ("0.5xC", "1xC", "1xC-rerun", "2xC", "5xC", "10xC")


@cache
def _data() -> Dataset:
    return load_dataset("olmo-ladder")


@cache
def _log(name: str, *columns: str) -> dict[str, np.ndarray]:
    return read_columns(fetch(find_card("olmo-ladder"))[f"{FOLDER}/{name}.csv"], columns)


def test_thirty_ladder_runs_three_large_curves_and_their_final_losses() -> None:
    data = _data()
    assert Counter(run.meta["kind"] for run in data.runs) == {"curve": 33, "final": 32}
    rows = [_log(f"{size}-{length}", "_step")["_step"].size for size in SIZES for length in LENGTHS]
    assert (len(rows), min(rows), max(rows)) == (30, 37, 202)
    for size, n in SIZES.items():
        for length in LENGTHS:
            curve, final = data.run(f"{size}-{length}"), data.run(f"{size}-{length}-final")
            assert curve.n_params == final.n_params == n
            assert final.loss[0] == curve.loss[-1] == _log(f"{size}-{length}", C4)[C4][-1]
            assert curve.tokens is not None
            assert final.tokens is not None
            assert final.tokens[0] == curve.tokens[-1]
            assert curve.tokens[-1] == pytest.approx(20 * curve.meta["multiple"] * n, rel=0.004)


@pytest.mark.parametrize("size", SIZES)
def test_rates_are_those_of_the_logs(size: str) -> None:
    for length in LENGTHS:
        run = _data().run(f"{size}-{length}")
        log = _log(run.name, "_step", "optim/learning_rate_group0", "learning_rate_peak", "throughput/total_tokens")
        updates = log["_step"].astype(int)
        assert run.schedule is not None
        assert len(run.schedule) == updates[-1]
        assert run.schedule.lr[updates - 1] == pytest.approx(log["optim/learning_rate_group0"], rel=1e-12)
        assert run.schedule.peak == pytest.approx(log["learning_rate_peak"][0], rel=1e-12)
        assert run.schedule.lr[-11:] == pytest.approx(0.1 * run.schedule.peak, rel=1e-12)
        assert run.schedule.lr[-12] > run.schedule.lr[-11]
        assert updates[-1] * run.meta["batch_tokens"] == log["throughput/total_tokens"][-1]


def test_the_size_of_3b_follows_from_the_lengths_of_its_runs() -> None:
    """A cosine of 20 N multiple / batch updates, rounded up, leaves few values of N."""
    low, high = 0.0, np.inf
    for size, n in SIZES.items():
        for length in LENGTHS:
            log = _log(f"{size}-{length}", "_step", "batch_size_in_tokens")
            span, batch = log["_step"][-1] - 10, log["batch_size_in_tokens"][0]
            tokens = 20 * float(length.partition("x")[0])
            assert span == np.ceil(tokens * n / batch)
            if size == "3B":
                low, high = max(low, (span - 1) * batch / tokens), min(high, span * batch / tokens)
    assert low < SIZES["3B"] <= high
    assert (high - low) / SIZES["3B"] < 6e-6


def test_no_point_lies_within_the_warm_up() -> None:
    for run in _data().runs:
        if run.schedule is not None:
            assert run.n_params is not None
            assert run.schedule.warmup == round(run.n_params / run.meta["batch_tokens"])
            assert run.steps[0] >= run.schedule.warmup
            assert run.loss[0] < 8.0
    assert _log("190M-0.5xC", C4)[C4][0] > 8.0


def test_reruns_differ_by_a_thousandth() -> None:
    data = _data()
    ends = [abs(data.run(f"{s}-1xC-final").loss[0] - data.run(f"{s}-1xC-rerun-final").loss[0]) for s in SIZES]
    assert (min(ends), max(ends)) == (pytest.approx(0.0005, abs=5e-5), pytest.approx(0.0011, abs=5e-5))
    for size in SIZES:
        first, second = data.run(f"{size}-1xC"), data.run(f"{size}-1xC-rerun")
        assert len(second) == pytest.approx(2 * len(first), abs=2)
        assert 1e-4 < (repeats([first, second]) or 0.0) < 4e-4


def test_targets_are_the_annealed_7b_and_the_end_of_13b() -> None:
    data = _data()
    seven, thirteen = data.run("7B-final"), data.run("13B-final")
    assert (round(seven.loss[0], 4), round(thirteen.loss[0], 4)) == (2.4829, 2.4376)
    assert (seven.n_params, thirteen.n_params) == (6887575552, 13202396160)
    assert seven.tokens is not None
    assert thirteen.tokens is not None
    assert seven.tokens[0] == pytest.approx(3.945e12, rel=1e-3)
    assert thirteen.tokens[0] == 596057 * 8388608 == pytest.approx(5.0e12, rel=1e-3)


def test_trap_large_curves_start_before_the_first_update_and_7b_ends_before_annealing() -> None:
    for name, file, last in (
        ("7B", "peteish7_eval_full", 925000),
        ("7B-medlr", "peteish7_medlr_eval_full", 490000),
        ("13B", "peteish13_eval_full", 596057),
    ):
        run, log = _data().run(name), _log(file, "_step", C4)
        assert run.schedule is None
        assert (int(run.steps[0]), int(run.steps[-1])) == (4999, last - 1)
        assert len(run) == np.count_nonzero(log["_step"])
        if name != "7B-medlr":
            assert (log["_step"][0], log[C4][0] > 12) == (0, True)
    assert round(_data().run("7B").loss[-1], 4) == 2.5158
    assert _data().run("7B-medlr").meta["peak_lr"] == 6e-4
    assert _data().run("7B-medlr").model != _data().run("7B").model


def test_trap_the_13b_log_has_gaps_and_two_peaks() -> None:
    log = _log("peteish13_eval_full", "_step", "learning_rate_peak")
    assert set(log["learning_rate_peak"]) == {3e-4, 9e-4}
    assert "peak_lr" not in _data().run("13B").meta
    assert np.diff(log["_step"]).max() == 127000
    assert np.count_nonzero(log["_step"] >= 557000) == 12
    assert log["_step"][-1] - 557000 == 39057


def test_the_split_of_the_paper() -> None:
    task = load_task("olmo-ladder/scale-paper")
    assert len(task.train) == 16
    assert {run.meta["multiple"] for run in task.train} == {1.0, 2.0, 5.0, 10.0}
    assert not any(run.meta["rerun"] for run in task.train)
    assert [run.name for run in task.test] == ["7B-final", "13B-final"]
    assert task.provides == {"n_params", "tokens"}
    assert task.extrapolation == pytest.approx(19.5, abs=0.1)


def test_the_3b_runs_are_held_out_of_both_scale_tasks() -> None:
    finals, curves = load_task("olmo-ladder/scale-3b"), load_task("olmo-ladder/curves-3b")
    assert (len(finals.train), len(finals.test)) == (20, 5)
    assert (len(curves.train), len(curves.test)) == (8, 2)
    assert curves.provides == {"steps", "lr", "n_params", "tokens"}
    for task in (finals, curves):
        assert len({run.n_params for run in task.train}) == 4
        assert {run.n_params for run in task.test} == {SIZES["3B"]}


@pytest.mark.parametrize(("size", "warmup"), [("370m", 472), ("3b", 1008)])
def test_longer_cosines_count_from_the_end_of_the_warm_up(size: str, warmup: int) -> None:
    task = load_task(f"olmo-ladder/length-{size}")
    assert task.branch == (warmup, warmup)
    assert all(mask.all() for mask in task.counts)
    assert task.extrapolation == pytest.approx(5.0, abs=0.01)


def test_horizons_of_the_large_models_have_no_rates() -> None:
    for name in ("horizon-7b", "horizon-13b"):
        task = load_task(f"olmo-ladder/{name}")
        assert task.provides == {"steps", "n_params", "tokens", "prefix"}
        assert task.train[0].steps[-1] < task.test[0].steps[0]
    assert "lr" in load_task("olmo-ladder/horizon-3b").provides
