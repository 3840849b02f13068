"""The site's build: what it refuses to pass, and what it puts where. `make docs` builds all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import lawbench
from lawbench.data.dataset import datasets
from lawbench.registry import laws

from .house import REPOSITORY, modules_of

GOOD = '<html><head><link rel="stylesheet" href="a.css"></head><body id="top"><a href="b.html#x">b</a></body></html>'
OTHER = (
    '<html><body><p id="x"><a href="https://example.org">out</a> <a href="index.html#top">back</a></p></body></html>'
)


@pytest.fixture(scope="module")
def tools() -> Iterator[SimpleNamespace]:
    with modules_of(REPOSITORY / "docs" / "site", "stage", "check") as found:
        yield found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in {"index.html": GOOD, "b.html": OTHER, "a.css": "p { color: red }"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_site_that_leads_somewhere_and_loads_nothing_is_fine(tools: SimpleNamespace, site: Path) -> None:
    assert tools.check.problems(site) == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("b.html", '<p id="x"><script src="https://cdn.example/m.js"></script>', "loads https://cdn.example/m.js"),
        ("b.html", '<p id="x"><img src="//cdn.example/a.png">', "loads //cdn.example/a.png"),
        ("b.html", '<p id="x"><link rel="stylesheet" href="http://a/b.css">', "loads http://a/b.css"),
        ("a.css", "@font-face { src: url('https://fonts.example/f.woff2') }", "loads https://fonts.example/f.woff2"),
        ("a.css", '@import "https://fonts.example/f.css";', "loads https://fonts.example/f.css"),
        ("b.html", '<p id="x"><a href="c.html">', "links c.html, which is not there"),
        ("b.html", "<p>the anchor is gone", "links b.html#x, which is not there"),
        ("b.html", f'<p id="x">{REPOSITORY}/docs', "the path of this checkout"),
    ],
)
def test_faults_are_named(tools: SimpleNamespace, site: Path, file: str, text: str, problem: str) -> None:
    (site / file).write_text(text, encoding="utf-8")
    assert any(problem in found for found in tools.check.problems(site))


def test_sources_hold_a_page_for_every_law_and_dataset(tools: SimpleNamespace, tmp_path: Path) -> None:
    staged = tmp_path / "source"
    tools.stage.stage(staged)
    for law in laws():
        page = (staged / "laws" / f"{law.name}.md").read_text(encoding="utf-8")
        assert f"class {law.__name__}(" in page
    for card in datasets():
        assert (staged / "datasets" / f"{card.name}.md").is_file()
    api = (staged / "api.md").read_text(encoding="utf-8")
    for name in lawbench.__all__:
        assert name == "__version__" or f".{name}\n" in api
    # Links out of the documentation lead to pages of the site, or to copies.
    assert "(docs/" not in (staged / "contributing.md").read_text(encoding="utf-8")
    assert (staged / "repository" / "datasets" / "pycode-bytes" / "train" / "README.md").is_file()


def test_every_page_is_in_the_contents(tools: SimpleNamespace, tmp_path: Path) -> None:
    tools.stage.stage(tmp_path / "source")
    placed = {name for section in tools.stage.SECTIONS for name in section.pages} | set(tools.stage.TOP) | {"index"}
    for page in (tmp_path / "source").glob("*.md"):
        assert page.stem in placed, f"{page.name}: add it to SECTIONS in docs/site/stage.py"


def test_a_link_to_nowhere_or_to_a_folder_is_refused(tools: SimpleNamespace, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for target, said in {"nowhere.md": "not in the repository", "../laws": "link a file in it"}.items():
        page.write_text(f"[x]({target})", encoding="utf-8")
        with pytest.raises(SystemExit, match=said):
            tools.stage.relink(tmp_path, "page.md", REPOSITORY / "docs" / "page.md")
