"""The README and the docs: every Python block runs, every command and link that they name exists."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def module(name: str) -> dict[str, object]:
    """Return the namespace of a module that can be imported, so that what it defines can be pickled."""
    sys.modules[name] = ModuleType(name)
    return vars(sys.modules[name])


@pytest.mark.data
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_python_blocks_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = module("docs_page")
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)
    assert "Traceback" not in capsys.readouterr().err


def test_the_law_of_the_docs_conforms(capsys: pytest.CaptureFixture[str]) -> None:
    names = module("docs_law")
    for block in blocks(ROOT / "docs/add-a-law.md", "python")[:2]:
        exec(compile(block, "add-a-law.md", "exec"), names)
    assert capsys.readouterr().out.strip() == "[]"


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
    named = re.findall(r"`lawbench ([a-z-]+)", page.read_text(encoding="utf-8"))
    named += re.findall(r"^lawbench ([a-z-]+)", "\n".join(blocks(page, "sh")), flags=re.M)
    assert set(named) <= known


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


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
    assert shown == _board(ROOT / "reports/public-0.1.0/leaderboard.md", 6)[: len(shown)]


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
