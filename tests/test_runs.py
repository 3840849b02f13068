"""Runs: what they provide, what they refuse, and losses that stay withheld."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.errors import InputError, WithheldLossError
from lawbench.runs import Run, WithheldRun
from lawbench.schedule import Schedule

FULL = Run(
    "mine",
    steps=[0, 2, 4],
    loss=[5.125, 4.25, 3.0625],
    schedule=Schedule([0.0, 0.5, 1.0, 1.0, 0.5]),
    n_params=100.0,
    tokens_per_step=10.0,
    dataset="toy",
    model="small",
    meta={"seed": 1},
)


def test_tokens_updates_and_compute_follow_the_steps() -> None:
    assert FULL.updates.tolist() == [1.0, 3.0, 5.0]
    assert FULL.tokens is not None
    assert FULL.tokens.tolist() == [10.0, 30.0, 50.0]
    assert FULL.compute is not None
    assert FULL.compute.tolist() == [6000.0, 18000.0, 30000.0]
    assert replace(FULL, n_params=None).compute is None


def test_a_run_provides_what_is_known_of_it() -> None:
    assert FULL.provides == {"steps", "lr", "n_params", "tokens"}
    assert Run("bare", [0, 1], [5.0, 4.0]).provides == {"steps"}
    assert Run.final("row", loss=3.0, n_params=10, tokens=200).provides == {"n_params", "tokens"}


def test_arrays_are_copied_and_read_only() -> None:
    loss = np.array([5.0, 4.0])
    run = Run("r", [0, 1], loss)
    loss[0] = 1.0
    assert run.loss[0] == 5.0
    with pytest.raises(ValueError, match="read-only"):
        run.loss[0] = 2.0
    with pytest.raises(TypeError):
        FULL.meta["seed"] = 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": [5.0, float("nan"), 3.0]}, "loss nan at step 2"),
        ({"loss": [5.0, float("inf"), 3.0]}, "loss inf at step 2"),
        ({"loss": [5.0, 0.0, 3.0]}, "loss 0.0 at step 2"),
        ({"loss": [5.0, -1.0, 3.0]}, "loss -1.0 at step 2"),
        ({"loss": [5.0, 4.0]}, "3 steps but 2 losses"),
        ({"steps": [0, 2, 2]}, "duplicate or unsorted steps (at step 2)"),
        ({"steps": [0, 4, 2]}, "duplicate or unsorted steps (at step 2)"),
        ({"steps": [0.5, 2, 4]}, "whole numbers"),
        ({"steps": [-1, 2, 4]}, "whole numbers"),
        ({"steps": [], "loss": []}, "no logged points"),
        ({"schedule": Schedule([1.0, 1.0, 1.0, 1.0])}, "logged up to step 4 but its schedule ends after 4 steps"),
        ({"tokens": [1.0, 2.0]}, "one finite token count"),
        ({"tokens": [0.0, 2.0, 3.0]}, "one finite token count"),
        ({"n_params": 0.0}, "model size of 0.0"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(FULL, **change)
    assert said in str(caught.value)
    assert "run 'mine' of dataset 'toy'" in str(caught.value)


@pytest.mark.parametrize(
    "look",
    [
        lambda run: run.loss,
        lambda run: replace(run, name="other"),
        lambda run: Run(**{**run.__dict__, "loss": run.loss}),
        lambda run: run.select([True, False, True]).loss,
        lambda run: pickle.loads(pickle.dumps(run)).loss,
        lambda run: copy.deepcopy(run).loss,
        lambda run: Run.select(run, [True, True, True]),
    ],
)
def test_a_withheld_loss_raises_whatever_way_it_is_asked_for(look: Callable[[WithheldRun], object]) -> None:
    with pytest.raises(WithheldLossError, match="the loss of run 'mine' is withheld"):
        look(FULL.withhold())


def test_a_withheld_run_carries_its_losses_nowhere() -> None:
    run = FULL.withhold()
    assert "loss" not in run.__dict__
    assert np.float64(4.25).tobytes() not in pickle.dumps(run)
    assert np.float64(4.25).tobytes() in pickle.dumps(FULL)
    assert "4.25" not in repr(run)
    assert run.withhold() is run


def test_a_withheld_run_keeps_everything_else() -> None:
    run = pickle.loads(pickle.dumps(FULL.withhold()))
    assert isinstance(run, WithheldRun)
    assert (run.name, run.n_params, run.dataset, run.model, dict(run.meta)) == (
        "mine",
        100.0,
        "toy",
        "small",
        {"seed": 1},
    )
    assert run.provides == FULL.provides
    assert run.steps.tolist() == [0, 2, 4]
    assert not run.steps.flags.writeable


def test_pickling_keeps_a_run_whole_and_read_only() -> None:
    run = pickle.loads(pickle.dumps(FULL))
    assert run.loss.tolist() == FULL.loss.tolist()
    assert dict(run.meta) == {"seed": 1}
    assert not run.loss.flags.writeable


@given(st.lists(st.booleans(), min_size=3, max_size=3).filter(any))
def test_selecting_points_keeps_the_whole_schedule(keep: list[bool]) -> None:
    run, hidden = FULL.select(keep), FULL.withhold().select(keep)
    expected = [s for s, k in zip([0, 2, 4], keep, strict=True) if k]
    assert run.steps.tolist() == hidden.steps.tolist() == expected
    assert run.tokens is not None
    assert run.tokens.tolist() == [10.0 * (s + 1) for s in expected]
    assert run.schedule is FULL.schedule
    assert isinstance(hidden, WithheldRun)


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=20), st.floats(0.01, 100.0))
def test_any_sorted_positive_log_makes_a_run(steps: set[int], loss: float) -> None:
    run = Run("any", sorted(steps), [loss] * len(steps))
    assert len(run) == len(steps)
    assert ("steps" in run.provides) == (len(steps) > 1)


def test_steps_of_two_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match=r"steps of shape \(2, 2\)"):
        Run("square", np.zeros((2, 2), dtype=np.int64), np.ones(4))
    with pytest.raises(InputError, match="4 losses"):
        Run("wide", np.arange(2), np.ones((2, 2)))
