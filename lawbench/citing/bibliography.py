"""All references of laws and datasets: each paper once, under one key, and who names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lawbench.citing.bibtex import entry_text
from lawbench.citing.paper import Paper
from lawbench.citing.reading import papers_of_card, papers_of_law, papers_of_text
from lawbench.data.dataset import datasets
from lawbench.errors import LawbenchError, unknown
from lawbench.fitting.recipes import PUBLISHED
from lawbench.registry import find_law, law_names

if TYPE_CHECKING:
    import pandas as pd

Name = str
"""Of a law, of a dataset, or of a law's published parameters: ``law@published:source``."""


@dataclass(frozen=True)
class Bibliography:
    """Papers by key, and the keys that each law, dataset and published source names."""

    papers: Mapping[str, Paper]
    cited: Mapping[Name, tuple[str, ...]]

    def bibtex(self, names: Iterable[Name] | None = None) -> str:
        """Return the references of some names as BibTeX, all of them if None.

        A comment says which law or dataset names which reference; one that names none is there too.

        Raises
        ------
        UnknownNameError
            For a name that is neither law nor dataset.
        """
        wanted = sorted(self.cited) if names is None else sorted(dict.fromkeys(names))
        for name in wanted:
            if name not in self.cited:
                raise unknown("law or dataset", name, [known for known in self.cited if "@" not in known])
        keys = sorted({key for name in wanted for key in self.cited[name]})
        # An at sign begins an entry, also in what BibTeX takes for a comment.
        lines = [f"% {_plain(name)}: {', '.join(self.cited[name]) or 'names no paper'}" for name in wanted]
        return "\n".join([*lines, "", *(entry_text(key, self.papers[key]) for key in keys)])


def bibliography() -> Bibliography:
    """Return the references of all registered laws and all datasets.

    Keys are made of them all, so that they do not depend on which are used.

    Examples
    --------
    >>> bibliography().cited["chinchilla"]
    ('hoffmann2022',)
    """
    said = list(_said())
    papers: list[Paper] = []
    # The best known first: what is said with less is joined to them, never they to it.
    for paper in sorted((p for _, own in said for p in own), key=lambda p: (not p.authors, not p.arxiv, not p.title)):
        at = _which(paper, papers)
        if at is None:
            papers.append(paper)
        else:
            papers[at] = papers[at].joined(paper)
    keys = _keys(papers)
    cited = {name: tuple(dict.fromkeys(keys[i] for p in own if (i := _which(p, papers)) is not None))
             for name, own in said}  # fmt: skip
    return Bibliography(dict(zip(keys, papers, strict=True)), cited)


def names_of(rows: pd.DataFrame) -> list[Name]:
    """Return what the rows of a report use that `bibliography` may know: laws, datasets, published parameters."""
    used = {*map(str, rows["law"]), *map(str, rows["dataset"])}
    pairs = zip(rows["law"], rows["recipe"], strict=True)
    return sorted(used | {f"{law}@{recipe}" for law, recipe in pairs if str(recipe).startswith(PUBLISHED)})


def _said() -> Iterator[tuple[Name, list[Paper]]]:
    """What every law, published source and dataset names. A law that cannot be loaded names nothing."""
    for name in law_names():
        try:
            law = find_law(name)
        except LawbenchError:
            continue
        yield name, papers_of_law(law)
        for source in dict.fromkeys(p.source for p in law.published):
            text = "; ".join(dict.fromkeys(p.reference for p in law.published if p.source == source))
            yield f"{name}@{PUBLISHED}:{source}", papers_of_text(text)
    for card in datasets():
        yield card.name, papers_of_card(card)


def _which(paper: Paper, papers: list[Paper]) -> int | None:
    """Return which of some papers a text names; none if it might be one of several."""
    exact = [i for i, other in enumerate(papers) if paper.arxiv and paper.arxiv == other.arxiv]
    found = exact or [i for i, other in enumerate(papers) if paper.same(other)]
    return found[0] if len(found) == 1 else None


def _keys(papers: list[Paper]) -> list[str]:
    """Return one key a paper: first author and year, and more where two share them."""
    stems = [paper.stem for paper in papers]
    out: list[str] = []
    for i, (paper, stem) in enumerate(zip(papers, stems, strict=True)):
        key = stem if stems.count(stem) == 1 else f"{stem}-{paper.arxiv or stems[:i].count(stem) + 1}"
        out.append(key)
    return out


def _plain(name: Name) -> str:
    return name.replace("@", " ")
