"""Laws of time alone, and of size and data: what they mean, and where they meet."""

from __future__ import annotations

import numpy as np
import pytest

import lawbench
from lawbench.analytic import sigmoid, softplus
from lawbench.cell import missing_input
from lawbench.checks import sample_runs
from lawbench.errors import NotApplicableError
from lawbench.registry import find_law
from lawbench.runs import Run

from .test_known_answers_size import at


def _curve() -> Run:
    steps = np.arange(50, 20_000, 250)
    wiggle = 1 + 1e-3 * np.sin(steps)
    return Run("curve", steps, (2.5 + 30.0 * (steps + 1.0) ** -0.5) * wiggle)


def test_near_copies_are_one_fit_and_share_a_group() -> None:
    fits = [lawbench.fit(name, _curve()) for name in ("power_steps", "pow3", "m2")]
    assert [list(fit.params.values()) for fit in fits[1:]] == [list(fits[0].params.values())] * 2
    assert {find_law(name).group for name in ("pow3", "m2")} == {"power_steps"}
    assert {find_law(name).group for name in ("bnsl", "bnsl2", "loss_deceleration")} == {"bnsl"}


def test_nested_forms_meet() -> None:
    run = _curve()
    broken = {"b": 20.0, "c0": 0.3, "c1": -0.2, "d1": 2000.0, "f1": 0.3}
    inner = at("loss_deceleration", [run], **broken)
    assert at("bnsl", [run], a=1.0, **broken) == pytest.approx(1.0 + inner, rel=1e-14)
    assert at("bnsl2", [run], a=1.0, c2=0.0, d2=9000.0, f2=0.1, **broken) == pytest.approx(1.0 + inner, rel=1e-14)
    power = at("m2", [run], e=2.5, b=30.0, c=0.5)
    assert at("pow4", [run], c=2.5, a=30.0**-2, b=0.0, alpha=0.5) == pytest.approx(power, rel=1e-13)
    assert at("m3", [run], b=30.0, g=1e-300, c=0.5) == pytest.approx(power - 2.5, rel=1e-13)
    assert at("m1", [run], b=30.0, c=0.5) == pytest.approx(power - 2.5, rel=1e-13)


def test_the_exponent_changes_at_the_break() -> None:
    """On either side of a sharp break the slope in log-log is that of the parameters."""
    run = Run("curve", np.array([9, 99, 99_999, 999_999]), np.ones(4))
    log_loss = np.log(at("loss_deceleration", [run], b=20.0, c0=0.3, c1=-0.25, d1=3000.0, f1=0.05))
    assert np.diff(log_loss)[[0, 2]] / np.log(10) == pytest.approx([-0.3, -0.05], abs=1e-9)


@pytest.mark.parametrize("a", [0.05, 0.5, 1.0, 3.0])
def test_m4_solves_its_equation(a: float) -> None:
    run = Run("curve", np.array([0, 10, 1000, 10**6, 10**9]), np.ones(5))
    y = at("m4", [run], e=2.0, y0=11.0, a=a, b=5.0, c=0.4)
    assert (np.diff(y) < 0).all()
    # At small a and x the loss of chance is reached to the last digit, where the equation says no more.
    ok = y < 10.99
    assert ok.sum() >= 4
    assert ((y - 2.0) / (11.0 - y) ** a)[ok] == pytest.approx((5.0 * run.updates**-0.4)[ok], rel=1e-9)


def test_ilog2_counts_thousands_of_steps() -> None:
    run = Run("curve", np.array([999, 9999]), np.ones(2))
    assert at("ilog2", [run], c=2.0, a=1.0) == pytest.approx(2 + 1 / np.log([2.0, 11.0]), rel=1e-14)


def test_the_over_training_law_is_the_chinchilla_law_with_one_exponent() -> None:
    runs = sample_runs()
    eta = -0.3
    own = at("overtraining", runs, E=1.8, a=200.0, b=400.0, eta=eta)
    tied = at("chinchilla", runs, E=1.8, A=200.0, B=400.0 * 6 ** (eta / 2), alpha=-eta, beta=-eta)
    assert own == pytest.approx(tied, rel=1e-13)


def test_data_seen_once_leave_the_data_constrained_law_without_repetition() -> None:
    """Below the size that they call for, it is then the Chinchilla law; a second epoch is worth less than new data."""
    base = {"E": 1.87, "A": 521.0, "B": 1488.0, "alpha": 0.35, "beta": 0.35}

    def loss(tokens: float, unique: float, n: float = 1e8) -> float:
        run = Run.final("one", 1.0, n, tokens, meta={"unique_tokens": unique})
        return float(at("data_constrained", [run], RD=15.0, RN=5.0, **base)[0])

    once = Run.final("one", 1.0, 1e8, 2e10)
    assert loss(2e10, 2e10) == pytest.approx(at("chinchilla", [once], **base)[0], rel=1e-13)
    assert loss(2e10, 5e10) == loss(2e10, 2e10)
    assert loss(2e10, 2e10) > loss(4e10, 2e10) > loss(4e10, 4e10)
    assert loss(4e10, 1e9) - loss(4e10, 4e10) > 0.01
    chinchilla = at("chinchilla", [Run.final("one", 1.0, 1e12, 2e10)], **base)[0]
    assert loss(2e10, 2e10, n=1e12) > chinchilla


def test_unique_tokens_are_an_input_like_others() -> None:
    once = Run.final("one", 3.0, 1e8, 2e10)
    repeated = Run.final("two", 3.0, 1e8, 2e10, meta={"unique_tokens": 1e9})
    assert "unique_tokens" not in once.provides
    assert "unique_tokens" in repeated.provides
    assert "unique_tokens" in repeated.withhold().provides
    with pytest.raises(NotApplicableError, match="needs a count of unique tokens, which run 'one'"):
        lawbench.fit("data_constrained", [once])


@pytest.mark.data
def test_a_law_without_data_says_what_it_waits_for() -> None:
    """Only such laws are never run: a task says which of their inputs it lacks."""
    assert [law.name for law in lawbench.laws() if law.unscored] == ["cpt", "data_constrained"]
    law = find_law("data_constrained")
    assert "unique tokens" in law.unscored
    task = lawbench.load_task("chinchilla-epoch/scale")
    assert missing_input(law, task) == (
        "law 'data_constrained' needs counts of unique tokens; task 'chinchilla-epoch/scale' has none."
    )


def test_softplus_and_its_derivative_keep_a_complex_step() -> None:
    z = np.array([-800.0, -30.0, -1.0, 0.0, 1.0, 30.0, 800.0])
    assert softplus(z) == pytest.approx(np.logaddexp(0.0, z), rel=1e-15)
    assert np.imag(softplus(z + 1e-30j)) / 1e-30 == pytest.approx(sigmoid(z), rel=1e-14)
    slope = sigmoid(z) * sigmoid(-z)
    assert np.imag(sigmoid(z + 1e-30j)) / 1e-30 == pytest.approx(slope, rel=1e-12, abs=1e-300)
