"""CSV exports of Weights & Biases: of one run's history, or of a chart with several runs."""

from __future__ import annotations

import re
from dataclasses import replace

from lawbench.logs.table import Table

BETWEEN = " - "
BAND = re.compile(r"__(MIN|MAX)$")


def is_export(table: Table) -> bool:
    """Say whether a CSV file has the columns of such an export."""
    return "_step" in table.names or any(BETWEEN in name for name in table.names)


def of_wandb(table: Table) -> Table:
    """Return the table without the bands of a chart, and with its runs told apart.

    A chart's columns are named ``run - metric``, with ``run - metric__MIN`` and ``__MAX`` beside
    them; the other columns, such as the step, belong to every run.
    """
    names = [name for name in table.names if not BAND.search(name)]
    shared = {name: name for name in names if BETWEEN not in name}
    runs: dict[str, dict[str, str]] = {}
    for name in names:
        run, between, metric = name.rpartition(BETWEEN)
        if between:
            runs.setdefault(run, dict(shared))[metric] = name
    return replace(table, form="Weights & Biases CSV", names=tuple(names), runs=runs)
