"""One cell: an entry on a task, from fit to score. Pure; what goes wrong is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from lawbench.columns import CERTIFICATE, blank
from lawbench.entries import Entry, join
from lawbench.errors import FitError
from lawbench.fitting.intervals import LEVEL
from lawbench.fitting.recipes import PUBLISHED, published_set
from lawbench.inputs import INPUTS
from lawbench.law import Law
from lawbench.registry import find_law

if TYPE_CHECKING:
    from lawbench.fitting.result import Fit
    from lawbench.tasks import Task

BLIND_TO_POSITION = frozenset({"power_steps", "last_value"})
"""The laws without positions that run on position tasks: the others would draw one more curve through
all positions, which says nothing of them."""


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Attributes
    ----------
    row : mapping
        Every column of `lawbench.columns`.
    predictions : tuple of tuple of float
        One predicted curve a run of ``task.test``; empty when there are none.
    params : mapping
        Parameter -> value.
    intervals : tuple of (tuple of float, tuple of float)
        Lower and upper ends of the 95 % prediction intervals, one pair a run of ``task.test``; empty
        when there are none.
    spread : mapping
        Parameter -> lower and upper end of its 95 % bootstrap interval; empty where there are none.
    """

    row: Mapping[str, Any]
    predictions: tuple[tuple[float, ...], ...] = ()
    params: Mapping[str, float] = field(default_factory=dict)
    intervals: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """``ok``, ``reference``, ``not_applicable`` or ``failed``."""
        return str(self.row["status"])


def evaluate(entry: Entry, task: Task, law: type[Law] | None = None, intervals: int = 0) -> Outcome:
    """Fit an entry on a task, predict its curves and score them.

    BLAS runs on one thread, so that the result does not depend on what else the machine does.

    Parameters
    ----------
    entry : Entry
    task : Task
    law : type of Law, optional
        The entry's law; looked up by its name if None.
    intervals : int
        Refits behind prediction intervals; none are made if 0, nor for entries that cannot give any.

    Returns
    -------
    Outcome
        ``ok``; ``reference`` where published parameters have seen more than the task's fitted
        points; ``not_applicable`` where the task lacks an input of the law.

    Raises
    ------
    FitError, InputError, Exception
        Whatever goes wrong, also in the law. A prediction that is not finite, not above 0 or of
        the wrong shape is an error.
    """
    # SciPy loads a BLAS of its own, which has to be there to be limited.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    law = law or find_law(entry.law)
    row = describe(entry, task, law) | {"interval_refits": intervals}
    why = missing_input(law, task)
    if why:
        return Outcome({**row, "status": "not_applicable", "reason": why})
    with threadpool_limits(limits=1):
        began = perf_counter()
        found, predicted = _predictions(entry, task, law)
        seconds = perf_counter() - began
        spans, spread = _intervals(found, task, intervals)
        scores = task.score(predicted, spans)
    reason = seen_more(entry, task, law)
    row |= {"status": "reference" if reason else "ok", "reason": reason}
    row |= {name: scores.get(name) for name in row if name in scores}
    row |= {"objective": found.objective, "seconds": seconds, "converged": bool(found.certificate.converged)}
    row |= _evidence(found)
    curves = tuple(tuple(float(value) for value in curve) for curve in predicted)
    ends = tuple((tuple(low.tolist()), tuple(high.tolist())) for low, high in spans or ())
    return Outcome(row, curves, {name: float(value) for name, value in found.params.items()}, ends, spread)


def describe(entry: Entry, task: Task, law: type[Law]) -> dict[str, Any]:
    """Return the row of a cell before anything is fitted: who, where, and on what."""
    return blank() | {
        "law": entry.law,
        "options": join(law(**dict(entry.options)).choices.items()),
        "recipe": entry.recipe,
        "entry": entry.label,
        "task": task.name,
        "track": task.track,
        "family": task.family,
        "dataset": task.dataset,
        "provides": ",".join(sorted(task.provides)),
        "ranked": task.ranked,
        "metric": task.metric,
        "noise_floor": task.primary_floor,
        "extrapolation": task.extrapolation,
        "n_fitted": sum(len(run) for run in task.train),
        "n_scored": int(sum(mask.sum() for mask in task.counts)),
        "n_decisions": task.n_decisions,
        "n_params_law": len(law.parameters),
        "group": law.group,
        "needs": ",".join(sorted(law.needs)),
    }


