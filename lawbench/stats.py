"""Statistics of a board: skill, intervals over families, ties, win rates, paired tests.

Everything takes and returns plain arrays. Axes: entries ``e``, tasks ``t``, families ``f``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lawbench.errors import InputError

Floats = NDArray[np.float64]

CLIP = (0.01, 100.0)
"""Relative errors are clipped to this range, so that no single task decides a board."""

LEVEL = 0.95
"""Coverage of every interval on a board."""

MIN_FAMILIES = 3
"""Fewer families than this allow no interval and no claim of a best entry."""


def relative_error(error: ArrayLike, baseline: ArrayLike, clip: tuple[float, float] = CLIP) -> Floats:
    """Return error over baseline error, clipped; NaN where either is missing.

    Parameters
    ----------
    error : array_like, shape (..., t)
        Errors, not negative; NaN where there is none.
    baseline : array_like, shape (t,)
        Errors of the baseline. Where it is exactly 0, an error of 0 counts as equal and any other
        as the upper clip.
    clip : tuple of float
        Lower and upper end.

    Examples
    --------
    >>> relative_error([1.0, 5.0, 1e-9], [2.0, 5.0, 1.0]).tolist()
    [0.5, 1.0, 0.01]
    """
    e, b = np.broadcast_arrays(np.asarray(error, dtype=np.float64), np.asarray(baseline, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(b == 0, np.where(e == 0, 1.0, np.inf), e / b)
    out: Floats = np.where(np.isnan(e) | np.isnan(b), np.nan, np.clip(ratio, *clip))
    return out


def family_means(values: ArrayLike, families: Sequence[str]) -> Floats:
    """Return the mean over the tasks of each family, families in sorted order.

    Parameters
    ----------
    values : array_like, shape (..., t)
    families : sequence of str, length t

    Returns
    -------
    ndarray, shape (..., f)

    Examples
    --------
    >>> family_means([1.0, 3.0, 5.0], ["a", "a", "b"]).tolist()
    [2.0, 5.0]
    """
    x, labels = np.asarray(values, dtype=np.float64), np.asarray(families, dtype=str)
    names = np.unique(labels)
    out: Floats = np.stack([x[..., labels == name].mean(axis=-1) for name in names], axis=-1)
    return out


def skill(log_ratio: ArrayLike, families: Sequence[str]) -> Floats:
    """Return ``1 - exp(mean over families of mean over tasks of log(error / baseline))``.

    Parameters
    ----------
    log_ratio : array_like, shape (..., t)
    families : sequence of str, length t

    Examples
    --------
    >>> skill(np.log([0.5, 0.5, 0.125]), ["a", "a", "b"]).round(12).item()
    0.75
    """
    out: Floats = 0.0 - np.expm1(family_means(log_ratio, families).mean(axis=-1))
    return out


def t_interval(values: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the ends of the Student t interval of a mean; NaN for fewer than two values.

    Parameters
    ----------
    values : array_like, shape (..., f)
        One value a family.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : ndarray, shape (...)

    Raises
    ------
    InputError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(low.item(), 4), round(high.item(), 4)
    (-0.4841, 4.4841)
    """
    from scipy.stats import t

    x = np.asarray(values, dtype=np.float64)
    if not 0 < level < 1:
        raise InputError(f"an interval level of {level} is not between 0 and 1.")
    size = x.shape[-1]
    if size < 2:
        nothing = np.full(x.shape[:-1], np.nan)
        return nothing, nothing
    half = t.ppf(0.5 + level / 2, size - 1) * x.std(axis=-1, ddof=1) / np.sqrt(size)
    mean = x.mean(axis=-1)
    return np.asarray(mean - half), np.asarray(mean + half)


def paired_p(differences: ArrayLike) -> Floats:
    """Return two-sided p values of paired t tests, from one difference a family.

    Differences that are all equal have no spread to judge by: p is 1 if they are 0, else 0. Fewer
    than two differences give NaN.

    Parameters
    ----------
    differences : array_like, shape (..., f)

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> round(paired_p([1.0, 2.0, 3.0]).item(), 4)
    0.0742
    """
    from scipy.stats import t

    d = np.asarray(differences, dtype=np.float64)
    size = d.shape[-1]
    if size < 2:
        return np.full(d.shape[:-1], np.nan)
    spread, largest = d.std(axis=-1, ddof=1), np.abs(d).max(axis=-1)
    same = spread <= 1e-12 * largest
    ratio = np.abs(d.mean(axis=-1)) / np.where(same, 1.0, spread) * np.sqrt(size)
    return np.where(same, np.where(largest > 0, 0.0, 1.0), 2 * t.sf(ratio, size - 1))


