"""Published and independently computed numbers of the laws of time alone, and of size and data.

Every test names its source and its tolerance. "Second implementation" means an independent program
that minimised the same objective on the same data.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

import lawbench
from lawbench.data.sources import known_answer
from lawbench.law import Inputs, Law, Parameter
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.schedule import FloatArray

from .test_known_answers import SIZES, task_of

Numbers = dict[str, float]


def at(law: str, runs: Sequence[Run], source: str = "", /, **values: float) -> FloatArray:
    """Return what a law predicts with given parameters, or with those that a source prints."""
    model = find_law(law)()
    printed = {name: value for p in model.published if p.source == source for name, value in p.values.items()}
    p = np.array([{**printed, **values}[name] for name in model.names])
    return np.asarray(model.predict(p, model.stack([model.prepare(run) for run in runs])), dtype=np.float64)


# Loss deceleration: Mircea et al. 2025, repository mirandrom/zsl, the table of eight models.

KEYS = ("b", "c0", "c1", "log d1", "f1", "RSLE", "L_d", "t_d", "r_d")
DIGITS = (2, 2, 2, 2, 2, 3, 2, 0, 3)
DECELERATION = {
    "14M": (18.42, 0.17, -0.16, 8.68, 0.20, 0.011, 4.05, 5877, 0.013),
    "37M": (19.64, 0.20, -0.18, 8.68, 0.24, 0.015, 3.60, 5907, 0.016),
    "78M": (20.66, 0.21, -0.19, 8.69, 0.29, 0.014, 3.38, 5928, 0.020),
    "144M": (20.31, 0.21, -0.19, 8.71, 0.34, 0.015, 3.25, 6074, 0.023),
    "285M": (20.85, 0.22, -0.20, 8.57, 0.44, 0.013, 3.14, 5264, 0.025),
    "472M": (21.16, 0.23, -0.19, 8.44, 0.39, 0.014, 3.16, 4644, 0.035),
    "OLMo-1B": (25.97, 0.27, -0.23, 8.22, 0.76, 0.008, 2.86, 3717, 0.034),
    "OLMo-7B": (27.49, 0.28, -0.22, 8.44, 0.76, 0.008, 2.64, 4627, 0.053),
}


@cache
def deceleration(name: str) -> tuple[float, ...]:
    """Return the nine numbers of a model."""
    run = lawbench.load_dataset("deceleration").run(name)
    runs = [run]
    if name == "OLMo-7B":  # the source holds its last point twice, and a run of lawbench does not
        runs.append(run.select(np.arange(len(run)) == len(run) - 1))
    fit = lawbench.fit("loss_deceleration", runs, loss="least_squares", objective="sum")
    assert fit.certificate.converged
    b, c0, c1, d1, f1 = fit.params.values()
    off = np.log(np.concatenate(fit.predict(runs)) / np.concatenate([run.loss for run in runs]))
    return b, c0, c1, float(np.log(d1)), f1, float(np.sqrt(np.mean(off**2))), b * d1**-c0, d1, c0 + c1


@pytest.mark.data
@pytest.mark.parametrize("name", DECELERATION)
def test_loss_deceleration_table(name: str) -> None:
    """Every printed digit of nine numbers of each of eight models; t_d is printed without its decimals."""
    got = [round(value, digits) for value, digits in zip(deceleration(name), DIGITS, strict=True)]
    got[7] = int(deceleration(name)[7])
    assert got == list(DECELERATION[name])


@pytest.mark.data
def test_the_printed_digits_of_the_table_do_not_predict_a_loss() -> None:
    """Why the table is no set of published parameters: its rounding alone moves losses by several per cent."""
    worst = []
    for name, (b, c0, c1, log_d1, f1, *_) in DECELERATION.items():
        run = lawbench.load_dataset("deceleration").run(name)
        rounded = at("loss_deceleration", [run], b=b, c0=c0, c1=c1, d1=float(np.exp(log_d1)), f1=f1)
        b, c0, c1, log_d1, f1, *_ = deceleration(name)
        worst.append(
            np.abs(np.log(rounded / at("loss_deceleration", [run], b=b, c0=c0, c1=c1, d1=np.exp(log_d1), f1=f1)))
        )
    assert max(part.max() for part in worst) > 0.05


# Broken neural scaling law: Caballero et al. 2023, arXiv 2210.14891, 4-digit addition.


def _addition(split: str) -> Run:
    with open(known_answer("bnsl_4_digit_addition.csv"), newline="") as file:
        own = [row for row in csv.DictReader(file) if row["split"] == split]
    steps = np.array([int(row["dataset_size"]) - 1 for row in own])  # the law counts updates, step + 1
    return Run(split, steps, np.array([float(row["test_loss"]) for row in own]))


def addition() -> Numbers:
    """Fit 14 points by least squares of log(y + 1), as the source does, and predict the other 3."""
    from scipy.optimize import least_squares

    law, train, test = find_law("bnsl")(), _addition("fit"), _addition("held-out")
    x = law.stack([law.prepare(train)])
    start = np.array(list(lawbench.fit("bnsl", train, loss="least_squares").params.values()))

    def off(scaled: FloatArray) -> FloatArray:
        return np.asarray(np.log1p(law.predict(scaled * start, x)) - np.log1p(train.loss))

    p = least_squares(off, np.ones(6), xtol=1e-15, ftol=1e-15, gtol=1e-15).x * start
    found = dict(zip(law.names, (float(value) for value in p), strict=True))
    errors = {
        f"RMSLE, {run.name}": float(np.sqrt(np.mean(np.log(at("bnsl", [run], **found) / run.loss) ** 2)))
        for run in (train, test)
    }
    return {**found, **errors}


@pytest.mark.data
@pytest.mark.usefixtures("known_answers")
def test_broken_power_law_on_addition() -> None:
    """Second implementation: every digit of the parameters and of both errors."""
    got = addition()
    digits = {"a": 4, "b": 4, "c0": 4, "c1": 4, "d1": 2, "f1": 4, "RMSLE, fit": 5, "RMSLE, held-out": 4}
    assert {name: round(got[name], n) for name, n in digits.items()} == {
        "a": 0.4139, "b": 2.2773, "c0": 0.0551, "c1": 5.6629, "d1": 612.58, "f1": 0.0592,
        "RMSLE, fit": 0.00060, "RMSLE, held-out": 0.0109,
    }  # fmt: skip


@pytest.mark.data
@pytest.mark.usefixtures("known_answers")
def test_the_objective_of_the_addition_fit_matters_in_the_third_digit() -> None:
    """Ours: least squares of log y and of y instead of log(y + 1) give a = .4172 and .4063."""
    train = _addition("fit")
    found = [lawbench.fit("bnsl", train, loss="least_squares", residual=kind).params["a"] for kind in ("log", "loss")]
    assert found == pytest.approx([0.4172, 0.4063], abs=6e-5)


# Data-constrained law: repository huggingface/datablations.


def data_constrained() -> Numbers:
    out = {}
    for n, d in ((6.34e9, 242e9), (8.67e9, 178e9)):
        run = Run.final("one", 1.0, n, d, meta={"unique_tokens": 25e9})
        out[f"loss, N {n:.3g}, D {d:.3g}"] = float(at("data_constrained", [run], "muennighoff2023")[0])
    return out


def test_data_constrained_values() -> None:
    """The two values of the repository at 25e9 unique tokens, to the last digit."""
    assert list(data_constrained().values()) == pytest.approx([2.2256440889984477, 2.2269634075087867], rel=4e-16)


# Over-training law: Gadre et al. 2024, arXiv 2403.08540.


@pytest.mark.data
def test_over_training_in_its_own_symbols() -> None:
    """The paper's errors on 1.4B and 6.9B, .7103 % and .7320 %; parameters by a second implementation."""
    task = task_of("over-training/paper-redpajama")
    fit = lawbench.fit("overtraining", task.train, loss="least_squares", residual="loss")
    assert [round(fit.params[name], n) for name, n in (("E", 4), ("a", 2), ("b", 2), ("eta", 4))] == [
        1.8366, 166.21, 366.69, -0.2729,
    ]  # fmt: skip
    off = [
        round(100 * abs(predicted[0] / run.loss[0] - 1), 4)
        for run, predicted in zip(task.truth(), fit.predict(task.test), strict=True)
    ]
    assert sorted(off) == [0.7103, 0.7320]


