"""All checks by name, and what became of them on a law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from lawbench.checks import budget, declaration, derivatives, extremes, fitting, prediction, purity, travel, units
from lawbench.law import Law

Check = Callable[[type[Law]], None]
Status = Literal["passed", "failed", "excepted", "stale"]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "citation": declaration.check_citation,
        "parameters": declaration.check_parameters,
        "options": declaration.check_options,
        "published": declaration.check_published,
        "finite": prediction.check_finite,
        "shape": prediction.check_shape,
        "batch": prediction.check_batch,
        "linear": prediction.check_linear,
        "approximate": prediction.check_approximate,
        "derivative": derivatives.check_derivative,
        "untouched": purity.check_untouched,
        "deterministic": purity.check_deterministic,
        "order": purity.check_order,
        "withheld": purity.check_withheld,
        "long_horizon": extremes.check_long_horizon,
        "zero_rate": extremes.check_zero_rate,
        "rewarmed": extremes.check_rewarmed,
        "recovers": fitting.check_recovers,
        "starts": fitting.check_starts,
        "fit_repeats": fitting.check_fit_repeats,
        "fit_order": fitting.check_fit_order,
        "step_unit": units.check_step_unit,
        "token_unit": units.check_token_unit,
        "rate_unit": units.check_rate_unit,
        "pickle": travel.check_pickle,
        "json": travel.check_json,
        "budget": budget.check_budget,
    }
)
"""Every check by the name that `Law.exceptions` uses."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check on one law.

    Attributes
    ----------
    name : str
        Key of `CHECKS`.
    status : {"passed", "failed", "excepted", "stale"}
        ``excepted`` fails as the law declares; ``stale`` passes although the law declares that it
        fails.
    reason : str
        What is wrong, or the law's own reason; empty when it passed.
    """

    name: str
    status: Status
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the law holds to the contract here: it passed, or fails as declared."""
        return self.status in ("passed", "excepted")


def check_law(law: type[Law]) -> list[CheckResult]:
    """Run the conformance suite on a law.

    Parameters
    ----------
    law : type of Law

    Returns
    -------
    list of CheckResult
        One a check. Whatever a law raises is a failed check, never an error.

    Examples
    --------
    >>> from lawbench.registry import find_law
    >>> all(result.passed for result in check_law(find_law("power_steps")))
    True
    """
    return [run_check(name, law) for name in CHECKS]


def run_check(name: str, law: type[Law]) -> CheckResult:
    """Run one check on a law."""
    declared = law.exceptions.get(name)
    found = _complaint(CHECKS[name], law)
    if declared is None:
        return CheckResult(name, "failed" if found else "passed", found)
    if found:
        return CheckResult(name, "excepted", declared)
    return CheckResult(name, "stale", f"passes, though declared to fail ({declared}): take the exception out")


def _complaint(check: Check, law: type[Law]) -> str:
    try:
        check(law)
    except AssertionError as failure:
        return str(failure) or "failed"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
