"""``lawbench fit`` and ``predict``: a law on one's own runs."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lawbench.cli.inputs import Columns, runs_from
from lawbench.cli.say import facts, table
from lawbench.errors import InputError

RunName = Annotated[list[str] | None, typer.Option("--run", help="Only these runs of a dataset; repeatable.")]
Step = Annotated[str, typer.Option(help="Column of the steps.")]
Loss = Annotated[str, typer.Option(help="Column of the losses.")]
Shape = Annotated[str | None, typer.Option(help="Learning rate of a CSV: cosine,steps=24000,peak=3e-4,warmup=2160.")]
Size = Annotated[float | None, typer.Option(help="Model size of a CSV curve.")]
Tokens = Annotated[float | None, typer.Option(help="Tokens per step of a CSV curve.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("fit")(fit)
    app.command("predict")(predict)


def fit(
    law: Annotated[str, typer.Argument(help="Law, as mpl or mpl[warmup=raw], or law file.")],
    data: Annotated[str, typer.Argument(help="Dataset, or CSV with step,loss[,lr] or n_params,tokens,loss.")],
    run: RunName = None,
    recipe: Annotated[str, typer.Option(help="common, paper or published:SOURCE.")] = "common",
    hold: Annotated[list[str] | None, typer.Option(help="Hold a parameter: name=value; repeatable.")] = None,
    step: Step = "step",
    loss: Loss = "loss",
    schedule: Shape = None,
    n_params: Size = None,
    tokens_per_step: Tokens = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the fit, for `lawbench predict`.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit a law to a dataset or to your own runs."""
    from lawbench.entries import entries_for
    from lawbench.fitting.fit import fit as fit_law
    from lawbench.spikes import trouble

    if out is not None and out.exists():
        raise InputError(f"'{out}' exists and is not overwritten: name another file.")
    entry, cls = next(iter(entries_for(law, "common").items()))
    runs = runs_from(data, run, Columns(step, loss, schedule, n_params, tokens_per_step))
    for odd in filter(None, map(trouble, runs)):
        typer.echo(f"lawbench: {odd}; every point is fitted: drop from the log what is not real.", err=True)
    found = fit_law(cls, runs, recipe, _held(hold), **dict(entry.options))
    text = found.to_json()
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    if json:
        typer.echo(text)
        return
    units = {p.name: p for p in cls.parameters}
    table(
        ("parameter", "value", "unit", "meaning"),
        ((name, f"{value:.8g}", units[name].unit, units[name].meaning) for name, value in found.params.items()),
    )
    proof = found.certificate
    typer.echo()
    facts(
        {
            "objective": f"{found.objective:.10g}",
            "converged": "yes" if proof.converged else "no",
            "starts": f"{proof.starts}, {proof.reached:.0%} reached the best",
            "at a bound": ", ".join(proof.at_bound),
            "not identified": ", ".join(proof.unidentified),
            "points": sum(len(r) for r in runs),
            "seconds": f"{proof.seconds:.3f}",
        }
    )


def predict(
    fitted: Annotated[Path, typer.Argument(metavar="FIT", help="File written by `lawbench fit --out`.")],
    data: Annotated[str, typer.Argument(help="Dataset or CSV; its losses are not looked at.")],
    run: RunName = None,
    law: Annotated[str | None, typer.Option(help="Law file, for a law that is not registered.")] = None,
    step: Step = "step",
    loss: Loss = "loss",
    schedule: Shape = None,
    n_params: Size = None,
    tokens_per_step: Tokens = None,
) -> None:
    """Predict losses with a fit; prints run,step,predicted."""
    import csv

    from lawbench.fitting.result import predictions

    model, params = _fitted(fitted, law)
    runs = runs_from(data, run, Columns(step, loss, schedule, n_params, tokens_per_step))
    curves = zip(runs, predictions(model, params, runs), strict=True)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("run", "step", "predicted"))
    for r, curve in curves:
        writer.writerows((r.name, int(s), repr(float(value))) for s, value in zip(r.steps, curve, strict=True))


def _held(pairs: list[str] | None) -> dict[str, float] | None:
    held: dict[str, float] = {}
    for pair in pairs or ():
        name, _, value = pair.partition("=")
        try:
            held[name.strip()] = float(value)
        except ValueError:
            raise InputError(f"'{pair}' holds nothing: write a parameter and a number, as alpha=0.5.") from None
    return held or None


def _fitted(path: Path, law_file: str | None) -> tuple[Any, dict[str, float]]:
    """Return the law, with its options, and the parameters of a written fit."""
    from lawbench.registry import find_law, law_from_file

    try:
        content = jsons.loads(path.read_text(encoding="utf-8"))
        name, options = str(content["law"]), {str(k): str(v) for k, v in content["options"].items()}
        params = {str(k): float(v) for k, v in content["params"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"'{path}' is not a fit: write one with `lawbench fit --out {path.name}`.") from None
    cls = law_from_file(Path(law_file).absolute()) if law_file else find_law(name)
    model = cls(**options)
    if cls.name != name or set(model.names) != set(params):
        raise InputError(f"'{path}' is a fit of law '{name}', which does not have the parameters of '{cls.name}'.")
    return model, params