# Prefix extrapolation of single curves: mean relative error on the last 30 % of 72,000 steps, percent.

HYPERBOLA = {"alpha": 1.0}
WIDE = {"c0": {"max": 5.0}, "c1": {"min": -5.0}}
PREFIX: dict[tuple[str, str], tuple[float, float, float]] = {
    ("ilog2", "constant-20"): (0.13, 0.02, 0.21),
    ("ilog2", "cosine-20"): (1.36, 2.29, 3.49),
    ("ilog2", "cosine-50"): (1.18, 1.84, 2.63),
    ("pow4", "constant-20"): (1.79, 1.80, 1.98),
    ("pow4", "cosine-20"): (3.39, 4.21, 5.23),
    ("pow4", "cosine-50"): (1.64, 2.15, 2.68),
}
BROKEN = {
    "constant-20": (1.62, 1.44, 1.35),
    "cosine-20": (0.33, 0.25, 1.09),
    "cosine-50": (0.25, 0.52, 0.74),
}


def prefix(law: str | type[Law], split: str, size: str, params: Any = None) -> tuple[float, float]:
    """Return error and objective."""
    task = task_of(f"multi-power-{size}/horizon-{split}")
    fit = lawbench.fit(law, task.train, params=params)
    return 100 * float(task.score(fit.predict(task.test))["prede"] or np.nan), fit.objective


