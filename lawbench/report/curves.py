"""The curves of a report: numbers for the page's script where points may be shown, pictures where they may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lawbench.boards import BOARDS, names
from lawbench.report import articles, figures, payload, tables
from lawbench.report.colours import Style
from lawbench.report.manifest import card_of, may_show, without_paths
from lawbench.report.packing import packed
from lawbench.report.panels import Predictions, galleries
from lawbench.report.studio import Picture, Studio

ENTRIES_PICTURED = 8
PANELS_PICTURED = 9
"""Entries and panels in a figure of residuals; the page itself can show all of them. Data with more panels get no
figure in the folder, and one of some panels where the page may not show their points."""


def on_a_board(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which cells belong to an entry that some board of their track ranks: only those are drawn."""
    cells = zip(rows["needs"], rows["track"], strict=True)
    ranked = (any(names(needs) <= b.inputs for b in BOARDS.values() if b.track == track) for needs, track in cells)
    return np.fromiter(ranked, dtype=bool, count=len(rows))


def draw_curves(
    rows: pd.DataFrame, predictions: Predictions, looks: Mapping[str, Style], studio: Studio, *, committed: bool
) -> tuple[dict[str, str], dict[str, list[Picture]]]:
    """Return packed curves of the datasets whose points may be shown, and pictures of the others."""
    from lawbench.tasks import load_task

    made = galleries(rows[on_a_board(rows)], predictions, load_task)
    studio.problems += [without_paths(problem) for problem in made.problems.values()]
    place = {entry: i for i, entry in enumerate(sorted(set(rows["entry"])))}
    panels: dict[str, list[dict[str, Any]]] = {}
    pictures: dict[str, list[Picture]] = {}
    for gallery in made.shown:
        shown = may_show(gallery.dataset, committed=committed)
        if shown:
            panels.setdefault(gallery.dataset, []).extend(payload.curves(gallery, place))
        if shown and (gallery.track != "schedule" or len(gallery.panels) > PANELS_PICTURED):
            continue
        some = gallery.some(PANELS_PICTURED)
        picture = studio.draw(
            f"residuals-{gallery.name}",
            f"Residuals of the {ENTRIES_PICTURED} entries with the smallest errors: {gallery.dataset}, "
            f"track {gallery.track}, {len(some.panels)} of {len(gallery.panels)} panels.",
            lambda g=some: figures.residuals_figure(g.best(ENTRIES_PICTURED), looks),  # type: ignore[misc]
            ("svg", "pdf") if shown else ("webp",),
        )
        if picture and not shown:
            pictures.setdefault(gallery.dataset, []).append(picture)
    packs = {}
    for dataset in sorted(set(rows["dataset"])):
        if may_show(dataset, committed=committed):
            runs = _runs(dataset, studio)
            packs[dataset] = packed({"panels": panels.get(dataset, []), **runs})
    return packs, pictures


def _runs(dataset: str, studio: Studio) -> dict[str, Any]:
    from lawbench.data.dataset import load_dataset

    try:
        return payload.dataset_runs(load_dataset(dataset).runs)
    except Exception as error:
        studio.failed(f"The runs of {dataset} are left out", error)
        return {}


def dataset_pages(
    rows: pd.DataFrame, ids: Mapping[str, str], pictures: Mapping[str, list[Picture]], *, committed: bool
) -> list[articles.DatasetPage]:
    """Return the page of every dataset."""
    ranked = rows[on_a_board(rows)]
    return [
        articles.DatasetPage(
            name=name,
            id=ids[name],
            card=card_of(name),
            tasks=tables.floor_table(ranked[ranked["dataset"] == name]),
            open=may_show(name, committed=committed),
            pictures=pictures.get(name, []),
        )
        for name in sorted(set(rows["dataset"]))
    ]
