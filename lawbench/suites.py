"""Suites: named, versioned sets of tasks, so that a published score says what it is a score on.

Run ``python -m lawbench.suites`` to see the hashes of the suites as the cards now define them.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

from lawbench.data.dataset import datasets
from lawbench.errors import CardError, unknown
from lawbench.tasks import fingerprint


@dataclass(frozen=True)
class Suite:
    """A named set of tasks.

    Attributes
    ----------
    name, version : str, int
    what : str
        What it is for.
    tasks : tuple of str
        Full names, sorted.
    sha256 : str
        Hash of the definitions of its tasks when it was released; empty before.
    """

    name: str
    version: int
    what: str
    tasks: tuple[str, ...]
    sha256: str

    @property
    def label(self) -> str:
        """Name and version, as a published score states them."""
        return f"{self.name}-{self.version}"


def suites() -> list[Suite]:
    """Return all suites, the newest version of each first.

    Raises
    ------
    CardError
        If a suite names a task, or a pattern, that no task has.
    """
    table = tomllib.loads(files("lawbench").joinpath("suites.toml").read_text(encoding="utf-8"))["suite"]
    known = [f"{card.name}/{task.name}" for card in datasets() for task in card.tasks]
    found = [Suite(s["name"], s["version"], s["what"], _tasks(s, known), s["sha256"]) for s in table]
    return sorted(found, key=lambda suite: (suite.name, -suite.version))


def find_suite(name: str) -> Suite:
    """Return a suite by its label, or the newest of a name.

    Examples
    --------
    >>> find_suite("smoke").label
    'smoke-1'
    """
    known = suites()
    for suite in known:
        if name in (suite.label, suite.name):
            return suite
    raise unknown("suite", name, [suite.label for suite in known])


def suite_of(tasks: Iterable[str]) -> Suite | None:
    """Return the suite that consists of exactly these tasks, if there is one whose definition still holds."""
    names = tuple(sorted(set(tasks)))
    try:
        known = suites()
    except CardError:  # other datasets than those that the suites are made of
        return None
    return next((suite for suite in known if suite.tasks == names and suite.sha256 == digest(names)), None)


def digest(tasks: Iterable[str]) -> str:
    """Return the hash of the definitions of some tasks: what they fit, predict and score, on which files."""
    defined = _definitions()
    return hashlib.sha256(json.dumps([[name, defined[name]] for name in sorted(tasks)]).encode()).hexdigest()


def _definitions() -> dict[str, str]:
    return {f"{card.name}/{task.name}": fingerprint(card, task) for card in datasets() for task in card.tasks}


def _tasks(table: dict[str, object], known: Sequence[str]) -> tuple[str, ...]:
    wanted = table["tasks"]
    assert isinstance(wanted, list)
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise CardError(f"suite '{table['name']}': {unknown('task', str(pattern), known)}")
    return tuple(sorted(name for name in known if any(fnmatchcase(name, pattern) for pattern in wanted)))


if __name__ == "__main__":
    for one in suites():
        now = digest(one.tasks)
        print(f"{one.label}: {len(one.tasks)} tasks, sha256 {now}", "" if now == one.sha256 else "(differs)")
