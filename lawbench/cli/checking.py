"""``lawbench datasets check``: what the checks of datasets found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from lawbench.cli.say import BAD_INPUT, as_json, complain, table

if TYPE_CHECKING:
    from lawbench.data.card import Card
    from lawbench.dataset_checks import Inspection


def report_checks(cards: Sequence[Card], *, json: bool) -> None:
    """Check datasets and print what was found.

    Exits with 1 where there is a problem; else with 2 where a dataset could not be reached,
    because then not all that was asked is done.
    """
    from lawbench.dataset_checks import check_dataset

    found = [check_dataset(card) for card in cards]
    if json:
        as_json([asdict(one) | {"passed": one.passed} for one in found])
    else:
        table(("dataset", "check", "result", "details"), (row for one in found for row in _rows(one)))
    problems = sum(finding.problem for one in found for finding in one.findings)
    absent = [one.dataset for one in found if one.unreachable]
    told = f"{len(found) - len(absent)} of {len(found)} datasets checked, {problems} problem{'s' * (problems != 1)}"
    complain(f"{told}{'; not checked: ' + ', '.join(absent) if absent else ''}.")
    if problems:
        raise typer.Exit(1)
    if absent:
        raise typer.Exit(BAD_INPUT)


def _rows(one: Inspection) -> Iterator[tuple[str, ...]]:
    """One row a finding, problems first, and one row for all checks that found nothing."""
    if one.unreachable:
        yield one.dataset, "", "not checked", one.unreachable
        return
    for finding in sorted(one.findings, key=lambda finding: not finding.problem):
        yield one.dataset, finding.check, "PROBLEM" if finding.problem else "remark", finding.text
    quiet = [name for name in one.checks if name not in {finding.check for finding in one.findings}]
    if quiet:
        yield one.dataset, ", ".join(quiet), "passed", ""
