"""Entries: a law with its options and its recipe, which is what boards rank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lawbench.errors import InputError, unknown
from lawbench.fitting.recipes import ALL, COMMON, PAPER, PUBLISHED, default_recipes, recipes_for
from lawbench.law import Law
from lawbench.registry import find_law, law_from_file
from lawbench.registry import laws as registered_laws

LawLike = str | Path | type[Law]
Options = tuple[tuple[str, str], ...]
_LABEL = re.compile(r"(?P<law>[^\[\]@]+)(\[(?P<options>[^\[\]]*)\])?(@(?P<recipe>.+))?")


@dataclass(frozen=True, order=True)
class Entry:
    """A law, those of its options that differ from its defaults, and a recipe.

    Attributes
    ----------
    law : str
    options : tuple of (str, str)
        Sorted by name.
    recipe : str

    Examples
    --------
    >>> Entry("mpl", (("warmup", "raw"),), "published:luo2025-repo").label
    'mpl[warmup=raw]@published:luo2025-repo'
    >>> Entry.parse("power_steps").label
    'power_steps'
    """

    law: str
    options: Options = ()
    recipe: str = COMMON

    @property
    def label(self) -> str:
        """The entry in one word; the recipe ``common`` is left out."""
        options = f"[{join(self.options)}]" if self.options else ""
        recipe = f"@{self.recipe}" if self.recipe != COMMON else ""
        return f"{self.law}{options}{recipe}"

    @classmethod
    def parse(cls, label: str) -> Entry:
        """Return the entry of a label.

        Raises
        ------
        InputError
            If it is not ``law[option=value,...]@recipe``.
        """
        law, options, recipe = _split(label)
        return cls(law, options, recipe or COMMON)

    def __str__(self) -> str:
        return self.label


def join(options: Iterable[tuple[str, str]]) -> str:
    """Return options as they are written in labels and rows: ``a=1,b=2``."""
    return ",".join(f"{name}={value}" for name, value in options)


def entries_for(
    laws: Iterable[LawLike] | LawLike | None = None, recipes: Iterable[str] | str | None = None
) -> dict[Entry, type[Law]]:
    """Return the entries of some laws, each with its law.

    Parameters
    ----------
    laws : names, labels, law classes or paths of law files, optional
        ``mpl``, ``mpl[warmup=raw]``, ``mpl@paper``, ``my_law.py``; all registered laws if None.
    recipes : str or iterable of str, optional
        ``common``, ``paper``, ``published:SOURCE``, ``published`` for every source, ``sum``,
        ``least_squares``, ``regularised``, or ``all``; those that a law is compared under if None.
        A law is left out where it has none of them.

    Returns
    -------
    dict
        Entry -> law class. Published parameters bring the options they go with.

    Raises
    ------
    UnknownNameError
        For a law, option or recipe that does not exist.
    InputError
        For a label that cannot be read, or two laws of one name.

    Examples
    --------
    >>> [entry.label for entry in entries_for(["power_steps", "last_value"], "common")]
    ['last_value', 'power_steps']
    >>> [entry.label for entry in entries_for("temporal_position")]
    ['temporal_position', 'temporal_position[texts=kept]']
    """
    chosen = [laws] if isinstance(laws, str | Path | type) else registered_laws() if laws is None else list(laws)
    wanted = [recipes] if isinstance(recipes, str) else None if recipes is None else list(recipes)
    resolved = [(*_resolve(item), item) for item in chosen]
    _check_recipes(wanted, [law for law, *_ in resolved])
    found: dict[Entry, type[Law]] = {}
    for law, options, recipe, item in resolved:
        names = [recipe] if recipe else wanted
        for entry in _entries(law, options, names, strict=recipe is not None):
            if found.setdefault(entry, law) is not law:
                raise InputError(f"two laws are named '{law.name}' (one is {item}): rename one of them.")
    return dict(sorted(found.items(), key=lambda pair: pair[0]))


def _resolve(item: LawLike) -> tuple[type[Law], Options, str | None]:
    """Return the law, the options and the recipe that an item asks for."""
    if isinstance(item, type):
        return item, (), None
    if isinstance(item, Path) or item.endswith(".py"):
        return law_from_file(Path(item).absolute()), (), None
    name, options, recipe = _split(item)
    law = law_from_file(Path(name).absolute()) if name.endswith(".py") else find_law(name)
    return law, _declared(law, dict(options)), recipe


def _split(label: str) -> tuple[str, Options, str | None]:
    match = _LABEL.fullmatch(label.strip())
    pairs = [part.partition("=") for part in (match["options"] or "").split(",") if part] if match else []
    if match is None or not all(equals and name and value for name, equals, value in pairs):
        raise InputError(f"'{label}' is not an entry: write law, law[option=value] or law[option=value]@recipe.")
    options = {name.strip(): value.strip() for name, _, value in pairs}
    return match["law"], tuple(sorted(options.items())), match["recipe"]


def _declared(law: type[Law], options: Mapping[str, str]) -> Options:
    """Check options against the law's and keep those that are not its defaults."""
    choices = law(**options).choices
    default = {option.name: option.default for option in law.options}
    return tuple(sorted((name, value) for name, value in choices.items() if value != default[name]))


def _check_recipes(wanted: list[str] | None, laws: Iterable[type[Law]]) -> None:
    known = {ALL, COMMON, PAPER, PUBLISHED}.union(*(recipes_for(law) for law in laws))
    for recipe in wanted or ():
        if recipe not in known:
            raise unknown("recipe", recipe, known)


def _entries(law: type[Law], options: Options, wanted: list[str] | None, *, strict: bool) -> Iterator[Entry]:
    known = recipes_for(law)
    if strict and wanted and wanted != [PUBLISHED] and wanted[0] not in known:
        raise unknown(f"recipe of law '{law.name}'", wanted[0], known)
    defaults = default_recipes(law)
    for recipe in known:
        if wanted is None and recipe not in defaults:
            continue
        if wanted is not None and ALL not in wanted and recipe not in wanted and recipe.partition(":")[0] not in wanted:
            continue
        if not _brings_options(recipe) and (options or strict):
            yield Entry(law.name, options, recipe)
            continue
        for brought in _brought(law, recipe):
            asked = _declared(law, dict(brought))
            if not options or options == asked:
                yield Entry(law.name, asked, recipe)
            elif strict:
                raise InputError(
                    f"recipe '{recipe}' of law '{law.name}' goes with [{join(asked)}], not with [{join(options)}]: "
                    "leave the options out."
                )


def _brings_options(recipe: str) -> bool:
    """Return whether a recipe goes with options of its own, as what a paper did does."""
    return recipe == PAPER or recipe.startswith(PUBLISHED)


def _brought(law: type[Law], recipe: str) -> list[Mapping[str, str]]:
    """Return the options that a recipe brings: one mapping, or one for each way a source used."""
    if recipe == PAPER:
        assert law.paper is not None
        return [law.paper.options]
    if not _brings_options(recipe):
        others = [(o.name, c) for o in law.options if o.compared for c in o.choices if c != o.default]
        return [{}, *({name: choice} for name, choice in others)]
    source = recipe.partition(":")[2]
    sets = [dict(p.options) for p in law.published if p.source == source] if source else [{}]
    return [options for i, options in enumerate(sets) if options not in sets[:i]]
