"""The conformance suite of laws: what every law must do, whoever wrote it.

`check_law` runs it on one law; tests are parametrised over it. Every check is a function of a law
class that raises `AssertionError` with a sentence when the law does not hold to the contract.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lawbench.errors import LawbenchError
from lawbench.fitting.fit import fit
from lawbench.fitting.problem import complex_step
from lawbench.fitting.space import space_of
from lawbench.law import Inputs, Law
from lawbench.runs import Run
from lawbench.schedule import FloatArray
from lawbench.shapes import named_schedule

_PEAK, _STEPS, _WARMUP = 3e-4, 4000, 200
_SHAPES: dict[str, dict[str, Any]] = {
    "constant": {},
    "cosine": {"end": 3e-5},
    "linear": {"end": 0.0},
    "wsd": {"end": 3e-5, "decay_start": 3000, "decay": "exponential"},
    "two-stage": {"second": 9e-5, "drop_at": 2000},
}
_DRAWS = 20


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check; `reason` is empty when it passed."""

    name: str
    passed: bool
    reason: str


def check_law(law: type[Law]) -> list[CheckResult]:
    """Run the conformance suite on a law.

    Examples
    --------
    >>> from lawbench.registry import find_law
    >>> all(result.passed for result in check_law(find_law("power_steps")))
    True
    """
    return [_outcome(name, check, law) for name, check in CHECKS.items()]


def _outcome(name: str, check: Callable[[type[Law]], None], law: type[Law]) -> CheckResult:
    try:
        check(law)
    except AssertionError as failure:
        return CheckResult(name, False, str(failure) or "failed")
    except Exception as error:
        return CheckResult(name, False, f"{type(error).__name__}: {error}")
    return CheckResult(name, True, "")


