"""The manifest of a report: what is needed to know what was run, and nothing about whose machine it was."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

import lawbench
from lawbench.errors import LawbenchError
from lawbench.suites import suite_of

PACKAGES = ("numpy", "scipy", "lmfit", "pandas", "matplotlib", "seaborn")


def manifest(rows: pd.DataFrame, *, command: str = "", committed: bool = False) -> dict[str, Any]:
    """Return versions, hashes of data and laws, recipes, machine, command and date.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    command : str
        Command that made the report; folders of absolute paths are left out.
    committed : bool
        Whether the report keeps to what may be published.
    """
    counts = rows["status"].value_counts().sort_index()
    return {
        "lawbench": lawbench.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": without_paths(command),
        "committed": committed,
        "suite": None if (suite := suite_of(map(str, rows["task"]))) is None else suite.label,
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "architecture": platform.machine(),
            "byte_order": "little" if memoryview(b"\x01\x00").cast("H")[0] == 1 else "big",
        },
        "cells": {str(status): int(n) for status, n in counts.items()},
        "recipes": sorted(set(map(str, rows["recipe"]))),
        "seeds": _seeds(),
        "laws": {law: _law_hash(law) for law in sorted(set(map(str, rows["law"])))},
        "data": {name: _data(name) for name in sorted(set(map(str, rows["dataset"])))},
        "tasks": _tasks(rows),
    }


def without_paths(text: str) -> str:
    r"""Return a command or message with every absolute path cut to its last part.

    Examples
    --------
    >>> without_paths("lawbench run --out /home/me/report laws/mine.py")
    'lawbench run --out report laws/mine.py'
    """
    path = r"(?<![\w.~-])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\'\":;,]+[/\\])*([^\s/\\'\":;,]*)"
    return re.sub(path, lambda m: m[1] or "…", text)


def card_of(dataset: str) -> Any | None:
    """Return the card of a dataset, or None if this installation has none."""
    from lawbench.data.dataset import find_card

    try:
        return find_card(dataset)
    except LawbenchError:
        return None


def may_show(dataset: str, *, committed: bool) -> bool:
    """Return whether single points of a dataset may appear; a dataset without a card may not."""
    card = card_of(dataset)
    return not committed or bool(card is not None and card.redistributable)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


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
    return {
        "repository": card.source.repository,
        "commit": card.source.commit,
        "licence": card.licence,
        "redistributable": card.redistributable,
        "sha256": {file.path: file.sha256 for file in card.source.files},
    }


def _seeds() -> dict[str, int]:
    """Seeds of the modules that draw random numbers."""
    from importlib import import_module

    out = {}
    for name in ("lawbench.fitting.starts", "lawbench.fitting.bootstrap", "lawbench.fitting.fit"):
        try:
            seed = getattr(import_module(name), "SEED", None)
        except ModuleNotFoundError:
            continue
        if isinstance(seed, int):
            out[name] = seed
    return out


def _tasks(rows: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Fingerprint of every cell, by task and entry."""
    if "fingerprint" not in rows:
        return {}
    prints: Sequence[tuple[str, str, Any]] = list(
        rows[["task", "entry", "fingerprint"]].itertuples(index=False, name=None)
    )
    out: dict[str, dict[str, str]] = {}
    for task, entry, print_ in sorted(prints, key=lambda p: (p[0], p[1])):
        out.setdefault(task, {})[entry] = "" if pd.isna(print_) else str(print_)
    return out
