"""Suites and the pages made of cards: what a published score names, and what readers are told of tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

import lawbench
from lawbench.errors import CardError, UnknownNameError
from lawbench.report.dataset_page import below_constant, dataset_markdown
from lawbench.report.page import write_report
from lawbench.report.tasks_page import all_tasks, tasks_markdown
from lawbench.suites import digest, find_suite, suite_of, suites

from .house import REPOSITORY


def test_a_suite_is_what_it_was_when_it_was_named() -> None:
    """A change of a task changes a suite that holds it: give the suite a new version, keep the old one's hash."""
    for suite in suites():
        assert suite.sha256 == digest(suite.tasks), suite.label


def test_the_four_suites_are_there_and_grow() -> None:
    smoke, offline, core, full = (set(find_suite(name).tasks) for name in ("smoke", "offline", "core", "full"))
    ranked = {task.name for task in lawbench.tasks() if task.ranked}
    assert smoke < offline < full
    assert core < full
    assert ranked <= full
    assert {task.partition("/")[0] for task in offline} == {"pycode-bytes"}
    tracks = {task.track for task in lawbench.tasks() if task.name in core}
    assert tracks == {"schedule", "horizon", "scale", "position", "pair"}


def test_a_set_of_tasks_is_recognised() -> None:
    smoke = find_suite("smoke-1")
    assert suite_of(reversed(smoke.tasks)) == find_suite("smoke")
    assert suite_of(smoke.tasks[:2]) is None
    with pytest.raises(UnknownNameError, match="did you mean 'smoke-1'"):
        find_suite("smoke-2")


def test_a_report_names_the_suite_that_it_scores(tmp_path: Path) -> None:
    rows = lawbench.run(["power_steps", "last_value", "position_power"], find_suite("smoke").tasks, out=tmp_path / "r")
    for kept, said in ((rows, True), (rows[rows["track"] != "position"], False)):
        page = write_report(kept, {}, tmp_path / str(said))
        for file in ("index.html", "leaderboard.md"):
            assert ("suite smoke-1" in (page.parent / file).read_text(encoding="utf-8")) == said


def test_a_pattern_without_a_task_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "suites.toml").write_text(
        '[[suite]]\nname = "x"\nversion = 1\nwhat = ""\ntasks = ["multi-power-25/*"]\nsha256 = ""\n', encoding="utf-8"
    )
    monkeypatch.setattr("lawbench.suites.files", lambda _: tmp_path)
    with pytest.raises(CardError, match="suite 'x': unknown task"):
        suites()


@pytest.mark.data
def test_the_page_of_tasks_is_that_of_the_cards() -> None:
    page = (REPOSITORY / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert page == tasks_markdown(*all_tasks()), "run python -m lawbench.report.tasks_page docs/tasks.md"


def test_the_page_of_the_own_dataset_is_that_of_its_data() -> None:
    data = lawbench.load_dataset("pycode-bytes")
    page = (REPOSITORY / "docs" / "datasets" / "pycode-bytes.md").read_text(encoding="utf-8")
    assert page == dataset_markdown(data, "pycode-bytes.svg")
    assert (REPOSITORY / "docs" / "datasets" / "pycode-bytes.svg").is_file()


def test_a_run_is_compared_with_the_constant_rate_at_equal_steps() -> None:
    data = lawbench.load_dataset("pycode-bytes")
    cosine, constant = data.run("25k-cosine10-t"), data.run("25k-constant-2t")
    gain = below_constant(cosine, data.runs)
    assert gain == pytest.approx(0.0485, abs=5e-4)
    assert below_constant(constant, data.runs) is None
    # Another peak or another seed is no fair comparison.
    assert below_constant(data.run("25k-cosine10-double-t"), data.runs) is None
