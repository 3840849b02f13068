"""Fitting, against the protocols that papers use, in one run on one machine."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
import pytest

import lawbench

from .references import chinchilla_protocol, chinchilla_starts, multi_power_protocol

SAMPLE = 45
SIZES = ("25m", "100m", "400m")


def _chinchilla(runs: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, d, loss = np.array([(run.n_params, run.tokens[0], run.loss[0]) for run in runs]).T
    return n, d, loss


def test_chinchilla_screened_with_certificate(benchmark: Any, dataset: Any, clock: Any, against: Any) -> None:
    """240 points: the 4,500-start finite-difference protocol (every hundredth start, scaled up) and ours."""
    runs = dataset("chinchilla-epoch").runs
    starts = chinchilla_starts()
    assert len(starts) == 4500
    sample = np.random.default_rng(0).permutation(4500)[:SAMPLE]
    seconds = clock(lambda: chinchilla_protocol(*_chinchilla(runs), starts[sample])) * len(starts) / SAMPLE
    fit = benchmark(lambda: lawbench.fit("chinchilla", runs, objective="sum"))
    assert fit.objective == pytest.approx(1.0182740178e-3, rel=1e-8)
    assert fit.certificate.converged
    ratio = against("Chinchilla, screened starts, certificate", seconds, benchmark.stats["median"], "asked >= 1,000x")
    assert ratio >= 1000


def test_chinchilla_4000_bootstrap_refits(benchmark: Any, dataset: Any, clock: Any, against: Any) -> None:
    """Refits: one warm-started finite-difference L-BFGS each (a sample, scaled up) and ours."""
    runs = dataset("chinchilla-epoch").runs
    fit = lawbench.fit("chinchilla", runs, objective="sum")
    p = fit.params
    start = np.array([[np.log(p["A"]), np.log(p["B"]), np.log(p["E"]), p["alpha"], p["beta"]]])
    n, d, loss = _chinchilla(runs)
    rng = np.random.default_rng(0)

    def refits() -> None:
        for _ in range(20):
            drawn = rng.integers(0, n.size, n.size)
            chinchilla_protocol(n[drawn], d[drawn], loss[drawn], start)

    seconds = clock(refits) * 4000 / 20
    benchmark.pedantic(lambda: fit.bootstrap(4000), rounds=3)
    against("4,000 bootstrap refits of it", seconds, benchmark.stats["median"], "asked >= 60x")


@pytest.mark.parametrize("size", SIZES)
def test_multi_power_to_the_true_minimum(benchmark: Any, dataset: Any, clock: Any, against: Any, size: str) -> None:
    """Three curves, 437-451 points, median of five: the public early-stopped protocol and ours."""
    data = dataset(f"multi-power-{size}")
    runs = [data.run(name) for name in ("cosine_24000", "constant_24000", "wsdcon_9")]
    stopped: list[float] = []
    seconds = clock(lambda: stopped.append(multi_power_protocol(runs)))
    fits: list[Any] = []
    benchmark.pedantic(lambda: fits.append(lawbench.fit("mpl", runs, objective="sum")), rounds=5)
    assert fits[-1].certificate.converged
    assert fits[-1].objective < stopped[0]
    times = [fit.certificate.seconds for fit in fits]
    against(f"multi-power law, {size}, to the true minimum", seconds, median(times), "asked <= 1 s, >= 60x")
