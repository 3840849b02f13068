"""Writing a report: boards, entries, datasets and provenance of a set of rows, as one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from lawbench.boards import BOARDS, NEEDED, names
from lawbench.errors import InputError
from lawbench.inputs import INPUTS
from lawbench.leaderboard import leaderboard
from lawbench.report import articles, figures, payload, tables
from lawbench.report.answers import answer, markdown
from lawbench.report.colours import Style, styles
from lawbench.report.companions import write_companions
from lawbench.report.curves import dataset_pages, draw_curves
from lawbench.report.equations import inline
from lawbench.report.files import boards_json, latex_table
from lawbench.report.ledger import number_cells, read_ledger
from lawbench.report.manifest import manifest, without_paths
from lawbench.report.packing import packed
from lawbench.report.panels import Predictions
from lawbench.report.parts import PARTS, BoardFacts, FigurePart, families
from lawbench.report.sparks import Spark, sparks
from lawbench.report.studio import Picture, Studio

TEXT = ("law", "options", "recipe", "entry", "task", "track", "family", "dataset", "status", "reason", "needs")


@dataclass
class BoardSection:
    """A board on the page."""

    name: str
    title: str
    leader: str
    ranked: int
    answer: str
    note: str
    table: tables.Table
    sparks: dict[str, Spark]
    families: dict[str, dict[str, float]]
    why: list[tuple[str, str]]
    left_out: list[tuple[str, str]]
    parts: list[tuple[str, str, str, tables.Table | Picture]] = field(default_factory=list)


def write_report(
    rows: pd.DataFrame,
    predictions: Predictions,
    out: Path,
    *,
    params: payload.Params | None = None,
    spread: payload.Spread | None = None,
    command: str = "",
    committed: bool = False,
) -> Path:
    """Write the report of a set of rows.

    Parameters
    ----------
    rows : DataFrame
        One row a cell, as `lawbench.run` returns; ``attrs["ignored"]`` may hold sentences about files left out.
    predictions : mapping
        ``(task, entry)`` to one array of predicted losses a predicted run.
    out : Path
        Folder to write: ``index.html``, ``leaderboard.md``, ``results.csv``, ``board.json``, ``manifest.json``,
        ``references.bib``, ``checklist.md``, ``tables/`` (LaTeX) and ``figures/`` (SVG and PDF).
    params : mapping, optional
        ``(task, entry)`` to its fitted parameters.
    spread : mapping, optional
        ``(task, entry)`` to the ends of the parameters' 95 % intervals.
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
    ignored = [without_paths(str(sentence)) for sentence in rows.attrs.get("ignored", ())]
    rows = _ordered(rows)
    facts = manifest(rows, command=command, committed=committed)
    _clear(out)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    (out / "tables").mkdir(exist_ok=True)
    studio = Studio(out / "figures", problems=ignored)
    looks = styles(rows[["entry", "law", "recipe"]].itertuples(index=False, name=None))
    boards = _boards(rows, looks, studio)
    ids = {"entry": articles.slugs(rows["entry"], "entry"), "data": articles.slugs(rows["dataset"], "data")}
    with figures.look():
        sections = [_section(board, studio) for board in boards.values()]
        curves, pictures = draw_curves(rows, predictions, looks, studio, committed=committed)
    facts["figures"] = sorted(studio.files)
    try:
        facts |= write_companions(rows, predictions, out, facts)
    except Exception as error:
        studio.failed("References and checklist could not be written", error)

    datasets = dataset_pages(rows, ids["data"], pictures, committed=committed)
    ids["task"] = articles.slugs((cells[0] for d in datasets for cells in d.tasks.cells), "task")
    page = _render(
        boards=sections,
        problems=studio.problems,
        styles=looks,
        ids=ids,
        entries=articles.entry_pages(rows, ids["entry"]),
        datasets=datasets,
        families=sorted({family for s in sections for row in s.families.values() for family in row}),
        board_families={s.name: {ids["entry"][e]: row for e, row in s.families.items()} for s in sections},
        recipe_of=dict(zip(rows["entry"], rows["recipe"], strict=True)),
        needs_of=dict(zip(rows["entry"], rows["needs"], strict=True)),
        inputs=_inputs(rows),
        missing=tables.missing_table(rows),
        outside=tables.outside_table(rows),
        ledger=[(claim, number_cells(claim)) for claim in read_ledger()],
        facts=facts,
        counts=facts["cells"],
        n_tasks=rows["task"].nunique(),
        data={"core": packed(payload.core(rows, params or {}, looks, ids, spread)), **curves},
    )
    rows.to_csv(out / "results.csv", index=False, lineterminator="\n")
    frames = {name: facts_of.board for name, facts_of in boards.items()}
    pairs = {name: facts_of.pairs for name, facts_of in boards.items()}
    (out / "leaderboard.md").write_text(markdown(frames, pairs, facts["suite"]), encoding="utf-8")
    (out / "board.json").write_text(boards_json(frames), encoding="utf-8")
    for name, board in frames.items():
        (out / "tables" / f"board-{name}.tex").write_text(latex_table(board), encoding="utf-8")
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
    twice = out[out.duplicated(["entry", "task"])]
    if len(twice):
        entry, task = twice.iloc[0][["entry", "task"]]
        raise InputError(f"entry '{entry}' has two rows for task '{task}': keep one row a cell.")
    out["reason"] = [without_paths(reason) for reason in out["reason"]]
    return out.sort_values(["task", "entry"], kind="stable", ignore_index=True)


