"""The parts of a board's section, one record each. A new table or figure of a board is one more record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lawbench.boards import Grid, lay_out
from lawbench.comparisons import by_distance, pairwise, recipe_effect, recipe_summary
from lawbench.ranks import critical_difference
from lawbench.report import figures, tables
from lawbench.report.colours import Style
from lawbench.report.ranks_figure import ranks_figure
from lawbench.stability import stability, steadiness
from lawbench.stats import family_means, relative_error, skill


@dataclass(frozen=True, eq=False)
class BoardFacts:
    """What a part may draw on: the rows of the board's track, its name and frame, and the looks of entries."""

    rows: pd.DataFrame
    name: str
    board: pd.DataFrame
    looks: Mapping[str, Style]

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every pair of its ranked entries."""
        return pairwise(self.rows, self.name)

    @cached_property
    def grid(self) -> Grid:
        """Its cells, entries by tasks."""
        return lay_out(self.rows, self.name)


@dataclass(frozen=True)
class TablePart:
    """A table under a board; it is left out where it has no lines."""

    key: str
    title: str
    make: Callable[[BoardFacts], tables.Table]
    about: str = ""


@dataclass(frozen=True)
class FigurePart:
    """A figure under a board, written as ``figures/KEY-BOARD``; None where there is nothing to draw."""

    key: str
    title: str
    make: Callable[[BoardFacts], Figure | None]
    caption: str = ""


def _skill(facts: BoardFacts) -> Figure | None:
    if not facts.board["error"].notna().any():
        return None
    return figures.board_figure(facts.board, facts.looks, _noise_skill(facts.grid))


def _distance(facts: BoardFacts) -> Figure | None:
    frame = by_distance(facts.rows, facts.name)
    return figures.distance_figure(frame, facts.looks) if frame["log_mae"].notna().any() else None


def _pairs(facts: BoardFacts) -> tables.Table:
    return tables.pair_table(facts.pairs)


def _recipes(facts: BoardFacts) -> tables.Table:
    return tables.table(recipe_effect(facts.rows, facts.name), tables.RECIPES)


def _recipe_summary(facts: BoardFacts) -> tables.Table:
    frame = recipe_summary(facts.rows, facts.name)
    return tables.table(frame.assign(interval=tables.interval(frame, "low", "high")), tables.RECIPE_SUMMARY)


def _steadiness(facts: BoardFacts) -> tables.Table:
    return tables.table(steadiness(stability(facts.rows, facts.name)), tables.STEADINESS)


def _ranks(facts: BoardFacts) -> Figure | None:
    ranks = critical_difference(facts.rows, facts.name)
    return ranks_figure(ranks, facts.looks) if len(ranks) > 1 else None


def _costs(facts: BoardFacts) -> tables.Table:
    return tables.cost_table(facts.board)


def families(facts: BoardFacts) -> dict[str, dict[str, float]]:
    """Return the error of every ranked entry relative to the baseline in each family of data."""
    grid = facts.grid
    if not grid.tasks or not grid.entries:
        return {}
    ratio = np.exp(family_means(np.log(grid.ratio), grid.families))
    order = np.argsort(grid.log_error, kind="stable")
    columns = sorted(set(grid.families))
    return {grid.entries[i]: dict(zip(columns, map(float, ratio[i]), strict=True)) for i in order}


def _families(facts: BoardFacts) -> tables.Table:
    return tables.family_table(families(facts))


def _noise_skill(grid: Grid) -> float | None:
    """Skill of an entry whose error were the noise floor on every task; None where one is unknown."""
    if not grid.tasks or not (grid.floor > 0).all():
        return None
    return float(skill(np.log(relative_error(grid.floor, grid.baseline)), grid.families))


PARTS: tuple[TablePart | FigurePart, ...] = (
    FigurePart("board", "Skill of every entry", _skill,
               "Skill of every entry, with its interval where there is one; right is better."),
    FigurePart("distance", "Error against distance", _distance,
               "Error on each task, by how far beyond the fitted range it reaches: the entries with the smallest "
               f"errors by name, at most {figures.NAMED}, the others in grey."),
    TablePart("families", "By family of data", _families,
              "Error relative to the baseline in each family; below 1 is better than the baseline."),
    TablePart("pairs", "Pairs of entries", _pairs),
    TablePart("stability", "How steady the order is", _steadiness,
              "The board under other choices, each changed alone."),
    FigurePart("ranks", "Mean ranks", _ranks, "Mean rank of every group of near-copies; right is better. A bar joins "
               "entries whose mean ranks differ by less than the critical distance (Nemenyi, families as blocks)."),
    TablePart("recipe", "What the recipe does", _recipe_summary,
              "Error under a recipe over that of the converged fit with default options; above 1 is worse."),
    TablePart("recipes", "What the recipe does, task by task", _recipes),
    TablePart("costs", "What a fit costs", _costs, "Over all tasks of the board."),
)  # fmt: skip
"""In the order in which the page shows them."""
