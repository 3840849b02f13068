"""``lawbench datasets``, ``tasks`` and ``fetch``: what there is, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawbench.cli.say import as_json, facts, table

if TYPE_CHECKING:
    from lawbench.data.card import Card

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("datasets")(datasets)
    app.command("tasks")(tasks)
    app.command("fetch")(fetch)


def datasets(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[check] [NAME]", help="Datasets; all if none is named. With `check`, check them."),
    ] = None,
    json: Json = False,
) -> None:
    """List the datasets, show cards and files, or check them.

    `lawbench datasets check` exits with 1 where there is a problem, else with 2 where files could not be reached.
    """
    from lawbench.data import dataset as data

    names = names or []
    checked = names[:1] == ["check"]
    names = names[1:] if checked else names
    cards = [data.find_card(name) for name in names] if names else data.datasets()
    if checked:
        from lawbench.cli.checking import report_checks

        report_checks(cards, json=json)
    elif json:
        as_json([_card_facts(card) for card in cards])
    elif not names:
        columns = ("dataset", "family", "tasks", "licence", "may be passed on", "title")
        rows = (
            (c.name, c.family, len(c.tasks), c.licence, "yes" if c.redistributable else "no", c.title) for c in cards
        )
        table(columns, rows)
    else:
        for i, card in enumerate(cards):
            if i:
                typer.echo()
            _show_card(card)


def tasks(
    track: Annotated[str | None, typer.Option(help="Only tasks of a track.")] = None,
    json: Json = False,
) -> None:
    """List the tasks."""
    from dataclasses import asdict

    from lawbench import tasks as all_tasks

    found = all_tasks(track)
    if json:
        as_json([asdict(task) for task in found])
    else:
        rows = ((t.name, t.track, t.family, "yes" if t.ranked else "no", t.note) for t in found)
        table(("task", "track", "family", "ranked", "note"), rows)


def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets; all if none.")] = None,
) -> None:
    """Get and verify the files of datasets."""
    from lawbench.data import dataset as data
    from lawbench.data import sources

    cards = [data.find_card(name) for name in names] if names else data.datasets()
    for card in cards:
        ways: list[str] = []
        sources.fetch(card, lambda _, way, ways=ways: ways.append(way))  # type: ignore[misc]
        counted = ", ".join(f"{ways.count(way)} from {way}" for way in dict.fromkeys(ways))
        typer.echo(f"{card.name}: {counted.replace('from shipped', 'shipped')}, all verified")


def _card_facts(card: Card) -> dict[str, Any]:
    from lawbench.data.sources import where

    out: dict[str, Any] = card.model_dump(mode="json", exclude={"folder"})
    out["ways"] = where(card)
    return out


def _show_card(card: Card) -> None:
    from lawbench.data.sources import upstream_url, where

    facts(
        {
            "name": card.name,
            "title": card.title,
            "citation": card.citation,
            "licence": card.licence + ("" if card.redistributable else " (may not be passed on)"),
            "family": card.family,
            "loss": f"{card.loss.kind}, {card.loss.unit}; smoothing: {card.loss.smoothing}",
            "N": card.n_params_counts,
            "D": card.tokens_are,
        }
    )
    for quirk in card.quirks:
        typer.echo(f"- {quirk}")
    if card.runs:
        typer.echo()
        shown = ((r.name, " ".join(f"{k}={v}" for k, v in (r.schedule or {}).items())) for r in card.runs)
        table(("run", "schedule"), shown)
    elif card.loader is not None:
        typer.echo("\nIts runs are made by its loader from the files below.")
    ways = where(card)
    if "upstream" not in ways.values():
        _show_runs(card)
    typer.echo()
    rows = ((f"{card.name}/{t.name}", t.track, t.fitted_points, t.scored_points, t.note) for t in card.tasks)
    table(("task", "track", "fitted", "scored", "note"), rows)
    typer.echo()
    table(
        ("file", "bytes", "comes from"),
        ((f.path, f.bytes, upstream_url(card, f) if ways[f.path] == "upstream" else ways[f.path])
         for f in card.source.files),
    )  # fmt: skip


def _show_runs(card: Card) -> None:
    """Say what the runs of a dataset at hand hold, and what is odd about them."""
    from lawbench.data.dataset import load_dataset
    from lawbench.spikes import trouble

    runs = load_dataset(card.name).runs
    points = sum(len(run) for run in runs)
    typer.echo(f"\n{len(runs)} runs, {points} points")
    ranges = {
        "loss": [x for run in runs for x in (run.loss.min(), run.loss.max())],
        "N": [run.n_params for run in runs if run.n_params is not None],
        "D": [x for run in runs if run.tokens is not None for x in (run.tokens[0], run.tokens[-1])],
    }
    facts({name: f"{min(values):.4g} to {max(values):.4g}" for name, values in ranges.items() if values})
    for odd in filter(None, map(trouble, runs)):
        typer.echo(f"- {odd}")
