"""Long CSV files, fast and in bounded memory; anything out of the ordinary is left to the strict reader.

NumPy's reader takes a million rows in about a second, the row-by-row one eight times that, and both
round decimals to the nearest double. But only the row-by-row one can say what is wrong, and where: so
this one gives up, silently, on whatever it cannot read or vouch for.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lawbench.schedule import FloatArray

LONG_BYTES = 1_000_000
"""Below this size the row-by-row reader takes a fraction of a second."""
_ROWS = 100_000
_BLOCK = 1 << 20


def read_long(path: Path, names: Sequence[str]) -> tuple[dict[str, FloatArray], range] | None:
    """Return columns of a long CSV file and the line of every row, or None to have it read row by row.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Columns of the header, each there once.

    Returns
    -------
    (dict of ndarray, range) or None
        Finite numbers in the order of the file, and their lines, counted from 1. None for a short
        file, a blank line, an unknown or doubled column, a short row, text, NaN or an infinity.
    """
    try:
        rows = _rows(path) if path.stat().st_size >= LONG_BYTES else 0
        if rows < 1:
            return None
        with path.open(newline="", encoding="utf-8-sig") as stream, warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of blank lines and skips them
            header = [cell.strip() for cell in next(csv.reader([stream.readline()]), [])]
            if any(header.count(name) != 1 for name in names):
                return None
            columns = [header.index(name) for name in names]
            table = np.empty((len(names), rows))
            for start in range(0, rows, _ROWS):
                part = np.loadtxt(
                    stream, delimiter=",", comments=None, quotechar='"', usecols=columns, max_rows=_ROWS, ndmin=2
                )
                if len(part) != min(_ROWS, rows - start):
                    return None
                table[:, start : start + _ROWS] = part.T
            if stream.read(1) or not np.isfinite(table).all():
                return None
    except (OSError, ValueError, IndexError, csv.Error, Warning):
        return None
    return dict(zip(names, table, strict=True)), range(2, rows + 2)


def _rows(path: Path) -> int:
    r"""Count the lines below the header; 0 where a line ends in a lone ``\r``, which is counted otherwise."""
    ends, last = 0, b"\n"
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if block.endswith(b"\r"):
                block += stream.read(1)
            if block.count(b"\r") != block.count(b"\r\n"):
                return 0
            ends, last = ends + block.count(b"\n"), block[-1:]
    return ends - (last == b"\n")
