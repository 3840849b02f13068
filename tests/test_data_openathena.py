"""Two tables of final losses at equal compute, Marin and Llama 3, measured on their files."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.runs import Run
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
CORPORA = {"comma": 92, "dclm": 85, "nemotron": 96}


def _tables() -> dict[str, pd.DataFrame]:
    return {
        path.stem.removeprefix("isoflop-"): pd.read_csv(path) for path in fetch(find_card("marin-isoflop")).values()
    }


def _shape(run: Run) -> tuple[object, ...]:
    assert run.tokens is not None
    return run.meta["corpus"], run.n_params, float(run.tokens[0]), run.meta["sequences"]


def test_marin_has_273_runs_on_three_corpora() -> None:
    data = load_dataset("marin-isoflop")
    assert Counter(run.meta["corpus"] for run in data.runs) == CORPORA
    kinds = Counter((run.meta["corpus"], run.meta["kind"]) for run in data.runs)
    assert sum(n for (_, kind), n in kinds.items() if kind == "isoflop") == 258
    assert (kinds["comma", "optimal"], kinds["comma", "repeat"]) == (5, 2)
    assert (kinds["nemotron", "optimal"], kinds["nemotron", "repeat"]) == (6, 2)
    losses = [float(run.loss[0]) for run in data.runs]
    assert (round(min(losses), 2), round(max(losses), 2)) == (2.77, 4.18)
    sizes = [run.n_params or 0 for run in data.runs]
    assert [min(sizes), max(sizes)] == pytest.approx([156508160, 11.788e9], rel=1e-3)


def test_trap_marin_columns_differ_between_tables() -> None:
    tables = _tables()
    assert len({tuple(table.columns) for table in tables.values()}) == 3
    assert tables["nemotron"]["learning_rate"].isna().all()
    for run in load_dataset("marin-isoflop").runs:
        assert ("peak_lr" in run.meta) == (run.meta["corpus"] != "nemotron")
        width = tables[run.meta["corpus"]].query("parameter_count == @run.n_params")["model.hidden_dim"].iloc[0]
        if "peak_lr" in run.meta:
            assert run.meta["peak_lr"] == pytest.approx(0.33 * np.sqrt(run.meta["sequences"]) / width, rel=1e-3)
        row = tables[run.meta["corpus"]].query("Name.str.contains(@run.name, regex=False)")
        assert row["eval/paloma/macro_loss"].tolist() == [run.loss[0]]
        assert run.schedule is None


def test_trap_marin_compute_is_in_gflop_and_names_divide_it_by_three() -> None:
    budgets = set()
    for run in load_dataset("marin-isoflop").runs:
        assert run.compute is not None
        assert run.tokens is not None
        assert 0.93 < run.compute[0] / run.meta["flop"] < 1.35
        assert run.tokens[0] == run.meta["sequences"] * run.meta["updates"] * 4096
        if run.meta["kind"] == "isoflop":
            budgets.add(run.meta["budget"])
            assert 3 * float(run.name.split("-")[1]) == pytest.approx(run.meta["flop"], rel=1e-3)
        else:
            assert float(run.name.rsplit("-", 1)[1]) == pytest.approx(run.meta["flop"], rel=1e-3)
    assert sorted(budgets) == [1.8e18, 3e18, 9e18, 1.8e19, 3e19, 9e19, 1.8e20, 3e20]


def test_marin_repeats_give_the_noise_and_are_never_scored() -> None:
    data, card = load_dataset("marin-isoflop"), find_card("marin-isoflop")
    swept = {_shape(run): run for run in data.runs if run.meta["kind"] == "isoflop"}
    repeats = [run for run in data.runs if run.meta["kind"] == "repeat"]
    gaps = [abs(float(np.log(run.loss[0] / swept[_shape(run)].loss[0]))) for run in repeats]
    assert card.noise is not None
    assert len(gaps) == 4
    assert np.mean(gaps) == pytest.approx(card.noise.value, rel=0.02)
    names = {run.name for info in card.tasks for run in load_task(f"marin-isoflop/{info.name}").test}
    assert not names & {run.name for run in repeats}


@pytest.mark.parametrize(("corpus", "fitted", "chosen"), [("comma", 55, 5), ("dclm", 55, 0), ("nemotron", 58, 6)])
def test_marin_tasks_hold_out_the_largest_budget_and_the_chosen_runs(corpus: str, fitted: int, chosen: int) -> None:
    task = load_task(f"marin-isoflop/scale-{corpus}")
    assert {run.meta["corpus"] for run in (*task.train, *task.test)} == {corpus}
    assert max(run.meta["flop"] for run in task.train) < 1e20
    assert {run.meta["kind"] for run in task.train} == {"isoflop"}
    kinds = Counter(run.meta["kind"] for run in task.test)
    assert (task.n_fitted, kinds["isoflop"], kinds["optimal"]) == (fitted, 15, chosen)
    assert {run.meta["budget"] for run in task.test if run.meta["kind"] == "isoflop"} == {3e20}
    assert not {_shape(run) for run in task.train} & {_shape(run) for run in task.test}


def test_llama_has_133_points_with_the_loss_of_the_axis() -> None:
    (path,) = fetch(find_card("llama3-isoflop")).values()
    table, data = pd.read_csv(path), load_dataset("llama3-isoflop")
    raw, exp = (table.loc[table["condition"] == name, "loss"].to_numpy() for name in ("raw_loss", "exp_loss"))
    assert (len(table), len(raw), len(exp)) == (266, 133, 133)
    assert np.allclose(np.exp(raw), exp, rtol=1e-12)
    losses = [float(run.loss[0]) for run in data.runs]
    assert losses == raw.tolist()
    assert (round(min(losses), 2), round(max(losses), 2)) == (0.69, 0.93)
    for run in data.runs:
        assert run.compute is not None
        assert run.compute[0] == pytest.approx(run.meta["budget"], rel=1e-9)


def test_llama_says_that_its_loss_is_not_in_nats_per_token() -> None:
    card = find_card("llama3-isoflop")
    assert "unit of its axis" in card.title
    assert any("NOT in nats per token" in quirk for quirk in card.quirks)
    assert all("unit of the loss" in task.note for task in card.tasks)
    assert {find_card(name).family for name in ("marin-isoflop", "llama3-isoflop")} == {"marin", "llama3"}
    assert not any("ml_scalefit" in file.path for file in card.source.files)


def test_llama_noise_is_the_scatter_about_a_parabola() -> None:
    data, card = load_dataset("llama3-isoflop"), find_card("llama3-isoflop")
    residuals = {}
    for budget in sorted({run.meta["budget"] for run in data.runs}):
        own = [run for run in data.runs if run.meta["budget"] == budget]
        x = np.log([run.tokens[0] for run in own if run.tokens is not None])
        y = np.log([run.loss[0] for run in own])
        rest = y - np.polyval(np.polyfit(x - x.mean(), y, 2), x - x.mean())
        residuals[budget] = rest * np.sqrt(len(own) / (len(own) - 3))
    assert len(residuals) == 10
    assert card.noise is not None
    every = np.concatenate(list(residuals.values()))
    assert 1.4826 * np.median(np.abs(every)) == pytest.approx(card.noise.value, abs=5e-5)
    assert np.std(residuals[1e19]) == pytest.approx(0.003, abs=5e-4)
    assert max(np.std(residuals[budget]) for budget in (6e20, 1e21, 3e21)) < 0.001


@pytest.mark.parametrize(("name", "cut", "fitted", "scored"), [("scale", 1e21, 121, 12), ("scale-1e20", 1e20, 83, 50)])
def test_llama_tasks_hold_out_large_budgets(name: str, cut: float, fitted: int, scored: int) -> None:
    task = load_task(f"llama3-isoflop/{name}")
    assert max(run.meta["budget"] for run in task.train) == cut < min(run.meta["budget"] for run in task.test)
    assert (task.n_fitted, task.n_scored) == (fitted, scored)
