"""Losses by token position: runs split by position, tasks on them, and the laws that share over positions."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lawbench.laws.temporal_position import hyperbolas, mean_loss, over_time

from lawbench import Run, fit
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset, read_dataset
from lawbench.errors import CardError, FitError, InputError, NotApplicableError, WithheldLossError
from lawbench.noise import repeats_by_position
from lawbench.shapes import constant
from lawbench.tasks import Task, make_task

from .conftest import FILES, card_of

POSITIONS = np.arange(1, 65)
STEPS = np.arange(100, 4000, 50)


def hyperbola(a0: Any, a1: Any, a2: Any, positions: Any = POSITIONS) -> Any:
    return a2 + a0 / (1 + a1 * positions)


def made_up() -> Run:
    """A run whose three parameters follow, in this order: a logarithm, a constant, a power with a limit."""
    t = (STEPS + 1.0)[:, None]
    losses = hyperbola(1.0 + 0.2 * np.log(t + 50.0), 1 / 4.0, 1 / (0.6 - 2.0 * t**-0.5))
    return Run("run", STEPS, losses.mean(axis=1), constant(4000, 1e-3), tokens_per_step=64, position_loss=losses)


def table(noise: float = 0.0) -> Run:
    run = made_up()
    assert run.position_loss is not None
    texts = noise * np.random.default_rng(0).standard_normal(POSITIONS.size)
    losses = run.position_loss + texts
    return Run("run", STEPS, losses.mean(axis=1), run.schedule, tokens_per_step=64, position_loss=losses)


@pytest.fixture
def position_task(toy: Callable[..., Card]) -> Task:
    card = {
        "name": "position",
        "track": "position",
        "fit": {"runs": ["run"]},
        "predict": {"runs": ["run"]},
        "fit_until": 0.5,
        "score_from": 0.7,
        "fitted_points": 38,
        "scored_points": 24,
        "curves": [{"run": "run", "branch": 2000, "points": 24}],
    }
    valid = toy(**card_of(FILES, tasks=[*card_of(FILES)["tasks"], card]))
    return make_task(Dataset(valid, (table(0.05),)), valid.tasks[1])


def test_a_run_splits_into_one_curve_a_position() -> None:
    run = table()
    curves = run.by_position()
    assert [one.position for one in curves] == POSITIONS.tolist()
    assert curves[2].name == "run@3"
    assert curves[2].provides >= {"steps", "lr", "tokens", "position_loss"}
    assert "position_loss" not in run.provides
    assert run.position_loss is not None
    assert np.array_equal(np.stack([one.loss for one in curves], axis=1), run.position_loss)
    short = run.select(run.steps < 1000)
    assert np.array_equal(short.by_position()[0].loss, curves[0].select(run.steps < 1000).loss)
    twin = pickle.loads(pickle.dumps(run))
    assert np.array_equal(twin.position_loss, run.position_loss)


def test_losses_by_position_are_withheld_and_refused_where_they_are_not_there() -> None:
    run = table()
    for hidden in (run.withhold(), run.by_position()[0].withhold(), run.withhold().select(run.steps > 500)):
        with pytest.raises(WithheldLossError, match="never its loss"):
            _ = hidden.position_loss
    with pytest.raises(InputError, match="no losses by position"):
        Run("plain", [1, 2], [3.0, 2.0]).by_position()


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([[3.0, 2.0]], r"of shape \(1, 2\): give one row for each of its 2 points"),
        ([3.0, 2.0], r"of shape \(2,\)"),
        ([[3.0, 2.0], [3.0, np.nan]], "loss nan at step 2"),
        ([[3.0, 2.0], [3.0, -1.0]], "loss -1.0 at step 2"),
    ],
)
def test_bad_losses_by_position_are_refused(losses: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Run("mine", [1, 2], [3.0, 2.0], position_loss=losses)


def test_a_position_task_fits_the_start_and_predicts_every_position(position_task: Task) -> None:
    task = position_task
    assert (len(task.train), len(task.test)) == (POSITIONS.size, POSITIONS.size)
    assert task.provides == {"steps", "tokens", "position_loss", "prefix"}
    assert {int(run.steps[-1]) for run in task.train} == {1950}
    assert {int(run.steps[0]) for run in task.test} == {2800}
    assert (task.n_fitted, task.n_scored) == (38 * 64, 24 * 64)
    truth = [run.loss for run in task.truth()]
    perfect = task.score(truth)
    assert perfect["log_mae"] == perfect["mean_final"] == 0.0
    assert task.reasons(truth)["decisions"].startswith("no two predicted runs")
    # Equal and opposite errors at two positions hardly move the mean over positions.
    wrong = [truth[0] + 0.1, truth[1] - 0.1, *truth[2:]]
    assert task.score(wrong)["mean_final"] == pytest.approx(0, abs=1e-12)
    assert task.score(wrong)["final_error"] > 1e-4
    off = task.score([1.02 * curve for curve in truth])
    assert off["mean_final"] == pytest.approx(np.log(1.02))


def test_other_tasks_have_no_mean_over_positions(toy: Callable[..., Card]) -> None:
    card = toy()
    task = make_task(read_dataset(card), card.tasks[0])
    assert task.reasons([run.loss for run in task.truth()])["mean_final"] == "the task has no losses by position"


def test_a_position_task_without_such_losses_is_an_error_of_the_card(toy: Callable[..., Card]) -> None:
    horizon = {"fit": {"runs": ["drop"]}, "predict": {"runs": ["drop"]}, "fit_until": 0.5, "score_from": 0.7}
    found = {"fitted_points": 3, "scored_points": 3, "curves": [{"run": "drop", "branch": 5, "points": 3}]}
    card = toy(tasks=[{"name": "p", "track": "position", **horizon, **found}])
    with pytest.raises(CardError, match="about losses by position: run 'drop' has no losses by position"):
        make_task(read_dataset(card), card.tasks[0])


def test_repeated_runs_differ_more_at_one_position_than_in_the_mean() -> None:
    rng = np.random.default_rng(1)
    first = table()
    assert first.position_loss is not None
    noisy = first.position_loss * np.exp(0.01 * rng.standard_normal(first.position_loss.shape))
    second = Run("again", STEPS, noisy.mean(axis=1), first.schedule, position_loss=noisy)
    found = repeats_by_position([first, second])
    assert found == pytest.approx(0.01 * np.sqrt(2 / np.pi), rel=0.05)
    assert repeats_by_position([first]) is None


# The laws -----------------------------------------------------------------------------------------


def test_the_mean_of_the_hyperbola_has_a_closed_form() -> None:
    """LAWS 2.5: n 1024, a0 3.2, a1 .07, a2 2.4 gives 2.5898194581677."""
    assert float(mean_loss(3.2, 0.07, 2.4, positions=1024)) == pytest.approx(2.5898194581677, abs=1e-13)


@given(
    a0=st.floats(0.01, 10),
    a1=st.floats(1e-3, 1e2),
    a2=st.floats(0.1, 5),
    positions=st.integers(min_value=1, max_value=2048),
)
def test_the_closed_form_is_the_mean_over_positions(a0: float, a1: float, a2: float, positions: int) -> None:
    plain = hyperbola(a0, a1, a2, np.arange(1, positions + 1)).mean()
    assert float(mean_loss(a0, a1, a2, positions)) == pytest.approx(plain, rel=1e-9)


@given(a0=st.floats(0.5, 5), a1=st.floats(0.02, 5), a2=st.floats(0.5, 4))
def test_stage_one_recovers_a_hyperbola(a0: float, a1: float, a2: float) -> None:
    (values, variance) = hyperbolas(POSITIONS.astype(float), hyperbola(a0, a1, a2)[None, :])
    assert values[:, 0] == pytest.approx([a0, 1 / a1, 1 / a2], rel=1e-3)
    assert (variance >= 0).all()


@pytest.mark.parametrize(
    "curve",
    [
        lambda t: np.full_like(t, 3.0),
        lambda t: 1.0 + 0.3 * np.log(t + 200.0),
        lambda t: 2.0 + 5.0 * t**-0.7,
        lambda t: 4.0 - 6.0 * t**-0.3,
    ],
)
def test_stage_two_finds_the_form_and_extrapolates_it(curve: Callable[[Any], Any]) -> None:
    t = STEPS + 1.0
    grows, shift, limit, fades, exponent = over_time(t, curve(t), np.full(t.size, 1e-4))
    later = 10 * t[-1]
    assert grows * np.log(later + shift) + limit + fades * later**-exponent == pytest.approx(curve(later), rel=1e-3)
    assert grows == 0 or fades == 0


def test_the_temporal_law_predicts_what_follows_it() -> None:
    run = table()
    start = [one.select(one.steps < 2000) for one in run.by_position()]
    found = fit("temporal_position", start)
    rest = [one.select(one.steps >= 2000) for one in run.by_position()]
    off = max(np.abs(p / one.loss - 1).max() for p, one in zip(found.predict(rest), rest, strict=True))
    assert off < 2e-3


def test_what_the_texts_add_is_kept_only_if_asked(position_task: Task) -> None:
    task = position_task
    plain, kept = (fit("temporal_position", task.train, texts=choice) for choice in ("none", "kept"))
    errors = [task.score(found.predict(task.test))["log_mae"] for found in (plain, kept)]
    assert errors[1] < 0.2 * errors[0]
    assert set(plain.params) == set(plain.law.names)
    assert len(kept.params) == len(plain.params) + POSITIONS.size
    assert kept.objective < plain.objective
    for refused in (lambda: kept.bootstrap(3), kept.to_lmfit):
        with pytest.raises(FitError, match="fit one run at a time"):
            refused()


def test_every_position_has_its_own_parameters_where_a_law_says_so(position_task: Task) -> None:
    task = position_task
    for law in ("last_value", "position_power"):
        found = fit(law, task.train)
        assert all("[run@" in name for name in found.params)
        predicted = found.predict(task.test)
        alone = fit(law, task.train[5])
        assert predicted[5] == pytest.approx(alone.predict(task.test[5]), rel=1e-12)
        if law == "last_value":
            assert [curve[0] for curve in predicted] == [run.loss[-1] for run in task.train]
        stranger = Run("other", STEPS, STEPS / STEPS + 1, position=3)
        with pytest.raises(NotApplicableError, match="run 'other' has none here"):
            found.predict([stranger, stranger])


def test_the_temporal_law_says_what_it_needs() -> None:
    curves = table().by_position()
    with pytest.raises(NotApplicableError, match="three positions or more, all logged at the same steps"):
        fit("temporal_position", curves[:2])
    with pytest.raises(NotApplicableError, match="all logged at the same steps"):
        fit("temporal_position", [*curves[:3], curves[3].select(curves[3].steps > 500)])
    with pytest.raises(NotApplicableError, match="needs losses by token position"):
        fit("temporal_position", table())
