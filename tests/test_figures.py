"""Figures of boards with many entries: what is drawn can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lawbench.comparisons import by_distance
from lawbench.leaderboard import leaderboard
from lawbench.report import figures
from lawbench.report.colours import styles

from .boards import board, families

MANY = 40


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    errors = {f"a_law_with_a_long_name_{i}": list(np.exp(rng.normal(size=4))) for i in range(MANY)}
    return board({"power_steps": [1.0] * 4} | errors, families(4))


def looks(rows: pd.DataFrame) -> dict[str, figures.Style]:
    return styles(rows[["entry", "law", "recipe"]].itertuples(index=False, name=None))


def test_a_legend_leaves_most_of_a_figure_to_the_points(rows: pd.DataFrame) -> None:
    distance = by_distance(rows, "schedule")
    figure = figures.distance_figure(distance, looks(rows))
    figure.canvas.draw()
    assert figure.axes[0].get_position().height > 0.5
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    best = np.log(distance["ratio"]).groupby(distance["entry"]).mean().nsmallest(figures.NAMED)
    assert named == sorted(best.index)
    drawn = sum(len(line.get_xdata()) for line in figure.axes[0].lines)
    assert drawn == (distance["log_mae"] > 0).sum()


def test_no_number_of_a_board_is_struck_through_by_its_interval(rows: pd.DataFrame) -> None:
    frame = leaderboard(rows, "schedule")
    figure = figures.board_figure(frame, looks(rows), None)
    figure.canvas.draw()
    (axes,) = figure.axes
    numbers = [text for text in axes.texts if text.get_text() not in ("baseline", "noise floor")]
    assert len(numbers) == len(frame)
    for number, (_, row) in zip(numbers, frame.iterrows(), strict=True):
        end = axes.transData.transform((1 - row["skill_high"], 0))[0]
        box = number.get_window_extent()
        assert box.x0 > end
        assert box.x1 < figure.bbox.x1
