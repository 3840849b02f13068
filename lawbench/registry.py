"""The registered laws: found by listing the folder, imported one file a law."""

from __future__ import annotations

import hashlib
import inspect
import sys
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import lawbench
from lawbench.errors import InputError, unknown
from lawbench.law import Law

FILE_MODULE = "lawbench_law_"
"""Start of the module names of laws that `law_from_file` has read."""


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
    # Known to the import system under a name of its own, so that its class can be pickled and found.
    unique = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:8]
    spec = spec_from_file_location(f"{FILE_MODULE}{path.stem}_{unique}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
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