def _boards(rows: pd.DataFrame, looks: Mapping[str, Style], studio: Studio) -> dict[str, BoardFacts]:
    """Return the boards on which something stands; one that cannot be made is named among the problems."""
    out = {}
    for name, place in BOARDS.items():
        own = rows[rows["track"] == place.track]
        try:
            board = leaderboard(own, name)
            if board.attrs["tasks"] or len(board):
                out[name] = BoardFacts(own, name, board, looks)
                out[name].pairs  # noqa: B018  what cannot be compared is no board either
            elif len(own):
                studio.problems.append(f"Board {name} is left out: none of its tasks has a result of its baseline.")
        except Exception as error:
            out.pop(name, None)
            studio.failed(f"Board {name} could not be made", error)
    return out


def _clear(out: Path) -> None:
    """Remove the figures of an earlier report, as its manifest lists them, and nothing else."""
    try:
        earlier = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["figures"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in earlier:
        if Path(name).name == name:
            (out / "figures" / name).unlink(missing_ok=True)


def _section(facts: BoardFacts, studio: Studio) -> BoardSection:
    board = facts.board
    section = BoardSection(
        name=facts.name,
        title=board.attrs["title"],
        leader=board["entry"].iloc[0] if (board["rank"] == 1).any() else "",
        ranked=int(board["rank"].notna().sum()),
        answer=answer(board),
        note=board.attrs["note"],
        table=tables.board_table(board),
        sparks=sparks(board),
        families=families(facts),
        why=[(e, w) for e, w in zip(board["entry"], board["why"], strict=True) if w],
        left_out=sorted(board.attrs["left_out"].items()),
    )
    for part in PARTS:
        made: tables.Table | Picture | None
        about = ""
        if isinstance(part, FigurePart):
            made = studio.draw(f"{part.key}-{facts.name}", part.caption, lambda p=part: p.make(facts))  # type: ignore[misc]
        else:
            try:
                made, about = part.make(facts), part.about
            except Exception as error:
                studio.failed(f"Table {part.key} of board {facts.name} could not be made", error)
                continue
        if made:
            section.parts.append((part.key, part.title, about, made))
    return section


def _inputs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the inputs that some entry needs, and how they are called."""
    needed = {need for needs in rows["needs"] for need in names(needs)}
    return [(name, one.short) for name, one in INPUTS.items() if name in needed]


def _render(**context: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lawbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = inline
    folder = files("lawbench.report") / "templates"
    css, *scripts = ((folder / n).read_text(encoding="utf-8") for n in ("page.css", "charts.js", "page.js"))
    inlined = {"css": css, "js": "\n".join(scripts)}
    return environment.get_template("page.html.j2").render(**inlined, **context)
