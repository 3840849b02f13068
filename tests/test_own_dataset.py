"""The dataset of our own: complete, smooth, ordered by size, annealed, and there without a network."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lawbench.data.dataset import Dataset, load_dataset
from lawbench.errors import DataError
from lawbench.noise import repeats, repeats_by_position, second_differences
from lawbench.runs import Run
from lawbench.schedule import shared_steps

from .house import REPOSITORY

FOLDER = REPOSITORY / "datasets" / "pycode-bytes"
SIZES = tuple(path.parent.name for path in sorted(FOLDER.glob("*/runs.json"), key=lambda p: int(p.parent.name[:-1])))
BINS = [(1, 1), (2, 2), (3, 8), (9, 32), (33, 128)]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("pycode-bytes")


def _run(data: Dataset, size: str, name: str) -> Run:
    return data.run(f"{size}-{name}")


def _at(run: Run, step: int) -> float:
    return float(run.loss[run.steps == step][0])


def test_every_planned_run_is_there(data: Dataset) -> None:
    assert SIZES == ("25k", "150k", "450k")
    for size in SIZES:
        runs = [run for run in data.runs if run.meta["size"] == size]
        assert len(runs) == 18
        assert {run.n_params for run in runs} == {{"25k": 24736, "150k": 147904, "450k": 443232}[size]}
        for run in runs:
            assert run.schedule is not None
            assert len(run.schedule) in (2000, 4000)
            assert run.steps[-1] == len(run.schedule) - 1
            assert np.diff(run.steps).max() <= 50
            assert run.tokens is not None
            assert run.tokens[-1] == 4096 * len(run.schedule)


def test_the_files_are_small_and_hold_every_checkpoint() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*k/*")) < 3e6
    for size in SIZES:
        rows = gzip.decompress((FOLDER / size / "positions.csv.gz").read_bytes()).decode().splitlines()[1:]
        names = [row.split(",")[0] for row in rows]
        assert all(len(row.split(",")) == 2 + 128 for row in rows)
        assert min(names.count(name) for name in set(names)) >= 40


def test_the_mean_over_positions_is_the_loss(data: Dataset) -> None:
    for run in data.runs:
        assert run.position_loss is not None
        assert run.position_loss.mean(axis=1) == pytest.approx(run.loss, abs=1e-5)


def test_a_branch_repeats_its_trunk_literally(data: Dataset) -> None:
    for size in SIZES:
        trunk = _run(data, size, "constant-2t")
        branched = [run for run in data.runs if run.model == size and "branch" in run.meta]
        assert len(branched) == 6
        for run in branched:
            assert run.meta["parent"] == trunk.name
            assert run.schedule is not None
            assert trunk.schedule is not None
            assert shared_steps(run.schedule, trunk.schedule) == run.meta["branch"]
            before = run.steps < run.meta["branch"]
            same = np.isin(trunk.steps, run.steps[before])
            assert np.isin(run.steps[before], trunk.steps).all()
            assert np.array_equal(run.loss[before], trunk.loss[same])
            assert run.position_loss is not None
            assert trunk.position_loss is not None
            assert np.array_equal(run.position_loss[before], trunk.position_loss[same])


def test_curves_are_smooth_and_fall(data: Dataset) -> None:
    for run in data.runs:
        noise = second_differences(run.loss)
        assert noise is not None
        assert noise < 0.02
        assert run.loss[-1] < 0.75 * run.loss[0]


def test_larger_models_end_lower_under_every_schedule(data: Dataset) -> None:
    for small, large in pairwise(SIZES):
        for run in (run for run in data.runs if run.meta["size"] == small):
            other = _run(data, large, run.meta["schedule"])
            assert other.loss[-1] < run.loss[-1], other.name


def test_annealing_is_visible_beyond_the_noise(data: Dataset) -> None:
    """At equal steps, cosine and WSD end below the constant rate by several times the spread between seeds."""
    for size in SIZES:
        seeds = repeats([run for run in data.runs if run.model == size])
        assert seeds is not None
        level = _at(_run(data, size, "constant-2t"), 1999)
        for name in ("cosine10-t", "cosine0-t", "linear0-t", "wsd-linear-t", "wsd-sqrt-t"):
            gain = np.log(level / _at(_run(data, size, name), 1999))
            assert gain > (3 if name.startswith("wsd") else 0) * seeds, (size, name)


def test_losses_fall_with_position(data: Dataset) -> None:
    """Binned, because at one position the texts differ from those at the next."""
    for run in data.runs:
        assert run.position_loss is not None
        last = run.position_loss[-1]
        binned = [last[low - 1 : high].mean() for low, high in BINS]
        assert (np.diff(binned) < 0).all(), run.name


def test_the_noise_between_seeds_is_measured_at_every_size(data: Dataset) -> None:
    for size in SIZES:
        runs = [run for run in data.runs if run.model == size]
        mean, each = repeats(runs), repeats_by_position(runs)
        assert mean is not None
        assert each is not None
        assert 1e-3 < mean < each < 0.05


def test_it_needs_no_network(offline: Path) -> None:
    assert len(load_dataset("pycode-bytes").runs) == 18 * len(SIZES)


def test_what_was_trained_can_be_rebuilt_from_the_record() -> None:
    corpora = set()
    for size in SIZES:
        about = json.loads((FOLDER / size / "runs.json").read_text())
        assert about["tokens_per_step"] == 4096
        assert all(run["torch"] and run["status"] == "ok" for run in about["runs"])
        corpora.add(tuple(about["corpus_sha256"].values()))
    assert len(corpora) == 1


@pytest.mark.parametrize("broken", ["curves.csv", "positions.csv.gz"])
def test_a_changed_file_is_refused(broken: str, tmp_path: Path) -> None:
    import shutil

    from lawbench.data.card import read_card
    from lawbench.data.dataset import read_dataset

    copy = shutil.copytree(FOLDER, tmp_path / "pycode-bytes", ignore=shutil.ignore_patterns("train"))
    path = copy / SIZES[0] / broken
    path.write_bytes(path.read_bytes()[:-1] + b"9")
    with pytest.raises(DataError, match=f"{SIZES[0]}/{broken}.*is not what its card pins"):
        read_dataset(read_card(copy))