@pytest.mark.data
@pytest.mark.parametrize(("law", "split"), PREFIX)
def test_prefix_extrapolation(law: str, split: str) -> None:
    """Second implementation, to .01 percentage points; its hyperbola is pow4 with an exponent of 1."""
    held = HYPERBOLA if law == "pow4" else None
    got = [prefix(law, split, size, held)[0] for size in SIZES]
    assert got == pytest.approx(PREFIX[law, split], abs=0.011)


class FarBreak(Law):
    """The broken power law without floor, in coordinates in which a break before the data is well posed.

    With c = c0 + c1 taken off c0, f1 = 1/q and d1 such that the early excess over the last power law is
    K at step 1000: log L = log B - r log t + (c / q) log(1 + K (q / c) (t / 1000)^-q). c to infinity is
    B t^-r exp(K (t / 1000)^-q).
    """

    name, title, reference, year = "far_break", "loss_deceleration in other coordinates", "the tests", 2026
    needs = frozenset({"steps"})
    linear = ("B",)
    parameters = (
        Parameter("B", "amplitude", min=1e-6, max=1e9, start=5.0, scale="log"),
        Parameter("r", "exponent after the break", min=0.0, max=1.0, start=0.04, grid=(0.03, 0.05)),
        Parameter("K", "size of the log of the early excess at step 1000", min=1e-6, max=10.0, start=0.3, scale="log",
                  grid=(0.05, 0.3)),
        Parameter("q", "its exponent, 1/f1", min=0.1, max=5.0, start=1.4, grid=(1.0, 1.4, 1.8)),
        Parameter("c", "exponent before the break less that after it", min=0.01, max=1e9, start=30.0, scale="log"),
    )  # fmt: skip

    def prepare(self, run: Run) -> Inputs:
        return {"log_t": np.log(run.updates)}

    def predict(self, p: Any, x: Inputs) -> Any:
        B, r, K, q, c = p
        excess = np.log1p(K * q / c * np.exp(-q * (x["log_t"] - np.log(1000.0))))
        return B * np.exp(-r * x["log_t"] + c / q * excess)


@cache
def far_break(split: str, size: str) -> float:
    """Return the error of the best fit with c0 up to about 30."""
    found = [prefix(FarBreak, split, size, {"c": 30.0}), prefix("loss_deceleration", split, size, WIDE)]
    return min(found, key=lambda pair: pair[1])[0]


@cache
def _bounded(split: str, size: str) -> tuple[float, float]:
    return prefix("loss_deceleration", split, size)


@pytest.mark.data
@pytest.mark.parametrize("split", BROKEN)
def test_prefix_extrapolation_of_the_broken_power_law(split: str) -> None:
    """Second implementation, to .01 percentage points, with c0 up to 30.

    The objective falls along a valley in which c0 grows and d1 goes to 0 (but not at 100M and 400M from half of
    the cosine), by less than 1 % beyond c0 = 30. Our bound, c0 below 1, moves errors by up to .23 points.
    """
    for size, published in zip(SIZES, BROKEN[split], strict=True):
        assert far_break(split, size) == pytest.approx(published, abs=0.011), size
        assert _bounded(split, size)[0] == pytest.approx(published, abs=0.23), size


