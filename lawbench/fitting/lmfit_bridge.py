"""From a fit to lmfit: the report, correlations and criteria that users know."""

from __future__ import annotations

from typing import Any

import lmfit
import numpy as np

from lawbench.errors import FitError
from lawbench.fitting.certificate import at_bound
from lawbench.fitting.problem import Problem
from lawbench.schedule import FloatArray


def result_of(problem: Problem, theta: FloatArray) -> lmfit.minimizer.MinimizerResult:
    """Return an lmfit result at an optimum.

    The residual handed to lmfit is ``sign(r) sqrt(2 w h(r))``, whose sum of squares is twice the
    objective. Parameters at a bound are held, because lmfit gives no errors to anyone otherwise.

    Raises
    ------
    FitError
        If no parameter is free.
    """
    space = problem.space
    stuck = set(at_bound(problem, theta)) if theta.size else set()
    values = space.values(theta)
    parameters = lmfit.Parameters()
    for parameter, value in zip(space.parameters, values, strict=True):
        if parameter.name in space.ties:
            continue
        free = parameter.name in space.names and parameter.name not in stuck
        # lmfit maps a bounded range onto a circle, and loses every digit of a value in a very wide one.
        narrow = parameter.max - parameter.min <= 1e3 * max(1.0, abs(value))
        low, high = (parameter.min, parameter.max) if narrow else (-np.inf, np.inf)
        parameters.add(lmfit_name(parameter.name), value=float(value), min=low, max=high, vary=free)

    for name, tie in space.ties.items():
        parameters.add(lmfit_name(name), expr=tie.expression)

    def residual(now: lmfit.Parameters) -> Any:
        p = np.array([now[lmfit_name(q.name)].value for q in space.parameters])
        residuals = problem.residuals_of(problem.law.predict(p, problem.x))
        size = np.abs(residuals)
        inside = np.minimum(size, problem.objective.threshold)
        return np.sign(residuals) * np.sqrt(2.0 * problem.weights * inside * (size - 0.5 * inside))

    if not any(p.vary for p in parameters.values()):
        raise FitError(f"law '{problem.law.name}' has no free parameters here, so lmfit has nothing to report.")
    return lmfit.minimize(residual, parameters, method="leastsq")


def lmfit_name(name: str) -> str:
    """Return a parameter's name as lmfit accepts it: ``lambda`` is a word of Python.

    Examples
    --------
    >>> lmfit_name("lambda"), lmfit_name("alpha")
    ('lambda_', 'alpha')
    """
    return name + "_" if name == "lambda" else name
