"""Checks that a prediction depends on its arguments alone, and changes none of them."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from lawbench.checks.samples import draw, sample_runs, stacked
from lawbench.fitting.result import predictions
from lawbench.law import Law


def check_untouched(law: type[Law]) -> None:
    """Neither inputs nor parameters are changed."""
    model = law()
    x, p = stacked(model, sample_runs()), draw(model, 1)[0]
    kept, kept_x = p.copy(), copy.deepcopy({k: v for k, v in x.items() if isinstance(v, np.ndarray)})
    model.predict(p, x)
    model.jacobian(p, x)
    assert np.array_equal(p, kept), "the parameters were changed"
    assert all(np.array_equal(x[k], v, equal_nan=True) for k, v in kept_x.items()), "the inputs were changed"


def check_deterministic(law: type[Law]) -> None:
    """Same input, same output, to the last bit."""
    first, second = (_predicted(law) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)), "two calls differ"


def check_order(law: type[Law]) -> None:
    """The order of runs changes nothing but the order of predictions."""
    forth, back = _predicted(law), _predicted(law, backwards=True)[::-1]
    agree = all(np.allclose(a, b, rtol=1e-12) for a, b in zip(forth, back, strict=True))
    assert agree, "a prediction depends on the other runs"


def check_withheld(law: type[Law]) -> None:
    """It predicts runs whose losses are withheld, and other losses would change nothing."""
    model, runs = law(), sample_runs()
    params = dict(zip(model.names, draw(model, 1)[0].tolist(), strict=True))
    withheld = predictions(model, params, [run.withhold() for run in runs])
    other = predictions(model, params, [replace(run, loss=2.0 * run.loss) for run in runs])
    assert all(np.array_equal(a, b) for a, b in zip(withheld, other, strict=True)), "losses change a prediction"


def _predicted(law: type[Law], *, backwards: bool = False) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    model, runs = law(), sample_runs()
    out = model.predict(draw(model, 1)[0], stacked(model, runs[::-1] if backwards else runs))
    ends = np.cumsum([len(run) for run in (runs[::-1] if backwards else runs)])[:-1]
    return np.split(np.asarray(out), ends)
