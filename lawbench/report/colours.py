"""One fixed look an entry: colour by law, line style and marker by recipe, fill by options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

# Okabe and Ito's palette and four of Paul Tol's muted colours: told apart by colour-blind readers,
# and dark enough for a thin line on white.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#B8860B",
    "#332288", "#882255", "#44AA99", "#999933",
)  # fmt: skip
INK, MUTED, SHADE = "#1a1a1a", "#6b6b6b", "#ececec"

_FIXED = {
    "mpl": "#0072B2",
    "annealing_area": "#D55E00",
    "chinchilla": "#009E73",
    "temporal_agg": "#CC79A7",
    # Baselines are grey: they are what the others are measured by.
    "power_steps": "#707070",
    "compute_power": "#8c8c8c",
    "last_value": "#a3a3a3",
}
_RECIPES: dict[str, tuple[Any, str]] = {
    "common": ("-", "o"),
    "paper": ((0, (5, 1.6)), "s"),
}
# The sources that print parameters of one law, in the order of their names.
_PUBLISHED: tuple[tuple[Any, str], ...] = (
    ((0, (1.2, 1.2)), "D"),
    ((0, (3, 1.2, 1.2, 1.2)), "v"),
    ((0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)), "P"),
)
_OTHER_RECIPE: tuple[Any, str] = ((0, (5, 1.5, 1.2, 1.5)), "^")


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


def law_colours(laws: Iterable[str]) -> dict[str, str]:
    """Return a colour for each law; a law keeps its colour whoever else is drawn.

    Laws without a fixed colour get one from their name; two that meet are moved apart.

    Examples
    --------
    >>> law_colours(["mpl"]) == {"mpl": law_colours(["chinchilla", "mpl"])["mpl"]}
    True
    """
    names = sorted(set(laws))
    out = {name: _FIXED[name] for name in names if name in _FIXED}
    taken = set(out.values())
    for name in (n for n in names if n not in _FIXED):
        start = int.from_bytes(sha256(name.encode()).digest()[:4], "big") % len(PALETTE)
        wheel = PALETTE[start:] + PALETTE[:start]
        out[name] = next((c for c in wheel if c not in taken), wheel[0])
        taken.add(out[name])
    return out


def styles(entries: Iterable[tuple[str, str, str]]) -> dict[str, Style]:
    """Return the look of entries, given as label, law and recipe.

    A label has brackets where options differ from the defaults; such entries are drawn hollow.
    """
    known = sorted(set(entries))
    colours = law_colours(law for _, law, _ in known)
    out = {}
    for entry, law, recipe in known:
        line, marker = _RECIPES.get(recipe, _OTHER_RECIPE)
        if recipe.startswith("published"):
            sources = sorted({r for _, other, r in known if other == law and r.startswith("published")})
            line, marker = _PUBLISHED[sources.index(recipe) % len(_PUBLISHED)]
        out[entry] = Style(colours[law], line, marker, filled="[" not in entry)
    return out
