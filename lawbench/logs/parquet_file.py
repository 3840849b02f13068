"""Parquet files, through pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.errors import InputError, LawbenchError
from lawbench.logs.table import Cells, Table, name_of


def read_parquet(path: Path) -> Table:
    """Return the table of a Parquet file; only columns that are asked for are read.

    Raises
    ------
    InputError
        If pyarrow is not installed, the file is damaged, or a column is not one of numbers.
    """
    with _opened(path) as file:
        names = tuple(name_of(path, name) for name in file.schema_arrow.names)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(f"{path.name}: column '{twice[0]}' occurs twice; rename or drop one.")

    def columns(wanted: Sequence[str]) -> dict[str, Cells]:
        with _opened(path) as file:
            found = file.read(columns=list(wanted), use_threads=False)
            return {name: _cells(path, name, found.column(name)) for name in wanted}

    def texts(name: str) -> list[str]:
        with _opened(path) as file:
            return ["" if v is None else str(v) for v in file.read(columns=[name]).column(name).to_pylist()]

    return Table(path, "Parquet", names, columns, texts, place="row")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"{path.name} is Parquet, which needs pyarrow: pip install 'lawbench[logs]', or save it as CSV."
        ) from None
    try:
        # Checksums of pages are verified where the writer has left some.
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except LawbenchError:
        raise
    except Exception as error:  # damaged bytes reach C++, which raises whatever its stage raises
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(f"{path.name} cannot be read as Parquet ({reason}): the file is damaged or cut.") from error


def _cells(path: Path, name: str, column: Any) -> Cells:
    import pyarrow.types as types

    kind = column.type
    if not (types.is_integer(kind) or types.is_floating(kind)):
        raise InputError(f"{path.name}: column '{name}' is of type {kind}, not a column of numbers; name another.")
    there = ~np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool) if column.null_count else None
    values = np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    there = np.ones(values.size, dtype=bool) if there is None else there
    # pandas writes a missing value as a null, but a file of another writer may hold NaN.
    bad = there & ~np.isfinite(values)
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(
            f"{path.name}, row {i + 1}: {values[i]} in column '{name}' is not a finite number; drop or correct the row."
        )
    return Cells(np.where(there, values, 0.0), there, np.arange(1, values.size + 1))