@pytest.mark.data
def test_the_valley_of_the_broken_power_law_never_ends() -> None:
    """Ours: the farther c0, the lower the objective, and the coordinates of the test are those of the law."""
    objectives = [prefix(FarBreak, "constant-20", "100m", {"c": c})[1] for c in (3.0, 10.0, 30.0, 1e6)]
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[2] < 1.01 * objectives[3]
    assert objectives[0] < _bounded("constant-20", "100m")[1]
    p, c, q = {"B": 4.4, "r": 0.04, "K": 0.35}, 2.4, 1.3
    run = task_of("multi-power-100m/horizon-constant-20").train[0]
    d1 = 1000 * (p["K"] * q / c) ** (1 / q)
    same = at("loss_deceleration", [run], b=p["B"] * d1**c, c0=p["r"] + c, c1=-c, d1=d1, f1=1 / q)
    law = FarBreak()
    assert law.predict(np.array([*p.values(), q, c]), law.prepare(run)) == pytest.approx(same, rel=1e-10)


# Kaplan et al. 2020, arXiv 2001.08361, tables 2 and 3.


def test_kaplan_constants() -> None:
    """L(N, D) at endless data is (Nc/N)^.076, within 3 % of the paper's L(N) with Nc 8.8e13, and alike for data."""
    for n in (1e6, 1e8, 1.5e9):
        got = at("kaplan_nd", [Run.final("one", 1.0, n, 1e30)], "kaplan2020")[0]
        assert got == pytest.approx((6.4e13 / n) ** 0.076, rel=1e-9)
        assert got == pytest.approx((8.8e13 / n) ** 0.076, rel=0.03)
    for d in (1e8, 1e9, 2.2e10):
        got = at("kaplan_nd", [Run.final("one", 1.0, 1e30, d)], "kaplan2020")[0]
        assert got == pytest.approx((5.4e13 / d) ** 0.095, rel=0.06)


@pytest.mark.parametrize("batch", [1e3, 5e5, 1e8])
def test_kaplan_steps_count_as_at_an_endless_batch(batch: float) -> None:
    """The loss solves the paper's two equations; at an endless batch S_min = S, at the critical one S / 2."""
    steps = np.array([10, 1000, 250_000])
    for n in (1e5, 1e9):
        run = Run("one", steps, np.ones(3), n_params=n, tokens_per_step=batch)
        loss = at("kaplan_ns", [run], "kaplan2020")
        least = run.updates / (1 + 2.1e8 / loss ** (1 / 0.21) / batch)
        assert loss == pytest.approx((6.5e13 / n) ** 0.077 + (2.1e3 / least) ** 0.76, rel=1e-12)
    endless = Run("one", steps, np.ones(3), n_params=1e9, tokens_per_step=1e30)
    assert at("kaplan_ns", [endless], "kaplan2020") == pytest.approx(
        (6.5e13 / 1e9) ** 0.077 + (2.1e3 / endless.updates) ** 0.76, rel=1e-12
    )


def _deceleration_numbers() -> Numbers:
    return {
        f"{key}, {name}": value for name in DECELERATION for key, value in zip(KEYS, deceleration(name), strict=True)
    }


def _prefix_numbers() -> Numbers:
    return {
        f"{law}, {split}, {size.upper()}": prefix(law, split, size, HYPERBOLA if law == "pow4" else None)[0]
        for law, split in PREFIX
        for size in SIZES
    }


def _broken_numbers(error: Callable[[str, str], float]) -> Numbers:
    return {f"{split}, {size.upper()}": error(split, size) for split in BROKEN for size in SIZES}


MEASURED: dict[str, Callable[[], Numbers]] = {
    "loss-deceleration-table": _deceleration_numbers,
    "broken-power-law-addition": addition,
    "data-constrained-values": data_constrained,
    "prefix-extrapolation-classic": _prefix_numbers,
    "prefix-extrapolation-broken": lambda: _broken_numbers(far_break),
    "prefix-extrapolation-broken-bounded": lambda: _broken_numbers(lambda *cell: _bounded(*cell)[0]),
}
"""What tests/test_ledger.py compares with the ledger."""
