"""``lawbench check``, for laws and datasets, and ``lawbench datasets check``: what their checks found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lawbench.cli.say import BAD_INPUT, as_json, complain, table
from lawbench.errors import InputError, unknown

if TYPE_CHECKING:
    from lawbench.checks import CheckResult
    from lawbench.data.card import Card
    from lawbench.dataset_checks import Inspection
    from lawbench.law import Law

SHOWN = {"passed": "passed", "excepted": "declared", "failed": "FAILED", "stale": "STALE"}
"""What the table calls the statuses of `lawbench.checks.CheckResult`."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("check")(check)


def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Laws, law files, datasets.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Check all registered laws.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a law, or a dataset (exit 1 where it fails)."""
    from lawbench import registry

    if bool(names) == every:
        raise InputError("name laws, law files or datasets to check, or give --all.")
    if every:
        _report_laws(registry.laws(), json=json)
        return
    laws, cards = _sorted_out(names or [])
    if laws and cards:
        raise InputError("laws and datasets are checked one kind at a time: name only laws, or only datasets.")
    if cards:
        report_checks(cards, json=json)
    else:
        _report_laws(laws, json=json)


def _sorted_out(names: Sequence[str]) -> tuple[list[type[Law]], list[Card]]:
    """Return the laws and the datasets of some names."""
    from lawbench import registry
    from lawbench.data.dataset import datasets, find_card

    known, cards = registry.law_names(), [card.name for card in datasets()]
    for name in names:
        if not name.endswith(".py") and name not in known and name not in cards:
            raise unknown("law or dataset", name, [*known, *cards])
    of_laws = [name for name in names if name.endswith(".py") or name in known]
    return [registry.law_of(name) for name in of_laws], [find_card(name) for name in names if name not in of_laws]


def _report_laws(laws: Sequence[type[Law]], *, json: bool) -> None:
    """Check laws and print what was found; exit with 1 where one fails or declares too much.

    One law is shown check by check; of several, only what did not simply pass.
    """
    from lawbench.checks import check_law

    results = [(law.name, result) for law in laws for result in check_law(law)]
    if json:
        as_json([_plain(name, result) for name, result in results])
    else:
        rows = [(name, r.name, SHOWN[r.status], r.reason) for name, r in results if len(laws) == 1 or r.reason]
        if rows:
            table(("law", "check", "result", "reason"), rows)
    complain(_summary(len(laws), [result for _, result in results]))
    if not all(result.passed for _, result in results):
        raise typer.Exit(1)


def _plain(law: str, result: CheckResult) -> dict[str, str | bool]:
    return {"law": law, "check": result.name, "passed": result.passed, "status": result.status, "reason": result.reason}


def _summary(laws: int, results: Sequence[CheckResult]) -> str:
    count = {status: sum(result.status == status for result in results) for status in SHOWN}
    told = [f"{laws} law{'s' * (laws != 1)}", f"{count['passed']} checks passed"]
    told += [f"{count['excepted']} fail as declared"] * bool(count["excepted"])
    told += [f"{count['stale']} declared to fail but passed"] * bool(count["stale"])
    return ", ".join([*told, f"{count['failed']} failed"]) + "."


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
