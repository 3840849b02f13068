"""``lawbench laws``: which laws there are, and everything about one."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawbench.cli.say import as_json, facts, table

if TYPE_CHECKING:
    from lawbench.law import Law


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("laws")(laws)


def laws(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A law or law file; all if none.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the laws, or show one with its parameters."""
    from lawbench import registry

    found = registry.laws() if name is None else [registry.law_of(name)]
    if json:
        as_json([_facts(law) for law in found])
    elif name is None:
        _list(found)
    else:
        _show(found[0])


def _list(found: list[type[Law]]) -> None:
    """Print one line a law; where a package adds laws, one more column says which."""
    from lawbench.registry import origin

    columns = ["law", "title", "year", "inputs", "parameters", "group", "scored", "reference"]
    rows = [
        [law.name, law.title, law.year, ", ".join(sorted(law.needs)), len(law.parameters), law.group,
         "no" if law.unscored else "yes", law.reference]
        for law in found
    ]  # fmt: skip
    origins = [origin(law) for law in found]
    if any(origins):
        columns.insert(-1, "from")
        for row, where in zip(rows, origins, strict=True):
            row.insert(-1, where)
    table(columns, rows)


def _facts(law: type[Law]) -> dict[str, Any]:
    from lawbench.fitting.recipes import recipes_for
    from lawbench.registry import origin

    return {
        "name": law.name,
        "title": law.title,
        "reference": law.reference,
        "year": law.year,
        "from": origin(law) or "lawbench",
        "text": _text(law),
        "needs": sorted(law.needs),
        "varies": sorted(law.varies),
        "parameters": [
            {"name": p.name, "meaning": p.meaning, "unit": p.unit, "min": p.min, "max": p.max, "start": p.start,
             "scale": p.scale, "linear": p.name in law.linear}
            for p in law.parameters
        ],
        "options": [
            {"name": o.name, "default": o.default, "choices": list(o.choices), "meaning": o.meaning}
            for o in law.options
        ],
        "recipes": recipes_for(law),
        "published": [
            {"source": p.source, "reference": p.reference, "dataset": p.dataset, "fitted_on": list(p.fitted_on),
             "values": dict(p.values), "options": dict(p.options), "note": p.note}
            for p in law.published
        ],
        "group": law.group,
        "near_copies": _near_copies(law),
        "note": law.note,
        "exceptions": dict(law.exceptions),
        "unscored": law.unscored,
    }  # fmt: skip


def _show(law: type[Law]) -> None:
    """Print all that a law declares."""
    from lawbench.fitting.recipes import recipes_for
    from lawbench.registry import origin

    typer.echo(_text(law))
    typer.echo()
    facts(
        {
            "name": law.name,
            "title": law.title,
            "reference": law.reference,
            "year": law.year,
            "from": origin(law),
            "inputs": ", ".join(sorted(law.needs)),
            "must vary": ", ".join(sorted(law.varies)),
            "recipes": ", ".join(recipes_for(law)),
            "group": law.group,
            "near-copies": ", ".join(_near_copies(law)),
            "note": law.note,
            "unscored": f"waits for {law.unscored}" if law.unscored else "",
        }
    )
    typer.echo()
    rows = (
        (p.name, p.meaning, p.unit, f"{p.min:g}", f"{p.max:g}", f"{p.start:g}", p.scale,
         "solved" if p.name in law.linear else "searched")
        for p in law.parameters
    )  # fmt: skip
    table(("parameter", "meaning", "unit", "min", "max", "typical", "scale", "fit"), rows)
    if law.options:
        typer.echo()
        table(
            ("option", "default", "choices", "meaning"),
            ((o.name, o.default, ", ".join(o.choices), o.meaning) for o in law.options),
        )
    if law.published:
        typer.echo()
        table(
            ("published", "dataset", "fitted on", "values", "reference", "note"),
            ((p.source, p.dataset, ", ".join(p.fitted_on) or "all of it",
              ", ".join(f"{k}={v:g}" for k, v in p.values.items()), p.reference, p.note) for p in law.published),
        )  # fmt: skip
    if law.exceptions:
        typer.echo()
        table(("fails on purpose", "because"), law.exceptions.items())


def _near_copies(law: type[Law]) -> list[str]:
    """Return the names of the other laws of a group; they count once in ranks."""
    from lawbench.registry import laws as registered

    return [other.name for other in registered() if law.group and other.group == law.group and other.name != law.name]


def _text(law: type[Law]) -> str:
    """Return the docstring of a law, its formula in LaTeX, without the marks that only Sphinx needs."""
    text = inspect.getdoc(law) or law.title
    return re.sub(r":math:`([^`]*)`", r"\1", text).replace(".. math:: ", "    ").replace(".. math::", "")
