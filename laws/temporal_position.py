"""The temporal law: losses by token position, through a hyperbola whose parameters move with time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lawbench.errors import NotApplicableError
from lawbench.law import Inputs, Law, Option, Parameter, own_name
from lawbench.runs import Run
from lawbench.schedule import FloatArray

_TINY = 1e-6
"""Extrapolated 1/a1 and 1/a2 stay above this."""
_STEEPNESS = (1e-4, 1e3)
_SHIFTS = (1e-2, 1e6)
_EXPONENTS = (1e-2, 4.0)
"""Where a1, and the offset and exponent of the functions of time, are searched."""
_DELTA = 1e-3
"""Relative residual at which stage 2 turns from squares to absolute values, as fits of curves do."""


def mean_loss(a0: ArrayLike, a1: ArrayLike, a2: ArrayLike, positions: int) -> FloatArray:
    r"""Return the mean of the hyperbola over positions 1 to n, exactly.

    .. math:: a_2 + \frac{a_0}{n a_1} \left[\psi(n + 1 + 1/a_1) - \psi(1 + 1/a_1)\right]

    with the digamma function :math:`\psi`.

    Examples
    --------
    >>> round(float(mean_loss(3.2, 0.07, 2.4, positions=1024)), 12)
    2.589819458168
    """
    from scipy.special import digamma

    inverse = 1.0 / np.asarray(a1, dtype=np.float64)
    span = digamma(positions + 1 + inverse) - digamma(1 + inverse)
    return np.asarray(a2 + np.asarray(a0) * inverse / positions * span, dtype=np.float64)


def _curve(symbol: str, what: str, unit: str, start: float) -> tuple[Parameter, ...]:
    """Return the parameters of ``p1 log(t + p2) + p3 + p4 t^-p5``; stage 2 keeps one of the two terms, or none."""
    wide = {"min": -1e12, "max": 1e12}
    return (
        Parameter(f"{symbol}1", f"growth of {what} with the log of time", start=0.0, unit=unit, **wide),
        Parameter(f"{symbol}2", "offset of time", min=1e-6, max=1e12, start=1.0, scale="log", unit="steps"),
        Parameter(f"{symbol}3", f"constant part of {what}", start=start, unit=unit, **wide),
        Parameter(f"{symbol}4", f"part of {what} that fades as a power of time", start=0.0, unit=unit, **wide),
        Parameter(f"{symbol}5", "exponent of that power", min=1e-6, max=10.0, start=0.5, unit="1"),
    )


class TemporalPosition(Law):
    r"""Hyperbola over token positions; its three parameters are functions of training time.

    .. math:: L_i(t) = a_2(t) + \frac{a_0(t)}{1 + a_1(t)\, i}, \qquad i = 1 \ldots n

    Each of :math:`a_0`, :math:`1/a_1`, :math:`1/a_2` is one of: a constant;
    :math:`p_1 \log(t + p_2) + p_3`; :math:`p_3 + p_4 t^{-p_5}`; with :math:`t` the optimiser
    updates made so far. Fitted in two stages: least squares over positions at every checkpoint, then each
    parameter over checkpoints, the form chosen by AIC on the fitted checkpoints. The mean over
    positions follows exactly, see `mean_loss`.

    References
    ----------
    Xiong et al., "Temporal Scaling Law for Large Language Models", arXiv 2404.17785: the
    hyperbola over positions, and that its parameters are modelled over training. How they are
    modelled here is this project's choice.
    """

    name = "temporal_position"
    title = "Temporal law by position"
    reference = "after Xiong et al. 2024, arXiv 2404.17785"
    year = 2024
    needs = frozenset({"steps", "prefix", "position_loss"})
    parameters = (
        *_curve("p", "a0", "nats/token", 2.0),
        *_curve("q", "1/a1", "positions", 5.0),
        *_curve("r", "1/a2", "token/nats", 0.5),
        Parameter("d", "what the texts add at this position", min=-100.0, max=100.0, start=0.0, unit="nats/token"),
    )
    options = (
        Option(
            "texts",
            "none",
            ("none", "kept"),
            "whether the mean residual of stage 1 at each position, which is of the evaluation texts, is kept",
            compared=True,
        ),
    )
    note = (
        "Confirmed in the paper's abstract: losses by token position follow a hyperbola (its first version says "
        "reciprocal law), and the hyperbola's parameters are modelled over training. Not confirmed, and not claimed "
        "here: the paper's functions of time, its separate treatment of the learning-rate decay, and its accuracy. "
        "The functions of time, their choice by AIC, and the option `texts=kept` are this project's. Where the loss "
        "falls with position as fast as 1/i, only a0/a1 is identified, and a0 and a1, extrapolated each alone, part."
    )

    def prepare(self, run: Run) -> Inputs:
        """Return the updates made at every logged point, and the position."""
        return {"t": run.updates, "i": np.full(len(run), float(run.position or 1))}

    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the loss at every logged point."""
        t = x["t"]
        a0, inverse1, inverse2 = (_over_time(p[k : k + 5], t) for k in (0, 5, 10))
        inverse1, inverse2 = _positive(inverse1), _positive(inverse2)
        return _positive(1.0 / inverse2 + a0 * inverse1 / (inverse1 + x["i"]) + p[15])

    def estimate(self, runs: Sequence[Run]) -> Mapping[str, float]:
        """Return the parameters of the two stages.

        Raises
        ------
        NotApplicableError
            For fewer than three positions, or positions logged at different steps.
        """
        positions, losses = _table(self.name, runs)
        stage1, variance = hyperbolas(positions, losses)
        t = runs[0].updates
        values = [over_time(t, stage1[k], variance[k]) for k in range(3)]
        found = dict(zip(self.names, [*np.concatenate(values).tolist(), 0.0], strict=True))
        if self.choices["texts"] == "kept":
            a0, inverse1, inverse2 = stage1[:, :, None]
            residual = losses - (1.0 / inverse2 + a0 * inverse1 / (inverse1 + positions))
            found |= {own_name("d", run): float(d) for run, d in zip(runs, residual.mean(axis=0), strict=True)}
        return found


