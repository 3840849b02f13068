"""``lawbench import``: one's own logs become a dataset."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawbench.cli.say import as_json, complain, facts
from lawbench.errors import InputError

if TYPE_CHECKING:
    from lawbench.logs.importing import Imported, Request
    from lawbench.logs.write import Written

Text = str | None


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("import")(import_logs)


def import_logs(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Logs; every file is one run.")],
    name: Annotated[str, typer.Option(help="Name of the dataset.")],
    to: Annotated[Path | None, typer.Option(help="Folder of datasets.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    step_column: Annotated[Text, typer.Option(help="Column of the steps.")] = None,
    loss_column: Annotated[Text, typer.Option(help="Column of the losses.")] = None,
    lr_column: Annotated[Text, typer.Option(help="Column of the rates, or none.")] = None,
    tokens_column: Annotated[Text, typer.Option(help="Column of the tokens, or none.")] = None,
    run: Annotated[Text, typer.Option(help="Which run of a file with several.")] = None,
    restart: Annotated[Text, typer.Option(help="keep-last: later values win.")] = None,
    count_from: Annotated[int | None, typer.Option(help="Step of the first update: 0, 1.")] = None,
    lr: Annotated[Text, typer.Option(help="Rates are used, next; or interpolate.")] = None,
    schedule: Annotated[Text, typer.Option(help="As hf:cosine, megatron:WSD; or none.")] = None,
    peak: Annotated[float | None, typer.Option(help="Highest rate.")] = None,
    warmup: Annotated[int | None, typer.Option(help="Steps of the warm-up.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the whole schedule.")] = None,
    end: Annotated[float | None, typer.Option(help="Last rate.")] = None,
    tokens_per_step: Annotated[float | None, typer.Option(help="Tokens of one step.")] = None,
    n_params: Annotated[float | None, typer.Option(help="Model size.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Number of tokens.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Turn logs into a dataset; asks before it writes."""
    from lawbench.data.dataset import OWN, own_places
    from lawbench.logs.importing import Request, read_runs
    from lawbench.logs.write import check_name, write_dataset

    place = to or next(iter(own_places()), OWN)
    check_name(name, place)
    _free(name)
    told = _told(schedule, peak, warmup, steps, end, lr)
    request = Request(step_column, loss_column, lr_column, tokens_column, run, told, restart, count_from,
                      tokens_per_step, n_params, vocabulary)  # fmt: skip
    runs = read_runs(files, request)
    if not json:
        for one in runs:
            facts(_facts(one))
            typer.echo()
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Write {place / name}?", err=json)):
        raise InputError("nothing is written: correct it with the flags, or confirm with --yes.")
    written = write_dataset(name, place, runs, request)
    if json:
        as_json(_all(written, runs, request))
    else:
        _done(written, place)


def _free(name: str) -> None:
    from lawbench.data.dataset import datasets

    for card in datasets():
        if card.name == name:
            raise InputError(f"there is a dataset '{name}' already, in {card.folder}: choose another --name.")


def _told(schedule: Text, peak: float | None, warmup: int | None, steps: int | None, end: float | None, way: Text) \
        -> Any:  # fmt: skip
    """Return what is said about the rates; further arguments may follow the name, as in ``WSD,decay_steps=100``."""
    from lawbench.cli.inputs import arguments_of
    from lawbench.logs.rates import Told

    kind, more = arguments_of(schedule) if schedule else (None, {})
    given = {"peak": peak, "warmup": warmup, "steps": steps, "end": end}
    for key in [key for key in more if key in given]:
        value = more.pop(key)
        if given[key] is not None and given[key] != value:
            raise InputError(f"--schedule says {key}={value}, and --{key} says {given[key]}: give one of them.")
        if isinstance(value, str) or (key in ("warmup", "steps") and not isinstance(value, int)):
            raise InputError(f"'{value}' is no number for {key}: correct --schedule.")
        given[key] = value
    return Told(kind, more=more, way=way, **given)  # type: ignore[arg-type]


def _facts(run: Imported) -> dict[str, Any]:
    chosen, steps = run.chosen, run.curve.steps
    return {
        "file": run.path.name,
        "run": run.name,
        "format": run.form,
        "step": f"{chosen.step}: {steps[0]} to {steps[-1]}, counted from 0",
        "loss": f"{chosen.loss} ({chosen.kind}): {steps.size} points, {run.curve.values[0]:.4g} to "
        f"{run.curve.values[-1]:.4g}",
        "rate": chosen.lr,
        "tokens": run.tokens_are,
        "note": "\n      ".join(run.quirks[1:]),
    }


def _all(written: Written, runs: list[Imported], request: Request) -> dict[str, Any]:
    card = written.card
    return {
        "dataset": card.name,
        "folder": str(card.folder),
        "tasks": [f"{card.name}/{task.name}" for task in card.tasks],
        "without_task": dict(written.without_task),
        "n_params": request.n_params,
        "runs": [{**_facts(run), "quirks": list(run.quirks), "points": run.curve.steps.size} for run in runs],
    }


def _done(written: Written, place: Path) -> None:
    from lawbench.data.dataset import own_places

    card = written.card
    for run, reason in written.without_task.items():
        complain(f"run '{run}' gets no task: {reason}.")
    typer.echo(f"Wrote {card.folder / 'card.toml'}")
    found = place.resolve() in [other.resolve() for other in own_places()]
    where = "" if found else f"LAWBENCH_DATASETS={place.resolve()} "
    if card.tasks:
        typer.echo(f"Next: {where}lawbench run --task {card.name}")
    else:
        typer.echo(f"Next: {where}lawbench datasets {card.name}")
