"""Two nanoGPT logs: what is scored, and how much of the schedules is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lawbench.data.dataset import find_card, load_dataset
from lawbench.data.sources import fetch
from lawbench.runs import Run
from lawbench.tasks import load_task

pytestmark = pytest.mark.data
PRINTED = 5e-7
"""Half of the last decimal of a logged rate."""


def _text(part: str) -> str:
    (file,) = [file for path, file in fetch(find_card("nanogpt-logs")).items() if part in path]
    return file.read_text(encoding="utf-8")


def _runs() -> tuple[Run, Run]:
    data = load_dataset("nanogpt-logs")
    assert [run.name for run in data.runs] == ["cosine", "trapezoid"]
    return data.run("cosine"), data.run("trapezoid")


def test_the_rates_of_the_cosine_agree_with_every_printed_one() -> None:
    cosine, _ = _runs()
    printed = re.findall(r"^s:(\d+) trl:\S+ lr:(\S+)", _text("llmc"), flags=re.MULTILINE)
    assert [int(step) for step, _ in printed] == list(range(19560))
    assert cosine.schedule is not None
    error = np.abs(cosine.schedule.lr - [float(rate) for _, rate in printed])
    assert error.max() <= PRINTED * (1 + 1e-4)
    assert cosine.schedule.peak == 6e-4
    assert cosine.schedule.lr[699] == 6e-4 == pytest.approx(cosine.schedule.lr[701], rel=1e-6)
    assert (cosine.schedule.warmup, len(cosine.schedule)) == (700, 19560)


def test_the_trapezoid_is_assumed_and_its_losses_agree_with_the_assumption() -> None:
    _, trapezoid = _runs()
    assert " lr:" not in _text("AdamW")
    assert not trapezoid.meta["lr_logged"]
    assert trapezoid.schedule is not None
    lr = trapezoid.schedule.lr
    assert (lr[249], lr[7536], len(lr)) == (1.8e-3, 1.8e-3, 9536)
    assert lr[7537] < lr[7536]
    assert lr[[8536, 9535]] == pytest.approx([0.9e-3, 1.8e-3 / 2000])
    speed = -np.diff(trapezoid.loss) / np.diff(trapezoid.steps)
    middle = (trapezoid.steps[1:] + trapezoid.steps[:-1]) / 2
    before, after = (float(speed[(middle > a) & (middle < a + 1800)].mean()) for a in (5700, 7700))
    assert after > 3 * before


@pytest.mark.parametrize(
    ("log", "evaluations", "kept", "every", "last"), [("llmc", 80, 77, 250, 3.2722), ("AdamW", 76, 74, 128, 3.275959)]
)
def test_points_are_the_validation_losses_after_the_warm_up(
    log: str, evaluations: int, kept: int, every: int, last: float
) -> None:
    run = _runs()[log == "AdamW"]
    lines = re.findall(r"^s:(\d+) tel:(\S+)$", _text(log), flags=re.MULTILINE)
    assert (len(lines), len(run)) == (evaluations, kept)
    assert [(int(s) - 1, float(y)) for s, y in lines[-kept:]] == list(zip(run.steps, run.loss, strict=True))
    assert run.schedule is not None
    assert int(lines[-kept - 1][0]) <= run.schedule.warmup < int(lines[-kept][0])
    assert set(np.diff(run.steps)[:-1]) == {every}
    # The last evaluation follows the last update.
    assert run.steps[-1] == len(run.schedule) - 1
    assert run.loss[-1] == last
    assert run.tokens is not None
    assert run.tokens[-1] == len(run.schedule) * 2**19


def test_only_tasks_with_a_logged_schedule_are_ranked() -> None:
    for task in find_card("nanogpt-logs").tasks:
        found = load_task(f"nanogpt-logs/{task.name}")
        assert found.ranked == all(run.meta["lr_logged"] for run in (*found.train, *found.test))
        if found.track == "horizon":
            assert found.extrapolation > 3
    assert load_task("nanogpt-logs/schedule").branch == (0,)


def test_the_two_runs_are_different_models() -> None:
    cosine, trapezoid = _runs()
    assert cosine.model != trapezoid.model
    assert cosine.n_params == trapezoid.n_params == 124e6
