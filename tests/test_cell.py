"""One cell: status, reasons, scores; what goes wrong is raised."""

import numpy as np
import pytest

from lawbench.cell import evaluate, missing_input, seen_more
from lawbench.columns import CERTIFICATE, COLUMNS, as_frame
from lawbench.entries import Entry, entries_for
from lawbench.errors import FitError
from lawbench.fitting.certificate import Certificate
from lawbench.metrics import METRIC_KEYS
from lawbench.registry import find_law, law_from_file
from lawbench.tasks import load_task

from .house import settle, write_law


@pytest.fixture
def task(monkeypatch, tmp_path):
    settle(monkeypatch, tmp_path / "toy")
    return load_task("toy/schedule")


@pytest.fixture
def horizon(task):
    return load_task("toy/horizon")


@pytest.fixture
def own(tmp_path):
    def build(body="pass", **changes):
        return law_from_file(write_law(tmp_path / "own-laws", "own", body, **changes))

    return build


def test_an_ok_cell_has_every_column_predictions_and_parameters(task, own):
    outcome = evaluate(Entry("own"), task, own())
    row = outcome.row
    assert list(row) == list(COLUMNS)
    assert (row["status"], row["reason"], row["options"], row["provides"]) == (
        "ok", "", "clock=updates", "lr,n_params,steps,tokens",
    )  # fmt: skip
    assert (row["n_fitted"], row["n_scored"], row["n_params_law"]) == (39, 20, 3)
    assert row["converged"] is True
    assert row["cert_starts"] >= 1
    assert set(outcome.params) == {"L0", "A", "alpha"}
    # The score is that of the stored prediction: fitted on the flat run, .05 above the dropped one.
    (curve,) = outcome.predictions
    (truth,) = task.truth()
    after = truth.steps >= 100
    expected = np.abs(np.log(np.array(curve)[after] / truth.loss[after])).mean()
    assert row["log_mae"] == pytest.approx(expected, rel=1e-12)
    assert 0.015 < row["log_mae"] < 0.03
    assert row["log_mae_unmasked"] < row["log_mae"]


def test_published_parameters_are_a_reference_where_they_saw_more(task, horizon, own):
    law = own()
    whole = evaluate(Entry("own", (), "published:whole"), task, law)
    assert (whole.status, whole.row["reason"]) == ("reference", "the source fitted the whole dataset.")
    assert whole.row["log_mae"] > 0
    fair = Entry("own", (("clock", "double"),), "published:fair")
    assert evaluate(fair, task, law).status == "ok"
    # The horizon task fits only the start of the run that the source fitted whole.
    assert "flat" in seen_more(fair, horizon, law)
    assert evaluate(fair, horizon, law).status == "reference"


def test_a_task_that_lacks_an_input_is_not_applicable(task, own):
    law = own(**{'frozenset({"steps"})': 'frozenset({"steps", "prefix"})'})
    outcome = evaluate(Entry("own"), task, law)
    assert outcome.status == "not_applicable"
    assert outcome.row["reason"] == (
        "law 'own' needs the first points of the very run that is predicted; task 'toy/schedule' has none."
    )
    assert outcome.row["log_mae"] is None
    assert outcome.predictions == ()


def test_an_input_that_must_vary_and_does_not_is_not_applicable(task, own):
    law = own(**{"linear = (": 'varies = frozenset({"n_params"})\n    linear = ('})
    outcome = evaluate(Entry("own"), task, law)
    assert (outcome.status, "two values of n_params" in outcome.row["reason"]) == ("not_applicable", True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("if x['held']: return x['log_t'] * np.nan", "nan"),
        ("if x['held']: return -np.ones_like(x['log_t'])", "-1.0"),
        ("if x['held']: return np.ones(7)", "shape"),
    ],
    ids=["nan", "negative", "shape"],
)
def test_a_prediction_that_is_no_loss_is_an_error(task, own, body, words):
    # `held` is true for withheld runs only: the fit goes well, the prediction does not.
    prepare = 'return {"held": type(run).__name__ == "WithheldRun" and np.True_, "log_t"'
    law = own(body, **{'return {"log_t"': prepare})
    law.stack = lambda self, prepared: {
        "log_t": np.concatenate([x["log_t"] for x in prepared]), "held": all(x["held"] for x in prepared)
    }  # fmt: skip
    with pytest.raises((FitError, ValueError), match=words):
        evaluate(Entry("own"), task, law)


def test_a_law_that_looks_at_a_withheld_loss_is_stopped(task, own):
    law = own(**{'return {"log_t"': 'return {"peek": run.loss, "log_t"'})
    with pytest.raises(Exception, match="the loss of run 'drop' is withheld"):
        evaluate(Entry("own"), task, law)


def test_a_fit_that_did_not_converge_is_ok_and_says_so(task, own, monkeypatch):
    from lawbench.fitting import fit as engine

    real = engine.Certificate
    monkeypatch.setattr(engine, "Certificate", lambda **fields: real(**{**fields, "converged": False}))
    outcome = evaluate(Entry("own"), task, own())
    assert (outcome.status, outcome.row["converged"]) == ("ok", False)


def test_columns_follow_the_metrics_and_the_certificate():
    names = list(COLUMNS)
    at = names.index("log_mae")
    assert tuple(names[at + len(METRIC_KEYS) : at + 2 * len(METRIC_KEYS)]) == tuple(
        f"{m}_unmasked" for m in METRIC_KEYS
    )
    assert set(CERTIFICATE) <= set(Certificate.__dataclass_fields__)


def test_the_frame_is_ordered_and_typed(task, horizon, own):
    law = own()
    rows = [evaluate(Entry("own"), place, law).row for place in (task, horizon)]
    frame = as_frame(rows)
    assert list(frame["task"]) == ["toy/horizon", "toy/schedule"]
    assert list(frame.columns) == list(COLUMNS)
    assert frame["log_mae"].iloc[1] == rows[0]["log_mae"]
    assert (str(frame["n_fitted"].dtype), str(frame["coverage"].dtype), frame["coverage"].isna().all()) == (
        "Int64", "float64", True,
    )  # fmt: skip
    assert as_frame([]).empty


@pytest.mark.data
def test_published_multi_power_parameters_may_be_ranked_on_schedule_and_not_on_horizon():
    label = "mpl[warmup=raw]@published:luo2025-repo"
    (entry,) = [e for e in entries_for("mpl") if e.label == label]
    law = find_law("mpl")
    assert seen_more(entry, load_task("multi-power-25m/schedule"), law) == ""
    assert seen_more(entry, load_task("multi-power-25m/horizon-cosine-20"), law) != ""


def test_what_a_law_cannot_tell_apart_it_is_not_asked():
    """Of laws blind to positions, or to size, none but the rivals runs where only these vary."""
    position = load_task("pycode-bytes/position-cosine-50-25k")
    blind, rival = (missing_input(find_law(name), position) for name in ("temporal_agg", "power_steps"))
    assert blind.startswith("law 'temporal_agg' knows nothing of positions")
    assert rival == missing_input(find_law("temporal_position"), position) == ""
    scale = load_task("pycode-bytes/scale")
    for name, excluded in (("power_steps", True), ("mpl", True), ("chinchilla", False), ("compute_power", False)):
        assert bool(missing_input(find_law(name), scale)) == excluded
    assert missing_input(find_law("mpl"), load_task("pycode-bytes/schedule-25k")) == ""
