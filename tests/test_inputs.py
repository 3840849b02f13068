"""One table of inputs: what runs give and what laws need is in it, wherever it is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lawbench.checks import sample_runs
from lawbench.contributions.schema import ForeignLaw
from lawbench.inputs import INPUTS
from lawbench.registry import laws


def test_every_input_of_a_run_has_words() -> None:
    given = frozenset.union(*(run.provides for run in sample_runs()))
    assert given == set(INPUTS) - {"prefix"}  # which a task gives, not a run


def test_no_law_needs_what_has_no_words() -> None:
    assert frozenset.union(*(law.needs | law.varies for law in laws())) <= set(INPUTS)


@pytest.mark.parametrize("name", INPUTS)
def test_results_from_elsewhere_may_need_every_input(name: str) -> None:
    about = {"name": "mine", "title": "Mine", "reference": "nowhere", "year": 2026, "n_params": 3, "needs": [name]}
    assert ForeignLaw.model_validate(about).needs == (name,)
    with pytest.raises(ValidationError, match="input"):
        ForeignLaw.model_validate({**about, "needs": [f"{name}x"]})
