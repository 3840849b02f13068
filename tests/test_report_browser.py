"""The page of a report in a real browser: it sorts, filters, turns pages, fits a phone, and asks for nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lawbench.report.page import write_report
from lawbench.report.studio import Studio
from tests.reports import fake_dataset, fake_task, make_predictions, make_rows

pytestmark = pytest.mark.browser


def _without_browser(reason: str) -> None:
    """Skip; or fail, where a browser must be there (LAWBENCH_REQUIRE_BROWSER, as in continuous integration)."""
    if os.environ.get("LAWBENCH_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        _without_browser("no chromium on this machine: install the package chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without_browser("playwright is not installed: pip install playwright")
    with sync_playwright() as tools:
        # Root, as in a container, has no sandbox; the page is our own.
        browser = tools.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("lawbench.tasks"), "load_task", fake_task)
        patch.setattr(import_module("lawbench.data.dataset"), "load_dataset", fake_dataset)
        patch.setattr(Studio, "draw", lambda *_args, **_more: None)
        return write_report(make_rows(), make_predictions(), tmp_path_factory.mktemp("report"), params=PARAMS)


PARAMS = {("multi-power-100m/schedule", "mpl"): {"L0": 2.5, "A": 0.6}}


@pytest.fixture
def tab(chromium: Any, index: Path) -> Iterator[Any]:
    """A tab with the page open; no error and no request may come up, whatever a test does."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(60_000)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(index.as_uri())
    tab.wait_for_function("document.body.dataset.ready !== undefined")
    yield tab
    assert complaints == []
    assert [url for url in asked if url.partition("#")[0] != index.as_uri() and not url.startswith("data:")] == []
    context.close()


def turn(tab: Any, name: str) -> None:
    tab.evaluate("name => { location.hash = name }", name)
    tab.wait_for_function("name => document.body.dataset.ready === name", arg=name)


def column(tab: Any, board: str, heading: str) -> list[str]:
    return tab.evaluate(  # type: ignore[no-any-return]
        """([board, heading]) => {
            const own = document.querySelector(`#board-${board} .board-table`);
            const at = [...own.tHead.rows[0].cells].findIndex((cell) => cell.textContent === heading);
            return [...own.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[at].textContent.trim());
        }""",
        [board, heading],
    )


def test_a_heading_sorts_by_number_and_says_so(tab: Any) -> None:
    heading = tab.locator("#board-schedule .board-table th", has_text="skill")
    button = heading.get_by_role("button")
    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    up = [float(x.replace("−", "-")) for x in column(tab, "schedule", "skill") if x != "–"]
    assert up == sorted(up)
    button.click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(x.replace("−", "-")) for x in column(tab, "schedule", "skill") if x != "–"] == up[::-1]
    assert tab.locator("#board-schedule .board-table th[aria-sort]").count() == 1


def test_what_is_missing_sorts_last_both_ways(tab: Any) -> None:
    button = tab.locator("#board-schedule .board-table th", has_text="× noise").get_by_role("button")
    for _ in range(2):
        button.click()
        values = column(tab, "schedule", "× noise")
        assert "–" in values
        assert values.index("–") == len(values) - values.count("–")


def test_filters_by_board_recipe_inputs_and_family(tab: Any) -> None:
    tab.select_option("#f-board", "scale")
    assert not tab.locator("#board-schedule").is_visible()
    assert tab.locator("#board-scale").is_visible()
    tab.click("#f-reset")
    tab.select_option("#f-recipe", "paper")
    assert set(column(tab, "schedule", "entry")) == {"□mpl[warmup=raw]@paper"}
    assert "lines" in tab.locator("#f-said").inner_text()
    tab.click("#f-reset")
    everything = len(column(tab, "scale", "entry"))
    tab.locator(".f-input[value=tokens]").uncheck()
    assert column(tab, "scale", "entry") == []
    tab.click("#f-reset")
    assert len(column(tab, "scale", "entry")) == everything
    family = tab.locator("#f-family option").nth(1).inner_text()
    tab.select_option("#f-family", family)
    assert tab.locator("th.family").count() == 1
    shown = [float(x) for x in tab.locator("td.family").all_inner_texts() if x != "–"]
    assert shown == sorted(shown)
    tab.click("#f-reset")
    assert tab.locator("th.family").count() == 0
    assert column(tab, "schedule", "rank")[0] == "1"


