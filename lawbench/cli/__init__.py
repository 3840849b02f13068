"""The command line. Modules of the engine are imported inside commands, so that help stays fast."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from lawbench import __version__
from lawbench.cli import bench, checking, contributing, importing, laws, reproducing, show, using, writing
from lawbench.cli.say import Group

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Which scaling law predicts the losses you have not paid for yet?",
)
for module in (bench, reproducing, laws, show, using, importing, checking, writing, contributing):
    module.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lawbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the entry point of the ``lawbench`` script."""
    # Starting a pool of BLAS threads costs more CPU than all of `lawbench laws`; fits use one thread anyway.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app()
