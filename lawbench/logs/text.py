"""Opening text files: UTF-8, whole, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lawbench.errors import InputError

MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip", b"PAR1": "Parquet"}


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a text file.

    Raises
    ------
    InputError
        If it cannot be read, or is not UTF-8 text.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
        for mark, what in MARKS.items():
            if start.startswith(mark):
                raise InputError(f"{path.name} is {what}, not UTF-8 text: convert or unpack it.")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not UTF-8 text ({error.reason}): convert it, for example from latin-1 with "
            f"`iconv -f latin1 -t utf8`."
        ) from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): correct its name or its rights.") from error


def last_byte(path: Path) -> bytes:
    """Return the last byte of a file, empty for an empty file."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 1, 0))
        return stream.read(1)
