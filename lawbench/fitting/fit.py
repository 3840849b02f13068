"""Fitting a law to runs: the one call, and the result it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from lawbench.errors import FitError, InputError, NotApplicableError
from lawbench.fitting import intervals, recipes
from lawbench.fitting.bootstrap import SEED, refit, resample
from lawbench.fitting.certificate import AGREED, STATIONARY, Certificate, at_bound
from lawbench.fitting.objective import Objective
from lawbench.fitting.problem import Problem
from lawbench.fitting.search import Found, apart, converged, early_stopped, given, regularised
from lawbench.fitting.space import Space, space_of
from lawbench.law import Law, own_name
from lawbench.runs import Run
from lawbench.schedule import FloatArray

if TYPE_CHECKING:
    import lmfit
    import pandas as pd

_FIT_OPTIONS = {"objective": "across", "loss": "loss", "delta": "delta", "residual": "residual"}


@dataclass(frozen=True, eq=False)
class Fit:
    """A law with its parameters.

    Attributes
    ----------
    law : Law
        The law with the options used.
    recipe : str
    params : mapping
        Value of every parameter by name.
    objective : float
        What the recipe minimises, at these parameters, with the law's exact sums.
    certificate : Certificate
    runs : tuple of Run
        The fitted runs.
    """

    law: Law
    recipe: str
    params: Mapping[str, float]
    objective: float
    certificate: Certificate
    runs: tuple[Run, ...] = field(repr=False)
    problem: Problem = field(repr=False)

    @overload
    def predict(self, runs: Run) -> FloatArray: ...
    @overload
    def predict(self, runs: Sequence[Run]) -> list[FloatArray]: ...
    def predict(self, runs: Run | Sequence[Run]) -> FloatArray | list[FloatArray]:
        """Return the predicted loss at every logged step of a run, or of each of several.

        Parameters
        ----------
        runs : Run or sequence of Run
            Their losses are not looked at.

        Returns
        -------
        ndarray, shape (n,), or a list of them
        """
        if isinstance(runs, Run):
            return self.predict([runs])[0]
        return predictions(self.law, self.params, runs)

    def bootstrap(self, n: int = 1000, seed: int = SEED) -> pd.DataFrame:
        """Return the parameters of `n` refits to resampled data, one row a refit.

        Independent rows and whole runs are drawn with replacement; with few curves, moving blocks
        of residuals are (see `lawbench.fitting.bootstrap`). Refits start at the fit.

        Parameters
        ----------
        n : int
        seed : int
            The same seed gives the same refits.

        Raises
        ------
        FitError
            If nothing was fitted (published parameters).
        """
        import pandas as pd

        self._refuse_own("bootstrap")
        if self.problem.space.free.size == 0:
            raise FitError(f"law '{self.law.name}' has no fitted parameters here, so there is nothing to refit.")
        theta = self._theta()
        approximate = Problem.of(self.law, self.runs, self.problem.objective, self.problem.space, exact=False)
        approximate = replace(approximate, prior=self.problem.prior)
        values, objective = refit(resample(approximate, self.runs, theta, n, seed), theta)
        return pd.DataFrame(values, columns=list(self.law.names)).assign(objective=objective)

    @overload
    def interval(
        self, runs: Run, level: float = ..., n: int = ..., seed: int = ..., refits: pd.DataFrame | None = ...
    ) -> tuple[FloatArray, FloatArray]: ...
    @overload
    def interval(
        self, runs: Sequence[Run], level: float = ..., n: int = ..., seed: int = ..., refits: pd.DataFrame | None = ...
    ) -> list[tuple[FloatArray, FloatArray]]: ...
    def interval(
        self,
        runs: Run | Sequence[Run],
        level: float = intervals.LEVEL,
        n: int = intervals.REFITS,
        seed: int = SEED,
        refits: pd.DataFrame | None = None,
    ) -> tuple[FloatArray, FloatArray] | list[tuple[FloatArray, FloatArray]]:
        """Return prediction intervals at every logged step of a run, or of each of several.

        Where one more logged loss would fall if the law held: the parameters of `bootstrap`, and a
        residual of the fit on top (see `lawbench.fitting.intervals`). It knows nothing of what the
        law gets wrong beyond the fitted points, so far from them it covers less than it says.

        Parameters
        ----------
        runs : Run or sequence of Run
            Their losses are not looked at.
        level : float
            Share of points that should fall inside, between 0 and 1.
        n : int
            Refits; at least ``2 / (1 - level)``.
        seed : int
            The same seed gives the same intervals.
        refits : DataFrame, optional
            What `bootstrap` gave with this `n` and `seed`, where it is there already.

        Returns
        -------
        low, high : ndarray, shape (points,)
            In nats; a list of such pairs for several runs.

        Raises
        ------
        InputError
            For a level that is none, or too few refits for it.
        FitError
            If nothing was fitted by an objective (published parameters, closed forms, an early-stopped
            recipe), if runs have parameters of their own, or if refits predict no finite loss.

        Examples
        --------
        >>> steps = np.arange(10, 400, 10)
        >>> noise = 0.01 * np.random.default_rng(0).standard_normal(steps.size)
        >>> run = Run("a", steps, (2 + 3 * (steps + 1.0) ** -0.5) * np.exp(noise))
        >>> low, high = fit("pow3", run).interval(run, n=100)
        >>> bool((low < run.loss).mean() > 0.9 and (high > run.loss).mean() > 0.9)
        True
        """
        if isinstance(runs, Run):
            return self.interval([runs], level, n, seed, refits)[0]
        intervals.refuse_few(n, level)
        unseen = [run.withhold() for run in runs]
        _refuse_missing(self.law, unseen)
        drawn = (self.bootstrap(n, seed) if refits is None else refits)[list(self.law.names)].to_numpy()
        return intervals.ends(self.problem, self._theta(), drawn, unseen, level, seed)

    def to_lmfit(self) -> lmfit.minimizer.MinimizerResult:
        """Return an lmfit result at this optimum: report, correlations, AIC, BIC.

        Under a robust loss its standard errors are wrong; use `bootstrap` there.
        """
        from lawbench.fitting.lmfit_bridge import result_of

        self._refuse_own("to_lmfit")
        return result_of(self.problem, self._theta())

    def to_json(self) -> str:
        """Return everything but the data as a JSON object; ``lawbench predict`` reads it."""
        return json.dumps(
            {
                "law": self.law.name,
                "options": self.law.choices,
                "recipe": self.recipe,
                "params": dict(self.params),
                "objective": self.objective,
                "certificate": self.certificate.as_dict(),
                "fitted": [{"dataset": run.dataset, "run": run.name, "points": len(run)} for run in self.runs],
            },
            indent=2,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "params": dict(self.params)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, params=MappingProxyType(state["params"]))

    def _refuse_own(self, what: str) -> None:
        if not set(self.params) <= set(self.law.names):
            raise FitError(f"`{what}` needs one set of parameters; here runs have their own: fit one run at a time.")

    def _theta(self) -> FloatArray:
        return self.problem.space.coordinates(np.array([self.params[name] for name in self.law.names]))


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
    _refuse_missing(model, runs)
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


def predictions(law: Law, params: Mapping[str, float], runs: Sequence[Run]) -> list[FloatArray]:
    """Return the loss that a law with given parameters predicts at every logged step of each run.

    Raises
    ------
    NotApplicableError
        If a run lacks an input that the law needs.
    """
    unseen = [run.withhold() for run in runs]
    _refuse_missing(law, unseen)
    if set(params) <= set(law.names):
        x = law.stack([law.prepare(run) for run in unseen])
        predicted = np.asarray(law.predict(np.array([params[name] for name in law.names]), x))
        return np.split(predicted, np.cumsum([len(run) for run in unseen])[:-1])
    return [np.asarray(law.predict(_own(law, params, run), law.stack([law.prepare(run)]))) for run in unseen]


def _own(law: Law, params: Mapping[str, float], run: Run) -> FloatArray:
    """Return the parameters of one run: its own where it has any, else those of all."""
    try:
        return np.array([params[own] if (own := own_name(name, run)) in params else params[name] for name in law.names])
    except KeyError as missing:
        raise NotApplicableError(
            f"law '{law.name}' predicts a run from its own fitted points, and run '{run.name}' has none here: "
            f"fit its start too (parameter {missing} is not there)."
        ) from None


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


def _refuse_missing(law: Law, runs: Sequence[Run]) -> None:
    names = {
        "lr": "a learning-rate schedule",
        "steps": "a curve of several steps",
        "n_params": "a model size",
        "tokens": "token counts",
        "unique_tokens": "a count of unique tokens",
        "cpt_start": "the step at which continual pre-training begins (`cpt_start` in its meta)",
        "position_loss": "losses by token position",
        "paired_loss": "another loss at the same points",
    }
    for run in runs:
        missing = sorted(
            law.needs - run.provides - {"prefix"} - ({"steps"} if len(run) == 1 and run.steps[0] else set())
        )
        if missing:
            owner = f"run '{run.name}'" + (f" of dataset '{run.dataset}'" if run.dataset else "")
            what = " and ".join(names[m] for m in missing)
            raise NotApplicableError(f"law '{law.name}' needs {what}, which {owner} does not have.")


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