def test_an_entry_has_a_page_with_its_equation_parameters_and_curves(tab: Any) -> None:
    tab.locator("#board-schedule .board-table").get_by_role("link", name="mpl", exact=True).click()
    tab.wait_for_function("document.body.dataset.ready === 'entry-mpl'")
    page = tab.locator("#entry-mpl")
    assert not tab.locator("#home").is_visible()
    assert tab.evaluate("document.activeElement.tagName") == "H2"
    assert page.locator(".equation math msub").count() > 3
    assert page.locator("[aria-label='Fitted parameters'] td", has_text="0.6").count() == 1
    assert page.locator("[aria-label=Certificates] td", has_text="gamma").count() == 1
    page.locator(".fill > details > summary").first.click()
    page.locator(".panels svg").first.wait_for()
    figures = page.locator(".panels figure")
    assert figures.locator("figcaption").all_inner_texts() == ["run_0", "run_1"]
    # Its prediction is 0.4 % above the truth everywhere: a flat line in the upper half of the lower panel.
    ends = tab.evaluate(
        """() => [...document.querySelectorAll('#entry-mpl .panels figure')].map((figure) => {
            const line = [...figure.querySelectorAll('svg > svg > path')].filter((p) => p.textContent === 'mpl')[1];
            return line.getAttribute('d').match(/[0-9.]+ [0-9.]+/g).map((pair) => Number(pair.split(' ')[1]));
        })"""
    )
    for heights in ends:
        assert len(heights) == 80
        assert max(heights) - min(heights) < 0.5
    tab.go_back()
    tab.wait_for_function("!document.body.classList.contains('detail')")
    assert tab.locator("#home").is_visible()


def test_a_dataset_has_a_page_with_curves_and_a_choice_of_entries(tab: Any) -> None:
    tab.locator("#data a", has_text="multi-power-100m").click()
    turn(tab, "data-multi-power-100m")
    page = tab.locator("#data-multi-power-100m")
    assert page.locator("dd", has_text="thu-yao-01-luo/MultiPowerLaw").is_visible()
    assert page.locator("figure.runs path").count() == 2
    turn(tab, "task-multi-power-100m-schedule")
    page.locator(".panels svg").first.wait_for()
    drawn = "svg > svg > path"
    before = page.locator(".panels").locator(drawn).count()
    page.locator("summary", has_text="Choose what is drawn").click()
    page.locator(".key-list input:checked").first.uncheck()
    assert page.locator(".panels").locator(drawn).count() == before - 4
    turn(tab, "data-chinchilla-epoch")
    assert tab.locator("#data-chinchilla-epoch figure.runs circle").count() == 8


@pytest.mark.parametrize("width", [400, 1400])
def test_no_page_is_wider_than_the_screen(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    for name in ("top", "board-schedule", "entry-mpl", "entry-mpl-warmup-raw-paper", "data-multi-power-100m",
                 "task-multi-power-100m-schedule", "manifest"):  # fmt: skip
        turn(tab, name)
        tab.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
        tab.wait_for_timeout(100)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name


def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(tab: Any) -> None:
    reached: set[str] = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        what, outline = tab.evaluate(
            """() => { const node = document.activeElement, style = getComputedStyle(node);
                const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                return [node.tagName + (node.closest('th') ? ' heading' : ''), seen]; }"""
        )
        assert outline, what
        reached.add(what)
    assert {"A", "SELECT", "INPUT", "BUTTON", "BUTTON heading"} <= reached
    tab.locator("#board-schedule .board-table th button").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#board-schedule .board-table th").first.get_attribute("aria-sort") == "ascending"


def test_boards_and_answers_are_read_without_a_script(chromium: Any, index: Path) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 400, "height": 900})
    tab = context.new_page()
    tab.goto(index.as_uri())
    assert tab.locator(".answers li").first.is_visible()
    assert tab.locator(".board-table td", has_text="mpl").first.is_visible()
    assert tab.locator("#entry-mpl .equation").is_visible()
    assert tab.locator("#data-multi-power-100m dl").is_visible()
    assert not tab.locator("#filters").is_visible()
    context.close()
