"""Parsed datasets, kept in the user's cache: heavy files are read once.

The name of a kept dataset is the hash of all that its runs follow from: the card, with the sha256
of every source file; the loaders; the engine's own source; the versions of Python, numpy and
pandas. The source files themselves are hashed on every load, kept or not (`fetch` does it before):
that costs a millisecond a megabyte, parsing tens of them, so integrity is not traded for speed.
What is kept ends with a hash of its own; anything that is damaged, foreign or cut short is parsed
again without a word.

Environment
-----------
LAWBENCH_CACHE
    The folder, shared with downloads; kept datasets lie in its ``parsed/``.
LAWBENCH_PARSED
    ``off`` parses every time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

from lawbench.data.card import Card
from lawbench.data.packed import pack, unpack
from lawbench.data.sources import cache
from lawbench.runs import Run

WORTH_SECONDS = 0.05
"""Parsing that is faster than this is not kept: reading it back would gain nothing that one notices."""
WORTH_BYTES = 100_000
"""Smaller sources parse faster than that whatever they are; not even their key is computed."""
_KEPT = 4
_MARK = b"lawbench parsed\n"
_DIGEST = 32
_ENGINE = Path(__file__).parent.parent


def remembered(card: Card, parse: Callable[[], Iterable[Run]]) -> tuple[Run, ...]:
    """Return the runs that `parse` makes, from the cache if they are there.

    The source files of the card must have been verified by the caller.
    """
    small = sum(file.bytes for file in card.source.files) < WORTH_BYTES
    if small or os.environ.get("LAWBENCH_PARSED", "").lower() == "off":
        return tuple(parse())
    key = _key(card)
    path = cache() / "parsed" / f"{card.name}-{key.hex()[:24]}"
    kept = _read(path, key)
    if kept is not None:
        return kept
    start = time.process_time()  # on a busy machine a small file is no heavier
    runs = tuple(parse())
    if time.process_time() - start >= WORTH_SECONDS:
        _write(path, key, runs)
    return runs


def _key(card: Card) -> bytes:
    sources = sorted(card.folder.parent.glob("*.py")) + sorted(card.folder.parent.glob("*/*.py"))
    defines = {
        "card": card.model_dump(mode="json", exclude={"folder"}),
        # All loaders, because one may use another.
        "loaders": {str(path.relative_to(card.folder.parent)): _hash(path) for path in sources},
        "engine": _engine(),
        "versions": [sys.version, version("numpy"), version("pandas")],
    }
    return hashlib.sha256(json.dumps(defines, sort_keys=True).encode()).digest()


@once
def _engine() -> dict[str, str]:
    """Hash what a loader may use: the engine's modules on the floor of data, and those beside it."""
    paths = sorted([*_ENGINE.glob("*.py"), *_ENGINE.glob("data/*.py")])
    return {str(path.relative_to(_ENGINE)): _hash(path) for path in paths}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _seal(key: bytes, body: bytes) -> bytes:
    return hashlib.sha256(key + body).digest()


def _read(path: Path, key: bytes) -> tuple[Run, ...] | None:
    try:
        content = path.read_bytes()
        at = len(_MARK) + _DIGEST
        body = content[at:]
        if content[:at] != _MARK + _seal(key, body):
            return None
        return unpack(body)
    except Exception:  # whatever is wrong with it, the sources are at hand
        return None


def _write(path: Path, key: bytes, runs: tuple[Run, ...]) -> None:
    """Write to a temporary name and rename; a cache that cannot be written is no error."""
    body = pack(runs)
    if body is None:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_MARK + _seal(key, body) + body)
            os.replace(partial, path)
        except OSError:
            os.unlink(partial)
            raise
        _forget(path)


def _forget(path: Path) -> None:
    """Delete older versions of a dataset, all but a few: checkouts side by side each have theirs."""
    name = path.name[: -len("-") - 24]
    versions = [p for p in path.parent.glob(f"{name}-*") if p.name[: -len("-") - 24] == name]
    for old in sorted(versions, key=lambda p: p.stat().st_mtime, reverse=True)[_KEPT:]:
        old.unlink(missing_ok=True)
