"""``lawbench contribute`` and ``export-tasks``: results that were made elsewhere."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
