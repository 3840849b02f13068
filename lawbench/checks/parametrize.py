"""One pytest case for every law and check, for the tests of whoever writes laws."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lawbench.checks.suite import CHECKS
from lawbench.law import Law
from lawbench.registry import find_law

if TYPE_CHECKING:
    import pytest


def parametrize_with_checks(laws: Iterable[type[Law] | str]) -> pytest.MarkDecorator:
    """Return a pytest decorator for a test of two arguments, ``law`` and ``check``.

    Every check of every law is a case of its own, named ``law-check``. What a law declares in
    `Law.exceptions` is expected to fail, with its reason; when it passes, the case fails.

    Parameters
    ----------
    laws : iterable of law classes or names

    Examples
    --------
    >>> from lawbench.checks import parametrize_with_checks
    >>> @parametrize_with_checks(["power_steps"])
    ... def test_my_law(law, check):
    ...     check(law)
    """
    import pytest

    chosen = [find_law(law) if isinstance(law, str) else law for law in laws]
    cases = [
        pytest.param(
            law,
            check,
            id=f"{law.name}-{name}",
            marks=[pytest.mark.xfail(reason=law.exceptions[name], strict=True)] if name in law.exceptions else [],
        )
        for law in chosen
        for name, check in CHECKS.items()
    ]
    return pytest.mark.parametrize(("law", "check"), cases)
