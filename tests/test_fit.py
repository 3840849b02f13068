"""The one call: options, parameters in and out, certificates, and what bad input gets."""

from __future__ import annotations

import json
import pickle

import lmfit
import numpy as np
import pytest

import lawbench
from lawbench.checks import sample_runs
from lawbench.errors import FitError, InputError, NotApplicableError, UnknownNameError
from lawbench.fitting import bootstrap
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.shapes import constant, cosine

STEPS = np.arange(100, 5000, 50)


def _curve(noise: float = 1e-3, seed: int = 0, **more: object) -> Run:
    loss = 2.0 + 8.0 * (STEPS + 1.0) ** -0.4
    return Run("mine", STEPS, loss * np.exp(noise * np.random.default_rng(seed).normal(size=STEPS.size)), **more)  # type: ignore[arg-type]


def _table(count: int = 60, seed: int = 1) -> list[Run]:
    rng = np.random.default_rng(seed)
    n, d = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    loss = (1.8 + 480 / n**0.35 + 2100 / d**0.37) * np.exp(2e-3 * rng.normal(size=count))
    return [Run.final(str(i), *row) for i, row in enumerate(zip(loss, n, d, strict=True))]


def test_a_clean_curve_gives_its_parameters_back_with_a_certificate() -> None:
    fit = lawbench.fit("power_steps", _curve(noise=0.0))
    assert dict(fit.params) == pytest.approx({"L0": 2.0, "A": 8.0, "alpha": 0.4}, rel=1e-5)
    certificate = fit.certificate
    assert certificate.converged
    assert certificate.starts >= 2
    assert 0 < certificate.reached <= 1
    assert certificate.at_bound == certificate.unidentified == ()
    assert certificate.evaluations > certificate.starts
    assert certificate.objective == fit.objective


def test_prediction_follows_the_shape_of_what_is_asked() -> None:
    fit = lawbench.fit("power_steps", _curve())
    one, two = fit.predict(_curve()), fit.predict([_curve(), _curve().withhold()])
    assert one.shape == STEPS.shape
    assert [len(part) for part in two] == [STEPS.size] * 2
    assert np.array_equal(one, two[1])


def test_sum_and_mean_weigh_curves_differently_and_agree_for_one() -> None:
    long, short = _curve(), _curve(seed=1).select(STEPS < 1000)
    same = [lawbench.fit("power_steps", long, objective=o) for o in ("sum", "mean")]
    assert same[0].objective == pytest.approx(same[1].objective * STEPS.size, rel=1e-6)
    both = [lawbench.fit("power_steps", [long, short], objective=o).params["alpha"] for o in ("sum", "mean")]
    assert both[0] != pytest.approx(both[1], rel=1e-6)


def test_sum_and_mean_are_the_same_for_a_table() -> None:
    fits = [lawbench.fit("chinchilla", _table(), objective=o) for o in ("sum", "mean")]
    assert fits[0].objective == fits[1].objective


def test_the_order_of_runs_is_irrelevant() -> None:
    runs = sample_runs(("cosine", "constant", "two-stage"))
    forth, back = lawbench.fit("annealing_area", runs), lawbench.fit("annealing_area", runs[::-1])
    assert forth.objective == pytest.approx(back.objective, rel=1e-8)


def test_parameters_can_be_held_bounded_and_tied() -> None:
    held = lawbench.fit("chinchilla", _table(), params={"alpha": 0.35})
    assert held.params["alpha"] == 0.35
    bounded = lawbench.fit("chinchilla", _table(), params={"alpha": {"max": 0.3}})
    assert bounded.certificate.at_bound == ("alpha",)
    assert bounded.params["alpha"] == pytest.approx(0.3)
    free = lawbench.fit("chinchilla", _table())
    tied = lawbench.fit("chinchilla", _table(), params={"beta": {"expr": "alpha"}})
    assert tied.params["beta"] == tied.params["alpha"]
    assert free.objective < tied.objective
    assert free.objective < bounded.objective


def test_a_tie_is_optimal_among_ties() -> None:
    tied = lawbench.fit("chinchilla", _table(), params={"beta": {"expr": "1.05 * alpha"}})
    for alpha in (0.99, 1.01):
        near = tied.params["alpha"] * alpha
        other = lawbench.fit("chinchilla", _table(), params={"alpha": near, "beta": 1.05 * near})
        assert other.objective > tied.objective


