"""What stands beside the page: the list of references, and the checklist filled in from facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lawbench.provenance.here import prediction_hashes


def write_companions(rows: pd.DataFrame, predictions: Mapping[tuple[str, str], Any], out: Path) -> dict[str, Any]:
    """Write what stands beside the page, and return what the manifest says of the predictions.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    predictions : mapping
        ``(task, entry)`` to one array of predicted losses a predicted run.
    out : Path
        Folder of the report.

    Returns
    -------
    dict
        ``predictions``: task -> entry -> hash of the predicted losses.
    """
    return {"predictions": prediction_hashes(rows, predictions)}
