"""Checks of what a law says of itself."""

from __future__ import annotations

import numpy as np

from lawbench.checks.samples import draw, sample_runs, stacked
from lawbench.errors import LawbenchError
from lawbench.inputs import INPUTS
from lawbench.law import Law


def check_citation(law: type[Law]) -> None:
    """Name, title, reference, year, formula; known inputs; exceptions of checks that there are, with reasons."""
    from lawbench.checks.suite import CHECKS

    assert law.name.isidentifier() and law.name == law.name.lower(), f"name '{law.name}' is no lower-case identifier"  # noqa: PT018
    assert law.title, "no title"
    assert law.reference, "no reference: say where the formula is from"
    assert 1900 < law.year < 2100, f"year {law.year} is not a year"
    assert ".. math::" in (law.__doc__ or ""), "no formula in the docstring (a `.. math::` block)"
    assert law.needs, "needs no input at all"
    assert law.needs <= set(INPUTS), f"needs {sorted(law.needs - set(INPUTS))}, which no run provides"
    odd = sorted(set(law.exceptions) - set(CHECKS))
    assert not odd, f"declares an exception from {', '.join(odd)}, which is no check"
    for name, reason in law.exceptions.items():
        assert reason, f"declares an exception from {name} without a reason"


def check_parameters(law: type[Law]) -> None:
    """Every parameter has a meaning, a unit, bounds, and a start and a grid inside them."""
    names = law().names
    assert len(set(names)) == len(names), "parameter names repeat"
    assert set(law.linear) <= set(names), f"{sorted(set(law.linear) - set(names))} is linear but no parameter"
    for p in law.parameters:
        assert p.meaning, f"parameter {p.name} has no meaning"
        assert p.unit, f"parameter {p.name} has no unit (a pure number has unit 1)"
        assert p.min < p.max, f"parameter {p.name} has no room between its bounds"
        assert p.min <= p.start <= p.max, f"parameter {p.name} starts outside its bounds"
        assert p.scale == "linear" or p.min > 0, f"parameter {p.name} is logarithmic but may be 0"
        assert all(p.min <= value <= p.max for value in p.grid), f"the grid of {p.name} leaves its bounds"


def check_options(law: type[Law]) -> None:
    """Every choice of every option predicts; an undeclared one is refused."""
    for option in law.options:
        assert option.meaning, f"option {option.name} has no meaning"
        assert option.default in option.choices, f"default of option {option.name} is not a choice"
        for choice in option.choices:
            model = law(**{option.name: choice})
            out = model.predict(draw(model, 1)[0], stacked(model, sample_runs()))
            assert np.isfinite(out).all(), f"not finite with {option.name}={choice}"
    try:
        law(no_such_option="x")
    except LawbenchError:
        return
    raise AssertionError("accepts an option that it does not declare")


def check_published(law: type[Law]) -> None:
    """Published parameters name their source and dataset, are complete, and go with options that there are."""
    for published in law.published:
        where = f"published parameters '{published.source}'"
        assert published.source, "published parameters have no source"
        assert published.reference, f"{where} have no reference"
        assert published.dataset, f"{where} do not say what they were fitted on"
        model = law(**published.options)
        shared = {name.partition("[")[0] for name in published.values}
        assert shared == set(model.names), f"{where} are not those of the law: {sorted(shared ^ set(model.names))}"
        assert np.isfinite(list(published.values.values())).all(), f"{where} are not finite"
