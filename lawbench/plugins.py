"""Laws of installed packages, through the entry-point group ``lawbench.laws``.

A package offers a law in its ``pyproject.toml``; the name of the entry point is that of the law::

    [project.entry-points."lawbench.laws"]
    my_law = "my_package.my_law:MyLaw"
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from lawbench.errors import InputError
from lawbench.law import Law

GROUP = "lawbench.laws"


@cache
def plugins() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return what installed packages offer, by the name of the law; nothing of it is imported."""
    found: dict[str, list[EntryPoint]] = {}
    for one in entry_points(group=GROUP):
        found.setdefault(one.name, []).append(one)
    return {name: tuple(offered) for name, offered in found.items()}


def origin(offered: EntryPoint) -> str:
    """Name the package of an entry point and the object that it points to."""
    return f"package '{_package(offered)}' ({offered.value})"


def load(offered: EntryPoint) -> type[Law]:
    """Import a law of a package.

    Raises
    ------
    InputError
        If it cannot be imported, is no law, or has another name than its entry point.
    """
    where = f"law '{offered.name}' of {origin(offered)}"
    try:
        law = offered.load()
    except (Exception, SystemExit) as error:
        raise InputError(
            f"{where} cannot be imported: {type(error).__name__}: {error}; repair or uninstall the package."
        ) from error
    if not (isinstance(law, type) and issubclass(law, Law)):
        raise InputError(f"{where} is no subclass of Law: point its entry point at the class.")
    if getattr(law, "name", "") != offered.name:
        raise InputError(f"{where} is named '{getattr(law, 'name', '')}': give its entry point the name of the law.")
    return law


def _package(offered: EntryPoint) -> str:
    return offered.dist.name if offered.dist is not None else "unknown"
