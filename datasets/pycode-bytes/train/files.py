"""Files that are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from lawbench.errors import DataError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a kill at any point leaves the old one or the new one.

    Raises
    ------
    DataError
        If the disk is full or refuses; nothing that was there is lost.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}): make room or choose another --work folder, "
            "and run the same command again; finished runs are kept."
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, ordered as given."""
    write_bytes(path, (json.dumps(value, indent=1) + "\n").encode())


def read_json(path: Path) -> Any:
    """Return the value of a JSON file, or None if there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def packed(text: str) -> bytes:
    """Return text as gzip without a time, so that equal text gives equal bytes."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)
