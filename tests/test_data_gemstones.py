"""The Gemstones: counts, what is known of their rates, and the traps of their files."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.noise import second_differences
from lawbench.runs import Run
from lawbench.schedule import shared_steps
from lawbench.tasks import load_task

pytestmark = pytest.mark.data


@cache
def _data() -> Dataset:
    return load_dataset("gemstones")


@cache
def _rows(part: str) -> list[dict[str, Any]]:
    files = fetch(find_card("gemstones"))
    text = files[f"wandb_dfs/wandb_df_for_fitting_{part}.jsonl"].read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _kind(kind: str) -> list[Run]:
    return [run for run in _data().runs if run.meta["kind"] == kind]


def test_files_have_the_points_of_the_source_and_runs_all_but_the_first_of_a_level() -> None:
    counts = [len(_rows(part)) for part in ("hot_100b+_477", "lr_ablation_hot_477", "cool_begin", "cool_end")]
    assert counts == [3850, 1000, 199, 199]
    assert Counter(run.meta["kind"] for run in _data().runs) == {"hot": 22, "half": 20, "cooldown": 199, "end": 199}
    assert [len(run) for run in _kind("hot")] == [174] * 22
    assert [len(run) for run in _kind("half")] == [49] * 20
    assert min(run.steps[0] for run in _data().runs if run.meta["kind"] in ("hot", "half", "cooldown")) == 953


def test_tokens_and_sizes_are_those_of_the_files() -> None:
    assert all(row["tokens"] == row["step"] * 4194304 for row in _rows("hot_100b+_477") + _rows("cool_end"))
    for run in _kind("hot"):
        assert run.tokens is not None
        assert run.tokens[-1] == 83475 * 4194304 == pytest.approx(350.1e9, rel=1e-4)
    sizes = sorted({run.n_params for run in _kind("hot") if run.n_params is not None})
    assert (len(sizes), sizes[0], sizes[-1]) == (22, 48377600, 2007837696)


def test_parameters_without_embeddings_are_a_whole_number_a_layer() -> None:
    """At each width, N less both embeddings and the last norm is the depth times one number."""
    layers: dict[float, set[float]] = {}
    for run in _kind("hot"):
        rest = run.meta["n_params_no_embed"] - run.meta["width"]
        layers.setdefault(run.meta["width"], set()).add(rest / run.meta["depth"])
    assert len(layers[256.0]) == len(layers[512.0]) == 1
    assert all(len(found) == 1 and next(iter(found)).is_integer() for found in layers.values())


def test_rates_are_in_units_of_the_peak_of_the_hot_run() -> None:
    levels = {"hot": 1.0, "half": 0.5, "cooldown": 1.0}
    for run in _data().runs:
        assert run.meta["lr_unit"] == "peak"
        if run.schedule is not None:
            assert run.schedule.peak == run.schedule.lr[0] == levels[run.meta["kind"]]
    assert "units of the peak" in find_card("gemstones").title


def test_a_cooldown_is_a_line_to_zero_over_a_tenth_more_tokens() -> None:
    for run in _kind("cooldown"):
        if run.schedule is None:
            continue
        lr, start = run.schedule.lr, int(run.steps[-2]) + 1
        assert (lr[: start + 1] == 1.0).all()
        assert np.diff(lr[start:]) == pytest.approx(np.diff(lr[start:]).mean(), rel=1e-6)
        assert lr[-1] == pytest.approx(1 / (lr.size - start))
        assert lr.size == run.steps[-1] + 1
        assert 0 <= 0.1 * start - (lr.size - start) <= 2
        assert run.tokens is not None
        assert run.tokens[-2] == pytest.approx(run.meta["start"] * 1e9, rel=1e-3)


def test_cooldowns_share_the_hot_run_without_repeating_its_points() -> None:
    data = _data()
    cools = [data.run(f"2048x27-cool-{start}b") for start in range(10, 101, 10)]
    hot = data.run("2048x27-hot")
    stable = np.concatenate([run.steps[:-1] for run in cools])
    assert (np.diff(stable) > 0).all()
    assert np.setdiff1d(stable, hot.steps).tolist() == [23839]
    assert np.setdiff1d(hot.steps[hot.steps < 23839], stable).size == 0
    shared, at, here = np.intersect1d(hot.steps, stable, return_indices=True)
    losses = np.concatenate([run.loss[:-1] for run in cools])
    assert shared.size == 48
    assert hot.loss[at] == pytest.approx(losses[here], abs=1e-6)
    assert hot.schedule is not None
    assert cools[4].schedule is not None
    assert shared_steps(hot.schedule, cools[4].schedule) == 11926
    assert sum(map(len, cools)) == 48 + 1 + 10


def test_trap_two_architectures_cool_from_another_run() -> None:
    other = {run.model for run in _data().runs if run.meta["trunk"] == "other"}
    assert other == {"2560x8, other run", "3072x12, other run"}
    hot = {(row["run_name"], row["step"]): row["final_loss"] for row in _rows("hot_100b+_477")}
    away: dict[str, float] = {}
    for row in _rows("cool_begin"):
        here = hot.get((row["run_name"], row["step"]), row["final_loss"])
        away[row["run_name"]] = max(away.get(row["run_name"], 0.0), abs(row["final_loss"] - here))
    far = {name: value for name, value in away.items() if value > 1e-6}
    assert far == {
        "PyGemma-2560x8_pretrain": pytest.approx(0.0592, abs=1e-4),
        "PyGemma-3072x12_pretrain": pytest.approx(0.0203, abs=1e-4),
    }
    for run in _data().runs:
        if run.meta["trunk"] == "other":
            assert run.schedule is None
            assert len(run) == (2 if run.meta["kind"] == "cooldown" else 1)


def test_trap_one_cooldown_hardly_lowers_the_loss() -> None:
    falls = {run.name: run.loss[-2] - run.loss[-1] for run in _kind("cooldown")}
    assert np.mean(list(falls.values())) == pytest.approx(0.087, abs=5e-4)
    assert np.std(list(falls.values())) == pytest.approx(0.016, abs=5e-4)
    lowest, second = sorted(falls, key=lambda name: falls[name])[:2]
    assert (lowest, round(falls[lowest], 4), round(falls[second], 3)) == ("1280x36-cool-20b", 0.0035, 0.057)
    odd = {run.name for run in _data().runs if run.meta["kind"] in ("cooldown", "end") and not run.meta["falls"]}
    assert odd == {"1280x36-cool-20b", "1280x36-end-20b"}


def test_one_architecture_has_nine_cooldowns_and_two_have_none() -> None:
    cools = Counter(f"{run.meta['width']:g}x{run.meta['depth']:g}" for run in _kind("cooldown"))
    assert {name: count for name, count in cools.items() if count != 10} == {"3072x12": 9}
    hot, half = ({run.model for run in _kind(kind)} for kind in ("hot", "half"))
    assert hot - set(cools) == hot - half == {"512x11", "512x14"}
    assert {int(run.steps[-1]) for run in _kind("half")} == {23839}


def test_an_end_is_the_last_point_of_its_cooldown() -> None:
    for end in _kind("end"):
        cool = _data().run(end.name.replace("end", "cool"))
        assert (end.loss[0], end.schedule, end.model) == (cool.loss[-1], None, cool.model)
        assert end.tokens is not None
        assert cool.tokens is not None
        assert end.tokens[0] == cool.tokens[-1]


def test_single_evaluations_stand_out_where_the_card_says() -> None:
    for name, update, height in (("1024x28", 28620, 0.08), ("1792x18", 62487, 0.03)):
        run = _data().run(f"{name}-hot")
        at = int(np.flatnonzero(run.steps == update - 1)[0])
        assert run.loss[at] - (run.loss[at - 1] + run.loss[at + 1]) / 2 == pytest.approx(height, abs=0.006)


def test_the_noise_of_the_card_is_measured() -> None:
    noise = [second_differences(run.loss) or 0.0 for run in _kind("hot")]
    card = find_card("gemstones")
    assert card.noise is not None
    assert np.median(noise) == pytest.approx(card.noise.value, abs=1e-4)
    assert [min(noise), max(noise)] == pytest.approx([0.0002, 0.0013], abs=5e-5)


@pytest.mark.parametrize("model", ["512x12", "1024x28", "2048x27"])
def test_horizon_tasks_fit_100b_tokens_and_score_the_last_30_percent(model: str) -> None:
    task = load_task(f"gemstones/horizon-{model}")
    fitted, scored = task.train[0].tokens, task.test[0].tokens
    assert fitted is not None
    assert scored is not None
    assert fitted[-1] == 50 * 477 * 4194304 == pytest.approx(100e9, rel=1e-3)
    assert scored[0] >= 0.7 * 350e9
    assert task.extrapolation == pytest.approx(3.5)
    assert "lr" in task.provides


def test_cooldown_tasks_score_what_lies_beyond_the_last_fitted_cooldown() -> None:
    task = load_task("gemstones/cooldown-2048x27")
    assert [run.meta["start"] for run in task.train] == [10, 20, 30, 40, 50]
    assert [run.meta["start"] for run in task.test] == [60, 70, 80, 90, 100]
    fitted = {(int(s), float(y)) for run in task.train for s, y in zip(run.steps, run.loss, strict=True)}
    for run, mask in zip(task.truth(), task.counts, strict=True):
        assert mask.all()
        assert not fitted & {(int(s), float(y)) for s, y in zip(run.steps, run.loss, strict=True)}
    assert task.extrapolation == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("name", ["scale-cooled", "scale-curves"])
def test_scale_tasks_go_from_half_a_billion_to_one_and_more(name: str) -> None:
    task = load_task(f"gemstones/{name}")
    assert len({run.model for run in task.train}) == 14
    assert {run.model for run in task.test} == {"1280x36", "1792x18", "1536x50", "2048x27"}
    assert max(run.n_params or 0 for run in task.train) < 5.5e8 < 1e9 < min(run.n_params or 0 for run in task.test)
    assert all(run.meta["trunk"] == "hot" and run.meta["falls"] for run in (*task.train, *task.test))
    assert ("lr" in task.provides) == (name == "scale-curves")
    assert task.noise_floor is not None