def test_lmfit_parameters_go_in_and_a_result_comes_out() -> None:
    params = lmfit.Parameters()
    params.add("alpha", value=0.36, vary=False)
    params.add("E", value=1.8, min=1.0, max=3.0)
    fit = lawbench.fit("chinchilla", _table(), params=params)
    assert fit.params["alpha"] == 0.36
    result = fit.to_lmfit()
    assert isinstance(result, lmfit.minimizer.MinimizerResult)
    assert not result.params["alpha"].vary
    assert result.params["E"].value == pytest.approx(fit.params["E"], rel=1e-4)
    assert result.chisqr == pytest.approx(2 * fit.objective, rel=1e-6)
    assert "[[Variables]]" in lmfit.fit_report(result)
    assert np.isfinite([result.aic, result.bic]).all()


def test_a_tie_of_lmfit_goes_in_and_comes_out() -> None:
    params = lmfit.Parameters()
    params.add("alpha", value=0.3, min=0.2, max=0.5)
    params.add("beta", expr="alpha")
    fit = lawbench.fit("chinchilla", _table(), params=params)
    assert fit.params["beta"] == fit.params["alpha"]
    result = fit.to_lmfit()
    assert result.params["beta"].expr == "alpha"
    assert result.params["alpha"].value == pytest.approx(fit.params["alpha"], rel=1e-4)
    assert result.chisqr == pytest.approx(2 * fit.objective, rel=1e-6)


def test_an_expression_that_means_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"expression 'gamma \* 2' of law 'chinchilla' cannot be evaluated"):
        lawbench.fit("chinchilla", _table(), params={"beta": {"expr": "gamma * 2"}})


def test_a_fit_without_free_parameters_is_an_evaluation() -> None:
    held = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}
    fit = lawbench.fit("chinchilla", _table(), params=held)
    assert dict(fit.params) == held
    assert fit.certificate.converged
    assert fit.certificate.condition == 1.0


def test_a_fit_can_be_pickled() -> None:
    fit = lawbench.fit("chinchilla", _table(), params={"beta": {"expr": "alpha"}})
    twin = pickle.loads(pickle.dumps(fit))
    assert twin.params == fit.params
    assert np.array_equal(twin.predict(_table()), fit.predict(_table()))


def test_lambda_is_lambda_underscore_in_lmfit() -> None:
    runs = sample_runs(("cosine", "two-stage"))
    params = lmfit.Parameters()
    params.add("lambda_", value=0.99, vary=False)
    fit = lawbench.fit("annealing_area", runs, params=params)
    assert fit.params["lambda"] == 0.99
    assert "lambda_" in fit.to_lmfit().params


def test_least_squares_is_an_option() -> None:
    fit = lawbench.fit("power_steps", _curve(), loss="least_squares", objective="sum")
    residuals = np.log(fit.predict(_curve())) - np.log(_curve().loss)
    assert fit.objective == pytest.approx(0.5 * (residuals**2).sum(), rel=1e-9)


def test_what_a_constant_prefix_cannot_tell_is_said_and_does_not_fail_the_fit() -> None:
    schedule = constant(20000, 3e-4, warmup=200)
    run = Run("flat", STEPS[5:], _curve().loss[5:], schedule)
    fit = lawbench.fit("mpl", run)
    assert fit.certificate.unidentified == ("B", "C", "beta", "gamma")
    assert fit.certificate.converged
    assert fit.params["gamma"] == 0.5
    assert np.isfinite(fit.predict(run)).all()


def test_json_says_everything_but_the_data() -> None:
    fit = lawbench.fit("mpl", sample_runs(("cosine",)), warmup="flat")
    told = json.loads(fit.to_json())
    assert told["law"] == "mpl"
    assert told["options"] == {"warmup": "flat"}
    assert told["params"] == dict(fit.params)
    assert told["certificate"]["converged"] == fit.certificate.converged


def test_published_parameters_carry_their_options_and_are_not_fitted() -> None:
    schedule = cosine(5000, 3e-4, end=3e-5, warmup=100)
    run = Run("cosine_24000", STEPS[5:], _curve().loss[5:], schedule, dataset="multi-power-25m")
    fit = lawbench.fit("mpl", run, recipe="published:luo2025-repo")
    assert fit.law.choices == {"warmup": "raw"}
    assert fit.params["L0"] == 3.04045406
    assert lawbench.fit("mpl", run, recipe="published").recipe == "published:luo2025-repo"
    assert lawbench.fit("mpl", run, recipe="published", warmup="ramp").recipe == "published:luo2025"
    with pytest.raises(InputError, match="go with warmup=raw: leave the option out"):
        lawbench.fit("mpl", run, recipe="published:luo2025-repo", warmup="ramp")
    with pytest.raises(NotApplicableError, match=r"were fitted on multi-power-100m, .*, not on sample"):
        lawbench.fit("mpl", sample_runs(("cosine",)), recipe="published")
    with pytest.raises(FitError, match="nothing to refit"):
        fit.bootstrap(10)
    with pytest.raises(FitError, match="nothing to report"):
        fit.to_lmfit()


