"""Writing a report: boards, figures, tables and provenance of a set of rows, as one folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lawbench.boards import BOARDS, NEEDED, lay_out, names
from lawbench.comparisons import by_distance, pairwise, recipe_effect
from lawbench.errors import InputError, LawbenchError
from lawbench.leaderboard import leaderboard
from lawbench.report import encode, figures, tables
from lawbench.report.answers import answer, markdown
from lawbench.report.colours import Style, styles
from lawbench.report.companions import write_companions
from lawbench.report.ledger import number_cells, read_ledger
from lawbench.report.manifest import card_of, manifest, may_show, without_paths
from lawbench.report.panels import Gallery, Predictions, galleries
from lawbench.stats import relative_error, skill

TEXT = ("law", "options", "recipe", "entry", "task", "track", "family", "dataset", "status", "reason")


@dataclass(frozen=True)
class Picture:
    """A figure on the page."""

    name: str
    markup: str
    caption: str
    wide: bool


@dataclass(frozen=True)
class BoardSection:
    """A board on the page."""

    name: str
    title: str
    answer: str
    note: str
    table: tables.Table
    why: list[tuple[str, str]]
    left_out: list[tuple[str, str]]
    pairs: tables.Table
    recipes: tables.Table
    pictures: list[Picture]


@dataclass
class Studio:
    """Draws figures, writes their files, and keeps the report going when one fails."""

    folder: Path
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def draw(
        self, name: str, caption: str, make: Callable[[], Figure], *, vector: bool = True, wide: bool = False
    ) -> list[Picture]:
        """Return the figure as a list of one, or of none with a sentence in `problems`."""
        try:
            files = encode.formats(make(), ("svg", "pdf") if vector else ("png",))
        except Exception as error:
            reason = without_paths(f"{type(error).__name__}: {error}")
            self.problems.append(f"Figure {name} could not be drawn: {reason}.")
            return []
        encode.write(files, self.folder / name)
        self.files += [f"{name}.{kind}" for kind in files]
        return [Picture(name, encode.markup(files, name, caption), caption, wide)]


def write_report(
    rows: pd.DataFrame, predictions: Predictions, out: Path, *, command: str = "", committed: bool = False
) -> Path:
    """Write the report of a set of rows.

    Parameters
    ----------
    rows : DataFrame
        One row a cell, as `lawbench.run` returns.
    predictions : mapping
        ``(task, entry)`` to one array of predicted losses a predicted run.
    out : Path
        Folder to write: ``index.html``, ``leaderboard.md``, ``results.csv``, ``manifest.json`` and
        ``figures/``.
    command : str
        Command that made the rows, for the manifest.
    committed : bool
        The report will be published: datasets that may not be redistributed appear as aggregates
        and raster pictures only.

    Returns
    -------
    Path
        The page, ``index.html``.

    Raises
    ------
    InputError
        If the rows lack a column or hold a cell twice; nothing is written then.
    """
    rows = _ordered(rows)
    boards = {name: leaderboard(rows, name) for name in BOARDS}
    boards = {name: board for name, board in boards.items() if board.attrs["tasks"] or len(board)}
    facts = manifest(rows, command=command, committed=committed)

    folder = out / "figures"
    _clear(out)
    folder.mkdir(parents=True, exist_ok=True)
    studio, looks = Studio(folder), styles(rows[["entry", "law", "recipe"]].itertuples(index=False, name=None))
    with figures.look():
        sections = [_board_section(rows, name, board, looks, studio) for name, board in boards.items()]
        curves = _curve_pictures(rows, predictions, looks, studio, committed=committed)
    facts["figures"] = sorted(studio.files)
    facts |= write_companions(rows, predictions, out, facts)

    page = _render(
        answers=[(s.name, s.title, s.answer) for s in sections],
        boards=sections,
        curves=curves,
        problems=studio.problems,
        styles=looks,
        laws=_laws(rows),
        metrics=[(t, tables.metric_table(own)) for t, own in rows.groupby("task", sort=True)],
        certificates=tables.certificate_table(rows),
        floors=tables.floor_table(rows[_on_a_board(rows)]),
        missing=tables.missing_table(rows),
        cards=[(name, card_of(name)) for name in sorted(set(rows["dataset"]))],
        ledger=[(claim, number_cells(claim)) for claim in read_ledger()],
        facts=facts,
        counts=facts["cells"],
    )
    rows.to_csv(out / "results.csv", index=False, lineterminator="\n")
    pairs = {n: pairwise(rows, n) for n in boards}
    (out / "leaderboard.md").write_text(markdown(boards, pairs, facts["suite"]), encoding="utf-8")
    (out / "manifest.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "index.html").write_text(page, encoding="utf-8")
    return out / "index.html"


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Check the rows and put them into one order, so that the same rows give the same files."""
    absent = [name for name in (*NEEDED, "dataset", *tables.DRAWN) if name not in rows.columns]
    if absent:
        raise InputError(f"the rows have no column {', '.join(dict.fromkeys(absent))}: pass the frame of a run.")
    out = rows.copy()
    out[list(TEXT)] = out[list(TEXT)].astype(object).fillna("").astype(str)
    out["reason"] = [without_paths(reason) for reason in out["reason"]]
    return out.sort_values(["task", "entry"], kind="stable", ignore_index=True)


