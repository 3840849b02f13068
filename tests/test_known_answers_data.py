"""Printed facts about public losses, and printed numbers that need no fit.

Every test names its source; "second implementation" means an independent program on the same data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lawbench
from lawbench.registry import find_law
from lawbench.runs import Run
from lawbench.schedule import discounted_sum
from lawbench.shapes import cosine, wsd

from .test_known_answers import SIZES, VECTORS, _forty_points

Numbers = dict[str, float]


# Noise and overlap of the multi-power curves. Second implementation.


def noise() -> Numbers:
    """Compare the two constant runs after step 8000, and the end of the long one with the mean of 9 neighbours."""
    out = {}
    for size in SIZES:
        data = lawbench.load_dataset(f"multi-power-{size}")
        short, long = data.run("constant_24000"), data.run("constant_72000")
        steps, i, j = np.intersect1d(short.steps, long.steps, return_indices=True)
        gap = (short.loss[i] - long.loss[j])[steps > 8000]
        loss = long.loss[long.steps > 24000]
        windows = np.lib.stride_tricks.sliding_window_view(loss, 9)
        off = windows[:, 4] - windows.mean(axis=1)
        label = size.upper()
        out[f"mean difference, {label}"] = float(gap.mean())
        out[f"sd of the difference, {label}"] = float(gap.std(ddof=1))
        out[f"local sd, {label}"] = float(off.std(ddof=1) / np.sqrt(1 - 1 / 9))
    return out


@pytest.mark.data
def test_two_constant_runs_differ_by_more_than_their_local_noise() -> None:
    """Mean difference .0006 to .0008, sd .0008 to .0013; local noise .0005 to .0006."""
    for name, value in noise().items():
        low, high = {"m": (0.0006, 0.0008), "s": (0.0008, 0.0013), "l": (0.0005, 0.0006)}[name[0]]
        assert low - 6e-5 < value < high + 6e-5, name


def _same(size: str, one: str, other: str) -> tuple[int, int]:
    data = lawbench.load_dataset(f"multi-power-{size}")
    a, b = data.run(one), data.run(other)
    steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
    equal = a.loss[i] == b.loss[j]
    leading = int(np.argmin(equal)) if not equal.all() else equal.size
    return int(equal.sum()), int(steps[leading - 1]) if leading else 0


def overlaps() -> Numbers:
    out: Numbers = {}
    for run in ("wsd", "wsdld"):
        count, last = _same("100m", run, "constant_24000")
        out |= {f"points of {run} in constant_24000, 100M": count, f"last such step of {run}, 100M": last}
        out[f"points of {run} in constant_24000, 400M"] = _same("400m", run, "constant_24000")[0]
    for run in ("wsd", "wsdld", "wsdcon_3", "wsdcon_18", "constant_72000"):
        out[f"points of {run} in wsdcon_9, 25M"] = _same("25m", run, "wsdcon_9")[0]
    data = lawbench.load_dataset("multi-power-25m")
    short, long = data.run("constant_24000"), data.run("constant_72000")
    _, i, j = np.intersect1d(short.steps, long.steps, return_indices=True)
    out["largest gap of the constant runs, 25M"] = float(np.abs(short.loss[i] - long.loss[j]).max())
    trunk = lawbench.load_dataset("multi-power-400m")
    gaps = []
    for run in ("wsd", "wsdld"):
        a, b = trunk.run(run), trunk.run("constant_24000")
        steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
        gaps.append(np.abs(a.loss[i] - b.loss[j])[steps < 20000].max())
    out["largest gap of the trunks, 400M"] = float(max(gaps))
    out |= {f"last step of wsdcon_{k}, 25M": int(data.run(f"wsdcon_{k}").steps[-1]) for k in (3, 9, 18)}
    return out


OVERLAPS = {"points of wsd in constant_24000, 100M": 140, "last such step of wsd, 100M": 19968,
            "points of wsd in constant_24000, 400M": 110, "points of wsdld in constant_24000, 400M": 111,
            "points of wsd in wsdcon_9, 25M": 46, "points of wsdcon_18 in wsdcon_9, 25M": 46,
            "points of constant_72000 in wsdcon_9, 25M": 46, "last step of wsdcon_9, 25M": 14144}  # fmt: skip


@pytest.mark.data
def test_fitted_and_predicted_files_share_losses() -> None:
    got = overlaps()
    assert {name: got[name] for name in OVERLAPS} == OVERLAPS
    assert got["largest gap of the constant runs, 25M"] == pytest.approx(0.029, abs=6e-4)
    assert got["largest gap of the trunks, 400M"] == pytest.approx(0.0018, abs=6e-5)


# Test vectors of the schedules. Second implementation, every digit printed; tested in test_known_answers.


def schedule_vectors() -> Numbers:
    out: Numbers = {}
    for name, step, *_ in VECTORS:
        schedule = lawbench.load_dataset("multi-power-100m").run(name).schedule
        assert schedule is not None
        slow, fast = (discounted_sum(schedule.drops(), momentum)[step] for momentum in (0.999, 0.99))
        values = (schedule.lr[step], schedule.area("ramp")[step], schedule.area("flat")[step], slow, fast)
        kinds = ("rate", "S1 ramp", "S1 flat", "S2 at .999", "S2 at .99")
        out |= {f"{kind}, {name}, {step}": float(value) for kind, value in zip(kinds, values, strict=True)}
    return out


def released_vectors() -> Numbers:
    schedule = _forty_points()[0].schedule
    assert schedule is not None
    area, annealing = schedule.area("flat"), discounted_sum(schedule.drops("flat"), 0.999)
    loss = 2.628 + 0.429 * area**-0.550 - 0.411 * annealing
    return {
        f"{kind}, step {step}": float(values[step])
        for step in (1000, 10000, 20000)
        for kind, values in (("S1", area), ("S2", annealing), ("loss", loss))
    }


# Curves of end points: Tissue et al. 2024, arXiv 2408.11029, at 594M.


def end_points() -> Numbers:
    """Predict the last step of cosine and WSD schedules (last fifth linear to 0) with the printed 60k fit."""
    law, p = (
        find_law("annealing_area")(warmup="flat"),
        {"L0": 2.610, "A": 0.449, "alpha": 0.528, "C": 0.347, "lambda": 0.999},
    )
    out = {}
    for steps in (20000, 40000, 60000):
        shapes = {
            "cosine": cosine(steps, 2e-4, warmup=500),
            "wsd": wsd(steps, 2e-4, warmup=500, decay_start=int(0.8 * steps)),
        }
        for name, schedule in shapes.items():
            run = Run("one", np.array([steps - 1]), np.ones(1), schedule)
            out[f"{name}, {steps} steps"] = float(
                law.predict(np.array([p[key] for key in law.names]), law.stack([law.prepare(run)]))[0]
            )
    return out


END_POINTS = {"cosine": (2.210, 4.905, 0.207), "wsd": (2.261, 4.420, 0.216)}


@pytest.mark.parametrize("shape", END_POINTS)
def test_end_points_of_schedules_lie_near_the_printed_power_laws(shape: str) -> None:
    """2.210 + 4.905 s^-.207 and 2.261 + 4.420 s^-.216; the range they were fitted on is not stated."""
    L0, A, alpha = END_POINTS[shape]
    for name, value in end_points().items():
        if name.startswith(shape):
            assert value == pytest.approx(L0 + A * float(name.split()[1]) ** -alpha, abs=0.015), name


# Printed constants that must agree with each other.


def temporal() -> Numbers:
    from lawbench.laws.temporal_position import mean_loss

    return {"mean loss over 1024 positions": float(mean_loss(3.2, 0.07, 2.4, positions=1024))}


def base_fit() -> Numbers:
    """The published constants of the data-constrained law are the exponentials of its base fit."""
    values = next(iter(find_law("data_constrained").published)).values
    return {name: values[name] for name in ("A", "B", "E")}


def test_printed_constants_of_the_data_constrained_law() -> None:
    """Repository: a 6.255414, b 7.3049974, e .6254804; in words A 521, B 1488, E 1.87."""
    got = base_fit()
    assert [got["A"], got["B"], got["E"]] == pytest.approx(np.exp([6.255414, 7.3049974, 0.6254804]), rel=1e-12)
    assert [got["A"], got["B"]] == pytest.approx([521, 1488], abs=0.6)
    assert got["E"] == pytest.approx(1.87, abs=0.005)


def kaplan() -> Numbers:
    """L(N, D) at endless data or size, to compare with the paper's own L(N) and L(D)."""
    law = find_law("kaplan_nd")()
    p = np.array([next(iter(law.published)).values[name] for name in law.names])

    def loss(n: float, d: float) -> float:
        return float(law.predict(p, law.stack([law.prepare(Run.final("one", 1.0, n, d))]))[0])

    return {
        **{f"L(N = {n:g})": loss(n, 1e30) for n in (1e6, 1e8, 1e9)},
        **{f"L(D = {d:g})": loss(1e30, d) for d in (1e8, 1e9, 1e10)},
    }


MEASURED: dict[str, Callable[[], Numbers]] = {
    "multi-power-noise": noise,
    "multi-power-overlaps": overlaps,
    "multi-power-schedule-vectors": schedule_vectors,
    "annealing-area-vectors": released_vectors,
    "annealing-area-end-points": end_points,
    "temporal-mean": temporal,
    "data-constrained-base-fit": base_fit,
    "kaplan-limits": kaplan,
}
"""What tests/test_ledger.py compares with the ledger."""
