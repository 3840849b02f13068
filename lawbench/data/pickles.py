"""Pickled tables, read with an allow-list: nothing but the parts of a table is ever built.

A pickle is a program. The plain reader runs whatever a file names; this one knows the few names that
a data frame of numbers, text and nested frames consists of, and refuses every other before it is
imported. It is a second wall: the bytes of a file are checked against the card first.
"""

from __future__ import annotations

import lzma
import pickle
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_ARRAYS = {
    "multiarray": ("_reconstruct", "scalar"),
    "numeric": ("_frombuffer",),
}
_FRAMES = {
    "pandas": ("DataFrame", "Index", "RangeIndex", "Series"),
    "pandas._libs.internals": ("_unpickle_block",),
    "pandas.core.frame": ("DataFrame",),
    "pandas.core.indexes.base": ("Index", "_new_Index"),
    "pandas.core.indexes.range": ("RangeIndex",),
    "pandas.core.internals.managers": ("BlockManager", "SingleBlockManager"),
    "pandas.core.series": ("Series",),
}
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "builtins": ("slice",),
    "numpy": ("dtype", "ndarray"),
    **{f"numpy.{core}.{module}": names for core in ("core", "_core") for module, names in _ARRAYS.items()},
    **_FRAMES,
}
"""Module -> the names in it that a pickled table may use; nothing else is imported."""


def read_frame(path: Path) -> pd.DataFrame:
    """Read a pickled data frame, ``.pkl`` or compressed as ``.pickle.xz``.

    Parameters
    ----------
    path : Path
        A pickle of a `pandas.DataFrame`, whose cells may be numbers, text, frames or series. A name
        that ends in ``.xz`` is decompressed.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the file names anything outside `ALLOWED` (the name is given, and nothing of it is
        imported or called), is truncated or damaged, or does not hold a data frame.
    """
    import pandas as pd

    try:
        content = path.read_bytes()
        found = _Reader(path.name, lzma.decompress(content) if path.suffix == ".xz" else content).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle fails with nearly any exception
        raise DataError(
            f"{path.name} cannot be read as a pickled table ({type(error).__name__}: {error}): "
            "the file is truncated or damaged, or not a pickle; delete or replace that copy and fetch again."
        ) from error
    if not isinstance(found, pd.DataFrame):
        raise DataError(
            f"{path.name} holds a {type(found).__name__}, not a data frame: give a pickle of a pandas DataFrame."
        )
    return found


class _Reader(pickle.Unpickler):
    """An unpickler that finds the names of `ALLOWED` only."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(BytesIO(content))
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        if name not in ALLOWED.get(module, ()):
            raise DataError(
                f"{self._name} asks for '{module}.{name}', which no table needs: nothing of the file is used; "
                "check where it comes from."
            )
        return getattr(_imported(module), name)

    def persistent_load(self, pid: Any) -> Any:
        raise DataError(
            f"{self._name} refers to an object outside the file, which no table needs: nothing of the file is used; "
            "check where it comes from."
        )


def _imported(module: str) -> Any:
    """Import an allowed module; NumPy 2 moved ``core`` to ``_core``, and files name either."""
    if not module.startswith(("numpy.core.", "numpy._core.")):
        return import_module(module)
    last = module.rpartition(".")[2]
    try:
        return import_module(f"numpy._core.{last}")
    except ModuleNotFoundError:
        return import_module(f"numpy.core.{last}")
