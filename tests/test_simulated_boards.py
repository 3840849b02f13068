"""What the statistics of a board promise, on simulated boards of few families of related tasks.

The simulation has the shape of the public boards: families of one to twelve tasks, log errors that
scatter by 0.6 to 0.9 within a family and about as much between families, entries that rise and fall
together. Rates are over thousands of boards, so their own error is below half a point.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lawbench.stats import family_means, pairs_told_apart, t_interval

Floats = NDArray[np.float64]
SIZES = (3, 2, 12, 2, 6, 4, 1, 7, 3, 4)
"""Tasks of each family, as on the public boards."""
BETWEEN, WITHIN = 0.5, 0.7
SHAPES = ("normal", "heavy", "skewed")


def noise(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> Floats:
    """Draw values of mean 0 and standard deviation 1: normal, Student's t of 5, or a lopsided gamma (skewness 1)."""
    if kind == "heavy":
        return np.asarray(rng.standard_t(5, size=shape) / np.sqrt(5 / 3))
    if kind == "skewed":
        return np.asarray((rng.gamma(4.0, size=shape) - 4.0) / 2.0)
    return np.asarray(rng.normal(size=shape))


def simulate(boards: int, entries: int, count: int, kind: str, seed: int) -> Floats:
    """Return mean log errors on every family, shape (boards, entries, families); every true mean is 0."""
    rng = np.random.default_rng(seed)
    sizes = SIZES[:count]
    labels = [f"f{i}" for i, size in enumerate(sizes) for _ in range(size)]
    tasks = np.repeat(np.arange(count), sizes)
    # Half of what is odd about a family or task is the baseline's doing, and common to all entries.
    between = noise(rng, (boards, entries, count), kind) + noise(rng, (boards, 1, count), kind)
    within = noise(rng, (boards, entries, len(labels)), kind) + noise(rng, (boards, 1, len(labels)), kind)
    return family_means((BETWEEN * between[..., tasks] + WITHIN * within) / np.sqrt(2), labels)


def covered(values: Floats) -> float:
    low, high = t_interval(values)
    return float(((low <= 0) & (high >= 0)).mean())


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("count", [6, 8, 10])
def test_intervals_of_skill_and_of_differences_cover_what_they_say(count: int, kind: str) -> None:
    boards = simulate(20_000, 2, count, kind, seed=count)
    assert 0.93 <= covered(boards[:, 0]) <= 0.97
    assert 0.93 <= covered(boards[:, 0] - boards[:, 1]) <= 0.97


@pytest.mark.parametrize("entries", [4, 12])
@pytest.mark.parametrize("count", [6, 8, 10])
def test_equal_entries_are_rarely_told_from_the_leader(count: int, entries: int) -> None:
    boards = simulate(1000, entries, count, "normal", seed=count)
    told = 0
    for board in boards:
        leader = int(board.mean(axis=-1).argmin())
        told += bool((pairs_told_apart(board)[leader] < 0.05).any())
    assert told / len(boards) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(boards))


def test_a_percentile_bootstrap_over_tasks_would_not_do() -> None:
    # Why intervals are over families: the same boards, resampled by task as if tasks were independent.
    rng = np.random.default_rng(0)
    sizes, boards = SIZES[:6], 400
    tasks = np.repeat(np.arange(6), sizes)
    values = BETWEEN * rng.normal(size=(boards, 6))[:, tasks] + WITHIN * rng.normal(size=(boards, len(tasks)))
    drawn = values[:, rng.integers(len(tasks), size=(500, len(tasks)))].mean(axis=-1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=-1)
    assert ((low <= 0) & (high >= 0)).mean() < 0.9
