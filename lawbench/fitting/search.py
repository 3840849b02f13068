"""The three ways to a law's parameters: converged, early-stopped as in its paper, or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lawbench.errors import FitError, InputError
from lawbench.fitting.adamw import descend
from lawbench.fitting.certificate import NO_SEARCH, STATIONARY, Local, agreement_of, look_around
from lawbench.fitting.objective import Objective
from lawbench.fitting.problem import Problem
from lawbench.fitting.recipes import with_options
from lawbench.fitting.solve import Solutions, solve
from lawbench.fitting.space import Space, space_of
from lawbench.fitting.starts import screen
from lawbench.law import Law, own_name
from lawbench.runs import Run
from lawbench.schedule import FloatArray

STARTS = 8
"""Starts that are polished, of those that the grid gives."""
HEAT = 40
"""Steps that every start gets; after it only the leaders go on."""
LEADERS = 3
SCREENED = 40
"""Points a curve that rank the grid."""
POLISH = 5
"""Steps with exact sums where the approximate ones left a gradient."""


@dataclass(frozen=True)
class Found:
    """Coordinates that a search ended at, and what it says of itself.

    Attributes
    ----------
    problem : Problem
        With the law's exact sums.
    theta : ndarray, shape (free,)
    starts, reached, agreement, evaluations
        As in `Certificate`; by default there was no search.
    local : Local
    stopped : bool
        Whether an optimiser was stopped early, on purpose.
    own : mapping
        Values that hold for one run alone, under ``name[run]``.
    """

    problem: Problem
    theta: FloatArray
    starts: int = 0
    reached: float = 1.0
    agreement: float = 0.0
    evaluations: int = 1
    local: Local = NO_SEARCH
    stopped: bool = False
    own: Mapping[str, float] = field(default_factory=dict)


def given(law: Law, runs: Sequence[Run], objective: Objective, values: Mapping[str, float]) -> Found:
    """Return parameters that are known already."""
    shared = {name: value for name, value in values.items() if name in law.names}
    own = {name: value for name, value in values.items() if name not in law.names}
    return Found(Problem.of(law, runs, objective, space_of(law, shared)), np.empty(0), own=own)


def apart(law: Law, runs: Sequence[Run], objective: Objective, space: Space) -> Found:
    """Search every run alone; what is said of the search is the worst of any run."""
    found = [converged(law, (run,), objective, space) for run in runs]
    own = {
        own_name(name, run): value
        for run, one in zip(runs, found, strict=True)
        for name, value in zip(law.names, one.problem.space.values(one.theta).tolist(), strict=True)
    }
    worst = max(found, key=lambda one: one.local.gradient_norm)
    return Found(
        worst.problem,
        worst.theta,
        starts=min(one.starts for one in found),
        reached=min(one.reached for one in found),
        agreement=max(one.agreement for one in found),
        evaluations=sum(one.evaluations for one in found),
        local=worst.local,
        own=own,
    )


def converged(law: Law, runs: Sequence[Run], objective: Objective, space: Space) -> Found:
    """Screen a grid on thinned curves, polish the best starts, and finish with exact sums.

    Raises
    ------
    FitError
        If no start gives a finite prediction.
    """
    estimate = law.estimate(runs)
    if estimate is not None:
        return given(law, runs, objective, estimate)
    thinned = Problem.of(law, [_thin(run) for run in runs], objective, space, exact=False)
    starts, searched = screen(thinned, STARTS)
    problem = Problem.of(law, runs, objective, space, exact=False)
    ends = _race(problem, starts)
    best = int(np.argmin(ends.value))
    if not np.isfinite(ends.value[best]):
        raise FitError(f"law '{law.name}' gives no finite prediction from any start: check its bounds and the data.")
    evaluations = searched + ends.evaluations
    local = look_around(problem, ends.theta[best])
    theta = _neutral(problem, ends.theta[best], local.unidentified)
    if type(law).approximate is not Law.approximate:
        problem = Problem.of(law, runs, objective, space)
        local = look_around(problem, theta)
        if local.gradient_norm > STATIONARY:
            polished = solve(problem, theta[None, :], max_iterations=POLISH)
            theta, evaluations = polished.theta[0], evaluations + polished.evaluations
            local = look_around(problem, theta)
    reached, agreement = agreement_of(ends.value, problem.rounding)
    return Found(problem, theta, len(starts), reached, agreement, evaluations, local)


def early_stopped(law: Law, runs: Sequence[Run], objective: Objective, params: Any = None) -> Found:
    """Fit the paper's starting law to convergence, then run the paper's optimiser from it.

    Raises
    ------
    InputError
        If parameters are held or bounded, which the paper's protocol does not do.
    """
    recipe = law.paper
    assert recipe is not None
    if params:
        raise InputError(f"recipe 'paper' of law '{law.name}' holds and bounds nothing: use recipe 'common' for that.")
    beginner = with_options(law, recipe.start_options)
    first = converged(beginner, runs, objective, space_of(beginner, dict(recipe.held)))
    reached = dict(zip(law.names, first.problem.space.values(first.theta).tolist(), strict=True))
    model = with_options(law, recipe.options)
    start = np.array([{**reached, **recipe.start}[name] for name in model.names])
    problem = Problem.of(model, runs, objective, space_of(model), exact=False)
    values, _, taken = descend(problem, start, recipe)
    end = given(model, runs, objective, dict(zip(model.names, values.tolist(), strict=True)))
    return Found(end.problem, end.theta, starts=1, evaluations=first.evaluations + taken, stopped=True)


def _race(problem: Problem, starts: FloatArray) -> Solutions:
    """Polish all starts for a while, and only the leaders to the end."""
    ends = solve(problem, starts, max_iterations=HEAT)
    leaders = np.argsort(ends.value, kind="stable")[:LEADERS]
    last = solve(problem, ends.theta[leaders])
    theta, value = ends.theta.copy(), ends.value.copy()
    theta[leaders], value[leaders] = last.theta, last.value
    return Solutions(theta, value, ends.evaluations + last.evaluations)


def _thin(run: Run) -> Run:
    """Keep at most 40 evenly spaced points of a curve: enough to rank starts by."""
    if len(run) <= SCREENED:
        return run
    keep = np.zeros(len(run), dtype=bool)
    keep[np.linspace(0, len(run) - 1, SCREENED).round().astype(int)] = True
    return run.select(keep)


def _neutral(problem: Problem, theta: FloatArray, unidentified: tuple[str, ...]) -> FloatArray:
    """Put parameters that leave no trace in the data back to their default.

    A parameter may also have no effect only where it ended, at the far end of its range: it stays.
    """
    space = problem.space
    default = space.coordinates(np.array([p.start for p in space.parameters]))
    moved = np.where(np.isin(space.names, unidentified), default, theta)
    before, after = problem.value(np.stack([theta, moved]))
    return moved if abs(after - before) <= 1e-9 * before else theta
