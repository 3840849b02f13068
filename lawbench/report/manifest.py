"""The manifest of a report: what is needed to know what was run, and nothing about whose machine it was."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lawbench.provenance.here import card_of, state
from lawbench.provenance.recorded import FORMAT, SCHEMA
from lawbench.suites import suite_of

__all__ = ["card_of", "manifest", "may_show", "without_paths"]


def manifest(rows: pd.DataFrame, *, command: str = "", committed: bool = False) -> dict[str, Any]:
    """Return versions, hashes of data, laws and engine, recipes, machine, command and date.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    command : str
        Command that made the report; folders of absolute paths are left out.
    committed : bool
        Whether the report keeps to what may be published.

    Returns
    -------
    dict
        Everything of `lawbench.provenance.here.state`, and what describes this report.
    """
    counts = rows["status"].value_counts().sort_index()
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": without_paths(command),
        "committed": committed,
        "suite": None if (suite := suite_of(map(str, rows["task"]))) is None else suite.label,
        "cells": {str(status): int(n) for status, n in counts.items()},
        "recipes": sorted(set(map(str, rows["recipe"]))),
        **state(rows),
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


def may_show(dataset: str, *, committed: bool) -> bool:
    """Return whether single points of a dataset may appear; a dataset without a card may not."""
    card = card_of(dataset)
    return not committed or bool(card is not None and card.redistributable)
