"""The columns of the tidy frame of cells, in order, with their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from lawbench.metrics import METRIC_KEYS

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "real", "whole", "truth"]

UNMASKED = tuple(f"{key}_unmasked" for key in METRIC_KEYS)
CERTIFICATE: Mapping[str, Kind] = {
    "gradient_norm": "real",
    "starts": "whole",
    "reached": "real",
    "agreement": "real",
    "at_bound": "text",
    "unidentified": "text",
    "condition": "real",
    "evaluations": "whole",
}
COLUMNS: Mapping[str, Kind] = {
    **dict.fromkeys(("law", "options", "recipe", "entry", "task", "track", "family", "dataset", "provides"), "text"),
    "ranked": "truth",
    **dict.fromkeys(("metric", "status", "reason"), "text"),
    **dict.fromkeys((*METRIC_KEYS, *UNMASKED, "noise_floor", "extrapolation"), "real"),
    **dict.fromkeys(("n_fitted", "n_scored", "n_decisions", "interval_refits"), "whole"),
    **dict.fromkeys(("objective", "seconds"), "real"),
    "converged": "truth",
    "n_params_law": "whole",
    **dict.fromkeys(("group", "needs"), "text"),
    **{f"cert_{name}": kind for name, kind in CERTIFICATE.items()},
    "fingerprint": "text",
}
"""Name -> type of every column of a row."""

_DTYPES: Mapping[Kind, str] = {"text": "str", "real": "float64", "whole": "Int64", "truth": "boolean"}


def blank() -> dict[str, Any]:
    """Return a row with every column: empty text, and None for everything else."""
    return {name: "" if kind == "text" else None for name, kind in COLUMNS.items()}


def as_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a tidy frame, ordered by task and entry; None becomes missing.

    Parameters
    ----------
    rows : iterable of mapping
        One a cell, with every column.
    """
    import pandas as pd

    ordered = sorted(rows, key=lambda row: (row["task"], row["law"], row["options"], row["recipe"]))
    frame = pd.DataFrame({name: [row[name] for row in ordered] for name in COLUMNS}, columns=list(COLUMNS))
    kinds = {name: "bool" if name == "ranked" else _DTYPES[kind] for name, kind in COLUMNS.items()}
    return frame.astype(kinds)
