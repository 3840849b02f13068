"""The pages of entries and datasets inside the page: what they say without a script."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lawbench.errors import LawbenchError
from lawbench.inputs import INPUTS
from lawbench.law import Law, Parameter
from lawbench.report import tables
from lawbench.report.equations import Formula, formula
from lawbench.report.studio import Picture

NOTHING = Formula("", (), ())
"""What the docstring of a law that is not installed says."""


@dataclass(frozen=True)
class LawFacts:
    """What the page says of a law; hardly anything where it is not installed."""

    name: str
    title: str
    reference: str
    note: str = ""
    needs: tuple[str, ...] = ()
    formula: Formula = NOTHING
    parameters: tables.Table | None = None
    published: tuple[tuple[str, str, str], ...] = ()
    exceptions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class EntryPage:
    """One entry: a law, options, and a recipe."""

    label: str
    id: str
    law: LawFacts
    options: str
    recipe: str


@dataclass(frozen=True)
class DatasetPage:
    """One dataset: its card, its tasks, and pictures where its points may not be passed on."""

    name: str
    id: str
    card: Any | None
    tasks: tables.Table
    open: bool
    pictures: Sequence[Picture]


def slugs(names: Iterable[str], prefix: str) -> dict[str, str]:
    """Return an id for each name, readable and unique.

    Examples
    --------
    >>> slugs(["mpl", "mpl[warmup=raw]@paper"], "entry")
    {'mpl': 'entry-mpl', 'mpl[warmup=raw]@paper': 'entry-mpl-warmup-raw-paper'}
    """
    out: dict[str, str] = {}
    for name in sorted(set(names)):
        base = f"{prefix}-{re.sub('[^A-Za-z0-9._]+', '-', name).strip('-')}"
        taken, slug, n = set(out.values()), base, 2
        while slug in taken:
            slug, n = f"{base}-{n}", n + 1
        out[name] = slug
    return out


def law_facts(name: str, needs: str) -> LawFacts:
    """Return what the page says of a law, given its name and the inputs that its rows name."""
    from lawbench.registry import find_law

    words = tuple(INPUTS[need].short if need in INPUTS else need for need in needs.split(",") if need)
    try:
        law = find_law(name)
    except LawbenchError:
        return LawFacts(name, name, "not installed here", needs=words)
    return LawFacts(
        name=name,
        title=law.title,
        reference=law.reference,
        note=law.note,
        needs=words,
        formula=formula(law),
        parameters=_parameters(law),
        published=tuple((p.source, p.dataset, p.note) for p in law.published),
        exceptions=_exceptions(law),
    )


def entry_pages(rows: pd.DataFrame, ids: Mapping[str, str]) -> list[EntryPage]:
    """Return the page of every entry."""
    first = rows.drop_duplicates("entry").sort_values("entry", kind="stable")
    needs = {law: str(own["needs"].iloc[0]) for law, own in rows.groupby("law")}
    facts = {law: law_facts(str(law), text) for law, text in needs.items()}
    return [
        EntryPage(row["entry"], ids[row["entry"]], facts[row["law"]], row["options"], row["recipe"])
        for row in first.to_dict("records")
    ]


PARAMETERS = (
    tables.Column("name", "parameter", tables.text, numeric=False),
    tables.Column("meaning", "meaning", tables.text, numeric=False),
    tables.Column("unit", "unit", tables.text, numeric=False),
    tables.Column("low", "from", lambda x: _bound(x)),
    tables.Column("high", "to", lambda x: _bound(x)),
    tables.Column("scale", "searched in", tables.text, numeric=False),
)


def _parameters(law: type[Law]) -> tables.Table | None:
    if not law.parameters:
        return None
    frame = pd.DataFrame([_parameter(p, law.linear) for p in law.parameters])
    return tables.table(frame, PARAMETERS)


def _parameter(p: Parameter, linear: Sequence[str]) -> dict[str, Any]:
    how = "solved, not searched" if p.name in linear else "its logarithm" if p.scale == "log" else "its value"
    return {"name": p.name, "meaning": p.meaning, "unit": p.unit, "low": p.min, "high": p.max, "scale": how}


def _bound(value: Any) -> str:
    if tables.missing(value):
        return tables.EMPTY
    return ("∞" if value > 0 else "−∞") if math.isinf(value) else tables.significant(4)(value)


def _exceptions(law: type[Law]) -> tuple[tuple[str, str], ...]:
    """Return the checks that a law fails on purpose, and why."""
    return tuple((str(name), str(why)) for name, why in law.exceptions.items())
