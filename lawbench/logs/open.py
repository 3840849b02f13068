"""Open a log by what it is: the name of the file, then its columns."""

from __future__ import annotations

from pathlib import Path

from lawbench.errors import InputError
from lawbench.logs.csv_file import read_csv
from lawbench.logs.jsonl_file import read_jsonl
from lawbench.logs.parquet_file import read_parquet
from lawbench.logs.table import Table
from lawbench.logs.tensorboard_file import read_events
from lawbench.logs.trainer_state import read_trainer_state
from lawbench.logs.wandb_file import is_export, of_wandb

FORMS = (
    "a .csv file, a Weights & Biases .csv export, a .jsonl file, a .parquet file, trainer_state.json, "
    "or a TensorBoard event file (events.out.tfevents.*)"
)


def open_log(path: Path) -> Table:
    """Return the table of a log.

    Raises
    ------
    InputError
        If the file is missing, of another kind, damaged, or cut.
    """
    if not path.is_file():
        raise InputError(f"'{path}' is not a file: give {FORMS}.")
    if "tfevents" in path.name:
        return read_events(path)
    end = path.suffix.lower()
    if end == ".csv":
        table = read_csv(path)
        return of_wandb(table) if is_export(table) else table
    if end == ".json":
        return read_trainer_state(path)
    if end in (".jsonl", ".ndjson"):
        return read_jsonl(path)
    if end in (".parquet", ".pq"):
        return read_parquet(path)
    raise InputError(f"'{path}' is of no known kind: give {FORMS}.")