def holm(p: ArrayLike) -> Floats:
    """Return Holm-adjusted p values, in the order given; NaN stays NaN and is not counted.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    there = np.flatnonzero(~np.isnan(values))
    order = there[np.argsort(values[there], kind="stable")]
    steps = values[order] * np.arange(order.size, 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if order.size else steps
    return out


def pairs_told_apart(by_family: ArrayLike) -> Floats:
    """Return Holm-adjusted p values of every pair of entries, paired over families.

    All pairs are adjusted for together, also where only those with the leader are looked at: the
    leader is chosen by the same numbers, which makes every pair a candidate. Adjusting for its own
    comparisons alone would tell one of ten equal entries from it in one board of eight. Entries with
    the same errors are one hypothesis, so that an entry listed twice costs nobody.

    Parameters
    ----------
    by_family : array_like, shape (e, f)
        Mean log error of every entry on every family.

    Returns
    -------
    ndarray, shape (e, e)
        Symmetric; NaN on the diagonal, and everywhere with fewer than two families.

    Examples
    --------
    >>> pairs_told_apart([[0.0, 0.1, 0.0], [1.0, 1.1, 1.2], [1.0, 1.1, 1.2]]).round(4)[0].tolist()
    [nan, 0.0039, 0.0039]
    """
    x = np.asarray(by_family, dtype=np.float64)
    kinds, which = np.unique(x.round(12), axis=0, return_inverse=True)
    first, second = np.triu_indices(len(kinds), k=1)
    adjusted = np.ones((len(kinds), len(kinds)))
    adjusted[first, second] = adjusted[second, first] = holm(paired_p(kinds[first] - kinds[second]))
    out: Floats = adjusted[which.ravel()[:, None], which.ravel()[None, :]]
    out[np.eye(len(x), dtype=bool) | (x.shape[-1] < 2)] = np.nan
    return out


def duels(error: ArrayLike, floor: ArrayLike) -> Floats:
    """Return who wins on each task: 1 a win, 0.5 a tie, 0 a loss.

    Parameters
    ----------
    error : array_like, shape (e, t)
        NaN where the entry failed: it loses against every entry that did not.
    floor : array_like, shape (t,)
        Noise floor: smaller differences are ties. NaN where unknown: only equal errors tie.

    Returns
    -------
    ndarray, shape (e, e, t)
        Score of the first entry against the second.

    Examples
    --------
    >>> duels([[0.10], [0.11], [0.30], [float("nan")]], [0.05])[0, :, 0].tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    e = np.asarray(error, dtype=np.float64)
    margin = np.nan_to_num(np.asarray(floor, dtype=np.float64), nan=0.0)
    value = np.where(np.isnan(e), np.inf, e)
    mine, other = value[:, None, :], value[None, :, :]
    with np.errstate(invalid="ignore"):
        tie = (mine == other) | (np.abs(mine - other) < margin)
    out: Floats = np.where(tie, 0.5, (mine < other).astype(np.float64))
    return out


def representatives(groups: Sequence[str], score: ArrayLike) -> NDArray[np.int64]:
    """Return the index of the best entry (lowest score) of every group.

    Near-copies share a group. Only its best entry is an opponent to others, so that adding copies
    of a law changes nobody's win rate.

    Examples
    --------
    >>> representatives(["a", "b", "a"], [3.0, 2.0, 1.0]).tolist()
    [2, 1]
    """
    labels, values = np.asarray(groups, dtype=str), np.asarray(score, dtype=np.float64)
    best = [int(np.flatnonzero(labels == g)[np.argmin(values[labels == g])]) for g in np.unique(labels)]
    return np.array(best, dtype=np.int64)


def win_rates(scores: Floats, groups: Sequence[str], best: ArrayLike, families: Sequence[str]) -> tuple[Floats, Floats]:
    """Return win rate and mean rank of every entry against the best entries of other groups.

    Parameters
    ----------
    scores : ndarray, shape (e, e, t)
        From `duels`.
    groups : sequence of str, length e
    best : array_like, shape (e,)
        Score by which a group's opponent is chosen, lower is better.
    families : sequence of str, length t
        Tasks weigh equally within a family, families equally.

    Returns
    -------
    win_rate, mean_rank : ndarray, shape (e,)
        Win rate is NaN where there is no other group.
    """
    labels = np.asarray(groups, dtype=str)
    opponents = representatives(groups, best)
    wins = family_means(scores, families).mean(axis=-1)[:, opponents]
    others = labels[opponents][None, :] != labels[:, None]
    met, won = others.sum(axis=1), np.where(others, wins, 0.0).sum(axis=1)
    rate = np.divide(won, met, out=np.full(labels.size, np.nan), where=met > 0)
    return rate, 1.0 + met - won
