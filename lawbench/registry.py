"""The registered laws: found by listing the folder, imported one file a law."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import lawbench
from lawbench.errors import InputError, unknown
from lawbench.law import Law


def law_names() -> list[str]:
    """Return the names of all registered laws, without importing them."""
    files = (path for root in lawbench.__path__ for path in Path(root, "laws").glob("*.py"))
    return sorted({path.stem for path in files if not path.stem.startswith("_")})


def laws() -> list[type[Law]]:
    """Return all registered laws, sorted by name.

    Returns
    -------
    list of law classes, with ``.name``, ``.title``, ``.reference``, ``.parameters``, ...

    Examples
    --------
    >>> import lawbench
    >>> "chinchilla" in [law.name for law in lawbench.laws()]
    True
    """
    return [find_law(name) for name in law_names()]


@cache
def find_law(name: str) -> type[Law]:
    """Return a registered law by its name.

    Raises
    ------
    UnknownNameError
        With the nearest known name.
    """
    if name not in law_names():
        raise unknown("law", name, law_names())
    return _law_in(import_module(f"lawbench.laws.{name}"), name)


@cache
def law_from_file(path: Path) -> type[Law]:
    """Return the law of a file that is not installed.

    Raises
    ------
    InputError
        If the file is missing, cannot be run, or does not hold one law.
    """
    if not path.is_file():
        raise InputError(f"law file '{path}' does not exist.")
    spec = spec_from_file_location(f"lawbench_law_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"law file '{path}' cannot be run: {type(error).__name__}: {error}.") from error
    return _law_in(module, path.stem)


def law_file(law: type[Law]) -> Path:
    """Return the file that a law is written in."""
    return Path(inspect.getfile(law))


def _law_in(module: ModuleType, stem: str) -> type[Law]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Law) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise InputError(f"law file '{module.__file__}' must hold one subclass of Law; it holds {len(found)}.")
    if found[0].name != stem:
        raise InputError(f"law file '{module.__file__}' holds law '{found[0].name}': name the file after the law.")
    return found[0]
