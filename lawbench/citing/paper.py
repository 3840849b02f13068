"""A paper, as far as the text that names it says."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields

OTHERS = "others"
"""What BibTeX writes for `et al.`."""


@dataclass(frozen=True)
class Paper:
    """A paper, a repository or another thing to cite; what is not known is empty.

    Attributes
    ----------
    authors : tuple of str
        Surnames, ``others`` last where there are more, or one name of a group.
    title, year, venue : str
    arxiv : str
        Identifier without its version.
    url, repository : str
        The repository as ``owner/name``.
    note : str
        Text that names it, where no more could be read from it.
    """

    authors: tuple[str, ...] = ()
    title: str = ""
    year: str = ""
    venue: str = ""
    arxiv: str = ""
    url: str = ""
    repository: str = ""
    note: str = ""

    @property
    def stem(self) -> str:
        """First author and year in plain letters, which keys are made of."""
        first = next(iter(self.authors), "") or self.title.partition(" ")[0] or self.repository.rpartition("/")[2]
        plain = unicodedata.normalize("NFKD", first)
        letters = "".join(c for c in plain.lower() if c.isascii() and c.isalnum())
        return f"{letters or 'anonymous'}{self.year}"

    def same(self, other: Paper) -> bool:
        """Return whether two texts name one paper: its arXiv id, or first author and year with no word against it."""
        if self.arxiv and other.arxiv:
            return self.arxiv == other.arxiv
        if self.note or other.note:
            return self == other
        if not (self.authors and other.authors):
            return bool(self.repository) and self.repository == other.repository
        against = any(
            getattr(self, name) and getattr(other, name) and getattr(self, name) != getattr(other, name)
            for name in ("title", "venue", "repository")
        )
        return self.stem == other.stem and not against

    def joined(self, other: Paper) -> Paper:
        """Return what two texts say together: the longer list of authors, the year of the venue."""
        longer = max(self.authors, other.authors, key=lambda names: (bool(names), OTHERS not in names, len(names)))
        dated = next((p for p in (self, other) if p.venue and p.year), self if self.year else other)
        rest = {f.name: getattr(self, f.name) or getattr(other, f.name) for f in fields(self)}
        return Paper(**rest | {"authors": longer, "year": dated.year})
