"""References: valid BibTeX, every law and dataset, each paper once, nothing that the sources do not say."""

from __future__ import annotations

import re

import bibtexparser
import pandas as pd
import pytest
from bibtexparser.bparser import BibTexParser
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import lawbench
from lawbench.citing.bibliography import Bibliography, bibliography, names_of
from lawbench.citing.bibtex import entry_text
from lawbench.citing.paper import Paper
from lawbench.citing.reading import papers_of_law, papers_of_text
from lawbench.cli import app
from lawbench.errors import UnknownNameError


@pytest.fixture(scope="module")
def known() -> Bibliography:
    return bibliography()


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Return the entries of a BibTeX document by key."""
    entries = bibtexparser.loads(text, parser=BibTexParser(common_strings=True)).entries
    assert len({entry["ID"] for entry in entries}) == len(entries)
    return {entry["ID"]: entry for entry in entries}


def test_every_entry_is_read_back(known: Bibliography) -> None:
    entries = parsed(known.bibtex())
    assert set(entries) == set(known.papers)
    for key, paper in known.papers.items():
        entry = entries[key]
        assert entry.get("eprint", "") == paper.arxiv
        assert entry.get("year", "") == paper.year
        assert entry.get("archiveprefix", "") == ("arXiv" if paper.arxiv else "")
        assert len(re.findall(r"\band\b", entry.get("author", ""))) == max(len(paper.authors) - 1, 0)


def test_every_law_and_dataset_is_there_and_only_baselines_name_no_paper(known: Bibliography) -> None:
    assert {law.name for law in lawbench.laws()} | {card.name for card in lawbench.datasets()} <= set(known.cited)
    for law in lawbench.laws():
        assert bool(known.cited[law.name]) == ("baseline" not in law.reference), law.name
    assert all(known.cited[card.name] for card in lawbench.datasets())


def test_every_arxiv_id_of_a_law_or_card_is_an_eprint_once(known: Bibliography) -> None:
    eprints = [paper.arxiv for paper in known.papers.values() if paper.arxiv]
    assert len(set(eprints)) == len(eprints)
    for law in lawbench.laws():
        said = set(re.findall(r"\d{4}\.\d{5}", f"{law.reference} {law.__doc__}"))
        assert said <= set(eprints)
        assert {known.papers[key].arxiv for key in known.cited[law.name]} - {""} == said, law.name
    for card in lawbench.datasets():
        assert set(re.findall(r"\d{4}\.\d{5}", card.citation)) <= {
            known.papers[k].arxiv for k in known.cited[card.name]
        }


def test_one_paper_of_many_laws_and_datasets_is_one_entry_with_what_they_all_say(known: Bibliography) -> None:
    users = ("mpl", "opl", "multi-power-25m", "power_steps")
    assert all("luo2025" in known.cited[name] for name in users)
    entry = parsed(known.bibtex(["mpl", "opl", "multi-power-25m"]))["luo2025"]
    assert entry["ENTRYTYPE"] == "inproceedings"
    assert entry["booktitle"] == "ICLR"
    assert entry["eprint"] == "2503.12811"
    assert entry["author"].startswith("Luo and Wen and Hu")
    assert known.cited["chinchilla"] == ("hoffmann2022",)
    assert known.cited["chinchilla@published:besiroglu2024"] == ("besiroglu2024",)


def test_papers_of_one_author_and_year_stay_apart(known: Bibliography) -> None:
    keys = {known.cited[name] for name in ("fsl", "misfitting", "step-law")}
    assert len(keys) == 3


def test_nothing_is_read_that_is_not_written() -> None:
    assert papers_of_text("A baseline, no paper.") == []
    assert papers_of_text("Alabdulmohsin et al. 2022; the form is not confirmed.") == [
        Paper(authors=("Alabdulmohsin", "others"), year="2022")
    ]
    for law in lawbench.laws():
        text = f"{law.__doc__} {law.reference} {law.year}"
        for paper in papers_of_law(law):
            words = [*paper.authors[:1], paper.year, paper.venue, paper.arxiv, paper.repository]
            assert all(word in text for word in words)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_title_holds_the_entry_is_one(title: str, note: str) -> None:
    title, note = (" ".join(text.split()) for text in (title, note))
    text = entry_text("key", Paper(("Some One",), title, "2026", note=note))
    depth = 0
    for character in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0


def test_the_command_prints_what_is_asked() -> None:
    done = CliRunner().invoke(app, ["cite", "chinchilla", "schaipp"])
    assert done.exit_code == 0
    assert set(parsed(done.stdout)) == {"hoffmann2022", "schaipp2025", "hagele2024"}
    wrong = CliRunner().invoke(app, ["cite", "chinchila"])
    assert wrong.exit_code == 2
    assert "did you mean 'chinchilla'" in wrong.output


def test_rows_name_laws_datasets_and_the_sources_of_published_parameters(known: Bibliography) -> None:
    rows = pd.DataFrame({"law": ["chinchilla", "mpl"], "dataset": ["chinchilla-epoch"] * 2,
                         "recipe": ["published:besiroglu2024", "common"]})  # fmt: skip
    assert names_of(rows) == ["chinchilla", "chinchilla-epoch", "chinchilla@published:besiroglu2024", "mpl"]
    with pytest.raises(UnknownNameError):
        known.bibtex(["nobody"])
