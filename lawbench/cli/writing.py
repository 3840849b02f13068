"""``lawbench new-law``: the file to fill in."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Annotated

import typer

from lawbench.errors import InputError

TEMPLATE = Template('''\
"""$title: say in one line what it claims."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.law import Inputs, Law, Parameter
from lawbench.runs import Run


class $cls(Law):
    r"""$title.

    .. math:: L(t) = L_0 + A\\, t^{-\\alpha}

    References
    ----------
    Where the formula is from.
    """

    name = "$name"
    title = "$title"
    reference = "where the formula is from"
    year = $year
    # What it uses of a run: steps, lr, n_params, tokens, prefix (fitted points of the run it predicts).
    needs = frozenset({"steps"})
    # Parameters in which the prediction is affine: solved, not searched.
    linear = ("L0", "A")
    parameters = (
        Parameter("L0", "irreducible loss", min=0.0, start=2.5, unit="nats/token"),
        Parameter("A", "amplitude", min=1e-6, max=1e9, start=10.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.001, max=2.5, start=0.5, unit="1", grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
    )

    def prepare(self, run: Run) -> Inputs:
        """Compute once what does not depend on parameters; `run.loss` is out of reach on predicted runs."""
        return {"log_t": np.log(run.updates)}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point; `p` holds the parameters in the order above."""
        L0, A, alpha = p
        return L0 + A * np.exp(-alpha * x["log_t"])
''')


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("new-law")(new_law)


def new_law(
    name: Annotated[str, typer.Argument(help="Name of the law, in lower case: my_law.")],
    folder: Annotated[Path, typer.Option("--in", help="Folder of the file.")] = Path("."),
) -> None:
    """Write the file of a new law, working as it is."""
    from datetime import date

    from lawbench.registry import law_names

    if not (name.isidentifier() and name == name.lower() and not name.startswith("_")):
        raise InputError(f"'{name}' cannot name a law: use lower-case letters, digits and underscores, as in my_law.")
    if name in law_names():
        raise InputError(f"there is a law '{name}' already: choose another name.")
    path = folder / f"{name}.py"
    if path.exists():
        raise InputError(f"'{path}' exists and is not overwritten: choose another name or folder.")
    words = name.split("_")
    text = TEMPLATE.substitute(
        name=name, cls="".join(word.capitalize() for word in words), title=" ".join(words).capitalize(),
        year=date.today().year,
    )  # fmt: skip
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror}): choose another folder.") from error
    typer.echo(f"{path} works as it is. Next: lawbench check {path}; lawbench run --law {path} --law power_steps")
