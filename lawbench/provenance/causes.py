"""Why a result may differ: what two manifests say differently of the laws, data and code behind a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lawbench.entries import Entry

Facts = Mapping[str, Any]
Kind = Literal["law", "data", "loader", "task", "recipe", "engine", "library", "machine", "stale", "predictions"]
_RECIPES = "fitting/"
"""Where the recipes live in the engine: how a law is fitted."""
_DRAW = frozenset({"matplotlib", "seaborn"})
"""Libraries that only draw."""


@dataclass(frozen=True)
class Cause:
    """One thing that two manifests state differently.

    Attributes
    ----------
    kind : str
        ``law``, ``data``, ``loader``, ``task``, ``recipe`` and ``engine`` decide a result;
        ``library`` and ``machine`` can move its last digits; ``stale`` says that a cell was made by
        other laws, data or code than its manifest lists; ``predictions`` that a contributed file changed.
    what : str
        Which one, and from what to what.
    """

    kind: Kind
    what: str

    def __str__(self) -> str:
        return self.what


def causes(before: Facts, after: Facts, task: str, entry: str) -> tuple[Cause, ...]:
    """Return everything that may have changed the cell of an entry on a task.

    Parameters
    ----------
    before, after : mapping
        Two manifests.
    task, entry : str

    Returns
    -------
    tuple of Cause
        Empty where the manifests agree, or do not know.
    """
    contributed = [[task, entry] in facts.get("contributed", ()) for facts in (before, after)]
    own = [] if any(contributed) else [*_law(before, after, entry), *_engine(before, after)]
    stale = [
        Cause("stale", f"{which} cell was made by other laws, data or code than its manifest lists")
        for which, facts in (("the first", before), ("the second", after))
        if [task, entry] in facts.get("stale", ())
    ]
    deciding = [*own, *_data(before, after, task), *stale]
    if any(contributed) and not deciding and _print(before, task, entry) != _print(after, task, entry):
        deciding.append(Cause("predictions", "the contributed predictions"))
    return (*deciding, *_surroundings(before, after))


def _print(facts: Facts, task: str, entry: str) -> str | None:
    found = facts["tasks"].get(task, {}).get(entry)
    return None if found is None else str(found)


def _law(before: Facts, after: Facts, entry: str) -> Iterator[Cause]:
    law = Entry.parse(entry).law
    if _differ(before["laws"].get(law), after["laws"].get(law)):
        yield Cause("law", f"law file of {law}")


def _data(before: Facts, after: Facts, task: str) -> list[Cause]:
    dataset = task.partition("/")[0]
    a, b = before["data"].get(dataset), after["data"].get(dataset)
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return []
    files = sorted(path for path in {*a["sha256"], *b["sha256"]} if a["sha256"].get(path) != b["sha256"].get(path))
    found = []
    if files:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        found.append(Cause("data", f"data hash of {dataset}: {files[0]}{more}"))
    if a.get("loader") != b.get("loader"):
        found.append(Cause("loader", f"loader of {dataset}"))
    if not found and _differ(before["definitions"].get(task), after["definitions"].get(task)):
        found.append(Cause("task", f"definition of task {task}"))
    return found


def _engine(before: Facts, after: Facts) -> Iterator[Cause]:
    if not _differ(before["engine"].get("sha256"), after["engine"].get("sha256")):
        return
    a, b = before["engine"].get("files", {}), after["engine"].get("files", {})
    files = sorted(path for path in {*a, *b} if a.get(path) != b.get(path))
    for kind, some in (
        ("recipe", [path for path in files if path.startswith(_RECIPES)]),
        ("engine", [path for path in files if not path.startswith(_RECIPES)]),
    ):
        if some:
            what = "how laws are fitted" if kind == "recipe" else "engine"
            yield Cause(kind, f"{what}: {', '.join(some)}")  # type: ignore[arg-type]


def _surroundings(before: Facts, after: Facts) -> Iterator[Cause]:
    for name in ("lawbench", "python"):
        if before.get(name) != after.get(name):
            yield Cause("library", f"{name} {before.get(name)} → {after.get(name)}")
    a, b = before["packages"], after["packages"]
    for name in sorted({*a, *b} - _DRAW):
        if a.get(name) != b.get(name):
            yield Cause("library", f"{name} {a.get(name)} → {b.get(name)}")
    if before.get("blas") != after.get("blas"):
        yield Cause("library", f"BLAS {_named(before)} → {_named(after)}")
    for name in ("system", "architecture", "byte_order"):
        x, y = before["machine"].get(name), after["machine"].get(name)
        if x != y:
            yield Cause("machine", f"{name.replace('_', ' ')} {x} → {y}")


def _named(facts: Facts) -> str:
    return ", ".join(" ".join(one.values()) for one in facts.get("blas") or ()) or "unknown"


def _differ(a: object, b: object) -> bool:
    """Whether two known hashes differ; an unknown one says nothing."""
    return a is not None and b is not None and a != b
