"""``lawbench run``, ``board`` and ``report``: the benchmark and what comes of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawbench.cli.progress import bar
from lawbench.cli.say import as_json, complain, table
from lawbench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results ($LAWBENCH_RESULTS, or results).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
REPORT = Path("report")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("run")(run)
    app.command("board")(board)
    app.command("report")(report)


def run(
    law: Annotated[
        list[str] | None, typer.Option(help="Law, entry as mpl[warmup=raw]@paper, or law file; repeatable.")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Task or dataset; repeatable.")] = None,
    track: Annotated[str | None, typer.Option(help="Only tasks of a track.")] = None,
    suite: Annotated[str | None, typer.Option(help="The tasks of a suite: smoke, offline, core, full.")] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe",
            "--recipes",
            help="common, paper, published[:SOURCE], sum, least_squares, regularised, or all; repeatable.",
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes (all usable cores).")] = None,
    out: Out = None,
    make_report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report.")] = True,
    report_to: Annotated[Path, typer.Option(help="Folder of the report.")] = REPORT,
    timeout: Annotated[float, typer.Option(help="Seconds after which a cell is stopped.")] = 600.0,
    intervals: Annotated[int, typer.Option(help="Bootstrap refits behind prediction intervals (0: none).")] = 0,
    json: Json = False,
) -> None:
    """Fit, predict, score and rank; only what changed runs again.

    Chosen laws are joined by the baselines of their boards.
    """
    from lawbench.runner import run as run_cells

    chosen = _of_track(_with_suite(task, suite), track)
    with bar() as advance:
        rows = run_cells(
            _with_baselines(law, recipe, chosen),
            chosen,
            recipe or None,
            jobs,
            out,
            intervals=intervals,
            timeout=timeout,
            progress=advance,
        )
    _account(rows)
    if json:
        as_json({"rows": rows.to_dict("records"), **rows.attrs})
    else:
        _boards(rows)
    if make_report and _shows(report_to, rows):
        typer.echo(f"Report: {report_to / 'index.html'} (unchanged)", err=json)
    elif make_report:
        page = _write(rows, Path(rows.attrs["store"]), report_to, committed=False)
        typer.echo(f"Report: {page}", err=json)


def board(
    name: Annotated[str | None, typer.Argument(metavar="[BOARD]", help="All boards if none is named.")] = None,
    out: Out = None,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Score all predicted points.")] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Every pair of entries instead: who wins, how surely.")
    ] = False,
    ranks: Annotated[bool, typer.Option("--ranks", help="Mean ranks instead, and their critical distance.")] = False,
    stability: Annotated[bool, typer.Option("--stability", help="How steady the order is instead.")] = False,
    json: Json = False,
) -> None:
    """Show leaderboards, pairs or ranks of stored results."""
    from lawbench.leaderboard import BOARDS, find_board, leaderboard

    names = [find_board(name).name] if name else list(BOARDS)
    rows = _stored_rows(out)
    chosen = [view for view, wanted in (("pairs", pairs), ("ranks", ranks), ("stability", stability)) if wanted]
    if chosen:
        from lawbench.cli.views import show

        show(rows, names, chosen, masked=not unmasked, json=json)
    elif json:
        boards = {n: leaderboard(rows, n, masked=not unmasked) for n in names}
        as_json({n: {"rows": b.to_dict("records"), **b.attrs} for n, b in boards.items()})
    else:
        _boards(rows, names, masked=not unmasked)


def report(
    to: Annotated[Path, typer.Option("--to", help="Folder of the report.")] = REPORT,
    out: Out = None,
    public: Annotated[
        bool, typer.Option("--public", help="Show data that may not be passed on only as aggregates and pictures.")
    ] = False,
) -> None:
    """Write a report of the stored results."""
    rows = _stored_rows(out)
    typer.echo(f"Report: {_write(rows, Path(rows.attrs['store']), to, committed=public)}")


def _with_baselines(laws: list[str] | None, recipes: list[str] | None, tasks: list[str] | None) -> list[str] | None:
    """Add to some laws the baselines of the boards they will stand on: without one nothing is ranked."""
    if not laws and not recipes:
        return None
    from lawbench.boards import BOARDS
    from lawbench.registry import laws as registered
    from lawbench.runner import choose

    known, tracks = [law.name for law in registered()], {task.track for task in choose(tasks)}
    baselines = {board.baseline for board in BOARDS.values() if board.track in tracks} & set(known)
    return [*(laws or known), *(f"{name}@common" for name in sorted(baselines))]


def _with_suite(names: list[str] | None, suite: str | None) -> list[str] | None:
    if suite is None:
        return names
    from lawbench.suites import find_suite

    return [*(names or []), *find_suite(suite).tasks]


def _of_track(names: list[str] | None, track: str | None) -> list[str] | None:
    if track is None:
        return names or None
    from lawbench.runner import choose
    from lawbench.tasks import tasks

    of_track = {task.name for task in tasks(track)}
    chosen = [task.name for task in choose(names or None) if task.name in of_track]
    if not chosen:
        raise InputError(f"no chosen task is of track '{track}': see `lawbench tasks`.")
    return chosen


def _stored_rows(out: Path | None) -> pd.DataFrame:
    from lawbench.store import default_folder, load_rows

    folder = out or default_folder()
    rows = load_rows(folder)
    for sentence in rows.attrs["ignored"]:
        complain(sentence)
    if rows.empty:
        raise InputError(f"there are no results in '{folder}': start with `lawbench run`.")
    rows.attrs["store"] = str(folder)
    return rows


def _shows(folder: Path, rows: pd.DataFrame) -> bool:
    """Return whether a folder holds a report of these very results; drawing it again takes seconds."""
    import pandas as pd

    columns = ["task", "entry", "status", "fingerprint"]
    if rows.attrs["computed"] or not (folder / "index.html").is_file():
        return False
    try:
        shown = pd.read_csv(folder / "results.csv", usecols=columns, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return False
    both = [set(frame[columns].itertuples(index=False, name=None)) for frame in (shown, rows)]
    return both[0] == both[1]


def _write(rows: pd.DataFrame, store: Path, to: Path, *, committed: bool) -> Path:
    from lawbench.report.page import write_report
    from lawbench.store import load_cells

    command = shlex.join(["lawbench", *sys.argv[1:]])
    cells = {(cell.row["task"], cell.row["entry"]): cell for cell in load_cells(store)}
    predictions = {name: cell.predictions for name, cell in cells.items() if cell.predictions}
    params = {name: cell.params for name, cell in cells.items() if cell.params}
    spread = {name: cell.spread for name, cell in cells.items() if cell.spread}
    return write_report(rows, predictions, to, params=params, spread=spread, command=command, committed=committed)


def _account(rows: pd.DataFrame) -> None:
    """Say what was left out, ignored and failed."""
    for sentence in rows.attrs["ignored"]:
        complain(sentence)
    reasons: dict[str, list[str]] = {}
    for task, reason in rows.attrs["left_out"].items():
        reasons.setdefault(reason, []).append(task)
    for reason, tasks in reasons.items():
        complain(f"left out {', '.join(tasks)}: {reason}")
    failed = rows[rows["status"] == "failed"]
    for entry, task, reason in failed[["entry", "task", "reason"]].itertuples(index=False):
        complain(f"failed: {entry} on {task}: {reason}")
    counts = rows["status"].value_counts()
    told = ", ".join(
        f"{counts.get(status, 0)} {status.replace('_', ' ')}"
        for status in ("ok", "reference", "not_applicable", "failed")
    )
    ran = rows.attrs["computed"]
    complain(f"{len(rows)} cells ({ran} computed, {len(rows) - ran} stored): {told}.")


def _boards(rows: pd.DataFrame, names: list[str] | None = None, *, masked: bool = True) -> None:
    """Print boards; those without tasks are skipped unless they were asked for."""
    from lawbench.leaderboard import BOARDS, leaderboard

    for name in names or BOARDS:
        shown = leaderboard(rows, name, masked=masked)
        if shown.empty and len(names or BOARDS) > 1:
            continue
        about = shown.attrs
        typer.echo(f"\n{name}: {about['title']} (skill against {about['baseline']}, {len(about['tasks'])} tasks)")
        here = (shown["ok"] + shown["failed"] > 0) | shown["reference"].astype(bool)
        table(
            ("rank", "entry", "skill", "log MAE", "floors", "win rate", "ok", "failed", "s"),
            map(_line, _records(shown[here])),
        )
        if not here.all():
            typer.echo(f"Not applicable here: {', '.join(shown.loc[~here, 'entry'])}.")
        typer.echo(about["note"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in record.items()} for record in frame.to_dict("records")]


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    rank = "ref" if row["reference"] else _number(row["rank"], "d")
    interval = _number(row["skill_low"], "+.3f")
    skill = _number(row["skill"], "+.3f") + (f" [{interval}, {_number(row['skill_high'], '+.3f')}]" if interval else "")
    return (
        rank, row["entry"], skill, _number(row["log_mae"], ".5f"), _number(row["floors"], ".1f"),
        _number(row["win_rate"], ".2f"), str(row["ok"]), str(row["failed"]), _number(row["seconds"], ".2f"),
    )  # fmt: skip


def _number(value: Any, form: str) -> str:
    import pandas as pd

    return "" if pd.isna(value) else format(int(value) if form == "d" else float(value), form)
