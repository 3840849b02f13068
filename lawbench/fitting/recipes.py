"""How a law is fitted: the named recipes and what each does.

``common``
    The converged optimum: search, polish with exact derivatives, certificate.
``published:SOURCE``
    The parameters that a source prints for a dataset; nothing is fitted.
``paper``
    The optimiser of the law's paper, where that decides the result.
``sum``
    ``common`` with the papers' weighting: all points are added up, so that long curves dominate.
``least_squares``
    ``common`` with least squares on log residuals in place of Huber's loss.
``regularised``
    ``common`` with a prior on the law's pure numbers, from the training curves of other families
    (see `lawbench.fitting.prior`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lawbench.errors import InputError, NotApplicableError, unknown
from lawbench.fitting.prior import has_prior
from lawbench.law import Law, Published
from lawbench.runs import Run

COMMON = "common"
PAPER = "paper"
PUBLISHED = "published"
SUM = "sum"
LEAST_SQUARES = "least_squares"
REGULARISED = "regularised"
ALL = "all"
"""Every recipe of a law, also those that run only when they are asked for."""
OBJECTIVES: Mapping[str, Mapping[str, Any]] = {
    PAPER: {"across": "sum"},
    SUM: {"across": "sum"},
    LEAST_SQUARES: {"loss": "least_squares"},
}
"""What a recipe changes of the default objective."""


def recipes_for(law: Law | type[Law]) -> list[str]:
    """Return the names of all recipes of a law.

    Examples
    --------
    >>> from lawbench.registry import find_law
    >>> recipes_for(find_law("power_steps"))
    ['common', 'sum', 'least_squares', 'regularised']
    >>> recipes_for(find_law("last_value"))
    ['common']
    """
    sources = dict.fromkeys(p.source for p in law.published)
    known = [COMMON, *(f"{PUBLISHED}:{source}" for source in sources), *([PAPER] if law.paper else [])]
    kind = law if isinstance(law, type) else type(law)
    if kind.estimate is Law.estimate:
        known += [SUM, LEAST_SQUARES]
    return [*known, REGULARISED] if shared(law) and has_prior(law.name) else known


def default_recipes(law: Law | type[Law]) -> list[str]:
    """Return the recipes of a law that run unless others are asked for.

    Examples
    --------
    >>> from lawbench.registry import find_law
    >>> default_recipes(find_law("power_steps"))
    ['common']
    """
    asked = {SUM, LEAST_SQUARES, REGULARISED} - set(law.compared)
    return [recipe for recipe in recipes_for(law) if recipe not in asked]


def shared(law: Law | type[Law]) -> bool:
    """Return whether all runs of a fit share one set of parameters, found by a search."""
    kind = law if isinstance(law, type) else type(law)
    return kind.estimate is Law.estimate and not law.alone


def published_set(
    law: Law | type[Law], recipe: str, runs: Sequence[Run], asked: Mapping[str, str] | None = None
) -> Published:
    """Return the parameters that a source prints for the dataset of some runs.

    Parameters
    ----------
    law : Law or type of Law
    recipe : str
        ``published:SOURCE``, or ``published`` for the first source that fits.
    runs : sequence of Run
    asked : mapping, optional
        Options that the user asked for; a set goes with options of its own.

    Raises
    ------
    UnknownNameError
        If the law has no parameters of this source.
    NotApplicableError
        If the source printed none for this dataset.
    InputError
        If its parameters go with other options than those asked for.
    """
    source = recipe.partition(":")[2]
    of_source = [p for p in law.published if p.source == source or not source]
    if not of_source:
        raise unknown(f"published source of law '{law.name}'", source, {p.source for p in law.published})
    datasets = {run.dataset for run in runs}
    fitting = [p for p in of_source if datasets == {p.dataset}]
    if not fitting:
        there = ", ".join(sorted({p.dataset for p in of_source}))
        here = ", ".join(sorted(datasets - {""})) or "these runs"
        raise NotApplicableError(
            f"the parameters of law '{law.name}' in '{source or PUBLISHED}' were fitted on {there}, not on {here}: "
            "use recipe 'common'."
        )
    agreeing = [p for p in fitting if (asked or {}).items() <= {**(asked or {}), **p.options}.items()]
    if not agreeing:
        own = ", ".join(f"{name}={value}" for name, value in fitting[0].options.items())
        raise InputError(
            f"the parameters of law '{law.name}' in '{fitting[0].source}' go with {own}: leave the option out."
        )
    return agreeing[0]


def check_recipe(law: Law, recipe: str) -> str:
    """Return a recipe's name if the law has it.

    Raises
    ------
    UnknownNameError
        If it does not.
    """
    known = recipes_for(law)
    if recipe not in known and not (recipe == PUBLISHED and law.published):
        raise unknown(f"recipe of law '{law.name}'", recipe, known)
    return recipe


def only_runs(published: Published, runs: Sequence[Run]) -> bool:
    """Return whether a source fitted nothing but runs that are among the fitted ones, whole.

    Otherwise its parameters have seen more than a task lets a law see, and are a reference there.
    """
    return bool(published.fitted_on) and set(published.fitted_on) <= {run.name for run in runs}


def with_options(law: Law, options: Mapping[str, str]) -> Law:
    """Return the law with some of its options changed."""
    return type(law)(**{**law.choices, **options})
