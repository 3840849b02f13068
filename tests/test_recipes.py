"""Recipes: what each changes of a fit, and which run unless others are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawbench.cell import Outcome
from lawbench.columns import blank
from lawbench.entries import entries_for
from lawbench.errors import NotApplicableError, UnknownNameError
from lawbench.fitting import prior
from lawbench.fitting.fit import fit
from lawbench.fitting.recipes import default_recipes, recipes_for
from lawbench.priors import learn
from lawbench.registry import find_law, laws
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.shapes import named_schedule

STEPS = np.arange(100, 3000, 25)


def noisy(name: str = "noisy", *, dataset: str = "", seed: int = 0, steps: np.ndarray = STEPS) -> Run:
    loss = 2.5 + 8.0 * (steps + 1.0) ** -0.4
    noise = np.random.default_rng(seed).normal(scale=2e-3, size=steps.size)
    rates = named_schedule("cosine", steps=3001, peak=1e-3, warmup=100, end=1e-4)
    return Run(name, steps, loss * np.exp(noise), rates, dataset=dataset)


def test_sum_and_mean_agree_on_one_curve_and_differ_on_unequal_ones() -> None:
    one, short = noisy(), noisy("short", seed=1, steps=STEPS[:20])
    alone = [fit("power_steps", one, recipe).params["alpha"] for recipe in ("common", "sum")]
    both = [fit("power_steps", [one, short], recipe).params["alpha"] for recipe in ("common", "sum")]
    assert alone[0] == pytest.approx(alone[1], rel=1e-6)
    assert abs(both[0] - both[1]) > 1e-4


def test_sum_is_the_objective_that_papers_print() -> None:
    run = noisy()
    assert fit("power_steps", run, "sum").objective == pytest.approx(
        fit("power_steps", run, objective="sum").objective, rel=1e-9
    )


def test_least_squares_leaves_the_smallest_sum_of_squares() -> None:
    run = noisy()
    squares = [float(np.sum((np.log(fit("power_steps", run, recipe).predict(run)) - np.log(run.loss)) ** 2))
               for recipe in ("least_squares", "common")]  # fmt: skip
    assert squares[0] <= squares[1] * (1 + 1e-9)


@pytest.mark.parametrize("recipe", ["common", "sum", "least_squares", "regularised"])
def test_a_refit_to_the_very_data_is_the_fit(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fit("power_steps", noisy(steps=STEPS[:12]), recipe)
    monkeypatch.setattr("lawbench.fitting.result.resample", lambda problem, *_: replace(problem, y=problem.y[None, :]))
    (again,) = found.bootstrap(1).to_dict("records")
    assert {name: again[name] for name in found.params} == pytest.approx(dict(found.params), rel=1e-3)
    assert again["objective"] <= float(found.problem.value(found._theta()[None, :])[0]) * (1 + 1e-9)


def test_every_searched_law_has_the_variants_and_none_runs_unasked() -> None:
    for law in laws():
        known = recipes_for(law)
        searched = law.estimate is find_law("power_steps").estimate
        assert ({"sum", "least_squares"} <= set(known)) == searched, law.name
        assert not {"sum", "least_squares"} & set(default_recipes(law)), law.name
        assert ("regularised" in default_recipes(law)) == ("regularised" in law.compared), law.name


def test_all_recipes_and_one_recipe() -> None:
    every = [entry.label for entry in entries_for("mpl", "all")]
    assert {"mpl", "mpl@sum", "mpl@least_squares", "mpl[warmup=raw]@paper", "mpl@published:luo2025"} <= set(every)
    assert [entry.label for entry in entries_for(["mpl", "last_value"], "sum")] == ["mpl@sum"]
    assert [entry.label for entry in entries_for("mpl[warmup=raw]@sum")] == ["mpl[warmup=raw]@sum"]
    with pytest.raises(UnknownNameError, match="least_squares"):
        entries_for("mpl", "least_square")


def test_the_prior_leaves_the_familys_own_estimates_out() -> None:
    known = prior.learned()["laws"]["sublinear_area"]["p"]
    mean, _ = prior.moments("sublinear_area", frozenset({"schaipp"}))["p"]
    assert mean == pytest.approx(np.mean([value for family, value in known.items() if family != "schaipp"]))
    unseen, _ = prior.moments("sublinear_area", frozenset({"a dataset of nobody"}))["p"]
    assert unseen == pytest.approx(np.mean(list(known.values())))


def test_too_few_other_families_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    estimates = {"power_steps": {"alpha": {"a": 0.3, "b": 0.4, "c": 0.5}}}
    known = {"families": {"a": ["x"], "b": ["y"], "c": ["z"]}, "laws": estimates}
    monkeypatch.setattr(prior, "learned", lambda: known)
    with pytest.raises(NotApplicableError, match="common"):
        prior.moments("power_steps", frozenset({"x"}))


def test_a_prior_decides_what_the_data_cannot_tell() -> None:
    """At a constant rate the exponent of the rate has no effect: it ends where other families have it."""
    schedule = Schedule(np.full(3001, 1e-3))
    run = Run("flat", STEPS, 2.5 + 8.0 * (STEPS + 1.0) ** -0.4, schedule)
    found = fit("sublinear_area", run, "regularised")
    mean, _ = prior.moments("sublinear_area", frozenset({""}))["p"]
    assert found.params["p"] == pytest.approx(mean, abs=1e-3)
    assert np.allclose(found.predict(run), run.loss, rtol=1e-3)


def test_a_prior_pulls_towards_its_centre_and_no_further() -> None:
    run = noisy()
    plain, eased = (fit("power_steps", run, recipe).params["alpha"] for recipe in ("common", "regularised"))
    mean, _ = prior.moments("power_steps", frozenset({""}))["alpha"]
    low, high = sorted([plain, mean])
    assert low - 1e-6 <= eased <= high + 1e-6
    assert fit("power_steps", run, "regularised").certificate.converged


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=60))
def test_effective_points_lie_between_one_and_all(values: list[float]) -> None:
    run = Run("a", np.arange(len(values)), np.ones(len(values)))
    assert 1.0 <= prior.effective_points(np.array(values), [run]) <= len(values)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_white_residuals_count_nearly_whole_and_offsets_once(seed: int) -> None:
    run = Run("a", np.arange(400), np.ones(400))
    white = np.random.default_rng(seed).normal(size=400)
    assert prior.effective_points(white, [run]) > 100
    assert prior.effective_points(np.full(400, 0.1), [run]) < 3


def test_priors_are_learned_from_estimates_that_the_data_could_tell() -> None:
    def cell(family: str, alpha: float, **more: object) -> Outcome:
        row = {**blank(), "status": "ok", "track": "schedule", "ranked": True, "law": "power_steps",
               "entry": "power_steps", "recipe": "common", "family": family,
               "dataset": f"{family}-1", **more}  # fmt: skip
        return Outcome(row, (), {"L0": 1.0, "A": 2.0, "alpha": alpha})

    cells = [cell("a", 0.2), cell("a", 0.4), cell("b", 0.9, cert_unidentified="alpha"), cell("c", 0.5, track="horizon"),
             cell("d", 0.7, recipe="sum", entry="power_steps@sum"), cell("e", 0.6, status="failed")]  # fmt: skip
    assert learn(cells)["laws"] == {"power_steps": {"alpha": {"a": 0.3}}}
