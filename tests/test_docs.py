"""README and documentation: every block runs, every command, link and target that they name exists."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from .house import REPOSITORY as ROOT
from .house import modules_of
from .pages import NOT_RUN, PAGES, Block, blocks, commands, shell, shown, walk

IDS = [str(page.relative_to(ROOT)) for page in PAGES]
SHIPPED = {"start.md", "add-a-dataset.md"}
"""Pages that need nothing but what ships."""
WITHOUT_SHELL = {"reproduce.md", "contribute.md"}
"""Pages whose commands need a report or a file of one's own; the tests of these commands make them."""
ELSEWHERE = {"add-a-law.md"}
"""Pages that are walked by a test of their own."""
STATE = ROOT / "tests" / "logs" / "trainer" / "cosine" / "trainer_state.json"


def code(page: Path) -> bool:
    return any(block.language in ("python", "sh") for block in blocks(page))


WITH_CODE = [
    pytest.param(page, id=name, marks=[] if page.name in SHIPPED else pytest.mark.data)
    for page, name in zip(PAGES, IDS, strict=True)
    if code(page) and page.name not in ELSEWHERE
]


@pytest.mark.parametrize("page", WITH_CODE)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name in SHIPPED:
        monkeypatch.delenv("LAWBENCH_MIRROR", raising=False)
        monkeypatch.setenv("LAWBENCH_UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.delenv("LAWBENCH_DATASETS", raising=False)
    folder = tmp_path / "here"
    for place in (folder, folder / "out" / "checkpoint-20000"):  # the log that pages import
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(STATE, place)
    monkeypatch.chdir(folder)
    walk(page, folder, shell(tmp_path / "bin"), shell=page.name not in WITHOUT_SHELL)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_blocks_are_run_or_called_text(page: Path) -> None:
    for block in blocks(page):
        assert block.file or block.language in ("python", "sh", "text", "json", "toml"), block


def test_what_a_page_shows_is_what_was_said() -> None:
    shown("rank entry\n1 mpl +0.5", "rank  entry  s\n   1  mpl  +0.5  0.99\n")
    with pytest.raises(AssertionError, match="not in the output"):
        shown("1 mpl +0.6", "   1  mpl  +0.5  0.99\n")


def test_files_of_a_page_are_told_from_its_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`a/b.toml`:\n\n```toml\nx = 1\n```\n\nThen:\n\n```sh\nls  # all\n```\n", encoding="utf-8")
    assert blocks(page) == [Block("toml", "x = 1\n", "a/b.toml"), Block("sh", "ls  # all\n")]
    page.write_text("```python\n# b.py\nx = 1\n```\n\n```python\n# no file\n```\n", encoding="utf-8")
    assert [block.file for block in blocks(page)] == ["b.py", ""]
    assert list(commands("ls  # all\n\n# none\ncat \\\nx\n")) == ["ls", "cat  x"]


def test_commands_that_are_not_run_can_be() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for page in PAGES:
        for command in [c for block in blocks(page, "sh") for c in commands(block.text) if c.startswith(NOT_RUN)]:
            for target in re.findall(r"^make ([a-z]+)", command):
                assert re.search(rf"^{target}:", targets, flags=re.M), command
            if "install" in command:
                assert set(re.findall(r"\[([a-z]+)\]", command)) <= set(extras), command


def test_the_first_screen_of_the_readme_has_the_two_commands() -> None:
    top = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:24])
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test"):
        assert f"make {target}" in top
        assert re.search(rf"^{target}:", targets, flags=re.M)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_exist(page: Path) -> None:
    from typer.main import get_command

    from lawbench.cli import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"`lawbench ([a-z-]+)", page.read_text(encoding="utf-8"))) <= known


@pytest.fixture(scope="module")
def generated() -> set[Path]:
    """Where the site has pages that are not in the repository."""
    with modules_of(ROOT / "docs" / "site", "stage") as site:
        return {ROOT / "docs" / name for name in site.stage.generated([])}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path, generated: set[Path]) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists() or (page.parent / target).resolve() in generated, target


def test_the_page_of_laws_left_out_names_those_that_wait_for_data() -> None:
    import lawbench

    page = (ROOT / "docs/laws-left-out.md").read_text(encoding="utf-8")
    table, _, rest = page.partition("Two laws are in the registry")
    known = {law.name for law in lawbench.laws()}
    assert set(re.findall(r"`(\w+)`", rest)) & known == {law.name for law in lawbench.laws() if law.unscored}
    named = set(re.findall(r"`([\w-]+)`", table)) - known
    assert named <= {card.name for card in lawbench.datasets()}


def test_the_board_of_the_readme_is_that_of_the_report() -> None:
    shown = _board(ROOT / "README.md", 6)
    assert len(shown) >= 5
    assert shown == _board(ROOT / "reports/full-0.2.0/leaderboard.md", 6)[: len(shown)]


def _board(page: Path, columns: int) -> list[list[str]]:
    """Return the first ranked table of a page, its first columns."""
    rows = [line.split("|")[1:-1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row[:columns]] for row in rows if len(row) >= columns]
    first = next(i for i, row in enumerate(cells) if row[0] == "1")
    ranked = []
    for expected, row in enumerate(cells[first:], start=1):
        if row[0] != str(expected):
            break
        ranked.append(row)
    return ranked
