"""The boards as files for other programs: ``board.json``, and LaTeX tables for a paper."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from lawbench.report.answers import answer
from lawbench.report.tables import Table, board_table

LATEX_COLUMNS = ("rank", "entry", "skill", "interval", "error", "log_mae", "floors", "win_rate", "ok")
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "−": "$-$", "–": "--", "²": "$^2$",
    "<": "$<$", ">": "$>$", "|": "$|$",
}  # fmt: skip


def boards_json(boards: Mapping[str, pd.DataFrame]) -> str:
    """Return boards with their rows, facts and answers as JSON; what is missing is null.

    Examples
    --------
    >>> boards_json({})
    '{}\\n'
    """
    out = {
        name: {**{str(k): _plain(v) for k, v in board.attrs.items()}, "answer": answer(board),
               "rows": [{str(k): _plain(v) for k, v in row.items()} for row in board.to_dict("records")]}
        for name, board in boards.items()
    }  # fmt: skip
    return json.dumps(out, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def latex_table(board: pd.DataFrame) -> str:
    """Return a board as a LaTeX tabular with rules of ``booktabs``; needs ``\\usepackage{booktabs}``, nothing else."""
    table = board_table(board)
    keep = [i for i, column in enumerate(table.columns) if column.key in LATEX_COLUMNS]
    return "\n".join(_lines(table, keep, str(board.attrs["title"]))) + "\n"


def escaped(text: str) -> str:
    r"""Return text as LaTeX writes it.

    Examples
    --------
    >>> print(escaped("annealing_area: 5 % × 2"))
    annealing\_area: 5 \% $\times$ 2
    """
    return "".join(_SPECIAL.get(character, character) for character in text)


def _lines(table: Table, keep: list[int], title: str) -> Iterable[str]:
    yield f"% {title}. Needs \\usepackage{{booktabs}}."
    yield f"\\begin{{tabular}}{{{''.join('r' if table.columns[i].numeric else 'l' for i in keep)}}}"
    yield "\\toprule"
    yield " & ".join(escaped(table.columns[i].label) for i in keep) + r" \\"
    yield "\\midrule"
    for cells in table.cells:
        yield " & ".join(escaped(cells[i]) for i in keep) + r" \\"
    yield "\\bottomrule"
    yield "\\end{tabular}"


def _plain(value: Any) -> Any:
    """Return a value as strict JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    value = value.item() if hasattr(value, "item") else value
    return str(value) if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
