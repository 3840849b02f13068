"""The six runs of QuEST without quantisation, measured on their file."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lawbench
from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.errors import InputError
from lawbench.noise import UNKNOWN
from lawbench.tasks import load_task

pytestmark = pytest.mark.data


def test_only_the_six_runs_without_a_quantiser_are_read() -> None:
    (path,) = fetch(find_card("quest")).values()
    records = json.loads(path.read_text(encoding="utf-8"))
    sixteen = [record for record in records if record["w_bits"] == record["a_bits"] == 16]
    assert (len(records), len(sixteen)) == (104, 10)
    plain = {record["loss"] for record in sixteen if record["w_quant"] == "NoQuantizer"}
    data = load_dataset("quest")
    assert {run.loss[0] for run in data.runs} == plain
    assert [run.name for run in data.runs] == ["30m", "50m", "100m", "200m", "430m", "800m"]
    losses = [float(run.loss[0]) for run in data.runs]
    assert (round(losses[-1], 3), round(losses[0], 3)) == (2.461, 3.207)


def test_size_and_tokens_cannot_be_told_apart() -> None:
    ratios = [float(run.tokens[0] / run.n_params) for run in load_dataset("quest").runs if run.tokens is not None
              and run.n_params]  # fmt: skip
    assert len(ratios) == 6
    assert 97 < min(ratios) < max(ratios) < 101


def test_the_task_is_for_laws_in_compute_alone() -> None:
    task = load_task("quest/scale")
    assert (task.ranked, task.n_fitted, task.n_scored) == (False, 4, 2)
    assert [run.n_params for run in task.test] == [443068288, 822151168]
    end, top = (np.max([run.compute for run in runs]) for runs in (task.test, task.train))
    assert end / top == pytest.approx(16, rel=0.02)
    assert (task.noise_floor, task.noise_source) == (None, UNKNOWN)
    fit = lawbench.fit("compute_power", task.train)
    error = task.score([fit.predict(run) for run in task.test])["log_mae"]
    assert error is not None
    assert error < 0.05
    with pytest.raises(InputError, match="5 free parameters but there are 4 points"):
        lawbench.fit("chinchilla", task.train)
