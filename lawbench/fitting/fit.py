"""Fitting a law to runs: the one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from lawbench.errors import InputError, NotApplicableError
from lawbench.fitting import recipes
from lawbench.fitting.certificate import AGREED, STATIONARY, Certificate, at_bound
from lawbench.fitting.objective import Objective
from lawbench.fitting.problem import Problem
from lawbench.fitting.result import Fit, predictions, refuse_missing
from lawbench.fitting.search import Found, apart, converged, early_stopped, given, regularised
from lawbench.fitting.space import Space, space_of
from lawbench.law import Law
from lawbench.runs import Run

if TYPE_CHECKING:
    import lmfit

_FIT_OPTIONS = {"objective": "across", "loss": "loss", "delta": "delta", "residual": "residual"}


def fit(
    law: str | Law | type[Law],
    runs: Run | Sequence[Run],
    recipe: str = recipes.COMMON,
    params: lmfit.Parameters | Mapping[str, Any] | None = None,
    **options: Any,
) -> Fit:
    """Fit a law to runs.

    Parameters
    ----------
    law : str, Law or type of Law
        A registered law or one of your own.
    runs : Run or sequence of Run
        Curves, or one-point runs of a table of final losses.
    recipe : str
        ``common``, ``published:SOURCE``, ``paper``, ``sum``, ``least_squares`` or ``regularised``
        (see `lawbench.fitting.recipes`).
    params : lmfit.Parameters or mapping, optional
        Hold, bound or tie parameters: a value holds it, a mapping may set ``value``, ``min``,
        ``max``, ``vary`` and ``expr``.
    **options
        Options of the law (``warmup="flat"``) and of the objective: ``objective`` (``"mean"``
        averages within a curve, ``"sum"`` adds all points as papers do), ``loss`` (``"huber"`` or
        ``"least_squares"``), ``delta`` (1e-3), ``residual`` (``"log"`` or ``"loss"``).

    Returns
    -------
    Fit

    Raises
    ------
    UnknownNameError
        For a law, recipe, option or parameter that does not exist.
    NotApplicableError
        If the runs lack an input that the law needs.
    InputError
        For fewer points than free parameters, or bounds that leave nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from lawbench import Run, fit
    >>> steps = np.arange(100, 5000, 100)
    >>> run = Run("mine", steps, loss=2.0 + 8.0 * (steps + 1.0) ** -0.4)
    >>> found = fit("power_steps", run)
    >>> {name: round(value, 3) for name, value in found.params.items()}
    {'L0': 2.0, 'A': 8.0, 'alpha': 0.4}
    """
    started = perf_counter()
    runs = (runs,) if isinstance(runs, Run) else tuple(runs)
    if not runs:
        raise InputError("a fit needs at least one run.")
    chosen = {_FIT_OPTIONS[k]: options.pop(k) for k in tuple(options) if k in _FIT_OPTIONS}
    model = _law(law, options)
    recipe = recipes.check_recipe(model, recipe)
    chosen = {**recipes.OBJECTIVES.get(recipe, {}), **chosen}
    objective = Objective(**chosen)
    refuse_missing(model, runs)
    if recipe.startswith(recipes.PUBLISHED):
        printed = recipes.published_set(model, recipe, runs, options)
        recipe = f"{recipes.PUBLISHED}:{printed.source}"
        found = given(recipes.with_options(model, printed.options), runs, objective, printed.values)
    elif recipe == recipes.PAPER:
        found = early_stopped(model, runs, objective, params)
    else:
        space = space_of(model, {**_borrowed(model, runs, chosen), **(params or {})})
        _refuse_too_few(model, runs, space)
        together = regularised if recipe == recipes.REGULARISED else converged
        search = apart if model.alone and len(runs) > 1 else together
        found = search(model, runs, objective, space)
    return _fit_of(found, recipe, runs, started)


def _borrowed(law: Law, runs: Sequence[Run], chosen: Mapping[str, Any]) -> dict[str, float]:
    """Return the values that fits of other laws give, made with the same objective."""
    asked = {name: chosen[key] for name, key in _FIT_OPTIONS.items() if key in chosen}
    return {
        name: fit(
            source.law, [replace(run, loss=getattr(run, source.of), position_loss=None) for run in runs], **asked
        ).params[source.parameter]
        for name, source in law.borrowed().items()
    }


def _fit_of(found: Found, recipe: str, runs: tuple[Run, ...], started: float) -> Fit:
    """Write the certificate and return the fit."""
    problem, theta, local = found.problem, found.theta, found.local
    certificate = Certificate(
        objective=float(problem.value(theta[None, :])[0]),
        gradient_norm=local.gradient_norm,
        starts=found.starts,
        reached=found.reached,
        agreement=found.agreement,
        at_bound=tuple(name for name in at_bound(problem, theta) if name not in local.unidentified),
        unidentified=local.unidentified,
        condition=local.condition,
        evaluations=found.evaluations,
        seconds=perf_counter() - started,
        converged=local.gradient_norm <= STATIONARY and found.agreement <= AGREED and not found.stopped,
    )
    values = (float(value) for value in problem.space.values(theta))
    shared = {} if problem.law.alone and found.own else dict(zip(problem.law.names, values, strict=True))
    params = MappingProxyType({**shared, **found.own})
    if found.own:
        certificate = replace(certificate, objective=_objective(problem, params, runs))
    return Fit(problem.law, recipe, params, certificate.objective, certificate, runs, problem)


def _objective(problem: Problem, params: Mapping[str, float], runs: Sequence[Run]) -> float:
    """Return the objective where runs have parameters of their own."""
    every = Problem.of(problem.law, runs, problem.objective, problem.space)
    residuals = every.residuals_of(np.concatenate(predictions(problem.law, params, runs)))
    return float(problem.objective.value(residuals, every.weights))


def _law(law: str | Law | type[Law], options: Mapping[str, str]) -> Law:
    if isinstance(law, Law):
        return recipes.with_options(law, options) if options else law
    if isinstance(law, str):
        from lawbench.registry import find_law

        law = find_law(law)
    return law(**options)


def _refuse_too_few(law: Law, runs: Sequence[Run], space: Space) -> None:
    points = (min if law.alone else sum)(len(run) for run in runs)
    if points < space.free.size and law.estimate(runs) is None:
        raise InputError(
            f"law '{law.name}' has {space.free.size} free parameters but there are {points} points to fit: "
            "add points or hold parameters."
        )
    for name in sorted(law.varies):
        values = {v for run in runs for v in np.atleast_1d(getattr(run, name))}
        if len(values) < 2:
            raise NotApplicableError(
                f"law '{law.name}' needs fitted runs with at least two values of {name}; these have one."
            )
