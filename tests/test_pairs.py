"""One loss from another: what is paired with what, what a law sees of it, and the law itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lawbench
from lawbench.cell import missing_input
from lawbench.data.card import Card
from lawbench.data.dataset import Dataset
from lawbench.data.task_card import Condition, Pair, Selection
from lawbench.errors import CardError, InputError, NotApplicableError, UnknownNameError, WithheldLossError
from lawbench.fitting.problem import complex_step
from lawbench.pairs import paired
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.tasks import make_task

from .conftest import FILES, card_of
from .test_known_answers_size import at

CODE = Pair(loss="code")
OTHER = Selection(where={"corpus": Condition(eq="a")})


def run(name: str, loss: float, corpus: str = "b", n: float = 1e8, d: float = 2e9, **more: Any) -> Run:
    return Run.final(name, loss, n, d, meta={"corpus": corpus}, evaluations={"code": [loss / 2]}, **more)


def line(losses: list[float], **more: Any) -> Run:
    """Return a run whose given losses are these."""
    return Run("line", np.arange(len(losses)), np.ones(len(losses)), paired_loss=np.array(losses), **more)


@given(st.floats(0.0, 3.0), st.lists(st.floats(3.01, 12.0), min_size=1, max_size=9))
def test_equal_losses_are_the_law_with_unit_parameters_and_equal_limits(limit: float, losses: list[float]) -> None:
    said = at("loss_to_loss", [line(losses)], K=1.0, kappa=1.0, E0=limit, E1=limit)
    assert said == pytest.approx(losses, rel=1e-14)


@given(
    st.floats(0.01, 100.0), st.floats(0.05, 5.0), st.floats(0.0, 4.0), st.floats(0.0, 4.0),
    st.lists(st.floats(0.5, 12.0), min_size=2, max_size=9),
)  # fmt: skip
def test_a_higher_loss_never_predicts_a_lower_one(
    K: float, kappa: float, E0: float, E1: float, losses: list[float]
) -> None:
    said = at("loss_to_loss", [line(sorted(losses))], K=K, kappa=kappa, E0=E0, E1=E1)
    assert (np.diff(said) >= 0).all()
    assert (said >= E1).all()


def test_at_or_below_its_limit_a_loss_predicts_the_other_limit_and_keeps_a_complex_step() -> None:
    model, low = find_law("loss_to_loss")(), line([1.0, 2.0, 3.0])
    x = model.stack([model.prepare(low)])
    p = np.array([2.0, 0.5, 2.0, 1.5])
    assert model.predict(p, x) == pytest.approx([1.5, 1.5, 3.5], rel=1e-15)
    by = complex_step(model, p[None, :], x)[0]
    assert by[:, 0] == pytest.approx([0.0, 0.0, 0.0, 1.0], abs=0)
    assert by[:, 2] == pytest.approx([1.0, 0.0, -1.0, 1.0], rel=1e-14)


def _related(K: float, kappa: float) -> list[Run]:
    """Return runs of which one loss is a Chinchilla law and the other follows from it."""
    runs = []
    for n in (1e7, 3e7, 1e8, 4e8):
        for d in (2e8, 1e9, 5e9, 3e10):
            given = 1.7 + 400.0 * n**-0.34 + 410.0 * d**-0.28
            loss = 0.9 + K * (given - 1.7) ** kappa
            runs.append(Run.final(f"{n}-{d}", loss, n, d, paired_loss=np.array([given])))
    return runs


def test_fits_find_the_parameters_that_made_the_losses() -> None:
    found = lawbench.fit("loss_to_loss", _related(0.8, 1.3), loss="least_squares")
    assert dict(found.params) == pytest.approx({"K": 0.8, "kappa": 1.3, "E0": 1.7, "E1": 0.9}, rel=1e-4)
    # Only with kappa = 1 are both losses Chinchilla laws; then their limits are those of the pair.
    found = lawbench.fit("loss_to_loss", _related(0.8, 1.0), limits="chinchilla")
    assert dict(found.params) == pytest.approx({"K": 0.8, "kappa": 1.0, "E0": 1.7, "E1": 0.9}, rel=1e-4)
    assert found.problem.space.held.keys() == {"E0", "E1"}


def test_a_limit_that_the_user_holds_is_not_taken_from_elsewhere() -> None:
    found = lawbench.fit("loss_to_loss", _related(0.8, 1.0), params={"E0": 1.5}, limits="chinchilla")
    assert found.params["E0"] == 1.5
    assert found.params["E1"] == pytest.approx(0.9, rel=1e-4)


def test_limits_of_chinchilla_laws_need_sizes_and_tokens() -> None:
    with pytest.raises(NotApplicableError, match="law 'chinchilla' needs a model size and token counts, which run"):
        lawbench.fit("loss_to_loss", [line([3.0, 2.5, 2.2, 2.1])], limits="chinchilla")


def test_the_given_loss_is_an_input_and_other_evaluations_are_withheld() -> None:
    steps = [0, 5, 9]
    one = Run("one", steps, [4.0, 3.0, 2.0], paired_loss=[5.0, 4.0, 3.0], evaluations={"code": [2.0, 1.5, 1.0]})
    assert "paired_loss" in one.provides
    assert "paired_loss" not in Run("plain", steps, [4.0, 3.0, 2.0]).provides
    for hidden in (one.withhold(), pickle.loads(pickle.dumps(one.withhold())), one.withhold().select([True] * 3)):
        assert hidden.paired_loss is not None
        assert hidden.paired_loss.tolist() == [5.0, 4.0, 3.0]
        assert "paired_loss" in hidden.provides
        for look in (
            lambda run=hidden: run.loss,
            lambda run=hidden: run.evaluations,
            lambda run=hidden: run.on("code"),
        ):
            with pytest.raises(WithheldLossError, match="never its loss"):
                look()
    for kept in (one.select([True, False, True]), one.withhold().select([True, False, True])):
        assert kept.paired_loss is not None
        assert kept.paired_loss.tolist() == [5.0, 3.0]
        assert not kept.paired_loss.flags.writeable
    assert one.select([False, True, True]).on("code").loss.tolist() == [1.5, 1.0]
    with pytest.raises(UnknownNameError, match="evaluation of run 'one' 'cod': did you mean 'code'"):
        one.on("cod")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"paired_loss": [1.0]}, "the paired loss of run 'mine' has 1 losses for 2 points: give one loss a point"),
        ({"paired_loss": [1.0, np.inf]}, "the paired loss of run 'mine' has loss inf at step 2"),
        ({"evaluations": {"code": [0.0, 1.0]}}, "evaluation 'code' of run 'mine' has loss 0.0 at step 1"),
    ],
)
def test_bad_losses_beside_the_loss_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Run("mine", [1, 2], [3.0, 2.0], **more)


def test_a_loss_is_paired_with_another_of_the_same_run() -> None:
    (one,) = paired([run("x", 3.0)], [], CODE)
    assert (one.name, one.loss.tolist(), one.evaluations) == ("x", [1.5], {})
    assert one.paired_loss is not None
    assert one.paired_loss.tolist() == [3.0]
    (back,) = paired([run("x", 3.0)], [], Pair(given="code"))
    assert (back.loss.tolist(), back.paired_loss) == ([3.0], one.loss)


def test_a_run_is_paired_with_that_of_equal_size_and_tokens() -> None:
    every = [
        run("a1", 3.0, "a"),
        run("a2", 2.5, "a", d=4e9),
        run("b1", 3.3),
        run("b2", 2.8, d=4e9),
        run("b3", 2.6, d=8e9),
    ]
    pair = Pair(runs=OTHER, unpaired="drop")
    made = paired(every[2:], every, pair)
    assert [(one.name, one.loss[0], one.paired_loss) for one in made] == [("b1", 3.3, [3.0]), ("b2", 2.8, [2.5])]
    made = paired(every[2:], every, Pair(runs=OTHER, loss="code", unpaired="drop"))
    assert [(one.loss[0], one.paired_loss) for one in made] == [(1.65, [3.0]), (1.4, [2.5])]
    with pytest.raises(InputError, match=r"run 'b3' has no partner of equal n_params 1e\+08, tokens 8e\+09 among"):
        paired(every[2:], every, Pair(runs=OTHER))
    with pytest.raises(InputError, match="runs 'a1' and 'a2' are equal in n_params: a run has one partner"):
        paired(every[2:], every, Pair(runs=OTHER, match=("n_params",)))
    with pytest.raises(UnknownNameError, match="field of run 'a1' 'token': did you mean 'tokens'"):
        paired(every[2:], every, Pair(runs=OTHER, match=("token",)))


def test_points_are_paired_by_their_step() -> None:
    def curve(name: str, corpus: str, steps: list[int]) -> Run:
        losses = [5.0 - 0.1 * step for step in steps]
        return Run(name, steps, losses, n_params=1e8, tokens=[1e6] * len(steps), meta={"corpus": corpus})

    every = [curve("a1", "a", [0, 2, 4]), curve("b1", "b", [0, 1, 4])]
    (one,) = paired(every[1:], every, Pair(runs=OTHER, unpaired="drop"))
    assert one.steps.tolist() == [0, 4]
    assert one.paired_loss is not None
    assert one.paired_loss.tolist() == [5.0, 4.6]
    with pytest.raises(InputError, match="run 'a1' has no loss at step 1 to pair with that of run 'b1'"):
        paired(every[1:], every, Pair(runs=OTHER))
    assert paired([curve("b1", "b", [1, 3])], every, Pair(runs=OTHER, unpaired="drop")) == []


def task_card(**pair: Any) -> dict[str, Any]:
    small, large = ({"where": {"corpus": {"eq": "b"}, "n_params": {op: 1e8}}} for op in ("le", "gt"))
    counts = {"fitted_points": 2, "scored_points": 1}
    return {"name": "pair", "track": "pair", "pair": pair, "fit": small, "predict": large, **counts}


def make(toy: Callable[..., Card], **pair: Any) -> Any:
    card = toy(**card_of(FILES, tasks=[*card_of(FILES)["tasks"], task_card(**pair)]))
    runs = [
        run(f"{corpus}-{n:g}", loss, corpus, n)
        for corpus, shift in (("a", 0.0), ("b", 0.2))
        for n, loss in ((5e7, 3.5 + shift), (1e8, 3.0 + shift), (1e9, 2.5 + shift))
    ]
    return make_task(Dataset(card, tuple(runs)), card.tasks[1])


def test_a_card_makes_a_task_of_a_pair_and_needs_no_code(toy: Callable[..., Card]) -> None:
    task = make(toy, runs={"where": {"corpus": {"eq": "a"}}})
    assert task.provides == {"n_params", "tokens", "paired_loss"}
    assert [float(one.paired_loss[0]) for one in (*task.train, *task.test)] == [3.5, 3.0, 2.5]
    with pytest.raises(WithheldLossError):
        _ = task.test[0].loss
    found = lawbench.fit("loss_ratio", task.train)
    assert task.score(found.predict(task.test))["log_mae"] < 0.02


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ({"loss": "cod"}, "`fit` of task 'pair': unknown evaluation of run 'b-5e\\+07' 'cod': did you mean 'code'"),
        ({"runs": {"runs": ["a-1"]}}, "unknown run 'a-1'"),
        ({"runs": {"where": {"corpus": {"eq": "c"}}}}, "run 'b-5e\\+07' has no partner of equal n_params 5e\\+07"),
        ({"runs": {"where": {"corpus": {"eq": "c"}}}, "unpaired": "drop"}, "selects no run"),
    ],
)
def test_a_pair_that_does_not_exist_is_an_error_of_the_card(
    toy: Callable[..., Card], pair: dict[str, Any], message: str
) -> None:
    with pytest.raises(CardError, match=message):
        make(toy, **pair)


def test_a_pair_is_of_two_losses_and_of_its_track_alone(toy: Callable[..., Card]) -> None:
    with pytest.raises(CardError, match="a pair is of two losses"):
        make(toy)
    for change in ({"track": "scale"}, {"pair": None}):
        with pytest.raises(CardError, match="tasks of track pair, and only those, say in `pair`"):
            toy(**card_of(FILES, tasks=[{**task_card(loss="code"), **change}]))


@pytest.mark.data
def test_pairs_of_public_runs_are_those_of_their_files() -> None:
    task, data = lawbench.load_task("over-training/pair-c4-redpajama"), lawbench.load_dataset("over-training")
    for mine in (*task.train, *task.truth()):
        partner = mine.name.replace("rpj", "c4_original")
        assert mine.paired_loss == data.run(partner).loss
        assert mine.loss == data.run(mine.name).loss
        assert mine.n_params == data.run(partner).n_params
        assert mine.tokens == data.run(partner).tokens
    assert len(task.train) == 31  # 412M at multiplier 32 is missing on C4
    assert [mine.name for mine in task.test] == ["rpj-open_lm_1b-1.0", "rpj-open_lm_7b-1.0"]
    ladder = {mine.name: mine for mine in lawbench.load_task("olmo-ladder/pair-pile").truth()}
    assert ladder["13B-final"].loss.tolist() == [1.8048807382583618]
    assert ladder["13B-final"].paired_loss == [2.437581777572632]
    assert ladder["7B-final"].loss.tolist() == [1.848923683166504]


@pytest.mark.data
def test_the_stated_noise_is_that_of_the_own_loss_only() -> None:
    assert lawbench.load_task("over-training/pair-c4-redpajama").noise_source == "stated"
    assert lawbench.load_task("over-training/pair-c4-on-redpajama").noise_floor is None
    # On the ladder the spread between a run and its rerun is measured on the predicted set.
    floors = {name: lawbench.load_task(f"olmo-ladder/pair-{name}").noise_floor for name in ("ice", "pile")}
    assert floors["ice"] == pytest.approx(1.79e-3, rel=0.01)
    assert floors["pile"] == pytest.approx(3.98e-4, rel=0.01)


@pytest.mark.data
def test_laws_that_know_neither_the_other_loss_nor_the_size_are_not_applicable() -> None:
    pair, scale = lawbench.load_task("over-training/pair-c4-redpajama"), lawbench.load_task("over-training/scale-c4")
    assert missing_input(find_law("loss_to_loss"), pair) == missing_input(find_law("chinchilla"), pair) == ""
    assert missing_input(find_law("loss_to_loss"), scale) == (
        "law 'loss_to_loss' needs another loss at the same checkpoints; task 'over-training/scale-c4' has none."
    )
    assert "needs curves of several steps" in missing_input(find_law("power_steps"), pair)
    assert {task.family for task in lawbench.tasks("pair")} == {"over-training", "olmo-ladder"}


@pytest.mark.data
def test_the_board_of_pairs_claims_no_best(tmp_path: Path) -> None:
    tasks = ["over-training/pair-c4-redpajama", "olmo-ladder/pair-pile"]
    laws = ["loss_ratio", "loss_to_loss", "chinchilla", "power_steps"]
    rows = lawbench.run(laws, [*tasks, "over-training/scale-c4"], out=tmp_path / "r")
    board = lawbench.leaderboard(rows, "pair").set_index("entry")
    assert set(board.index[board["rank"].notna()]) == {
        "loss_ratio", "loss_to_loss", "loss_to_loss[limits=chinchilla]", "chinchilla"
    }  # fmt: skip
    assert board.loc["loss_ratio", "skill"] == 0.0
    scale = lawbench.leaderboard(rows, "scale")
    assert not set(scale["entry"]) & {"loss_ratio", "loss_to_loss"}
