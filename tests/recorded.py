"""Reports of the tests' own: the rows and the manifest, without the page, which takes seconds to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lawbench.report.companions import write_companions
from lawbench.report.manifest import manifest
from lawbench.store import load_predictions


def record(rows: pd.DataFrame, out: Path, **changes: Any) -> Path:
    """Write what `read_report` reads; `changes` replace keys of the manifest."""
    out.mkdir(parents=True)
    facts = manifest(rows)
    store = rows.attrs.get("store")
    facts |= write_companions(rows, load_predictions(store) if store else {}, out, facts)
    rows.to_csv(out / "results.csv", index=False, lineterminator="\n")
    (out / "manifest.json").write_text(json.dumps(facts | changes), encoding="utf-8")
    return out


def change(report: Path, **changes: Any) -> None:
    """Replace keys of a report's manifest."""
    facts = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    (report / "manifest.json").write_text(json.dumps(facts | changes), encoding="utf-8")