def test_the_bootstrap_is_seeded_and_varies_with_the_seed() -> None:
    fit = lawbench.fit("chinchilla", _table())
    first, again, other = fit.bootstrap(20, seed=1), fit.bootstrap(20, seed=1), fit.bootstrap(20, seed=2)
    assert first.equals(again)
    assert not first.equals(other)
    assert list(first.columns) == [*fit.law.names, "objective"]


def test_a_curve_is_resampled_in_blocks_because_its_points_are_not_independent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    noise = np.convolve(rng.normal(size=STEPS.size + 9), np.ones(10) / 10, mode="valid")
    fit = lawbench.fit(
        "power_steps", Run("correlated", STEPS, (2.0 + 8.0 * (STEPS + 1.0) ** -0.4) * np.exp(3e-3 * noise))
    )
    blocks = fit.bootstrap(200, seed=0)["L0"].std()
    monkeypatch.setattr(bootstrap, "_BLOCK_SHARE", 1e-9)
    points = fit.bootstrap(200, seed=0)["L0"].std()
    assert blocks > 1.5 * points


@pytest.mark.parametrize(
    ("law", "runs", "options", "error", "says"),
    [
        ("chinchila", [], {}, InputError, "at least one run"),
        ("power_stesp", [_curve()], {}, UnknownNameError, "did you mean 'power_steps'"),
        ("mpl", [_curve()], {}, NotApplicableError, "law 'mpl' needs a learning-rate schedule, which run 'mine'"),
        ("chinchilla", [_curve()], {}, NotApplicableError, "needs a model size and token counts"),
        ("power_steps", _table(5), {}, NotApplicableError, "needs a curve of several steps"),
        ("chinchilla", _table(3), {}, InputError, "5 free parameters but there are 3 points"),
        ("power_steps", [_curve()], {"recipe": "papr"}, UnknownNameError, "recipe of law 'power_steps' 'papr'"),
        ("power_steps", [_curve()], {"recipe": "paper"}, UnknownNameError, "unknown recipe"),
        ("mpl", [_curve()], {"recipe": "published:none"}, UnknownNameError, "unknown recipe"),
        ("power_steps", [_curve()], {"objective": "median"}, InputError, "is not one of mean, sum"),
        ("power_steps", [_curve()], {"loss": "cauchy"}, InputError, "is not one of huber, least_squares"),
        ("power_steps", [_curve()], {"delta": 0.0}, InputError, "above 0"),
        ("power_steps", [_curve()], {"params": {"beta": 1.0}}, UnknownNameError, "parameter of law 'power_steps'"),
        ("power_steps", [_curve()], {"params": {"alpha": {"min": 2, "max": 1}}}, InputError, "has no room"),
        ("power_steps", [_curve()], {"params": {"alpha": {"vari": 1}}}, UnknownNameError, "did you mean 'vary'"),
        ("power_steps", [_curve()], {"warmup": "flat"}, UnknownNameError, "option of law 'power_steps'"),
    ],
)
def test_bad_input_is_one_sentence(
    law: str, runs: list[Run], options: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as raised:
        lawbench.fit(law, runs, **options)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_one_size_is_not_enough_for_chinchilla() -> None:
    curve = _curve(n_params=1e8, tokens_per_step=1e5)
    with pytest.raises(NotApplicableError, match="at least two values of n_params"):
        lawbench.fit("chinchilla", curve)


def test_chinchilla_predicts_curves_with_tokens_so_far() -> None:
    def at(n: float) -> Run:
        tokens = (STEPS + 1.0) * 1e6
        return Run(f"{n:.0e}", STEPS, 1.8 + 480 / n**0.35 + 2100 / tokens**0.37, n_params=n, tokens=tokens)

    fit = lawbench.fit("chinchilla", [at(1e7), at(1e8), at(3e8)])
    assert fit.predict(at(1e9)) == pytest.approx(at(1e9).loss, rel=1e-4)


def test_paper_recipe_holds_nothing() -> None:
    with pytest.raises(InputError, match="holds and bounds nothing"):
        lawbench.fit("mpl", sample_runs(("cosine",)), recipe="paper", params={"gamma": 0.5})


def test_a_law_class_and_an_instance_will_do() -> None:
    law = find_law("power_steps")
    assert lawbench.fit(law, _curve()).objective == lawbench.fit(law(), _curve()).objective
