"""Loss deceleration: smoothed curves of eight models, and what the smoothing means for the tasks."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from lawbench.data.dataset import Dataset, find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.noise import second_differences
from lawbench.tasks import load_task, tasks

pytestmark = pytest.mark.data
# Published one-break fits without floor: b, c0, c1, log d1, f1, and the error of log loss.
PUBLISHED = {
    "14M": (18.42, 0.17, -0.16, 8.68, 0.20, 0.011),
    "37M": (19.64, 0.20, -0.18, 8.68, 0.24, 0.015),
    "78M": (20.66, 0.21, -0.19, 8.69, 0.29, 0.014),
    "144M": (20.31, 0.21, -0.19, 8.71, 0.34, 0.015),
    "285M": (20.85, 0.22, -0.20, 8.57, 0.44, 0.013),
    "472M": (21.16, 0.23, -0.19, 8.44, 0.39, 0.014),
    "OLMo-1B": (25.97, 0.27, -0.23, 8.22, 0.76, 0.008),
    "OLMo-7B": (27.49, 0.28, -0.22, 8.44, 0.76, 0.008),
}


@cache
def _data() -> Dataset:
    return load_dataset("deceleration")


@cache
def _file() -> dict[str, Any]:
    (path,) = fetch(find_card("deceleration")).values()
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_eight_curves_after_step_100() -> None:
    assert [run.name for run in _data().runs] == list(PUBLISHED) == list(_file())
    assert [len(run) for run in _data().runs] == [433, 433, 433, 433, 433, 359, 663, 355]
    for run in _data().runs:
        assert run.updates[0] == 110
        assert run.provides == {"steps"}
        published = np.unique(np.round(_file()[run.name]["bnsl_fit"]["x"]))
        assert run.updates.tolist() == published.tolist()


def test_a_repeated_last_point_is_kept_once() -> None:
    x, y = (_file()["OLMo-7B"]["smoothed_loss"][key] for key in "xy")
    assert (x[-2:], y[-2]) == ([557000, 557000], y[-1])
    run = _data().run("OLMo-7B")
    assert run.updates[-2:].tolist() == [556000, 557000]
    assert run.loss[-1] == y[-1]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_fit_belongs_to_these_points(name: str) -> None:
    """The fit of the file, at the updates of the run, is off by the printed error of log loss."""
    run, record = _data().run(name), _file()[name]["bnsl_fit"]
    fit = np.interp(run.updates, record["x"], record["y"])
    assert np.sqrt(np.mean(np.log(fit / run.loss) ** 2)) == pytest.approx(PUBLISHED[name][5], abs=1.5e-3)
    b, c0, c1, log_d, f, _ = PUBLISHED[name]
    law = b * run.updates**-c0 * (1 + (run.updates / np.exp(log_d)) ** (1 / f)) ** (-c1 * f)
    assert np.abs(np.log(law / fit)).max() < 0.15


def test_neighbouring_points_share_most_of_their_window() -> None:
    """The scatter of a smoothed curve is far below the noise that the card states."""
    card = find_card("deceleration")
    assert card.loss.kind == "train"
    assert card.noise is not None
    for run in _data().runs:
        scatter = second_differences(run.loss[run.updates > 0.7 * run.updates[-1]])
        assert scatter is not None
        assert scatter < 0.6 * card.noise.value


def test_the_noise_of_the_card_is_measured() -> None:
    waves = []
    for run in _data().runs:
        late = run.updates > run.updates[-1] / 5
        x, y = np.log(run.updates[late]), np.log(run.loss[late])
        waves.append(np.std(y - np.polyval(np.polyfit(x - x.mean(), y, 4), x - x.mean())))
    card = find_card("deceleration")
    assert card.noise is not None
    assert np.median(waves) == pytest.approx(card.noise.value, rel=0.15)
    assert (min(waves), max(waves)) == (pytest.approx(0.5e-4, rel=0.1), pytest.approx(5.4e-4, rel=0.1))


def test_no_window_reaches_from_a_scored_point_into_the_fitted_part() -> None:
    own = [info for info in tasks("horizon") if info.dataset == "deceleration"]
    assert len(own) == 7
    for info in own:
        task = load_task(info.name)
        assert task.provides == {"steps", "prefix"}
        assert task.test[0].updates[0] / 1.2 > task.train[0].updates[-1]
        assert task.noise_source == "stated"
        assert task.extrapolation >= 2.0
