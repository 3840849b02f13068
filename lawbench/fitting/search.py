"""The three ways to a law's parameters: converged, early-stopped as in its paper, or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lawbench.errors import FitError, InputError
from lawbench.fitting.adamw import descend
from lawbench.fitting.certificate import NO_SEARCH, STATIONARY, Local, agreement_of, look_around
from lawbench.fitting.objective import Objective
from lawbench.fitting.prior import Prior, effective_points, moments
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
_ROUNDS = 2
"""Times that the weight of a prior is taken from the fit with it."""
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
    starts, searched = _screened(law, runs, objective, space)
    problem = Problem.of(law, runs, objective, space, exact=False)
    (ends,) = _race(problem, [starts])
    return _finished(problem, runs, ends, searched)


def regularised(law: Law, runs: Sequence[Run], objective: Objective, space: Space) -> Found:
    """Fit as `converged` does, with a prior on pure numbers from the training curves of other families.

    The prior counts as much as it would beside independent errors of the size that the fit leaves:
    with objective F and n effective points (see `lawbench.fitting.prior`) it enters with weight F/n.

    Raises
    ------
    NotApplicableError
        If too few other families say anything of this law.
    """
    prior = _prior(law, space, frozenset(run.dataset for run in runs))
    starts, searched = _screened(law, runs, objective, space)
    problem = Problem.of(law, runs, objective, space, exact=False)
    (ends,) = _race(problem, [starts])
    plain = found = _finished(problem, runs, ends, searched)
    evaluations = plain.evaluations
    for _ in range(_ROUNDS):
        residuals = problem.residuals(found.theta[None, :])[0]
        size = float(objective.value(residuals, problem.weights))
        weight = max(size, problem.rounding) / effective_points(residuals, runs)
        eased = replace(problem, prior=prior.times(weight))
        (ends,) = _race(eased, [np.concatenate([found.theta[None, :], plain.theta[None, :], starts])])
        found = _finished(eased, runs, ends, 0)
        evaluations += found.evaluations
    return replace(found, evaluations=evaluations)


def _prior(law: Law, space: Space, datasets: frozenset[str]) -> Prior:
    known = moments(law.name, datasets)
    pairs = [known.get(name, (0.0, np.inf)) for name in space.names]
    return Prior(np.array([mean for mean, _ in pairs]), np.array([1.0 / spread**2 for _, spread in pairs]))


def apart(law: Law, runs: Sequence[Run], objective: Objective, space: Space) -> Found:
    """Search every run alone; what is said of the search is the worst of any run.

    Runs whose inputs are equal, positions of one run say, are searched side by side.
    """
    problems = [Problem.of(law, (run,), objective, space, exact=False) for run in runs]
    if law.estimate(runs[:1]) is None and all(_alike(problems[0], other) for other in problems):
        screened = [_screened(law, (run,), objective, space) for run in runs]
        together = replace(problems[0], y=np.stack([problem.y for problem in problems]))
        ends = _race(together, [starts for starts, _ in screened])
        each = zip(problems, runs, ends, screened, strict=True)
        found = [_finished(problem, (run,), end, searched) for problem, run, end, (_, searched) in each]
    else:
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


def _screened(law: Law, runs: Sequence[Run], objective: Objective, space: Space) -> tuple[FloatArray, int]:
    return screen(Problem.of(law, [_thin(run) for run in runs], objective, space, exact=False), STARTS)


def _finished(problem: Problem, runs: Sequence[Run], ends: Solutions, searched: int) -> Found:
    """Take the best end, put parameters without effect back, and polish with exact sums."""
    law = problem.law
    best = int(np.argmin(ends.value))
    if not np.isfinite(ends.value[best]):
        raise FitError(f"law '{law.name}' gives no finite prediction from any start: check its bounds and the data.")
    evaluations = searched + ends.evaluations
    local = look_around(problem, ends.theta[best])
    theta = _neutral(problem, ends.theta[best], local.unidentified)
    if type(law).approximate is not Law.approximate:
        problem = replace(Problem.of(law, runs, problem.objective, problem.space), prior=problem.prior)
        local = look_around(problem, theta)
        if local.gradient_norm > STATIONARY:
            polished = solve(problem, theta[None, :], max_iterations=POLISH)
            theta, evaluations = polished.theta[0], evaluations + polished.evaluations
            local = look_around(problem, theta)
    reached, agreement = agreement_of(ends.value, problem.rounding)
    return Found(problem, theta, len(ends.value), reached, agreement, evaluations, local)


def _race(problem: Problem, starts: Sequence[FloatArray]) -> list[Solutions]:
    """Polish all starts for a while, and only the leaders to the end.

    Several sets of starts are several fits, one a row of the problem's observations.
    """
    fits = np.repeat(np.arange(len(starts)), [len(own) for own in starts])
    ends = solve(problem.rows(fits), np.concatenate(starts), max_iterations=HEAT)
    places = [np.flatnonzero(fits == i) for i in range(len(starts))]
    leaders = np.concatenate([own[np.argsort(ends.value[own], kind="stable")[:LEADERS]] for own in places])
    last = solve(problem.rows(fits[leaders]), ends.theta[leaders])
    theta, value = ends.theta.copy(), ends.value.copy()
    theta[leaders], value[leaders] = last.theta, last.value
    evaluations = (ends.evaluations + last.evaluations) // len(starts)
    return [Solutions(theta[own], value[own], evaluations) for own in places]


def _alike(one: Problem, other: Problem) -> bool:
    """Whether two fits differ in nothing but the observed losses."""
    if one.weights.shape != other.weights.shape or not np.array_equal(one.weights, other.weights):
        return False
    pairs = [(value, other.x[key]) for key, value in one.x.items()]
    return all(isinstance(a, np.ndarray) and np.array_equal(a, b) for a, b in pairs)


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
