"""What the command line says and how it ends: tables, JSON, one sentence for an error."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from lawbench.errors import LawbenchError, LawbenchWarning

BAD_INPUT = 2
INTERRUPTED = 130


class Group(TyperGroup):
    """A group of commands that end with a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; errors of the input exit with 2, Ctrl-C with 130."""
        with warnings.catch_warnings():
            warnings.showwarning = _as_complaint
            return self._ended(ctx)

    def _ended(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LawbenchError as error:
            complain(str(error))
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            complain("interrupted; finished results are kept.")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # the reader of our output has left, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


def _as_complaint(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning: ours as a sentence, others as Python does."""
    if issubclass(category, LawbenchWarning):
        complain(str(message))
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def complain(sentence: str) -> None:
    """Print a sentence to stderr, in one piece."""
    typer.echo(f"lawbench: {sentence}", err=True)


def as_json(value: Any) -> None:
    """Print a value as JSON; NaN and infinities become null."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table; without a terminal it is as wide as it needs to be."""
    from rich.console import Console
    from rich.table import Table

    width = None if sys.stdout.isatty() else 200
    shown = Table(box=None, pad_edge=False, title=title or None, title_justify="left", header_style="bold")
    lines = [["" if value is None else str(value) for value in row] for row in rows]
    for i, name in enumerate(columns):
        number = bool(lines) and all(_numeric(line[i]) for line in lines)
        shown.add_column(name, justify="right" if number else "left", overflow="fold")
    for line in lines:
        shown.add_row(*line)
    Console(width=width, highlight=False, markup=False, emoji=False).print(shown)


def facts(pairs: Mapping[str, Any]) -> None:
    """Print names and values, one a line; empty values are left out."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        if value not in ("", None):
            typer.echo(f"{name:<{width}}  {value}")


def _numeric(text: str) -> bool:
    return not text or text.replace(".", "", 1).replace("-", "", 2).replace("+", "", 1).replace("e", "", 1).isdigit()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not (float("-inf") < value < float("inf")):
        return None
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value
