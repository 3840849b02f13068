"""One fixed look an entry: colour and line by law, marker by recipe, fill by options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from lawbench.registry import law_names

# Ten colours at least 10 apart in CIELAB for readers with normal, red-, green- and blue-blind sight, and with a
# contrast of 3 or more on white (tests/test_report_looks.py). With four line patterns they tell forty laws apart.
PALETTE = (
    "#097ab2", "#cc6b0a", "#068057", "#802d56", "#998c4c",
    "#3c591f", "#3b1980", "#59342d", "#6a4080", "#6b2ee6",
)  # fmt: skip
LINES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (8, 2, 2, 2)))
INK, MUTED, SHADE = "#1a1a1a", "#595959", "#ececec"

_FIXED: dict[str, tuple[str, int]] = {
    "mpl": (PALETTE[0], 0),
    "annealing_area": (PALETTE[1], 0),
    "chinchilla": (PALETTE[2], 0),
    "temporal_agg": (PALETTE[3], 0),
    # Baselines are grey: they are what the others are measured by.
    "power_steps": ("#5f5f5f", 0),
    "compute_power": ("#737373", 1),
    "last_value": ("#878787", 2),
}
_MARKERS = {"common": "o", "paper": "s"}
_PAPER: Any = (0, (5, 1.6))
# The sources that print parameters of one law, in the order of their names.
_PUBLISHED: tuple[tuple[Any, str], ...] = (
    ((0, (1.2, 1.2)), "D"),
    ((0, (3, 1.2, 1.2, 1.2)), "v"),
    ((0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)), "P"),
)
_OTHER_RECIPE: tuple[Any, str] = ((0, (5, 1.5, 1.2, 1.5)), "^")
GLYPHS = {"o": "●○", "s": "■□", "D": "◆◇", "^": "▲△", "v": "▼▽", "P": "✚✚"}
"""A marker as characters, filled and hollow."""


@dataclass(frozen=True)
class Style:
    """How an entry is drawn in every figure."""

    colour: str
    line: Any
    marker: str
    filled: bool

    @property
    def face(self) -> str:
        """Fill of its marker: white for other than the default options."""
        return self.colour if self.filled else "#ffffff"

    @property
    def glyph(self) -> str:
        """Its marker as a character."""
        return GLYPHS[self.marker][0 if self.filled else 1]

    @property
    def dash(self) -> str:
        """Its line pattern as SVG writes it; empty for a solid line."""
        return "" if self.line == "-" else " ".join(f"{length:g}" for length in self.line[1])


def law_looks(laws: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return colour and line pattern (a place in `LINES`) of each law.

    A law keeps its look whoever else is drawn: looks are given out over all registered laws, in the order of their
    names, starting from a hash of the name.

    Examples
    --------
    >>> law_looks(["mpl"]) == {"mpl": law_looks(["chinchilla", "mpl"])["mpl"]}
    True
    """
    wanted = set(laws)
    registered = law_names()
    looks = [(colour, turn) for turn in range(len(LINES)) for colour in PALETTE]
    out, taken = dict(_FIXED), set(_FIXED.values())
    for name in [*registered, *sorted(wanted - set(registered))]:
        if name in out:
            continue
        start = int.from_bytes(sha256(name.encode()).digest()[:4], "big") % len(looks)
        wheel = looks[start:] + looks[:start]
        out[name] = next((look for look in wheel if look not in taken), wheel[0])
        taken.add(out[name])
    return {name: out[name] for name in sorted(wanted)}


def styles(entries: Iterable[tuple[str, str, str]]) -> dict[str, Style]:
    """Return the look of entries, given as label, law and recipe.

    A label has brackets where options differ from the defaults; such entries are drawn hollow.
    """
    known = sorted(set(entries))
    looks = law_looks(law for _, law, _ in known)
    out = {}
    for entry, law, recipe in known:
        colour, turn = looks[law]
        line, marker = LINES[turn], _MARKERS.get(recipe, _OTHER_RECIPE[1])
        if recipe.startswith("published"):
            sources = sorted({r for _, other, r in known if other == law and r.startswith("published")})
            line, marker = _PUBLISHED[sources.index(recipe) % len(_PUBLISHED)]
        elif recipe != "common":
            line = _PAPER if recipe == "paper" else _OTHER_RECIPE[0]
        out[entry] = Style(colour, line, marker, filled="[" not in entry)
    return out
