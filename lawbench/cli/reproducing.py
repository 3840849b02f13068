"""``lawbench reproduce``, ``diff`` and ``cite``: what reports rest on, and whether they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawbench.cli.progress import bar
from lawbench.cli.say import as_json, complain, table

if TYPE_CHECKING:
    from lawbench.provenance.differences import CellChange, RankChange
    from lawbench.provenance.reproduce import Reproduction, Rerun

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DIFFERENT = 1


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("reproduce")(reproduce)
    app.command("diff")(diff)
    app.command("cite")(cite)


def reproduce(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="Folder of a report.")],
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes (all usable cores).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new results (a temporary one).")] = None,
    sample: Annotated[int | None, typer.Option(help="Run only so many of the cells.")] = None,
    law: Annotated[list[Path] | None, typer.Option(help="File of a law that is not installed; repeatable.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds after which a cell is stopped.")] = 600.0,
    json: Json = False,
) -> None:
    """Run a report again; exit 1 where a cell does not agree."""
    from lawbench.provenance.recorded import read_report
    from lawbench.provenance.reproduce import reproduce as rerun

    recorded = read_report(report)
    with bar() as advance:
        found = rerun(recorded, n_jobs=jobs, out=out, sample=sample, laws=law or (), timeout=timeout, progress=advance)
    if json:
        as_json({"agrees": found.agrees, "of": found.of, **found.counts, "cells": list(map(_rerun, found.cells))})
    else:
        _tell_reruns(found)
    counts = {verdict: n for verdict, n in found.counts.items() if n or verdict in ("identical", "differs")}
    told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    of = f" of {found.of}" if found.of > len(found.cells) else ""
    complain(f"{len(found.cells)}{of} cells: {told}.")
    if not found.agrees:
        raise typer.Exit(DIFFERENT)


def diff(
    before: Annotated[Path, typer.Argument(metavar="REPORT", help="Folder of a report.")],
    after: Annotated[Path, typer.Argument(metavar="REPORT", help="Folder of another.")],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if they differ.")] = False,
    json: Json = False,
) -> None:
    """Say what changed between two reports, and why."""
    from lawbench.provenance.differences import compare
    from lawbench.provenance.recorded import read_report

    found = compare(read_report(before), read_report(after))
    changed = [cell for cell in found.cells if cell.kind != "same"]
    if json:
        ranks = [{"board": r.board, "entry": r.entry, "before": r.before, "after": r.after} for r in found.ranks]
        as_json({"differ": found.differ, **found.counts, "cells": list(map(_changed, changed)), "ranks": ranks})
    else:
        _tell_changes(changed, found.ranks)
    complain(", ".join(f"{n} {kind}" for kind, n in found.counts.items()) + f"; {len(found.ranks)} ranks changed.")
    if exit_code and found.differ:
        raise typer.Exit(DIFFERENT)


def cite(
    names: Annotated[list[str] | None, typer.Argument(metavar="[LAW|DATASET]...", help="All if none is named.")] = None,
) -> None:
    """Print the references of laws and datasets as BibTeX."""
    from lawbench.citing.bibliography import bibliography

    typer.echo(bibliography().bibtex(names or None), nl=False)


def _changed(cell: CellChange) -> dict[str, Any]:
    return {
        "task": cell.task,
        "entry": cell.entry,
        "kind": cell.kind,
        "status": cell.status,
        "error": cell.error,
        "change": cell.change,
        "noise_floor": cell.floor,
        "beyond_floor": cell.beyond_floor,
        "same_predictions": cell.same_predictions,
        "columns": cell.columns or {},
        "causes": [{"kind": cause.kind, "what": cause.what} for cause in cell.causes],
    }


def _rerun(cell: Rerun) -> dict[str, Any]:
    facts = {} if cell.change is None else _changed(cell.change)
    return {"task": cell.task, "entry": cell.entry, "verdict": cell.verdict, "reason": cell.reason} | {
        key: value for key, value in facts.items() if key not in ("task", "entry", "kind")
    }


def _tell_changes(changed: Sequence[CellChange], ranks: Iterable[RankChange]) -> None:
    if changed:
        heads = ("cell", "task", "entry", "status", "error", "change", "noise floor", "beyond", "why")
        table(heads, ((cell.kind, *_line(cell)) for cell in changed))
    lines = [(r.board, r.entry, r.before or "—", r.after or "—") for r in ranks]
    if lines:
        typer.echo("")
        table(("board", "entry", "rank before", "rank after"), lines)


def _line(cell: CellChange) -> tuple[str, ...]:
    status = cell.status[0] if cell.status[0] == cell.status[1] else " → ".join(s or "—" for s in cell.status)
    error = cell.error[1] if cell.error[1] is not None else cell.error[0]
    beyond = {True: "yes", False: "no", None: ""}[cell.beyond_floor]
    moved = "" if cell.change is None else f"{cell.change:+.2g}"
    return cell.task, cell.entry, status, _number(error), moved, _number(cell.floor), beyond, cell.why


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _tell_reruns(found: Reproduction) -> None:
    """One line a task, then one for each cell that does not agree."""
    from lawbench.provenance.reproduce import VERDICTS

    tasks = sorted({cell.task for cell in found.cells})
    counts = ([sum(c.task == t and c.verdict == v for c in found.cells) for v in VERDICTS] for t in tasks)
    table(("task", *VERDICTS), ((task, *map(str, own)) for task, own in zip(tasks, counts, strict=True)))
    lines = list(_disagreements(found.cells))
    if lines:
        typer.echo("")
        table(("verdict", "task", "entry", "status", "error", "change", "noise floor", "beyond", "why"), lines)


def _disagreements(cells: Iterable[Rerun]) -> Iterator[tuple[str, ...]]:
    for cell in cells:
        if cell.verdict == "differs" and cell.change is not None:
            yield (cell.verdict, *_line(cell.change)[:-1], cell.change.why or _columns(cell.change))
        elif cell.verdict == "not rerun":
            yield cell.verdict, cell.task, cell.entry, "", "", "", "", "", cell.reason


def _columns(change: CellChange) -> str:
    """Name what differs where no cause is known."""
    names = list(change.columns or {}) or ["predictions"]
    return f"no cause is known; {', '.join(names[:3])} differ{'s' if len(names) == 1 else ''}"
