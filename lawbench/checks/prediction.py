"""Checks of the formula: what it predicts for made-up runs and random parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lawbench.checks.samples import draw, sample_runs, stacked
from lawbench.law import Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray


def must_be_losses(model: Law, values: FloatArray, runs: Sequence[Run], where: str = "") -> None:
    """Raise unless all predictions are finite and above 0; `values` has shape (batch, k)."""
    x = stacked(model, runs)
    for p in values:
        out = np.asarray(model.predict(p, x))
        good = np.isfinite(out) & (np.real(out) > 0)
        at = ", ".join(f"{name}={value:.6g}" for name, value in zip(model.names, p.tolist(), strict=True))
        assert good.all(), f"predicts a loss of {out[~good][0]:g}{where} at {at}"


def check_finite(law: type[Law]) -> None:
    """Predictions are finite and above 0 for every shape of schedule, also where the rate falls to 0."""
    model = law()
    must_be_losses(model, draw(model), sample_runs())


def check_shape(law: type[Law]) -> None:
    """One prediction a logged point."""
    model, runs = law(), sample_runs()
    out = model.predict(draw(model, 1)[0], stacked(model, runs))
    points = sum(len(run) for run in runs)
    assert np.shape(out) == (points,), f"shape {np.shape(out)} for {points} points"


def check_batch(law: type[Law]) -> None:
    """A batch of parameter vectors gives what each gives alone."""
    model = law()
    x, values = stacked(model, sample_runs()), draw(model, 5)
    batch = model.predict(values.T[:, :, None], x)
    alone = np.stack([model.predict(p, x) for p in values])
    assert np.allclose(batch, alone, rtol=1e-12), "a batch differs from its members"


def check_linear(law: type[Law]) -> None:
    """The prediction is affine in the parameters declared linear."""
    model = law()
    x = stacked(model, sample_runs())
    p = draw(model, 1)[0]
    for name in law.linear:
        at = model.names.index(name)
        values = np.repeat(p[None], 3, axis=0)
        values[:, at] *= [1.0, 2.0, 3.0]
        low, mid, high = (model.predict(v, x) for v in values)
        assert np.allclose(high - mid, mid - low, rtol=1e-6, atol=1e-9), f"not linear in {name}"


def check_approximate(law: type[Law]) -> None:
    """What the search sees is within 1e-6 of the law itself."""
    model, runs = law(), sample_runs()
    rough = model.stack([model.approximate(run) for run in runs])
    exact = stacked(model, runs)
    for p in draw(model, 3):
        away = np.abs(model.predict(p, rough) / model.predict(p, exact) - 1.0).max()
        assert away <= 1e-6, f"the approximation is off by {away:.1e}"
