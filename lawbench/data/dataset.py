"""Datasets: a card and the runs that its files hold.

Environment
-----------
LAWBENCH_DATASETS
    Folders of one's own datasets, separated as in ``PATH``. Default: ``lawbench-datasets`` in the
    current folder, where there is one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

import lawbench
from lawbench.data.card import Card, RunCard, read_card
from lawbench.data.parsed import remembered
from lawbench.data.readers import read_columns, read_curve
from lawbench.data.sources import fetch
from lawbench.errors import CardError, DataError, InputError, LawbenchError, unknown
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.shapes import named_schedule

OWN = Path("lawbench-datasets")
"""Where one's own datasets lie, in the current folder, unless ``LAWBENCH_DATASETS`` says otherwise."""
LR_TOLERANCE = 1e-6
"""Largest relative difference between a logged rate and the schedule of the card."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A card and all of its runs."""

    card: Card
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.card.name

    @property
    def family(self) -> str:
        """Datasets of one source are one family."""
        return self.card.family

    def run(self, name: str) -> Run:
        """Return one run by its name."""
        for run in self.runs:
            if run.name == name:
                return run
        raise unknown(f"run of dataset '{self.name}'", name, [run.name for run in self.runs])

    def __repr__(self) -> str:
        return f"Dataset('{self.name}', {len(self.runs)} runs, {sum(map(len, self.runs))} points)"


def datasets() -> list[Card]:
    """Return the cards of all datasets, ordered by name. No data file is read.

    Examples
    --------
    >>> "chinchilla-epoch" in [card.name for card in datasets()]
    True
    """
    return [read_card(folder) for _, folder in sorted(_folders().items())]


def find_card(name: str) -> Card:
    """Return the card of a dataset by its name."""
    folders = _folders()
    if name not in folders:
        raise unknown("dataset", name, folders)
    return read_card(folders[name])


def load_dataset(name: str) -> Dataset:
    """Return a dataset with all of its runs, fetching its files if they are not here.

    Raises
    ------
    UnknownNameError
        If no dataset has this name.
    CardError, DataError, InputError
        If the card or a file is not what it must be.
    """
    return read_dataset(find_card(name))


def own_places() -> list[Path]:
    """Return the folders in which one's own datasets are looked for.

    Raises
    ------
    DataError
        If ``LAWBENCH_DATASETS`` names something that is not a folder.
    """
    value = os.environ.get("LAWBENCH_DATASETS", "")
    if not value:
        return [OWN] if OWN.is_dir() else []
    places = [Path(part) for part in value.split(os.pathsep) if part]
    for place in places:
        if not place.is_dir():
            raise DataError(f"LAWBENCH_DATASETS names '{place}', which is not a folder: correct or unset it.")
    return places


def read_dataset(card: Card) -> Dataset:
    """Return the dataset of a card; what took long to parse is kept in the user's cache (`lawbench.data.parsed`)."""
    files = fetch(card)
    return Dataset(card, remembered(card, lambda: _runs(card, files)))


def _runs(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Parse the runs that a card declares and those of its loader."""
    runs = [_declared(card, run, files) for run in card.runs]
    if card.loader is not None:
        runs += _run_loader(card, card.loader, files)
    runs = [run if run.dataset == card.name else replace(run, dataset=card.name) for run in runs]
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"dataset '{card.name}' has two runs named '{twice[0]}': correct its card or loader.")
    return runs


def _folders() -> dict[str, Path]:
    """Map the name of every dataset to its folder; the first place on the package's path wins."""
    found: dict[str, Path] = {}
    for place in lawbench.__path__:
        for card in sorted(Path(place, "datasets").glob("*/card.toml")):
            found.setdefault(card.parent.name, card.parent)
    for own in own_places():
        for card in sorted(own.glob("*/card.toml")):
            other = found.setdefault(card.parent.name, card.parent)
            if other.resolve() != card.parent.resolve():
                raise CardError(
                    f"two datasets are named '{card.parent.name}', {other} and {card.parent}: rename the folder of one."
                )
    return found


def _declared(card: Card, run: RunCard, files: Mapping[str, Path]) -> Run:
    columns, path = run.columns, files[run.file]
    curve = read_curve(path, columns.step, columns.loss, columns.lr)
    schedule = _schedule(card, run, files)
    steps = curve.steps.astype(np.int64)
    if schedule is not None and curve.lr is not None and steps[-1] < len(schedule):
        wrong = np.abs(schedule.lr[steps] - curve.lr) > LR_TOLERANCE * np.abs(curve.lr)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise CardError(
                f"card '{card.name}', run '{run.name}': the schedule gives {schedule.lr[steps[i]]:g} at step "
                f"{steps[i]}, the log {curve.lr[i]:g}; correct the schedule."
            )
    return Run(
        run.name,
        steps,
        curve.loss,
        schedule=schedule,
        n_params=run.n_params or card.n_params,
        tokens=None if columns.tokens is None else read_columns(path, [columns.tokens])[columns.tokens],
        tokens_per_step=run.tokens_per_step or card.tokens_per_step,
        dataset=card.name,
        model=run.model or card.model,
        meta=run.meta,
    )


def _schedule(card: Card, run: RunCard, files: Mapping[str, Path]) -> Schedule | None:
    """Return the schedule that a card names, or that a file with a row for every optimiser step holds."""
    if run.schedule is None:
        return None
    try:
        if run.schedule.get("kind") != "file":
            return named_schedule(**run.schedule)  # type: ignore[arg-type]
        name = str(run.schedule.get("file"))
        if name not in files or set(run.schedule) != {"kind", "file"}:
            raise InputError(f"a schedule from a file names one of {', '.join(sorted(files))}, and nothing else.")
        rates = read_columns(files[name], ["step", "lr"])
        if not np.array_equal(rates["step"], np.arange(rates["step"].size)):
            raise InputError(f"{name} needs one row for each of the steps 0, 1, 2, and so on.")
        return Schedule(rates["lr"])
    except (LawbenchError, TypeError) as error:
        raise CardError(f"card '{card.name}', schedule of run '{run.name}': {error}") from error


def _run_loader(card: Card, path: Path, files: Mapping[str, Path]) -> list[Run]:
    """Execute a dataset's ``loader.py`` from its path and call its `load`."""
    module_name = f"lawbench_dataset_{card.name.replace('-', '_')}"
    spec = spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
        load: Callable[[Card, Mapping[str, Path]], Any] = module.load
        runs = list(load(card, files))
    except LawbenchError:
        raise
    except Exception as error:
        raise DataError(
            f"the loader of dataset '{card.name}' failed with {type(error).__name__}: {error}; correct {path}."
        ) from error
    finally:
        sys.dont_write_bytecode = writes
    return runs