def _clear(out: Path) -> None:
    """Remove the figures of an earlier report, as its manifest lists them, and nothing else."""
    try:
        earlier = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["figures"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in earlier:
        if Path(name).name == name:
            (out / "figures" / name).unlink(missing_ok=True)


def _board_section(
    rows: pd.DataFrame, name: str, board: pd.DataFrame, looks: dict[str, Style], studio: Studio
) -> BoardSection:
    distance = by_distance(rows, name)
    pictures = []
    if board["error"].notna().any():
        pictures += studio.draw(
            f"board-{name}",
            f"Skill of every entry on the board {name}; right is better.",
            lambda: figures.board_figure(board, looks, _noise_skill(rows, name)),
        )
    if distance["log_mae"].notna().any():
        pictures += studio.draw(
            f"distance-{name}",
            f"Error of every entry on each task of the board {name}, by how far beyond the fitted range it reaches.",
            lambda: figures.distance_figure(distance, looks),
        )
    return BoardSection(
        name=name,
        title=board.attrs["title"],
        answer=answer(board),
        note=board.attrs["note"],
        table=tables.board_table(board),
        why=[(e, w) for e, w in zip(board["entry"], board["why"], strict=True) if w],
        left_out=sorted(board.attrs["left_out"].items()),
        pairs=tables.pair_table(pairwise(rows, name)),
        recipes=tables.table(recipe_effect(rows, name), tables.RECIPES),
        pictures=pictures,
    )


def _noise_skill(rows: pd.DataFrame, name: str) -> float | None:
    """Skill of an entry whose error were the noise floor on every task; None where one is unknown."""
    grid = lay_out(rows, name)
    if not grid.tasks or not (grid.floor > 0).all():
        return None
    return float(skill(np.log(relative_error(grid.floor, grid.baseline)), grid.families))


def _on_a_board(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which cells belong to an entry that some board of their track ranks: only those are drawn."""
    cells = zip(rows["needs"], rows["track"], strict=True)
    ranked = (any(names(needs) <= b.inputs for b in BOARDS.values() if b.track == track) for needs, track in cells)
    return np.fromiter(ranked, dtype=bool, count=len(rows))


def _curve_pictures(
    rows: pd.DataFrame, predictions: Predictions, looks: dict[str, Style], studio: Studio, *, committed: bool
) -> list[tuple[Gallery, list[Picture]]]:
    from lawbench.tasks import load_task

    made = galleries(rows[_on_a_board(rows)], predictions, load_task)
    studio.problems += [without_paths(problem) for problem in made.problems.values()]
    out = []
    for gallery in made.shown:
        vector = may_show(gallery.dataset, committed=committed)
        what = f"{gallery.dataset}, track {gallery.track}"
        pictures = studio.draw(
            f"predictions-{gallery.name}",
            f"Predictions and observed losses: {what}.",
            lambda g=gallery: figures.predictions_figure(g, looks),  # type: ignore[misc]
            vector=vector,
            wide=True,
        )
        pictures += studio.draw(
            f"residuals-{gallery.name}",
            f"Residuals: {what}.",
            lambda g=gallery: figures.residuals_figure(g, looks),  # type: ignore[misc]
            vector=vector,
            wide=True,
        )
        out.append((gallery, pictures))
    return out


def _laws(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return title, reference and note of every law; only its name where it is not installed."""
    from lawbench.registry import find_law

    out: list[dict[str, Any]] = []
    for name in sorted(set(rows["law"])):
        try:
            law = find_law(name)
        except LawbenchError:
            out.append(
                {
                    "name": name,
                    "title": name,
                    "reference": "not installed here",
                    "note": "",
                    "exceptions": {},
                    "parameters": (),
                }
            )
        else:
            out.append(
                {
                    "name": name,
                    "title": law.title,
                    "reference": law.reference,
                    "note": law.note,
                    "exceptions": law.exceptions,
                    "parameters": law.parameters,
                }
            )
    return out


def _render(**context: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lawbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    glyphs = {"o": "●○", "s": "■□", "D": "◆◇", "^": "▲△", "v": "▼▽", "P": "✚✚"}

    def glyph(entry: str) -> str:
        look: Style = context["styles"][entry]
        return glyphs[look.marker][0 if look.filled else 1]

    return environment.get_template("page.html.j2").render(glyph=glyph, **context)
