"""The ledger: verdicts follow from numbers, and each of ours is computed anew.

``python -m tests.test_ledger`` prints them all, to be written into ``lawbench/report/ledger.toml``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lawbench
from lawbench.convex import last_iterate_bound
from lawbench.errors import InputError
from lawbench.report.ledger import Number, ledger_markdown, read_ledger

from .test_known_answers import PREFIX, SIZES, VECTORS, multi_power, task_of
from .test_known_answers_annealing import SIZE, grid_of_lambda, released
from .test_known_answers_chinchilla import MEASURED as CHINCHILLA
from .test_known_answers_chinchilla import chinchilla, refits
from .test_known_answers_data import MEASURED as FACTS
from .test_known_answers_recipe import MEASURED as RECIPES
from .test_known_answers_schedule import (
    FAMILY,
    PRINTED,
    family_fit,
    fitted,
    on_logged_steps,
    scores,
)
from .test_known_answers_size import MEASURED as SIZE_LAWS

Numbers = dict[str, float]
LABEL = {"25m": "25M", "100m": "100M", "400m": "400M"}
METRICS = {"R2": "r2", "MAE": "mae", "RMSE": "rmse", "PredE": "prede", "WorstE": "worste"}


def _scores(law: str, size: str, keys: tuple[str, ...] = ("MAE",), **options: object) -> Numbers:
    task = task_of(f"multi-power-{size}/schedule")
    score = task.score(lawbench.fit(law, task.train, **options).predict(task.test))  # type: ignore[arg-type]
    return {f"{key}, {LABEL[size]}": float(score[f"{METRICS[key]}_unmasked"] or np.nan) for key in keys}


def _converged(warmup: str, gamma: float = 1.0) -> Numbers:
    return {f"objective, {LABEL[size]}": multi_power(size, warmup, gamma).objective for size in SIZES}


def _parameters() -> Numbers:
    return {"objective, sum of Huber": chinchilla().objective, **chinchilla().params}


def _published(source: str) -> Numbers:
    runs = lawbench.load_dataset("chinchilla-epoch").runs
    fit = lawbench.fit("chinchilla", runs, recipe=f"published:{source}", objective="sum")
    return {"objective at these parameters": fit.objective}


def _bootstrap() -> Numbers:
    errors = {f"standard error of {name}": float(refits()[name].std()) for name in ("A", "B", "E", "alpha", "beta")}
    return {**errors, "sd of log B": float(np.log(refits()["B"]).std())}


def _each(law: str, keys: tuple[str, ...] = ("MAE",), **options: object) -> Numbers:
    return {name: value for size in SIZES for name, value in _scores(law, size, keys, **options).items()}


def _prefix() -> Numbers:
    out = {}
    for law, split in PREFIX:
        for size in SIZES:
            task = task_of(f"multi-power-{size}/horizon-{split}")
            score = task.score(lawbench.fit(law, task.train).predict(task.test))
            out[f"{law}, {split}, {LABEL[size]}"] = 100 * float(score["prede"] or np.nan)
    return out


def _over_training() -> Numbers:
    task = task_of("over-training/paper-redpajama")
    held = {"beta": {"expr": "alpha"}}
    fit = lawbench.fit("chinchilla", task.train, params=held, loss="least_squares", residual="loss")
    eta = -fit.params["alpha"]
    errors = {
        f"relative error, {'1.4B' if float(run.n_params or 0) < 3e9 else '6.9B'}": 100 * abs(p[0] / run.loss[0] - 1)
        for run, p in zip(task.truth(), fit.predict(task.test), strict=True)
    }
    b = fit.params["B"] / 6 ** (eta / 2)
    return {"eta": eta, "E": fit.params["E"], "a": fit.params["A"], "b": b, **errors}


def _vectors() -> Numbers:
    from lawbench.runs import Run

    data, law = lawbench.load_dataset("multi-power-100m"), lawbench.fit
    assert law is not None
    model = next(one for one in lawbench.laws() if one.name == "mpl")()
    p = np.array([2.7834, 0.5990, 0.4490, 513.62, 0.0550, 0.7280, 0.7580])
    out = {}
    for name, step, *_ in VECTORS:
        point = Run("point", np.array([step]), np.array([1.0]), data.run(name).schedule)
        out[f"loss, {name}, step {step}"] = float(model.predict(p, model.stack([model.prepare(point)]))[0])
    return out


SHORT = ("R2", "MAE", "RMSE", "WorstE")


def _family() -> Numbers:
    return {
        f"{law}, objective, {LABEL[size]}": family_fit(law, size).objective
        for law, size in FAMILY
        if law not in ("mpl", "annealing_area")
    }


def _family_scores() -> Numbers:
    out = {f"mpl, objective, {LABEL[size]}": family_fit("mpl", size).objective for size in SIZES}
    for law, size in FAMILY:
        got = zip(SHORT, scores(family_fit(law, size), size), strict=True)
        out |= {f"{law}, {key}, {LABEL[size]}": value for key, value in got}
    return out


def _logged() -> Numbers:
    keys = ("objective", *SHORT)
    return {f"{k}, {LABEL[s]}": value for s in SIZES for k, value in zip(keys, on_logged_steps(s), strict=True)}


def _grid() -> Numbers:
    out = {}
    for size in SIZES:
        best = grid_of_lambda(size)
        got = scores(best["ramp"], size, tuple(METRICS.values()))
        out[f"lambda, {LABEL[size]}"] = best["ramp"].params["lambda"]
        out |= {f"{key}, {LABEL[size]}": value for key, value in zip(METRICS, got, strict=True)}
        out |= {f"objective, {warmup}, {LABEL[size]}": fit.objective for warmup, fit in best.items()}
    return out


def _minima() -> Numbers:
    """The converged multi-power law under two conventions of the warm-up: shapes and errors at the minima."""
    out = {}
    for size in SIZES:
        free, bounded, ramp = multi_power(size, "raw", 2.0), multi_power(size, "raw"), multi_power(size, "ramp")
        for kind, fit in (("raw, gamma up to 2", free), ("raw", bounded), ("ramp", ramp)):
            out[f"MAE, {kind}, {LABEL[size]}"] = scores(fit, size, ("mae",))[0]
        out |= {f"{name}, raw, gamma up to 2, {LABEL[size]}": free.params[name] for name in ("C", "beta", "gamma")}
        out[f"objective, raw, {LABEL[size]}"] = bounded.objective
        if size == "25m":
            out |= {f"{name}, ramp, 25M": ramp.params[name] for name in ("B", "beta")}
    return out


def _area() -> Numbers:
    fits = {size: fitted("annealing_area", size) for size in SIZES}
    out = {f"lambda, {LABEL[size]}": fit.params["lambda"] for size, fit in fits.items()}
    return {**out, **{f"MAE, {LABEL[size]}": scores(fit, size, ("mae",))[0] for size, fit in fits.items()}}


def _ablations() -> Numbers:
    out: Numbers = {}
    for law in PRINTED:
        got = scores(fitted(law, "25m"), "25m", tuple(METRICS.values()))
        out |= {f"{key}, {law}": value for key, value in zip(METRICS, got, strict=True)}
    return out


def _plain_bound() -> Numbers:
    return {f"R2, {LABEL[size]}": scores(fitted("convex_bound", size), size, ("r2",))[0] for size in SIZES}


def _functional() -> Numbers:
    pairs = {size: (fitted("fsl", size).objective, fitted("mpl_nogamma", size).objective) for size in SIZES}
    return {f"objective over that of mpl_nogamma, {LABEL[size]}": one / other for size, (one, other) in pairs.items()}


def _at_594m() -> Numbers:
    level = SIZE["L0"] + SIZE["B"] * 594 ** -SIZE["beta"]
    return {"L0 + B N^-beta": level, "C N^gamma": SIZE["C"] * 594 ** SIZE["gamma"]}


def _bound() -> Numbers:
    start, noise = last_iterate_bound(np.array([1.0, 1.0, 1.0, 0.5, 0.25]), np.array([0, 2, 4]))
    out: Numbers = {}
    for t, first, others in zip((1, 3, 5), start, noise, strict=True):
        out |= {f"first term, t = {t}": float(first), f"other terms, t = {t}": float(others)}
    return out


ALL = tuple(METRICS)
MEASURED: dict[str, Callable[[], Numbers]] = {
    "chinchilla-minimum": _parameters,
    "chinchilla-second-implementation": _parameters,
    "chinchilla-headline": _parameters,
    "chinchilla-hoffmann": _parameters,
    "chinchilla-hoffmann-rounded-objective": lambda: _published("hoffmann2022"),
    "chinchilla-hoffmann-objective": lambda: _published("hoffmann2022-tex"),
    "chinchilla-headline-objective": lambda: _published("besiroglu2024"),
    "chinchilla-bootstrap": _bootstrap,
    "mpl-repository-parameters": lambda: _each("mpl", ALL, recipe="published:luo2025-repo"),
    "mpl-printed-parameters": lambda: _each("mpl", ALL, recipe="published:luo2025"),
    "mpl-paper-optimiser": lambda: _each("mpl", recipe="paper"),
    "mpl-converged-raw": lambda: _converged("raw", 2.0),
    "mpl-converged-ramp": lambda: _converged("ramp"),
    "annealing-area-converged": lambda: {
        f"objective, {LABEL[size]}": fitted("annealing_area", size).objective for size in SIZES
    },
    "annealing-area-released-points": lambda: released("flat"),
    "annealing-area-as-baseline": lambda: _each("annealing_area", ALL, objective="sum"),
    "annealing-area-slow-memory": lambda: _scores("annealing_area", "100m", objective="sum", params={"lambda": 0.9995}),
    "prefix-extrapolation": _prefix,
    "over-training-five-runs": _over_training,
    "multi-power-test-vectors": _vectors,
    **SIZE_LAWS,
    "multi-power-family-converged": _family,
    "multi-power-ablations-printed": _ablations,
    "annealing-area-size-units": _at_594m,
    "convex-bound-vector": _bound,
    "convex-bound-hybrid": lambda: _each("convex_bound_power", objective="sum"),
    "convex-bound-plain": _plain_bound,
    "multi-power-family-scores": _family_scores,
    "multi-power-on-logged-steps": _logged,
    "multi-power-minima": _minima,
    "annealing-area-minima": _area,
    "annealing-area-grid": _grid,
    "annealing-area-released-ramp": lambda: released("ramp"),
    "functional-law-limit": _functional,
    **CHINCHILLA,
    **RECIPES,
    **FACTS,
}


# Where an optimiser stops before the minimum, rounding moves the end.
LOOSE = {"chinchilla-early-stops": 2e-3, "mpl-recipe-details": 2e-3}


@pytest.mark.data
@pytest.mark.usefixtures("known_answers")
@pytest.mark.parametrize("name", MEASURED)
def test_what_the_ledger_calls_ours_is_what_lawbench_gets(name: str) -> None:
    claim = next(claim for claim in read_ledger() if claim.name == name)
    assert claim.test.removeprefix("tests/") in {path.name for path in Path(__file__).parent.glob("test_*.py")}
    measured = MEASURED[name]()
    for number in claim.numbers:
        assert number.ours == pytest.approx(measured[number.quantity], rel=LOOSE.get(name, 2e-4)), number.quantity


def test_every_claim_is_measured() -> None:
    assert {claim.name for claim in read_ledger() if not claim.not_checked} == set(MEASURED)
    assert all(number.ours is not None for claim in read_ledger() for number in claim.numbers if not claim.not_checked)


def test_the_ledger_judges_by_its_numbers(tmp_path: Path) -> None:
    assert Number(quantity="a", published=1.0, ours=1.0005, tolerance=1e-3).agrees is True
    assert Number(quantity="a", published=2.0, ours=2.003, tolerance=1e-3, kind="relative").agrees is False
    assert Number(quantity="a", published=2.0, tolerance=1e-3).agrees is None
    file = tmp_path / "ledger.toml"
    claim = '[[claims]]\nname = "a"\nclaim = "A"\nsource = "S"\nlaw = "l"\ndataset = "d"\n'
    number = "numbers = [{ quantity = 'q', published = 1.0, ours = 2.0, tolerance = 0.1 }]\n"
    file.write_text(claim + "why = 'because'\n" + number)
    (read,) = read_ledger(file)
    assert read.verdict == "differs"
    assert "| q | 1 | 2 | 0.1 | no |" in ledger_markdown((read,))
    file.write_text(claim + number)
    with pytest.raises(InputError, match="needs `why`"):
        read_ledger(file)
    file.write_text(claim + "not_checked = 'private'\nnumbers = [{ quantity = 'q', published = 1.0 }]\n")
    (read,) = read_ledger(file)
    assert read.verdict == "not checked"
    assert "| q | 1 | – | – | not checked |" in ledger_markdown((read,))
    file.write_text(claim + "not_checked = 'private'\n" + number)
    with pytest.raises(InputError, match="has no `ours`"):
        read_ledger(file)
    file.write_text(claim + "numbers = [{ quantity = 'q', published = 1.0, ours = 1.0 }]\n")
    with pytest.raises(InputError, match="needs `tolerance`"):
        read_ledger(file)
    file.write_text(claim.replace("law =", "lwa =") + number)
    with pytest.raises(InputError, match=r"claims\.0\.law"):
        read_ledger(file)
    file.write_text(claim + "why = 'w'\n" + number + claim + "why = 'w'\n" + number)
    with pytest.raises(InputError, match="two claims named 'a'"):
        read_ledger(file)


def test_the_shipped_ledger_is_valid_and_its_document_up_to_date() -> None:
    claims = read_ledger()
    assert len(claims) >= 3
    document = Path(__file__).parent.parent / "docs" / "ledger.md"
    assert document.read_text(encoding="utf-8") == ledger_markdown(claims), (
        "run: python -m lawbench.report.ledger docs/ledger.md"
    )


if __name__ == "__main__":
    for name, measure in MEASURED.items():
        print(name)
        for quantity, value in measure().items():
            print(f"    {quantity:<40} {value:.10g}")
