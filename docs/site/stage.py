"""The sources of the site in one folder: pages as they are, pages generated from code and cards, and what they link."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import lawbench
from lawbench.data.dataset import datasets
from lawbench.law import Law
from lawbench.registry import law_file, laws
from lawbench.report.card_page import card_markdown, cards_markdown
from lawbench.report.law_page import law_markdown, laws_markdown

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
AT_THE_TOP = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "README.md": "index.md"}
"""Files at the top of the repository, and the pages that they are here."""
ELSEWHERE = "repository"
"""Where copies of other files of the repository go that a page links."""
_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")


@dataclass(frozen=True)
class Section:
    """Pages under one heading; a page that is not there is left out."""

    page: str
    title: str
    lead: str
    pages: tuple[str, ...]


SECTIONS = (
    Section("use", "Use it", "From Python, from a shell, on your own logs.",
            ("python", "own-logs", "plan", "forecast", "schedule", "data")),
    Section("benchmark", "The benchmark", "What is asked, how it is scored, and what came out.",
            ("protocol", "tasks", "reading", "winning", "report", "ledger", "reproduce")),
    Section("extend", "Extend it", "A law is one file, a dataset one folder.",
            ("add-a-law", "laws-left-out", "add-a-dataset", "contribute", "contributing")),
    Section("reference", "Reference", "Every public name, and what changed.", ("api", "contract", "changelog")),
)  # fmt: skip
TOP = ("start", "concepts", "use", "laws/index", "datasets/index", "benchmark", "extend", "reference")
"""The first level of the contents, in order."""
PUBLIC = tuple(name for name in sorted(lawbench.__all__) if name != "__version__")
RESULTS = ("lawbench.fitting.result.Fit", "lawbench.fitting.certificate.Certificate", "lawbench.task.Task",
           "lawbench.data.dataset.Dataset", "lawbench.data.card.Card")  # fmt: skip
"""Classes of what the public functions return."""


def stage(target: Path) -> None:
    """Write all sources into a new folder."""
    shutil.copytree(DOCS, target, ignore=shutil.ignore_patterns("site", "__pycache__"))
    for name in ("conf.py", "style.css"):
        shutil.copy(DOCS / "site" / name, target)
    origins = {page.relative_to(target).as_posix(): DOCS / page.relative_to(target) for page in target.rglob("*.md")}
    for name, page in AT_THE_TOP.items():
        if page not in origins:
            shutil.copy(ROOT / name, target / page)
            origins[page] = ROOT / name
    for page, text in generated(origins).items():
        (target / page).parent.mkdir(exist_ok=True)
        (target / page).write_text(text, encoding="utf-8")
    for page, origin in origins.items():
        relink(target, page, origin)
    with (target / "index.md").open("a", encoding="utf-8") as first:
        first.write("\n" + toctree(TOP))


def generated(written: Iterable[str]) -> dict[str, str]:
    """Return all pages that follow from code, cards and the names of the pages that are written."""
    return {**law_pages(), **dataset_pages(written), **reference_pages(), **section_pages(written)}


def law_pages() -> dict[str, str]:
    """Return the page of every law, with its source, and their table."""
    known = laws()
    pages = {f"laws/{law.name}.md": f"{law_markdown(law, known)}\n{source(law)}" for law in known}
    return {**pages, "laws/index.md": f"{laws_markdown(known)}\n{toctree(law.name for law in known)}"}


def source(law: type[Law]) -> str:
    """Return the file of a law as a section."""
    return f"## Source\n\n`laws/{law.name}.py`:\n\n```python\n{law_file(law).read_text('utf-8').rstrip()}\n```\n"


def dataset_pages(written: Iterable[str]) -> dict[str, str]:
    """Return the page of every dataset that has none written with its data, and their table."""
    cards = datasets()
    pages = {f"datasets/{card.name}.md": card_markdown(card) for card in cards}
    pages = {page: text for page, text in pages.items() if page not in written}
    return {**pages, "datasets/index.md": f"{cards_markdown(cards)}\n{toctree(card.name for card in cards)}"}


def reference_pages() -> dict[str, str]:
    """Return the pages of the public names and of the contract of a law, from their docstrings."""
    api = ["# Python API", "", f"`import lawbench` gives {', '.join(f'`{name}`' for name in PUBLIC)}.", ""]
    api += ["## Public names", "", *(autodoc(getattr(lawbench, name)) for name in PUBLIC)]
    api += ["## What they return", ""]
    api += [directive("autoclass", name) for name in RESULTS]
    api += ["## Errors", "", directive("automodule", "lawbench.errors")]
    contract = ["# The contract of a law", "", "What a file in `laws/` is written with.", ""]
    contract += [
        directive("automodule", "lawbench.law"),
        "## Schedules",
        "",
        directive("automodule", "lawbench.schedule", without="Schedule"),
    ]
    return {"api.md": "\n".join(api), "contract.md": "\n".join(contract)}


def autodoc(thing: Callable[..., object]) -> str:
    """Return the directive that documents a public name where it is defined, so that its source is found."""
    kind = "autoclass" if isinstance(thing, type) else "autofunction"
    return directive(kind, f"{thing.__module__}.{thing.__qualname__}")


def directive(kind: str, name: str, *, without: str = "") -> str:
    """Return an autodoc directive as a block of Markdown; `without` is documented elsewhere."""
    members = "" if kind == "autofunction" else "   :members:\n"
    members += f"   :exclude-members: {without}\n" if without else ""
    return f"```{{eval-rst}}\n.. {kind}:: {name}\n{members}```\n"


def section_pages(written: Iterable[str]) -> dict[str, str]:
    """Return the first page of every section: its lead and the contents of those pages that are there."""
    there = {*written, "api.md", "contract.md"}
    out = {}
    for section in SECTIONS:
        pages = [page for page in section.pages if f"{page}.md" in there]
        out[f"{section.page}.md"] = f"# {section.title}\n\n{section.lead}\n\n{toctree(pages, hidden=False)}"
    return out


def toctree(pages: Iterable[str], *, hidden: bool = True) -> str:
    """Return a table of contents as a block of Markdown."""
    return "\n".join(["```{toctree}", ":hidden:" if hidden else ":maxdepth: 1", "", *pages, "```", ""])


def relink(target: Path, page: str, origin: Path) -> None:
    """Point the links of a page, written for the repository, to pages of the site or to copies of other files."""

    def moved(found: re.Match[str]) -> str:
        leads_to = (origin.parent / found[0]).resolve()
        if leads_to.is_relative_to(DOCS) and (target / leads_to.relative_to(DOCS)).is_file():  # perhaps generated
            return os.path.relpath(target / leads_to.relative_to(DOCS), (target / page).parent)
        if not leads_to.exists() or not leads_to.is_relative_to(ROOT):
            raise SystemExit(f"docs: {origin.relative_to(ROOT)} links {found[0]}, which is not in the repository.")
        return os.path.relpath(_staged(target, leads_to, origin), (target / page).parent)

    path = target / page
    path.write_text(_LINK.sub(moved, path.read_text(encoding="utf-8")), encoding="utf-8")


def _staged(target: Path, file: Path, origin: Path) -> Path:
    """Return where a file of the repository is in the site's sources, copying it there if it is no page."""
    inside = file.relative_to(ROOT)
    if inside.as_posix() in AT_THE_TOP:
        return target / AT_THE_TOP[inside.as_posix()]
    if not file.is_file():
        raise SystemExit(f"docs: {origin.relative_to(ROOT)} links the folder {inside}: link a file in it.")
    copy = target / ELSEWHERE / inside
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
        if copy.suffix == ".md":
            copy.write_text(f"---\norphan: true\n---\n\n{copy.read_text('utf-8')}", encoding="utf-8")
            relink(target, copy.relative_to(target).as_posix(), file)
    return copy
