"""The result of a fit: a law with its parameters, what it predicts, and how sure it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from lawbench.errors import FitError, NotApplicableError
from lawbench.fitting import intervals
from lawbench.fitting.bootstrap import SEED, refit, resample
from lawbench.fitting.certificate import Certificate
from lawbench.fitting.problem import Problem
from lawbench.inputs import INPUTS
from lawbench.law import Law, own_name
from lawbench.runs import Run
from lawbench.schedule import FloatArray

if TYPE_CHECKING:
    import lmfit
    import pandas as pd


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
        >>> from lawbench import fit
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
        refuse_missing(self.law, unseen)
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


def predictions(law: Law, params: Mapping[str, float], runs: Sequence[Run]) -> list[FloatArray]:
    """Return the loss that a law with given parameters predicts at every logged step of each run.

    Raises
    ------
    NotApplicableError
        If a run lacks an input that the law needs.
    """
    unseen = [run.withhold() for run in runs]
    refuse_missing(law, unseen)
    if set(params) <= set(law.names):
        x = law.stack([law.prepare(run) for run in unseen])
        predicted = np.asarray(law.predict(np.array([params[name] for name in law.names]), x))
        return np.split(predicted, np.cumsum([len(run) for run in unseen])[:-1])
    return [np.asarray(law.predict(_own(law, params, run), law.stack([law.prepare(run)]))) for run in unseen]


def refuse_missing(law: Law, runs: Sequence[Run]) -> None:
    """Raise `NotApplicableError` where a run lacks an input that a law needs."""
    for run in runs:
        missing = sorted(
            law.needs - run.provides - {"prefix"} - ({"steps"} if len(run) == 1 and run.steps[0] else set())
        )
        if missing:
            owner = f"run '{run.name}'" + (f" of dataset '{run.dataset}'" if run.dataset else "")
            what = " and ".join(INPUTS[name].of_run if name in INPUTS else name for name in missing)
            raise NotApplicableError(f"law '{law.name}' needs {what}, which {owner} does not have.")


def _own(law: Law, params: Mapping[str, float], run: Run) -> FloatArray:
    """Return the parameters of one run: its own where it has any, else those of all."""
    try:
        return np.array([params[own] if (own := own_name(name, run)) in params else params[name] for name in law.names])
    except KeyError as missing:
        raise NotApplicableError(
            f"law '{law.name}' predicts a run from its own fitted points, and run '{run.name}' has none here: "
            f"fit its start too (parameter {missing} is not there)."
        ) from None