def failure(row: Mapping[str, Any], reason: str, seconds: float | None = None) -> Outcome:
    """Return the outcome of a cell that failed."""
    return Outcome({**row, "status": "failed", "reason": reason, "seconds": seconds})


def missing_input(law: type[Law], task: Task) -> str:
    """Say which input of a law a task lacks; empty when it lacks none."""
    missing = sorted(law.needs - task.provides)
    if missing:
        what = " and ".join(INPUTS[name].of_task if name in INPUTS else name for name in missing)
        return f"law '{law.name}' needs {what}; task '{task.name}' has none."
    sizes = {run.n_params for run in task.train}
    blind = not law.needs & {"n_params", "paired_loss"}
    if task.track in ("scale", "pair") and blind and not {run.n_params for run in task.test} <= sizes:
        return f"law '{law.name}' knows no model size; task '{task.name}' predicts sizes that it does not fit."
    if task.track == "position" and "position_loss" not in law.needs and law.name not in BLIND_TO_POSITION:
        return f"law '{law.name}' knows nothing of positions; on task '{task.name}' power_steps stands for all such."
    for name in sorted(law.varies):
        if len(_values(name, task)) < 2:
            return f"law '{law.name}' needs at least two values of {name}; the fitted runs of '{task.name}' have one."
    return ""


def seen_more(entry: Entry, task: Task, law: type[Law]) -> str:
    """Say why published parameters are a reference on a task; empty when they may be ranked."""
    if not entry.recipe.startswith(PUBLISHED):
        return ""
    used = published_set(law, entry.recipe, task.train).fitted_on
    if not used:
        return "the source fitted the whole dataset."
    # A run of which only the start is fitted here is among the runs to be predicted as well.
    whole = {run.name for run in task.train} - {run.name for run in task.test}
    beyond = sorted(set(used) - whole)
    return f"the source fitted {', '.join(beyond)} too, which this task does not fit whole." if beyond else ""


def _predictions(entry: Entry, task: Task, law: type[Law]) -> tuple[Fit, list[Any]]:
    from lawbench.fitting.fit import fit

    found = fit(law, task.train, entry.recipe, **dict(entry.options))
    predicted = [np.asarray(curve) for curve in found.predict(task.test)]
    for run, curve in zip(task.test, predicted, strict=True):
        if curve.shape != (len(run),):
            raise FitError(f"law '{law.name}' predicts shape {curve.shape} for run '{run.name}', not ({len(run)},).")
        good = np.isfinite(curve) & (np.real(curve) > 0)
        if not good.all():
            i = int(np.argmin(good))
            raise FitError(
                f"law '{law.name}' predicts a loss of {curve[i]} for run '{run.name}' at step {run.steps[i]}: "
                "losses are finite and above 0."
            )
    return found, predicted


def _intervals(
    found: Fit, task: Task, refits: int
) -> tuple[list[tuple[Any, Any]] | None, dict[str, tuple[float, float]]]:
    """Return the intervals of predictions and of parameters; none where none are asked for or can be given."""
    if not refits:
        return None, {}
    try:
        values = found.bootstrap(refits)
        spans = found.interval(task.test, n=refits, refits=values)
    except FitError:
        return None, {}
    ends = values[list(found.law.names)].quantile([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return spans, {str(name): (float(low), float(high)) for name, (low, high) in ends.items()}


def _values(name: str, task: Task) -> set[float]:
    """Return the values that an input takes over the fitted runs (two are enough)."""
    if name == "lr":
        return {float(x) for run in task.train if run.schedule for x in (run.schedule.lr.min(), run.schedule.lr.max())}
    found = (np.atleast_1d(getattr(run, name)) for run in task.train if getattr(run, name, None) is not None)
    return {float(x) for values in found for x in (values.min(), values.max())}


def _evidence(found: Fit) -> dict[str, Any]:
    """Return the certificate's columns."""
    out: dict[str, Any] = {}
    for name, kind in CERTIFICATE.items():
        value = getattr(found.certificate, name)
        if kind == "text":
            value = ",".join(value)
        elif kind == "whole":
            value = int(value)
        else:
            value = float(value)
        out[f"cert_{name}"] = value
    return out
