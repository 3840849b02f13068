"""The registered laws: the files of the folder ``laws/``, imported one by one, and those of plug-ins."""

from __future__ import annotations

import hashlib
import inspect
import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import lawbench
from lawbench import plugins
from lawbench.errors import InputError, LawbenchError, LawbenchWarning, unknown
from lawbench.law import Law

FILE_MODULE = "lawbench_law_"
"""Start of the module names of laws that `law_from_file` has read."""


def law_names() -> list[str]:
    """Return the names of all registered laws, those of plug-ins too, without importing them."""
    return sorted({*own_names(), *plugins.plugins()})


def own_names() -> list[str]:
    """Return the names of the laws of lawbench itself."""
    files = (path for root in lawbench.__path__ for path in Path(root, "laws").glob("*.py"))
    return sorted({path.stem for path in files if not path.stem.startswith("_")})


def laws() -> list[type[Law]]:
    """Return all registered laws, sorted by name.

    A law of a plug-in that cannot be used is left out, with a warning that says why.

    Returns
    -------
    list of law classes, with ``.name``, ``.title``, ``.reference``, ``.parameters``, ...

    Examples
    --------
    >>> import lawbench
    >>> "chinchilla" in [law.name for law in lawbench.laws()]
    True
    """
    found, problems = usable_laws()
    for sentence in problems:
        warnings.warn(sentence, LawbenchWarning, stacklevel=2)
    return found


def usable_laws() -> tuple[list[type[Law]], list[str]]:
    """Return all registered laws that can be used, and a sentence for each of a plug-in that cannot.

    A law of lawbench is left out for no plug-in: where a plug-in takes its name, the plug-in is.
    """
    found: list[type[Law]] = []
    problems: list[str] = []
    own = own_names()
    for name in law_names():
        try:
            found.append(find_law(name))
        except LawbenchError as error:
            if name not in plugins.plugins():
                raise
            problems.append(str(error))
            if name in own:
                found.append(_own(name))
    return found, problems


@cache
def find_law(name: str) -> type[Law]:
    """Return a registered law by its name.

    Raises
    ------
    UnknownNameError
        With the nearest known name.
    InputError
        If a plug-in offers a law of this name and cannot be imported, or another law has the name.
    """
    offered, own = plugins.plugins().get(name, ()), name in own_names()
    if not offered and not own:
        raise unknown("law", name, law_names())
    if len(offered) + own > 1:
        owners = [*(["lawbench itself"] if own else []), *(plugins.origin(one) for one in offered)]
        raise InputError(
            f"law '{name}' is registered by {' and by '.join(owners)}: uninstall a package, or have it rename its law."
        )
    return plugins.load(offered[0]) if offered else _own(name)


def law_of(name: str) -> type[Law]:
    """Return a registered law by its name, or the law of a file by its path (``my_law.py``).

    Raises
    ------
    UnknownNameError, InputError
        As `find_law` and `law_from_file`.
    """
    return law_from_file(Path(name).absolute()) if name.endswith(".py") else find_law(name)


def origin(law: type[Law]) -> str:
    """Return the plug-in package that a law comes from; empty for lawbench's own and for files."""
    offered = plugins.plugins().get(law.name, ())
    return next((plugins.origin(one) for one in offered if one.value == f"{law.__module__}:{law.__qualname__}"), "")


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


def _own(name: str) -> type[Law]:
    return _law_in(import_module(f"lawbench.laws.{name}"), name)


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
