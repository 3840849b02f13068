"""What decides results in this installation: hashes of laws, data, tasks and engine, versions, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import struct
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import lawbench
from lawbench.contributions.label import CONTRIBUTED
from lawbench.entries import Entry
from lawbench.errors import LawbenchError
from lawbench.store import engine_files, engine_hash, fingerprint, law_hash

if TYPE_CHECKING:
    import pandas as pd

    from lawbench.data.card import Card

PACKAGES = ("numpy", "scipy", "lmfit", "pandas", "joblib", "threadpoolctl", "matplotlib", "seaborn")
SEEDED = ("lawbench.fitting.starts", "lawbench.fitting.bootstrap")
"""Modules that draw random numbers."""


def state(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what decides the results of some rows, as it is here and now.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.

    Returns
    -------
    dict
        ``lawbench``, ``python``, ``packages``, ``blas``, ``machine`` (nothing that names it),
        ``engine`` (one hash, and one for each file), ``objective`` (of the recipe ``common``),
        ``seeds``, ``laws`` (hash of each law's file; None where it is not installed), ``data`` (source,
        licence, hashes of each dataset; None without a card), ``definitions`` (fingerprint of each
        task), ``tasks`` (fingerprint of each cell), ``stale`` (cells that were made by other laws,
        data or code than those listed) and ``contributed`` (cells that were not computed here).
    """
    named = {key: sorted(set(map(str, rows[key]))) for key in ("law", "dataset", "task")}
    out: dict[str, Any] = {
        "lawbench": lawbench.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "blas": _blas(),
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "architecture": platform.machine(),
            "byte_order": "little" if memoryview(b"\x01\x00").cast("H")[0] == 1 else "big",
        },
        "engine": {"sha256": engine_hash(), "files": engine_files()},
        "objective": _objective(),
        "seeds": _seeds(),
        "laws": {law: _law_hash(law) for law in named["law"]},
        "data": {name: _data(name) for name in named["dataset"]},
        "definitions": _definitions(named["task"]),
        "tasks": _fingerprints(rows),
    }
    return out | {"stale": _stale(rows, out), "contributed": _contributed(rows)}


def predictions_hash(curves: Iterable[Sequence[float]]) -> str:
    """Return the hash of predicted losses: equal only if every bit of every number is.

    Examples
    --------
    >>> predictions_hash([[3.0, 2.5]]) == predictions_hash([[3.0, 2.5]])
    True
    >>> predictions_hash([[3.0, 2.5]]) == predictions_hash([[3.0], [2.5]])
    False
    """
    digest = hashlib.sha256()
    for curve in curves:
        values = [float(value) for value in curve]
        digest.update(struct.pack(f"<q{len(values)}d", len(values), *values))
    return digest.hexdigest()


def prediction_hashes(
    rows: pd.DataFrame, predictions: Mapping[tuple[str, str], Iterable[Sequence[float]]]
) -> dict[str, dict[str, str]]:
    """Return the hash of the predictions of every cell that has any: task -> entry -> hash."""
    out: dict[str, dict[str, str]] = {}
    for task, entry in sorted(zip(rows["task"], rows["entry"], strict=True)):
        if (task, entry) in predictions:
            out.setdefault(task, {})[entry] = predictions_hash(predictions[task, entry])
    return out


def card_of(dataset: str) -> Card | None:
    """Return the card of a dataset, or None if this installation has none."""
    from lawbench.data.dataset import find_card

    try:
        return find_card(dataset)
    except LawbenchError:
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> list[dict[str, str]]:
    """Linear algebra libraries in use and the processor kernels they chose: both decide the last bits."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    found = [
        {"library": str(one.get("internal_api")), "version": str(one.get("version")),
         "kernel": str(one.get("architecture"))}
        for one in threadpool_info() if one.get("user_api") == "blas"
    ]  # fmt: skip
    return [one for i, one in enumerate(found) if one not in found[:i]]


def _objective() -> dict[str, Any]:
    from dataclasses import asdict

    from lawbench.fitting.objective import Objective

    return asdict(Objective())


def _seeds() -> dict[str, int]:
    """Seeds of the modules that draw random numbers."""
    from importlib import import_module

    found = {name: getattr(import_module(name), "SEED", None) for name in SEEDED}
    return {name: seed for name, seed in found.items() if isinstance(seed, int)}


def _law_hash(law: str) -> str | None:
    """Hash of the file of a law; None for one that is not installed here."""
    from lawbench.registry import find_law, law_file

    try:
        return sha256(law_file(find_law(law)).read_bytes()).hexdigest()
    except (LawbenchError, OSError):
        return None


def _data(dataset: str) -> dict[str, Any] | None:
    card = card_of(dataset)
    if card is None:
        return None
    loader = card.loader
    return {
        "repository": card.source.repository,
        "commit": card.source.commit,
        "licence": card.licence,
        "redistributable": card.redistributable,
        "sha256": {file.path: file.sha256 for file in card.source.files},
        "loader": None if loader is None else sha256(loader.read_bytes()).hexdigest(),
    }


def _definitions(names: Iterable[str]) -> dict[str, str | None]:
    from lawbench.tasks import fingerprint as definition

    out: dict[str, str | None] = {}
    for name in names:
        dataset, _, short = name.partition("/")
        card = card_of(dataset)
        found = next((task for task in card.tasks if task.name == short), None) if card is not None else None
        out[name] = None if card is None or found is None else definition(card, found)
    return out


def _fingerprints(rows: pd.DataFrame) -> dict[str, dict[str, str]]:
    out: dict[str, dict[str, str]] = {}
    for task, entry, print_ in _cells(rows):
        out.setdefault(task, {})[entry] = print_
    return out


def _cells(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    if "fingerprint" not in rows:
        return []
    prints = rows["fingerprint"].astype(object).fillna("").astype(str)
    return sorted(zip(rows["task"], rows["entry"], prints, strict=True))


def by_refits(rows: pd.DataFrame) -> dict[int, list[tuple[str, str]]]:
    """Return the cells, as task and entry, by the number of refits behind their prediction intervals; 0 for none."""
    import pandas as pd

    out: dict[int, list[tuple[str, str]]] = {}
    known = rows["interval_refits"] if "interval_refits" in rows else [0] * len(rows)
    for task, entry, number in zip(rows["task"], rows["entry"], known, strict=True):
        out.setdefault(0 if pd.isna(number) else int(number), []).append((str(task), str(entry)))
    return out


def _stale(rows: pd.DataFrame, here: Mapping[str, Any]) -> list[list[str]]:
    """Return the cells whose fingerprint is not that of what is here; unknown ones are not among them."""
    from lawbench.registry import find_law

    out = []
    refits = {(task, entry): n for n, cells in by_refits(rows).items() for task, entry in cells}
    for task, entry, print_ in _cells(rows):
        try:
            parsed = Entry.parse(entry)
            if not print_ or parsed.recipe == CONTRIBUTED or not here["laws"].get(parsed.law):
                continue
            definition = here["definitions"][task]
            law = law_hash(find_law(parsed.law))
            if definition and fingerprint(parsed, definition, law, refits[task, entry]) != print_:
                out.append([task, entry])
        except LawbenchError:
            continue
    return out


def _contributed(rows: pd.DataFrame) -> list[list[str]]:
    own = rows[rows["recipe"] == CONTRIBUTED]
    return sorted([task, entry] for task, entry in zip(own["task"], own["entry"], strict=True))