def hyperbolas(positions: FloatArray, losses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit the hyperbola at every checkpoint: least squares, positions weighted equally, a0 and a2 at least 0.

    Parameters
    ----------
    positions : ndarray, shape (n,)
    losses : ndarray, shape (checkpoints, n)

    Returns
    -------
    values, variance : ndarray, shape (3, checkpoints)
        a0, 1/a1 and 1/a2, and the variance of each relative to its square.
    """
    count = len(losses)
    a1 = _smallest(lambda grid: _amplitudes(positions, losses, grid)[2], _STEEPNESS, count)
    a0, a2, misfit = (part[:, 0] for part in _amplitudes(positions, losses, a1[:, None]))
    base = 1.0 / (1.0 + a1[:, None] * positions)
    # Derivatives by the logarithms of a0, a1 and a2, so that variances are relative.
    by_log = [a0[:, None] * base, -a0[:, None] * (1.0 - base) * base, np.repeat(a2[:, None], positions.size, axis=1)]
    slopes = np.stack(by_log, axis=1)
    moments = slopes @ slopes.swapaxes(1, 2) + _TINY**2 * np.eye(3)
    spread = (misfit + _TINY**2) / max(positions.size - 3, 1)
    variance = spread * np.diagonal(np.linalg.inv(moments), axis1=1, axis2=2).T
    return np.stack([a0, 1.0 / a1, 1.0 / np.maximum(a2, _TINY)]), variance


def over_time(t: FloatArray, values: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the five parameters of the function of time that AIC prefers.

    Residuals are relative, weighted by how well stage 1 tells the value; large ones count by
    their size, not their square, because the first steps follow none of the forms.

    Parameters
    ----------
    t, values, variance : ndarray, shape (checkpoints,)
    """
    weights = 1.0 / np.maximum(variance, _DELTA**2)
    weights = weights / weights.sum()

    def error(bases: FloatArray) -> FloatArray:
        return _line(bases, values, weights)[1][None, :]

    def logarithm(grid: FloatArray) -> FloatArray:
        return np.log(t + grid[..., None])[0]

    def power(grid: FloatArray) -> FloatArray:
        return np.asarray(t ** -grid[..., None])[0]

    shift = _smallest(lambda grid: error(logarithm(grid)), _SHIFTS, 1)
    exponent = _smallest(lambda grid: error(power(grid)), _EXPONENTS, 1)
    bases = np.stack([np.zeros_like(t), logarithm(shift[None])[0], power(exponent[None])[0]])
    (constant, slope), misfit = _line(bases, values, weights)
    aic = 2.0 * t.size * np.log(misfit + 1e-15) + 2.0 * np.array([1, 3, 3])
    best = int(np.argmin(aic))
    grows, fades = (slope[best] if best == form else 0.0 for form in (1, 2))
    return np.array([grows, shift[0], constant[best], fades, exponent[0]])


def _over_time(p: NDArray[Any], t: FloatArray) -> NDArray[Any]:
    grows, shift, constant, fades, exponent = p
    return grows * np.log(t + shift) + constant + fades * np.exp(-exponent * np.log(t))


def _positive(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.real(values) > _TINY, values, _TINY)


def _table(law: str, runs: Sequence[Run]) -> tuple[FloatArray, FloatArray]:
    """Return the positions, and the losses of all checkpoints at them, shape (checkpoints, positions)."""
    positions = [run.position for run in runs if run.position is not None]
    steps = runs[0].steps
    if len(set(positions)) < 3 or any(not np.array_equal(run.steps, steps) for run in runs):
        raise NotApplicableError(
            f"law '{law}' fits one run at a time, at three positions or more, all logged at the same steps; "
            "see Run.by_position."
        )
    return np.array(positions, dtype=np.float64), np.stack([run.loss for run in runs], axis=1)


def _amplitudes(positions: FloatArray, losses: FloatArray, a1: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a0, a2 and the sum of squares for steepnesses of shape (checkpoints, g)."""
    base = 1.0 / (1.0 + a1[..., None] * positions)
    y = losses[:, None, :]
    middle, level = base.mean(axis=-1), y.mean(axis=-1)
    spread = ((base - middle[..., None]) ** 2).sum(axis=-1)
    a0 = np.maximum((base * (y - level[..., None])).sum(axis=-1) / spread, 0.0)
    a2 = level - a0 * middle
    through_zero = (base * y).sum(axis=-1) / (base**2).sum(axis=-1)
    a0, a2 = np.where(a2 < 0, through_zero, a0), np.maximum(a2, 0.0)
    return a0, a2, ((a2[..., None] + a0[..., None] * base - y) ** 2).sum(axis=-1)


def _line(bases: FloatArray, values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit ``constant + slope * basis`` robustly for every basis, shape (g, n).

    Returns
    -------
    coefficients : ndarray, shape (2, g)
    misfit : ndarray, shape (g,)
        Weighted mean of the absolute relative residuals.
    """
    scale = np.maximum(np.abs(values), _TINY)
    pull = np.broadcast_to(weights / scale**2, bases.shape)
    for _ in range(50):
        share = pull / pull.sum(axis=-1, keepdims=True)
        middle, level = (share * bases).sum(axis=-1), (share * values).sum(axis=-1)
        away = bases - middle[:, None]
        spread = (share * away**2).sum(axis=-1)
        slope = np.divide((share * away * values).sum(axis=-1), spread, out=np.zeros_like(spread), where=spread > 0)
        constant = level - slope * middle
        residual = (constant[:, None] + slope[:, None] * bases - values) / scale
        pull = weights / scale**2 / np.maximum(np.abs(residual), _DELTA)
    return np.stack([constant, slope]), (weights * np.abs(residual)).sum(axis=-1)


def _smallest(f: Callable[[FloatArray], FloatArray], bounds: tuple[float, float], rows: int) -> FloatArray:
    """Return, for every row, where f of shape (rows, g) is smallest: a grid, made finer around its best point."""
    low, high = (np.full(rows, np.log(bound)) for bound in bounds)
    for _ in range(7):
        grid = np.linspace(low, high, 61, axis=1)
        best = np.argmin(f(np.exp(grid)), axis=1)
        at = np.arange(rows)
        low, high = grid[at, np.maximum(best - 1, 0)], grid[at, np.minimum(best + 1, 60)]
    return np.asarray(np.exp((low + high) / 2), dtype=np.float64)
