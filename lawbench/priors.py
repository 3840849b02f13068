"""Learn the priors of the recipe ``regularised`` from stored results.

``python -m lawbench.priors RESULTS`` reads the cells of the recipe ``common`` on tasks of the tracks
``schedule`` and ``scale`` and rewrites ``lawbench/fitting/priors.json``. A cell's parameters were
fitted to the training points of its task; scores are not looked at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.cell import Outcome
from lawbench.errors import LawbenchError
from lawbench.fitting.recipes import COMMON, shared
from lawbench.law import Law
from lawbench.registry import find_law
from lawbench.store import load_cells

TRACKS = ("schedule", "scale")
TARGET = Path(__file__).parent / "fitting" / "priors.json"


def learn(cells: Iterable[Outcome]) -> dict[str, Any]:
    """Return the mean estimate of every pure number of every law, by family.

    Parameters
    ----------
    cells : iterable of Outcome
        Their rows and parameters; only ranked tasks, default options and the recipe ``common`` count,
        and only parameters that the data could tell.

    Returns
    -------
    dict
        ``families``: datasets by family; ``laws``: law -> parameter -> family -> mean estimate.
    """
    families: dict[str, set[str]] = {}
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for cell in cells:
        row = cell.row
        if row["status"] != "ok" or row["track"] not in TRACKS or not row["ranked"] or row["entry"] != row["law"]:
            continue
        families.setdefault(row["family"], set()).add(row["dataset"])
        law = _law(row["law"])
        if law is None or row["recipe"] != COMMON or not shared(law):
            continue
        told = set(_pure(law)) - set(str(row["cert_unidentified"] or "").split(","))
        for name in sorted(told & set(cell.params)):
            by_family = found.setdefault(law.name, {}).setdefault(name, {})
            by_family.setdefault(row["family"], []).append(float(cell.params[name]))
    return {
        "families": {family: sorted(own) for family, own in sorted(families.items())},
        "laws": {law: {name: _means(own) for name, own in sorted(by.items())} for law, by in sorted(found.items())},
    }


def _pure(law: type[Law]) -> list[str]:
    return [p.name for p in law.parameters if p.unit == "1" and p.scale == "linear"]


def _means(by_family: Mapping[str, list[float]]) -> dict[str, float]:
    return {family: round(float(np.mean(values)), 4) for family, values in sorted(by_family.items())}


def _law(name: str) -> type[Law] | None:
    try:
        return find_law(name)
    except LawbenchError:
        return None


if __name__ == "__main__":
    TARGET.write_text(json.dumps(learn(load_cells(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
    print(TARGET)
