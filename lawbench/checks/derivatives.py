"""The check of derivatives."""

from __future__ import annotations

import numpy as np

from lawbench.checks.samples import draw, sample_runs, stacked
from lawbench.fitting.problem import complex_step
from lawbench.law import Law


def check_derivative(law: type[Law]) -> None:
    """Complex steps work, and the written derivative agrees with them to 1e-6 of its largest entry.

    Complex steps themselves are held against differences, for a formula with ``abs`` or ``real`` in
    it gives wrong ones silently.
    """
    model = law()
    x, values = stacked(model, sample_runs()), draw(model, 3)
    numeric = complex_step(model, values, x)
    assert np.isfinite(numeric).all(), "the formula is not analytic: its complex step is not finite"
    for j, name in enumerate(model.names):
        step = 1e-6 * np.maximum(np.abs(values[:, j]), 1e-3)
        low, high = (values + sign * step[:, None] * (np.arange(len(model.names)) == j) for sign in (-1, 1))
        plain = (model.predict(high.T[:, :, None], x) - model.predict(low.T[:, :, None], x)) / (2 * step[:, None])
        size = np.abs(plain).max()
        rounding = 1e-8 / step.min()
        off = np.abs(numeric[:, j] - plain).max()
        assert off <= 1e-3 * size + rounding, f"not analytic in {name}: complex steps and differences part"
    own = model.jacobian(values.T[:, :, None], x)
    if own is None:
        return
    own = np.moveaxis(own, 0, 1)
    for j, name in enumerate(model.names):
        scale = np.abs(numeric[:, j]).max()
        assert np.abs(own[:, j] - numeric[:, j]).max() <= 1e-6 * scale + 1e-12, f"derivative by {name} is wrong"
