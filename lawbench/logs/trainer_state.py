"""``trainer_state.json`` of the Hugging Face Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lawbench.errors import InputError
from lawbench.logs.jsonl_file import gathered, parsed
from lawbench.logs.table import Cells, Table, name_of
from lawbench.logs.text import opened

SUMMARY = {"train_loss"}
"""A mean over the whole training, logged once at its end: no curve."""


def read_trainer_state(path: Path) -> Table:
    """Return the table of the `log_history` that the Hugging Face Trainer saves with a checkpoint.

    Raises
    ------
    InputError
        If the file is not whole, or has no history.
    """
    with opened(path) as stream:
        state = parsed(stream.read(), path.name)
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
        raise InputError(f"{path.name} has no `log_history`: give the trainer_state.json of a checkpoint.")
    if not history:
        raise InputError(f"{path.name} has an empty `log_history`: nothing was logged before it was saved.")
    names = tuple(name_of(path, name) for name in dict.fromkeys(key for entry in history for key in entry))
    steps = state.get("max_steps")

    def columns(wanted: Sequence[str]) -> dict[str, Cells]:
        return gathered(path, wanted, enumerate(history, start=1), "entry")

    facts = {"max_steps": steps} if _whole(steps) else {}
    return Table(
        path, "Hugging Face trainer_state.json", tuple(name for name in names if name not in SUMMARY), columns,
        facts=facts, place="entry of log_history",
    )  # fmt: skip


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40