def sample_runs(shapes: tuple[str, ...] = tuple(_SHAPES)) -> list[Run]:
    """Return made-up runs that provide every input: curves of several sizes under several schedules."""
    steps = np.arange(_WARMUP, _STEPS, 40)
    runs = []
    for i, shape in enumerate(shapes):
        schedule = named_schedule(shape, steps=_STEPS, peak=_PEAK, warmup=_WARMUP, **_SHAPES[shape])
        loss = np.asarray(2.0 + 6.0 * (steps + 1.0) ** -0.4 + 0.01 * i, dtype=np.float64)
        more = {"n_params": 1e7 * 3**i, "tokens_per_step": 2.0**19, "dataset": "sample", "position": 2**i}
        more |= {"meta": {"unique_tokens": 5e8, "cpt_start": _STEPS // 2}, "paired_loss": 1.1 * loss - 0.1}
        runs.append(Run(shape, steps, loss, schedule, **more))
    return runs


def draw(law: Law, count: int = _DRAWS, seed: int = 0) -> FloatArray:
    """Return parameter vectors near what the law calls typical, shape (count, k)."""
    rng = np.random.default_rng(seed)
    space = space_of(law)
    centre = space.coordinates(np.array([p.start for p in law.parameters]))
    theta = centre + rng.normal(scale=0.1, size=(count, centre.size)) * np.where(space.is_log, 1.0, np.abs(centre))
    return np.asarray(space.values(np.clip(theta, space.low, space.high)), dtype=np.float64)


def _stacked(law: Law, runs: list[Run]) -> Inputs:
    return law.stack([law.prepare(run.withhold()) for run in runs])


def check_declared(law: type[Law]) -> None:
    """Name, title, reference and year; every parameter with a meaning, bounds and a start inside them."""
    assert law.name.isidentifier(), f"name '{law.name}' is not an identifier"
    assert law.title, "no title"
    assert law.reference, "no reference"
    assert 1900 < law.year < 2100, f"year {law.year} is not a year"
    assert law.__doc__, "no docstring with the formula and its source"
    known = {
        "steps",
        "lr",
        "n_params",
        "tokens",
        "unique_tokens",
        "cpt_start",
        "position_loss",
        "paired_loss",
        "prefix",
    }
    assert law.needs <= known, f"needs {sorted(law.needs - known)}, which no run provides"
    assert len(set(law().names)) == len(law.parameters), "parameter names repeat"
    assert set(law.linear) <= set(law().names), "declares linear parameters that it does not have"
    for p in law.parameters:
        assert p.meaning, f"parameter {p.name} has no meaning"
        assert p.min < p.max, f"parameter {p.name} has no room between its bounds"
        assert p.min <= p.start <= p.max, f"parameter {p.name} starts outside its bounds"
        assert p.scale == "linear" or p.min > 0, f"parameter {p.name} is logarithmic but may be 0"


def check_finite(law: type[Law]) -> None:
    """Predictions are finite for every schedule shape, also where the rate falls to 0."""
    model = law()
    x = _stacked(model, sample_runs())
    for p in draw(model):
        out = model.predict(p, x)
        assert np.isfinite(out).all(), f"not finite at {dict(zip(model.names, p.tolist(), strict=True))}"


def check_shape(law: type[Law]) -> None:
    """One prediction a logged point."""
    model, runs = law(), sample_runs()
    out = model.predict(draw(model, 1)[0], _stacked(model, runs))
    points = sum(len(run) for run in runs)
    assert np.shape(out) == (points,), f"shape {np.shape(out)} for {points} points"


def check_batch(law: type[Law]) -> None:
    """A batch of parameter vectors gives what each gives alone."""
    model = law()
    x, values = _stacked(model, sample_runs()), draw(model, 5)
    batch = model.predict(values.T[:, :, None], x)
    alone = np.stack([model.predict(p, x) for p in values])
    assert np.allclose(batch, alone, rtol=1e-12), "a batch differs from its members"


def check_derivative(law: type[Law]) -> None:
    """The written derivative agrees with a complex step to 1e-6 of its largest entry."""
    model = law()
    x, values = _stacked(model, sample_runs()), draw(model, 5)
    own = model.jacobian(values.T[:, :, None], x)
    numeric = complex_step(model, values, x)
    assert np.isfinite(numeric).all(), "the formula is not analytic: its complex step is not finite"
    if own is None:
        return
    own = np.moveaxis(own, 0, 1)
    for j, name in enumerate(model.names):
        scale = np.abs(numeric[:, j]).max()
        assert np.abs(own[:, j] - numeric[:, j]).max() <= 1e-6 * scale + 1e-12, f"derivative by {name} is wrong"


def check_linear(law: type[Law]) -> None:
    """The prediction is affine in the parameters declared linear."""
    model = law()
    x = _stacked(model, sample_runs())
    p = draw(model, 1)[0]
    for name in law.linear:
        at = model.names.index(name)
        values = np.repeat(p[None], 3, axis=0)
        values[:, at] *= [1.0, 2.0, 3.0]
        low, mid, high = (model.predict(v, x) for v in values)
        assert np.allclose(high - mid, mid - low, rtol=1e-6, atol=1e-9), f"not linear in {name}"


def check_pure(law: type[Law]) -> None:
    """Same input, same output; neither inputs nor parameters are changed."""
    model = law()
    x, p = _stacked(model, sample_runs()), draw(model, 1)[0]
    kept, kept_x = p.copy(), copy.deepcopy({k: v for k, v in x.items() if isinstance(v, np.ndarray)})
    first, second = model.predict(p, x), model.predict(p, x)
    assert np.array_equal(first, second), "two calls differ"
    assert np.array_equal(p, kept), "the parameters were changed"
    assert all(np.array_equal(x[k], v) for k, v in kept_x.items()), "the inputs were changed"


def check_order(law: type[Law]) -> None:
    """The order of runs changes nothing but the order of predictions."""
    model, runs = law(), sample_runs()
    p = draw(model, 1)[0]
    forth = model.predict(p, _stacked(model, runs))
    back = model.predict(p, _stacked(model, runs[::-1]))
    size = len(runs[0])
    turned = np.concatenate([back[i * size : (i + 1) * size] for i in range(len(runs))][::-1])
    assert np.allclose(forth, turned, rtol=1e-12), "a prediction depends on the other runs"


def check_approximate(law: type[Law]) -> None:
    """What the search sees is within 1e-6 of the law itself."""
    model, runs = law(), sample_runs()
    rough = model.stack([model.approximate(run) for run in runs])
    exact = _stacked(model, runs)
    for p in draw(model, 3):
        away = np.abs(model.predict(p, rough) / model.predict(p, exact) - 1.0).max()
        assert away <= 1e-6, f"the approximation is off by {away:.1e}"


def check_recovers(law: type[Law]) -> None:
    """A fit to the law's own noiseless predictions predicts them back."""
    model = law()
    runs = sample_runs(("cosine", "two-stage", "constant"))
    p = np.array([parameter.start for parameter in law.parameters])
    losses = np.split(model.predict(p, _stacked(model, runs)), len(runs))
    runs = [replace(run, loss=loss) for run, loss in zip(runs, losses, strict=True)]
    found = fit(law, runs, loss="least_squares")
    off = max(np.abs(f / run.loss - 1).max() for f, run in zip(found.predict(runs), runs, strict=True))
    assert off <= 1e-4, f"its own noiseless curves are off by {off:.1e}"


def check_pickle(law: type[Law]) -> None:
    """A law travels to another process."""
    model = law()
    x, p = _stacked(model, sample_runs()), draw(model, 1)[0]
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(twin.predict(p, x), model.predict(p, x)), "a pickled law predicts otherwise"


def check_options(law: type[Law]) -> None:
    """Every choice of every option predicts; an undeclared one is refused."""
    for option in law.options:
        assert option.default in option.choices, f"default of option {option.name} is not a choice"
        for choice in option.choices:
            model = law(**{option.name: choice})
            out = model.predict(draw(model, 1)[0], _stacked(model, sample_runs()))
            assert np.isfinite(out).all(), f"not finite with {option.name}={choice}"
    try:
        law(no_such_option="x")
    except LawbenchError:
        return
    raise AssertionError("accepts an option that it does not declare")


CHECKS: dict[str, Callable[[type[Law]], None]] = {
    "declared": check_declared,
    "finite": check_finite,
    "shape": check_shape,
    "batch": check_batch,
    "derivative": check_derivative,
    "linear": check_linear,
    "pure": check_pure,
    "order": check_order,
    "approximate": check_approximate,
    "recovers": check_recovers,
    "pickle": check_pickle,
    "options": check_options,
}
