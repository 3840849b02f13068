"""Prediction intervals: what they cover when the law holds, what refuses to give any, how a benchmark keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lawbench
from lawbench.cell import evaluate
from lawbench.entries import Entry
from lawbench.errors import FitError, InputError
from lawbench.fitting.result import Fit
from lawbench.provenance.here import prediction_hashes, state
from lawbench.provenance.recorded import Recorded
from lawbench.provenance.reproduce import reproduce
from lawbench.registry import find_law, law_from_file
from lawbench.runs import Run
from lawbench.schedule import FloatArray
from lawbench.store import Store, load_predictions
from lawbench.tasks import load_task

from .house import settle, write_law

STEPS = np.arange(10, 2000, 25)
TRUTH = 2 + 3 * (STEPS + 1.0) ** -0.4
NOISE = 0.01


def noisy(seed: int) -> Run:
    rng = np.random.default_rng(seed)
    return Run("curve", STEPS, TRUTH * np.exp(NOISE * rng.standard_normal(STEPS.size)))


def fitted(seed: int = 0) -> Fit:
    return lawbench.fit("pow3", noisy(seed))


def share_inside(run: Run, interval: tuple[FloatArray, FloatArray]) -> float:
    return float(((interval[0] <= run.loss) & (run.loss <= interval[1])).mean())


def test_new_losses_fall_inside_as_often_as_stated_where_the_law_holds() -> None:
    shares = []
    for seed in range(16):
        fit, new = fitted(seed), noisy(1000 + seed)
        shares.append([share_inside(new, fit.interval(noisy(seed), level, n=100, seed=seed)) for level in (0.95, 0.5)])
    wide, narrow = np.mean(shares, axis=0)
    assert 0.92 <= wide <= 0.98
    assert 0.44 <= narrow <= 0.58


def test_independent_rows_are_covered_beyond_the_fitted_sizes() -> None:
    rng = np.random.default_rng(0)
    n, d = 10 ** rng.uniform(7, 9.5, 200), 10 ** rng.uniform(8.5, 11, 200)
    losses = (1.7 + 400 / n**0.34 + 2000 / d**0.37) * np.exp(NOISE * rng.standard_normal(200))
    runs = [
        Run(f"r{i}", np.array([1]), losses[i : i + 1], n_params=n[i], tokens=d[i : i + 1]) for i in np.argsort(n * d)
    ]
    ends = lawbench.fit("chinchilla", runs[:100]).interval(runs[100:], n=200)
    assert np.mean([share_inside(run, pair) for run, pair in zip(runs[100:], ends, strict=True)]) >= 0.9


def test_intervals_hold_the_prediction_widen_with_the_level_and_do_not_look_at_losses() -> None:
    fit, run = fitted(), noisy(0)
    narrow, wide = fit.interval(run, 0.5), fit.interval(run, 0.95)
    prediction = fit.predict(run)
    assert (narrow[0] < prediction).all()
    assert (prediction < narrow[1]).all()
    assert (wide[0] < narrow[0]).all()
    assert (narrow[1] < wide[1]).all()
    other = Run("curve", STEPS, np.full(STEPS.size, 9.0))
    assert np.array_equal(fit.interval(other, 0.5), narrow)
    assert np.array_equal(fit.interval([other, run], 0.5)[1], narrow)


def test_intervals_are_seeded() -> None:
    fit, run = fitted(), noisy(0)
    first, again, other = (np.array(fit.interval(run, n=50, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_intervals_of_the_loss_itself_add_residuals() -> None:
    fit = lawbench.fit("pow3", noisy(0), residual="loss")
    assert 0.9 <= share_inside(noisy(1), fit.interval(noisy(0))) <= 1.0


@pytest.mark.parametrize(("level", "n", "words"), [
    (1.0, 100, "level of 1.0 is not between"), (0.95, 39, "39 refits .* ask for 40"), (0.99, 199, "ask for 200"),
])  # fmt: skip
def test_levels_and_refits_that_make_no_interval_are_refused(level: float, n: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fitted().interval(noisy(0), level, n)


def test_what_was_not_fitted_gives_no_interval() -> None:
    held = lawbench.fit("pow3", noisy(0), params=dict.fromkeys(find_law("pow3")().names, 1.0))
    with pytest.raises(FitError, match="no fitted parameters"):
        held.interval(noisy(0))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return settle(monkeypatch, tmp_path / "toy")


def test_a_cell_has_intervals_where_they_are_asked_for_and_can_be_given(toy: Path) -> None:
    law, task = law_from_file(write_law(toy / "extra", "own")), load_task("toy/schedule")
    plain, spread = evaluate(Entry("own"), task, law), evaluate(Entry("own"), task, law, intervals=50)
    assert (plain.intervals, plain.row["coverage"], plain.row["interval_refits"]) == ((), None, 0)
    assert spread.predictions == plain.predictions
    assert spread.row["log_mae"] == plain.row["log_mae"]
    ((low, high),) = spread.intervals
    (truth,), (counts,) = task.truth(), task.counts
    inside = (np.array(low) <= truth.loss) & (truth.loss <= np.array(high))
    assert spread.row["coverage"] == inside[counts].mean()
    assert spread.row["width"] == pytest.approx(((np.array(high) - low) / truth.loss)[counts].mean())
    assert spread.row["interval_refits"] == 50
    assert plain.spread == {}
    assert set(spread.spread) == set(spread.params)
    assert all(ends[0] <= spread.params[name] <= ends[1] for name, ends in spread.spread.items())
    published = evaluate(Entry("own", (), "published:whole"), task, law, intervals=50)
    assert (published.status, published.intervals, published.row["coverage"]) == ("reference", (), None)


def test_a_benchmark_keeps_intervals_and_makes_them_again_only_when_another_number_is_asked(toy: Path) -> None:
    law, out = write_law(toy / "extra", "own"), toy / "results"

    def computed(intervals: int) -> int:
        rows = lawbench.run([law], "toy/schedule", "common", n_jobs=1, out=out, intervals=intervals)
        assert rows["coverage"].notna().all() == bool(intervals)
        return int(rows.attrs["computed"])

    assert [computed(n) for n in (50, 50, 60, 0, 0)] == [1, 0, 1, 1, 0]
    computed(50)
    stored = Store(out).read("toy/schedule", "own")
    assert not isinstance(stored, str)
    assert stored is not None
    assert set(stored.spread) == set(stored.params)
    assert stored.intervals == evaluate(Entry("own"), load_task("toy/schedule"), law_from_file(law), 50).intervals
    with pytest.raises(InputError, match="20 refits"):
        lawbench.run([law], n_jobs=1, out=out, intervals=20)


def test_the_board_shows_coverage_and_decisions(toy: Path) -> None:
    law = write_law(toy / "extra", "own")
    rows = lawbench.run([law, "power_steps"], "toy/schedule", "common", n_jobs=1, out=toy / "results", intervals=50)
    board = lawbench.leaderboard(rows, "schedule").set_index("entry")
    cell = rows.set_index("entry").loc["own"]
    assert board.loc["own", ["coverage", "width", "interval_tasks"]].tolist() == [cell["coverage"], cell["width"], 1]
    assert board.loc["own", "evaluations"] == cell["cert_evaluations"]
    assert board.loc["own", "decision_tasks"] == 0  # one predicted run: nothing to decide


def test_results_with_intervals_are_reproduced_with_them(toy: Path) -> None:
    rows = lawbench.run(["power_steps"], "toy", "common", n_jobs=1, out=toy / "results", intervals=50)
    facts = state(rows) | {"predictions": prediction_hashes(rows, load_predictions(toy / "results"))}
    assert facts["stale"] == []
    again = reproduce(Recorded("before", rows, facts), n_jobs=1)
    assert [cell.verdict for cell in again.cells] == ["identical", "identical"]
    assert rows["coverage"].notna().all()
