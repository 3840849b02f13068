"""A paper as a BibTeX entry."""

from __future__ import annotations

from lawbench.citing.paper import OTHERS, Paper

_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
            "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def entry_text(key: str, paper: Paper) -> str:
    """Return the entry of a paper; fields that are not known are left out.

    Examples
    --------
    >>> print(entry_text("luo2025", Paper(("Luo", "others"), "A Law", "2025", "ICLR", "2503.12811")))
    @inproceedings{luo2025,
      author = {Luo and others},
      title = {{A Law}},
      booktitle = {ICLR},
      year = {2025},
      eprint = {2503.12811},
      archiveprefix = {arXiv},
    }
    <BLANKLINE>
    """
    names = [name if name == OTHERS else _author(name) for name in paper.authors]
    values = {
        "author": " and ".join(names),
        "title": f"{{{_escaped(paper.title)}}}" if paper.title else "",
        "booktitle": _escaped(paper.venue),
        "year": paper.year,
        "eprint": paper.arxiv,
        "archiveprefix": "arXiv" if paper.arxiv else "",
        "url": paper.url,
        "howpublished": f"repository {_escaped(paper.repository)}" if paper.repository else "",
        "note": _escaped(paper.note),
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in values.items() if value]
    return f"@{'inproceedings' if paper.venue else 'misc'}{{{key},\n{''.join(lines)}}}\n"


def _author(name: str) -> str:
    """Return a name; that of a group stands in braces, or BibTeX would take its last word for a surname."""
    return f"{{{_escaped(name)}}}" if " " in name else _escaped(name)


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
