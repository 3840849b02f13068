"""Papers read from prose: the references of a law, the citation of a card."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from lawbench.citing.paper import OTHERS, Paper
from lawbench.data.card import Card
from lawbench.law import Law

_MENTION = re.compile(r"(?P<author>[^\W\d_][\w'’-]*) et al\.?")
_TITLE = re.compile(r'[“"]([^”"]+)[”"]')
_ARXIV = re.compile(r"arXiv[:\s]\s*(\d{4}\.\d{4,5})(?:v\d+)?")
_VENUE = re.compile(r"\b((?=\w*[A-Z]\w*[A-Z])[A-Za-z]+) ((?:19|20)\d\d)\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_REPOSITORY = re.compile(r"repository ([\w.-]+/[\w.-]*\w)")
_URL = re.compile(r"https?://[^\s;,]*[^\s;,.]")


def papers_of_text(text: str) -> list[Paper]:
    """Return the papers that prose names as ``Author et al.``, each with what follows up to the next.

    Without any author, an arXiv id or a repository names one.

    Examples
    --------
    >>> papers_of_text('Luo et al., "A Law", ICLR 2025, arXiv 2503.12811; after Xiong et al. 2024.')[0]
    Paper(authors=('Luo', 'others'), title='A Law', year='2025', venue='ICLR', arxiv='2503.12811', url='', \
repository='', note='')
    """
    text = " ".join(text.split())
    found = list(_MENTION.finditer(text))
    if not found:  # an id or a repository alone names one, too
        alone = _paper((), text)
        return [alone] if alone.arxiv or alone.repository else []
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [_paper((match["author"], OTHERS), text[match.end() : end]) for match, end in zip(found, ends, strict=True)]


def papers_of_law(law: type[Law]) -> list[Paper]:
    """Return the papers that a law names: in `References` of its docstring, and in `reference`.

    The year of the law is that of the first, where the text gives none.
    """
    section = (inspect.getdoc(law) or "").partition("References\n----------\n")[2]
    found = papers_of_text(section.split("\n\n")[0])
    for paper in papers_of_text(law.reference):
        found = _added(found, paper)
    if found and not found[0].year:
        first = found[0]
        found[0] = first.joined(Paper(authors=first.authors, year=str(law.year)))
    return found


def papers_of_card(card: Card) -> list[Paper]:
    """Return what the citation of a card names: ``Authors: Title. Venue Year, arXiv:ID``, joined by semicolons.

    A part that is written otherwise is kept word for word as a note, with the title of the card.
    """
    return [_cited(part, card) for part in card.citation.split("; ") if part.strip()]


def _cited(part: str, card: Card) -> Paper:
    authors, colon, rest = part.strip().partition(": ")
    title, stop, rest = rest.rpartition(". ")
    if not (colon and stop and _YEAR.search(rest)):
        return Paper(title=card.title, note=part.strip())
    return _paper(tuple(_names(authors)), rest, title)


def _names(authors: str) -> Iterator[str]:
    """Return surnames; a name of several words without a comma is that of a group."""
    text, et_al = authors.removesuffix(" et al."), authors.endswith(" et al.")
    yield from (name.strip() for name in re.split(r", and |, | and ", text) if name.strip())
    if et_al:
        yield OTHERS


def _paper(authors: tuple[str, ...], text: str, title: str = "") -> Paper:
    arxiv, quoted, repository, url = (p.search(text) for p in (_ARXIV, _TITLE, _REPOSITORY, _URL))
    dated = _URL.sub("", _ARXIV.sub("", _TITLE.sub("", text)))
    venue, year = _VENUE.search(dated), _YEAR.search(dated)
    return Paper(
        authors=authors,
        title=title or (quoted[1].rstrip(",.") if quoted else ""),
        year=venue[2] if venue else year[0] if year else "",
        venue=venue[1] if venue else "",
        arxiv=arxiv[1] if arxiv else "",
        url=url[0] if url else "",
        repository=repository[1] if repository else "",
    )


def _added(papers: list[Paper], new: Paper) -> list[Paper]:
    """Return papers with one more, joined to that which it names again."""
    for i, paper in enumerate(papers):
        if paper.same(new):
            return [*papers[:i], paper.joined(new), *papers[i + 1 :]]
    return [*papers, new]
