"""How the multi-power law was fitted, and what was printed of it: Luo et al., ICLR 2025, arXiv 2503.12811.

"Repository" is thu-yao-01-luo/MultiPowerLaw; "second implementation" an independent program that
followed the same descriptions on the same data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize

import lawbench
from lawbench.fitting import adamw, search
from lawbench.fitting.problem import Problem
from lawbench.law import AdamW
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule
from lawbench.shapes import cosine

from .test_known_answers import SIZES, task_of
from .test_known_answers_schedule import OnLoggedSteps, fitted

pytestmark = pytest.mark.data
Numbers = dict[str, float]
METRICS = {"R2": "r2", "MAE": "mae", "RMSE": "rmse", "PredE": "prede", "WorstE": "worste"}


def _scores(size: str, values: FloatArray, warmup: str = "ramp") -> Numbers:
    """Score given parameters on the six test curves: all points, and the MAE of those after the branch."""
    task, law = task_of(f"multi-power-{size}/schedule"), find_law("mpl")(warmup=warmup)
    score = task.score([law.predict(values, law.stack([law.prepare(run)])) for run in task.test])
    found = {name: float(score[f"{key}_unmasked"] or np.nan) for name, key in METRICS.items()}
    return {**found, "MAE after the branch": float(score["mae"] or np.nan)}


def _published(source: str, size: str) -> Numbers:
    sets = find_law("mpl").published
    return next(dict(p.values) for p in sets if (p.source, p.dataset) == (source, f"multi-power-{size}"))


# The repository's optimiser, and what three of its details do.


@cache
def _beginning(size: str) -> tuple[Problem, FloatArray, AdamW]:
    """What the recipe `paper` hands to its optimiser."""
    taken: list[tuple[Problem, FloatArray, AdamW]] = []

    def take(problem: Problem, start: FloatArray, recipe: AdamW) -> tuple[FloatArray, float, int]:
        taken.append((problem, start, recipe))
        return start, 0.0, 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "descend", take)
        lawbench.fit("mpl", task_of(f"multi-power-{size}/schedule").train, recipe="paper")
    return taken[0]


def _descend(size: str, *, start: FloatArray | None = None, before: bool = False, decay: bool = True) -> FloatArray:
    """Run the optimiser, or one that keeps the parameters before the best step, or without weight decay."""
    problem, own, recipe = _beginning(size)
    seen: list[tuple[float, FloatArray]] = []
    if not decay:
        recipe = AdamW(**{**vars(recipe), "decay": 0.0})
    gradient = adamw._value_and_gradient

    def note(given: Problem, values: FloatArray) -> tuple[float, FloatArray]:
        value, slope = gradient(given, values)
        seen.append((value, values.copy()))
        return value, slope

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adamw, "_value_and_gradient", note)
        kept, best, _ = adamw.descend(problem, own if start is None else start, recipe)
    if before:
        return next(values for value, values in seen if value == best)
    return kept


@cache
def variants(size: str) -> Numbers:
    """Return the test MAE when one detail of the recipe is changed."""
    problem, _, recipe = _beginning(size)
    train = task_of(f"multi-power-{size}/schedule").train
    other = lawbench.fit("mpl", train, objective="sum", warmup="raw", params=dict(recipe.held)).params
    raw = np.array([{**other, **recipe.start}[name] for name in problem.law.names])
    ends = {
        "start fitted with raw warm-up": _descend(size, start=raw),
        "parameters stored before the step": _descend(size, before=True),
        "no weight decay": _descend(size, decay=False),
    }
    return {f"{name}, {size.upper()}": _scores(size, values, "raw")["MAE"] for name, values in ends.items()}


VARIANTS = {
    "25m": (0.00347, 0.00340, 0.00393),
    "100m": (0.00519, 0.00408, 0.00497),
    "400m": (0.00795, 0.00574, 0.00615),
}


@pytest.mark.parametrize("size", SIZES)
def test_details_of_the_paper_recipe(size: str) -> None:
    """Second implementation: what a start with raw warm-up, no decay, or parameters before the step would give."""
    assert list(variants(size).values()) == pytest.approx(VARIANTS[size], abs=1.1e-5)


@cache
def log() -> Numbers:
    """Return what the repository logs at 100M: its start, the objective it reaches, that of what it stores."""
    problem, _, recipe = _beginning("100m")
    _, best, _ = adamw.descend(problem, _beginning("100m")[1], recipe)
    train = task_of("multi-power-100m/schedule").train
    stored = lawbench.fit("mpl", train, recipe="published:luo2025-repo", objective="sum").objective
    start = fitted("lldl", "100m")
    return {"objective, logged": best, "objective, stored parameters": stored, "objective, start": start.objective,
            **{f"{name}, start": value for name, value in start.params.items()}}  # fmt: skip


def test_the_repository_stores_worse_parameters_than_it_logs_and_starts_from_better_ones() -> None:
    """Repository log, 100M: 2.75e-4; its stored parameters have 2.81e-4, the four-parameter start 2.21e-4."""
    got = log()
    assert got["objective, logged"] == pytest.approx(2.75e-4, abs=5e-7)
    assert got["objective, stored parameters"] == pytest.approx(2.81e-4, abs=5e-7)
    assert got["objective, start"] == pytest.approx(2.2100543e-4, rel=1e-6)


@cache
def swapped() -> Numbers:
    """Feed the repository's parameters to the paper's formula."""
    both = {size: (_published("luo2025-repo", size), _published("luo2025", size)) for size in SIZES}
    lower = {f"L0 of the paper less L0 of the repository, {k.upper()}": p["L0"] - r["L0"] for k, (r, p) in both.items()}
    return {"MAE, 100M": _scores("100m", np.array(list(both["100m"][0].values())), "ramp")["MAE"], **lower}


def test_parameters_of_one_convention_do_not_serve_the_other() -> None:
    """Second implementation: .13 off at 100M, which is what its L0 is lower by; and the other way round."""
    got = swapped()
    assert got["MAE, 100M"] == pytest.approx(0.13, abs=0.005)
    for size in SIZES:
        assert got[f"L0 of the paper less L0 of the repository, {size.upper()}"] == pytest.approx(0.13, abs=0.016)
    paper = np.array(list(_published("luo2025", "100m").values()))
    assert _scores("100m", paper, "raw")["MAE"] > 0.1


# The paper's protocol (two stages of Adam on the sums over logged steps), which lawbench does not run:
# parameters, errors and objectives by a second implementation.

TWO_STAGES = {
    "25m": (3.153, 0.519, 0.506, 464.1, 0.139, 0.463, 0.722),
    "100m": (2.783, 0.599, 0.449, 513.6, 0.055, 0.728, 0.758),
    "400m": (2.518, 0.661, 0.414, 622.8, 0.293, 0.772, 0.519),
}
TWO_STAGE_SCORES = {
    "25m": (0.9982, 0.0041, 0.0047, 0.0012, 0.0031, 0.0047),
    "100m": (0.9981, 0.0041, 0.0052, 0.0013, 0.0049, 0.0056),
    "400m": (0.9969, 0.0057, 0.0073, 0.0020, 0.0063, 0.0081),
}
ON_LOGGED_STEPS = {"25m": (1.427e-4, 1.426e-4), "100m": (6.15e-5, 5.54e-5), "400m": (9.96e-5, 1.08e-4)}


@cache
def two_stages(size: str) -> Numbers:
    """Score the parameters printed to three digits, with L0 moved within its rounding to the best training fit."""
    names = find_law("mpl")().names
    held = dict(zip(names, TWO_STAGES[size], strict=True))
    level = held.pop("L0")
    free = {**held, "L0": {"min": level - 5.1e-4, "max": level + 5.1e-4}}
    train = task_of(f"multi-power-{size}/schedule").train
    rough = lawbench.fit(OnLoggedSteps, train, objective="sum", params=free)
    exact = lawbench.fit("mpl", train, objective="sum", params=dict(rough.params))
    objectives = {"objective, sums over logged steps": rough.objective, "objective, exact sums": exact.objective}
    return {**_scores(size, np.array([rough.params[name] for name in names])), **objectives}


@pytest.mark.parametrize("size", SIZES)
def test_parameters_of_the_two_stages_give_their_errors(size: str) -> None:
    """Second implementation: six errors to 1.1 of their last digit; objectives to 1.5 %."""
    got = list(two_stages(size).values())
    assert got[:6] == pytest.approx(TWO_STAGE_SCORES[size], abs=1.1e-4)
    assert got[6:] == pytest.approx(ON_LOGGED_STEPS[size], rel=0.015)


# Optimised schedules: final losses that the repository's logs predict after 24,000 steps.

FINALS = {"25m": 3.1497, "100m": 2.7941, "400m": 2.5332}
STEPS, WARMUP, PEAK = 24000, 2160, 3e-4


def _final(size: str, lr: FloatArray) -> float:
    law = find_law("mpl")(warmup="ramp")
    run = Run("one", np.array([STEPS - 1]), np.ones(1), Schedule(lr, warmup=WARMUP))
    return float(
        law.predict(np.array(list(_published("luo2025-repo", size).values())), law.stack([law.prepare(run)]))[0]
    )


def _decayed(stable: float, power: float) -> FloatArray:
    tau = np.arange(1, STEPS - WARMUP + 1) / (STEPS - WARMUP)
    fall = PEAK * (1 - np.clip((tau - stable) / (1 - stable), 0, 1)) ** power
    return np.concatenate([PEAK * np.arange(WARMUP) / WARMUP, fall])


@cache
def optimised(size: str) -> Numbers:
    """Minimise the predicted final loss over the length of the stable phase and the power of the decay."""
    few = {"xatol": 3e-3, "fatol": 1e-6, "initial_simplex": [[0.88, 1.5], [0.9, 1.5], [0.88, 1.7]]}
    best = minimize(lambda q: _final(size, _decayed(*q)), np.array([0.88, 1.5]), method="Nelder-Mead", options=few)
    wave = _final(size, cosine(STEPS, PEAK, end=PEAK / 10, warmup=WARMUP).lr)
    return {
        "predicted final": float(best.fun),
        "power of the decay": float(best.x[1]),
        "gain on the cosine": wave - best.fun,
    }


@pytest.mark.parametrize("size", SIZES)
def test_optimised_schedules(size: str) -> None:
    """Repository log and paper: final losses, a decay close to (1 - tau)^1.5, more than .02 better than the cosine.

    Two numbers describe our schedule where the source moves every drop: ours may only be a little worse. The
    parameters are those fitted with raw warm-up, and the logged finals count drops from the peak: with the rise
    of the warm-up in the sum, they would be .11 to .16 higher.
    """
    got = optimised(size)
    assert -1e-4 < got["predicted final"] - FINALS[size] < 6e-4
    assert got["power of the decay"] == pytest.approx(1.5, abs=0.1)
    assert got["gain on the cosine"] > 0.02


def _by_size(measure: Callable[[str], Numbers]) -> Numbers:
    return {f"{name}, {size.upper()}": value for size in SIZES for name, value in measure(size).items()}


MEASURED: dict[str, Callable[[], Numbers]] = {
    "mpl-recipe-details": lambda: {name: value for size in SIZES for name, value in variants(size).items()},
    "mpl-repository-log": log,
    "mpl-conventions-swapped": swapped,
    "mpl-two-stages": lambda: _by_size(two_stages),
    "mpl-optimised-schedules": lambda: _by_size(optimised),
}
"""What tests/test_ledger.py compares with the ledger."""
