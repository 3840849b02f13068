"""``lawbench new-law`` and ``check``: adding a law; ``check`` also takes a dataset."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Annotated

import typer

from lawbench.cli.say import as_json, table
from lawbench.errors import InputError, unknown

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
        Parameter("alpha", "exponent", min=0.001, max=2.5, start=0.5, grid=(0.1, 0.2, 0.3, 0.45, 0.6, 0.8)),
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
    """Add the commands to the application."""
    app.command("check")(check)
    app.command("new-law")(new_law)


def check(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Law, law file or dataset.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Check all registered laws.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a law, or a dataset (exit 1 where it fails)."""
    from lawbench import registry
    from lawbench.checks import check_law
    from lawbench.data.dataset import datasets, find_card

    if (name is None) != every:
        raise InputError("name a law, a law file or a dataset to check, or give --all.")
    if name is None:
        found = registry.laws()
    elif name.endswith(".py"):
        found = [registry.law_from_file(Path(name).absolute())]
    elif name in (laws := registry.law_names()):
        found = [registry.find_law(name)]
    elif name in (names := [card.name for card in datasets()]):
        from lawbench.cli.checking import report_checks

        report_checks([find_card(name)], json=json)
        return
    else:
        raise unknown("law or dataset", name, [*laws, *names])
    results = [(item.name, result) for item in found for result in check_law(item)]
    if json:
        as_json([{"law": n, "check": r.name, "passed": r.passed, "reason": r.reason} for n, r in results])
    else:
        shown = ((n, r.name, "passed" if r.passed else "FAILED", r.reason) for n, r in results)
        table(("law", "check", "result", "reason"), shown)
    if not all(result.passed for _, result in results):
        raise typer.Exit(1)


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
