"""What stands beside the page: the list of references, and the checklist filled in from facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lawbench.citing.bibliography import bibliography, names_of
from lawbench.provenance.here import prediction_hashes
from lawbench.report.checklist import checklist


def write_companions(
    rows: pd.DataFrame, predictions: Mapping[tuple[str, str], Any], out: Path, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write ``references.bib`` and ``checklist.md``, and return what the manifest says of the predictions.

    Parameters
    ----------
    rows : DataFrame
        One row a cell.
    predictions : mapping
        ``(task, entry)`` to one array of predicted losses a predicted run.
    out : Path
        Folder of the report.
    facts : mapping
        The manifest so far.

    Returns
    -------
    dict
        ``predictions``: task -> entry -> hash of the predicted losses.
    """
    (out / "references.bib").write_text(references(rows), encoding="utf-8")
    (out / "checklist.md").write_text(checklist(rows, facts), encoding="utf-8")
    return {"predictions": prediction_hashes(rows, predictions)}


def references(rows: pd.DataFrame) -> str:
    """Return the references of every law, dataset and published source of some rows, as BibTeX."""
    known, used = bibliography(), names_of(rows)
    absent = [f"% {name.replace('@', ' ')}: not installed here\n" for name in used if name not in known.cited]
    return "".join(absent) + known.bibtex(name for name in used if name in known.cited)
