"""The conformance suite of laws: what every law must do, whoever wrote it.

`check_law` runs it on one law, ``lawbench check LAW`` prints what that gives, and
`parametrize_with_checks` makes one pytest case of every law and check. A check is a plain function
of a law class that raises when the law does not hold to the contract. A law may declare that it
fails one, with the reason, in `lawbench.law.Law.exceptions`.
"""

from lawbench.checks.parametrize import parametrize_with_checks as parametrize_with_checks
from lawbench.checks.samples import sample_runs as sample_runs
from lawbench.checks.suite import CHECKS as CHECKS
from lawbench.checks.suite import CheckResult as CheckResult
from lawbench.checks.suite import check_law as check_law
