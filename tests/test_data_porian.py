"""The isoFLOP tables of Porian et al.: counts, the choice of a parameter count, splits and traps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.pickles import read_frame
from lawbench.data.sources import fetch, mirror
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
MATCHED, TUNED = "base-short-chinchilla", "tuned-short-const"


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    return [read_frame(path) for path in fetch(find_card("porian")).values()]


def test_eight_experiments_have_940_points() -> None:
    data = load_dataset("porian")
    points = Counter(run.meta["experiment"].partition("-")[::2] for run in data.runs)
    assert {key: n for key, n in points.items() if key[0] == "refinedweb"} == {
        ("refinedweb", "base-long-kaplan"): 131,
        ("refinedweb", "base-short-kaplan"): 132,
        ("refinedweb", MATCHED): 88,
        ("refinedweb", TUNED): 121,
    }
    assert {key: n for key, n in points.items() if key[0] == "openwebtext2"} == {
        ("openwebtext2", "base-long-kaplan"): 132,
        ("openwebtext2", "base-short-kaplan"): 132,
        ("openwebtext2", MATCHED): 88,
        ("openwebtext2", TUNED): 116,
    }
    assert len(data.runs) == 940
    losses = np.array([run.loss[0] for run in data.runs])
    assert (losses.min(), losses.max()) == (pytest.approx(2.6513, abs=1e-4), pytest.approx(9.3377, abs=1e-4))


def test_the_whole_source_has_fifteen_experiments_and_1745_points() -> None:
    """As the catalogue counts them, with the two files that this dataset does not use; those only a mirror has."""
    folder = mirror()
    found = sorted((folder or Path()).glob("github/formll/*/*/data/summary_df*.pickle.xz")) if folder else []
    if len(found) < 4:
        pytest.skip("the files that the dataset does not use come from a mirror only")
    rows = [row for path in found for _, row in read_frame(path).iterrows()]
    points = sum(len(n) for row in rows for n in row["data"].orig_n if np.ndim(n))
    assert (len(rows), points) == (15, 1745)


def test_compute_is_6_n_d_at_twelve_budgets_each_twice_the_one_before() -> None:
    runs = load_dataset("porian").runs
    for run in runs:
        assert run.compute is not None
        assert run.compute[0] == pytest.approx(run.meta["budget"], rel=1e-12)
    budgets = sorted({run.meta["budget"] for run in runs})
    assert budgets == pytest.approx([1.25e16 * 2**k for k in range(12)], rel=1e-12)
    sizes = sorted({run.n_params or 0.0 for run in runs})
    assert (len(sizes), sizes[0], sizes[-1]) == (16, 5173248, 901726208)


def test_trap_only_the_standard_count_has_validation_losses(tables: list[pd.DataFrame]) -> None:
    kinds = {(row.param_count, row.val) for table in tables for _, row in table.iterrows()}
    assert kinds == {("standard", "val"), ("kaplan", "train")}
    smallest = [min(min(n) for n in table["data"].iloc[0].orig_n[:-1]) for table in tables]
    # Kaplan's count leaves out one table of vocabulary x width.
    assert smallest == [331776, 331776]
    assert smallest[0] + 50432 * 96 == 5173248


def test_trap_budgets_that_hold_a_scalar_are_of_the_count_that_is_left_out(tables: list[pd.DataFrame]) -> None:
    scalar = [
        (row.param_count, budget.flops)
        for table in tables
        for _, row in table.iterrows()
        for _, budget in row["data"].iterrows()
        if not isinstance(budget.orig_n, pd.Series)
    ]
    assert scalar == [("kaplan", 2.56e19)] * 2


def test_the_stated_noise_is_the_difference_between_two_warm_ups_at_the_largest_budget() -> None:
    card, data = find_card("porian"), load_dataset("porian")
    last = {(run.meta["experiment"], run.n_params): run for run in data.runs if run.meta["budget"] > 2e19}
    differences = [
        abs(np.log(run.loss[0] / last[name.replace("long", "short"), size].loss[0]))
        for (name, size), run in last.items()
        if "base-long" in name
    ]
    assert card.noise is not None
    assert (len(differences), float(np.mean(differences))) == (12, pytest.approx(card.noise.value, abs=5e-5))


@pytest.mark.parametrize("corpus", ["refinedweb", "openwebtext2"])
@pytest.mark.parametrize(("short", "experiment"), [("matched", MATCHED), ("tuned", TUNED)])
def test_small_budgets_of_one_experiment_predict_eight_times_the_compute(
    corpus: str, short: str, experiment: str
) -> None:
    task = load_task(f"porian/scale-{corpus}-{short}")
    runs = (*task.train, *task.test)
    assert {run.meta["experiment"] for run in runs} == {f"{corpus}-{experiment}"}
    assert max(run.meta["budget"] for run in task.train) == pytest.approx(3.2e18)
    assert sorted({run.meta["budget"] for run in task.test}) == pytest.approx([6.4e18, 1.28e19, 2.56e19])
    assert min(run.meta["tokens_per_param"] for run in runs) >= 1
    assert len({run.n_params for run in task.train}) >= 10
    assert (task.metric, task.noise_source) == ("log_mae", "stated")
    assert task.noise_floor == pytest.approx(0.0013)


def test_points_of_less_than_a_token_a_parameter_are_the_highest_losses() -> None:
    runs = load_dataset("porian").runs
    low = [run for run in runs if run.meta["tokens_per_param"] < 1]
    assert len(low) == 179
    assert max(run.loss[0] for run in runs if run.meta["tokens_per_param"] >= 1) < 8 < max(r.loss[0] for r in low)
