"""The progress bar of everything that runs cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def bar() -> Iterator[Callable[[int, int, Mapping[str, Any]], None]]:
    """Show a progress bar with the time left; nothing where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        at = progress.add_task("loading", total=None)

        def advance(done: int, total: int, row: Mapping[str, Any]) -> None:
            what = f"{row['entry']} on {row['task']}" if row else "fitting"
            progress.update(at, completed=done, total=total, description=what)

        yield advance
