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

from .test_known_answers import PREFIX, SIZES, VECTORS, _forty_points, chinchilla, task_of
from .test_known_answers_schedule import FAMILY, PRINTED, SIZE, WIDER
from .test_known_answers_size import MEASURED as SIZE_LAWS

Numbers = dict[str, float]
LABEL = {"25m": "25M", "100m": "100M", "400m": "400M"}
METRICS = {"R2": "r2", "MAE": "mae", "RMSE": "rmse", "PredE": "prede", "WorstE": "worste"}


def _scores(law: str, size: str, keys: tuple[str, ...] = ("MAE",), **options: object) -> Numbers:
    task = task_of(f"multi-power-{size}/schedule")
    score = task.score(lawbench.fit(law, task.train, **options).predict(task.test))  # type: ignore[arg-type]
    return {f"{key}, {LABEL[size]}": float(score[f"{METRICS[key]}_unmasked"] or np.nan) for key in keys}


def _objectives(law: str, **options: object) -> Numbers:
    return {
        f"objective, {LABEL[size]}": lawbench.fit(
            law,
            task_of(f"multi-power-{size}/schedule").train,
            objective="sum",
            **options,  # type: ignore[arg-type]
        ).objective
        for size in SIZES
    }


def _parameters() -> Numbers:
    return {"objective, sum of Huber": chinchilla().objective, **chinchilla().params}


def _published(source: str) -> Numbers:
    runs = lawbench.load_dataset("chinchilla-epoch").runs
    fit = lawbench.fit("chinchilla", runs, recipe=f"published:{source}", objective="sum")
    return {"objective at these parameters": fit.objective}


def _bootstrap() -> Numbers:
    refits = chinchilla().bootstrap(4000, seed=0)
    errors = {f"standard error of {name}": float(refits[name].std()) for name in ("A", "B", "E", "alpha", "beta")}
    return {**errors, "sd of log B": float(np.log(refits["B"]).std())}


def _each(law: str, keys: tuple[str, ...] = ("MAE",), **options: object) -> Numbers:
    return {name: value for size in SIZES for name, value in _scores(law, size, keys, **options).items()}


def _forty() -> Numbers:
    runs = _forty_points()
    fit = lawbench.fit("annealing_area", runs, objective="sum", params={"lambda": 0.999})
    y = np.concatenate([run.loss for run in runs])
    off = np.concatenate(fit.predict(runs)) - y
    r2 = 1 - (off**2).sum() / ((y - y.mean()) ** 2).sum()
    return {**{k: fit.params[k] for k in ("L0", "A", "alpha", "C")}, "R2": r2, "objective, sum of Huber": fit.objective}


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


def _family() -> Numbers:
    laws = [law for law in dict.fromkeys(law for law, _ in FAMILY) if law not in ("mpl", "annealing_area")]
    return {
        f"{law}, {quantity}": value
        for law in laws
        for quantity, value in _objectives(law, params=WIDER.get(law)).items()
    }


def _ablations() -> Numbers:
    return {f"MAE, {law}": value for law in PRINTED for value in _scores(law, "25m", objective="sum").values()}


def _at_594m() -> Numbers:
    level = SIZE["L0"] + SIZE["B"] * 594 ** -SIZE["beta"]
    return {"L0 + B N^-beta": level, "C N^gamma": SIZE["C"] * 594 ** SIZE["gamma"]}


def _bound() -> Numbers:
    start, noise = last_iterate_bound(np.array([1.0, 1.0, 1.0, 0.5, 0.25]), np.array([0, 2, 4]))
    out = {}
    for t, first, others in zip((1, 3, 5), start, noise, strict=True):
        out |= {f"first term, t = {t}": float(first), f"other terms, t = {t}": float(others)}
    return out


ALL = tuple(METRICS)
GAMMA = {"gamma": {"max": 2.0}}
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
    "mpl-printed-parameters": lambda: _each("mpl", recipe="published:luo2025"),
    "mpl-paper-optimiser": lambda: _each("mpl", recipe="paper"),
    "mpl-converged-raw": lambda: _objectives("mpl", warmup="raw", params=GAMMA),
    "mpl-converged-ramp": lambda: _objectives("mpl"),
    "annealing-area-converged": lambda: _objectives("annealing_area"),
    "annealing-area-released-points": _forty,
    "annealing-area-as-baseline": lambda: _each("annealing_area", objective="sum"),
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
}


@pytest.mark.data
@pytest.mark.usefixtures("known_answers")
@pytest.mark.parametrize("name", MEASURED)
def test_what_the_ledger_calls_ours_is_what_lawbench_gets(name: str) -> None:
    claim = next(claim for claim in read_ledger() if claim.name == name)
    measured = MEASURED[name]()
    for number in claim.numbers:
        assert number.ours == pytest.approx(measured[number.quantity], rel=2e-4), number.quantity


def test_every_claim_is_measured() -> None:
    assert [claim.name for claim in read_ledger()] == list(MEASURED)


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
