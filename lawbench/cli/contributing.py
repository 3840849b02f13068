"""``lawbench contribute`` and ``export-tasks``: results that were made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lawbench.cli.say import as_json, complain, table


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("contribute")(contribute)
    app.command("export-tasks")(export_tasks)


def contribute(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of results.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the results ($LAWBENCH_RESULTS, or results).")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace other results of the entry.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and score, store nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score results from elsewhere here, and store them marked."""
    from lawbench.contributions.schema import read_contribution
    from lawbench.contributions.score import score, store_all
    from lawbench.store import Store, default_folder

    found = read_contribution(file)
    outcomes = score(found)
    folder = out or default_folder()
    new = [] if dry_run else store_all(outcomes, Store(folder), replace=replace)
    if json:
        as_json({"store": str(folder), "stored": len(new), "rows": [outcome.row for outcome in outcomes]})
    else:
        _tell([outcome.row for outcome in outcomes])
    complain(f"{len(outcomes)} tasks scored here, {len(new)} stored in '{folder}'. Next: lawbench board.")


def export_tasks(
    suite: Annotated[str, typer.Option(help="The tasks of a suite: smoke, offline, core, full.")] = "core",
    to: Annotated[Path, typer.Option(help="File to write.")] = Path("tasks.json"),
    fitted: Annotated[bool, typer.Option("--fitted", help="Also the runs to fit, with losses.")] = False,
) -> None:
    """Write what has to be predicted, without any of its losses."""
    from lawbench.contributions.export import export_tasks as exported
    from lawbench.contributions.export import write_json
    from lawbench.errors import InputError

    if to.exists():
        raise InputError(f"'{to}' exists and is not overwritten: choose another name with --to.")
    tasks = exported(suite, fitted=fitted)
    write_json(tasks, to)
    typer.echo(f"{to}: {len(tasks['tasks'])} tasks of suite {tasks['suite']}. See docs/contribute.md.")


def _tell(rows: list[Mapping[str, Any]]) -> None:
    from lawbench.boards import primary_error
    from lawbench.columns import as_frame

    frame = as_frame(rows)
    frame = frame.assign(error=primary_error(frame))[["task", "entry", "status", "error", "noise_floor"]]
    lines = ((*words, _number(error), _number(floor)) for *words, error, floor in frame.itertuples(index=False))
    table(("task", "entry", "status", "error", "noise floor"), lines)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.5g}"
