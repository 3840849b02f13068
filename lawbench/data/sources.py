"""Three ways to a file: shipped with the dataset, a local mirror, the pinned upstream URL.

Environment
-----------
LAWBENCH_MIRROR
    A folder with ``github/<owner>/<repository>/<commit>/<path>`` and ``known-answers/<file>``.
LAWBENCH_CACHE
    Where downloads (laid out like a mirror) and parsed datasets are kept. Default: the user's cache folder.
LAWBENCH_UPSTREAM
    Base of the URLs, for a private proxy. Default: ``https://raw.githubusercontent.com``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from lawbench.data.card import Card, File
from lawbench.errors import DataError, UnreachableDataError, unknown

Way = Literal["shipped", "mirror", "cache", "upstream"]
Progress = Callable[[File, Way], None]
TIMEOUT_SECONDS = 30

KNOWN_ANSWERS = {
    file.path: file
    for file in (
        File(
            path="annealing_area_40_points.csv",
            sha256="18d1ea8ad05db7a4659b0148dfa9f18743332a812e02b0778994a8052bbcc850",
            bytes=953,
        ),
        File(
            path="bnsl_4_digit_addition.csv",
            sha256="a65c2fc075da78741441ba29db124dd5c98b7ffa9c8bc9f486695481858c3b01",
            bytes=367,
        ),
    )
}
"""Small tables printed by publications, with a known result. They have no upstream: mirror only."""


def mirror() -> Path | None:
    """Return the folder that ``LAWBENCH_MIRROR`` names, or None when it is not set.

    Raises
    ------
    DataError
        If it is set to something that is not a folder.
    """
    value = os.environ.get("LAWBENCH_MIRROR", "")
    if not value:
        return None
    if not Path(value).is_dir():
        raise DataError(f"LAWBENCH_MIRROR is '{value}', which is not a folder: correct or unset it.")
    return Path(value)


def cache() -> Path:
    """Return the folder that keeps downloads and parsed datasets."""
    named = os.environ.get("LAWBENCH_CACHE")
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("lawbench"))


def where(card: Card) -> dict[str, Way]:
    """Return, for each file of a card, which way it would come. Nothing is read or downloaded."""
    return {file.path: _locate(card, file)[0] for file in card.source.files}


def fetch(card: Card, progress: Progress | None = None) -> dict[str, Path]:
    """Return the verified local path of every file of a card, downloading what is not here.

    Parameters
    ----------
    card : Card
    progress : callable, optional
        Called with each file and the way it came.

    Returns
    -------
    dict
        Path upstream -> local path.

    Raises
    ------
    UnreachableDataError
        If a file is neither shipped, mirrored nor cached, and cannot be downloaded.
    DataError
        If the bytes of a file are not those that the card pins; nothing is used then.
    """
    found = {}
    for file in card.source.files:
        way, path = _locate(card, file)
        if way == "upstream":
            _download(card, file, path)
        else:
            _verify(path, file, f"{_where(card, file)} ({way}: {path})")
        found[file.path] = path
        if progress is not None:
            progress(file, way)
    return found


def known_answer(name: str) -> Path:
    """Return the verified local path of a small table with a known answer (mirror only).

    Raises
    ------
    UnknownNameError, UnreachableDataError, DataError
    """
    if name not in KNOWN_ANSWERS:
        raise unknown("known-answer table", name, KNOWN_ANSWERS)
    folder = mirror()
    if folder is None or not (folder / "known-answers" / name).is_file():
        raise UnreachableDataError(
            f"'{name}' has no upstream: set LAWBENCH_MIRROR to a folder that holds known-answers/{name}."
        )
    path = folder / "known-answers" / name
    _verify(path, KNOWN_ANSWERS[name], f"'{name}' of the known answers (mirror: {path})")
    return path


def upstream_url(card: Card, file: File) -> str:
    """Return the pinned URL of a file."""
    base = os.environ.get("LAWBENCH_UPSTREAM") or "https://raw.githubusercontent.com"
    source = card.source
    return source.url.format(
        upstream=base.rstrip("/"), repository=source.repository, commit=source.commit, path=quote(file.path)
    )


def _locate(card: Card, file: File) -> tuple[Way, Path]:
    """Return the way to a file and its local path (for ``upstream``: where it will be cached)."""
    shipped = card.folder / file.path
    if shipped.is_file():
        return "shipped", shipped
    if card.source.repository is None:
        raise DataError(f"{_where(card, file)} should lie in {card.folder}, and is not there: restore the file.")
    inner = Path("github", card.source.repository, str(card.source.commit), file.path)
    folder = mirror()
    if folder is not None and (folder / inner).is_file():
        return "mirror", folder / inner
    cached = cache() / inner
    return ("cache" if cached.is_file() else "upstream"), cached


def _download(card: Card, file: File, target: Path) -> None:
    """Download to a temporary name, verify, rename: the cache never holds a wrong file."""
    import pooch
    import requests

    url, what = upstream_url(card, file), _where(card, file)
    handle, partial = -1, ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
        os.close(handle)
        pooch.HTTPDownloader(progressbar=False, timeout=TIMEOUT_SECONDS)(url, partial, None)
        _verify(Path(partial), file, f"{what} (from {url})")
        os.replace(partial, target)
    except requests.exceptions.RequestException as error:
        raise UnreachableDataError(
            f"{what} is not on this machine and {url} could not be read ({_short(error)}): "
            "connect to the network, or set LAWBENCH_MIRROR to a folder that holds the data."
        ) from error
    except OSError as error:
        raise DataError(
            f"{what} cannot be kept in {target.parent} ({_short(error)}): set LAWBENCH_CACHE to a folder of yours."
        ) from error
    finally:
        if partial and os.path.exists(partial):
            os.unlink(partial)


def _verify(path: Path, file: File, what: str) -> None:
    content = path.read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if got != file.sha256:
        raise DataError(
            f"{what} is not what its card pins: expected sha256 {file.sha256} ({file.bytes} bytes), "
            f"got {got} ({len(content)} bytes); it is not used, delete or replace that copy and fetch again."
        )


def _where(card: Card, file: File) -> str:
    return f"file '{file.path}' of dataset '{card.name}'"


def _short(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return getattr(error, "strerror", None) or type(error).__name__
