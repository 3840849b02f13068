"""Datasets: a card and the runs that its files hold."""

from __future__ import annotations

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
from lawbench.data.readers import read_curve
from lawbench.data.sources import fetch
from lawbench.errors import CardError, DataError, LawbenchError, unknown
from lawbench.runs import Run
from lawbench.shapes import named_schedule

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


def read_dataset(card: Card) -> Dataset:
    """Return the dataset of a card; what took long to parse is kept in the user's cache (`lawbench.data.parsed`)."""
    files = fetch(card)
    return Dataset(card, remembered(card, lambda: _runs(card, files)))


def _runs(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Parse the runs that a card declares and those of its loader."""
    runs = [_declared(card, run, files[run.file]) for run in card.runs]
    if card.loader is not None:
        runs += _run_loader(card, card.loader, files)
    runs = [run if run.dataset == card.name else replace(run, dataset=card.name) for run in runs]
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"dataset '{card.name}' has two runs named '{twice[0]}': correct its card or loader.")
    return runs


def _folders() -> dict[str, Path]:
    """Map the name of every dataset to its folder; the first place on the path wins."""
    found: dict[str, Path] = {}
    for place in lawbench.__path__:
        for card in sorted(Path(place, "datasets").glob("*/card.toml")):
            found.setdefault(card.parent.name, card.parent)
    return found


def _declared(card: Card, run: RunCard, path: Path) -> Run:
    columns = run.columns
    curve = read_curve(path, columns.step, columns.loss, columns.lr)
    schedule = None
    if run.schedule is not None:
        try:
            schedule = named_schedule(**run.schedule)  # type: ignore[arg-type]
        except (LawbenchError, TypeError) as error:
            raise CardError(f"card '{card.name}', schedule of run '{run.name}': {error}") from error
        steps = curve.steps.astype(np.int64)
        if curve.lr is not None and steps[-1] < len(schedule):
            wrong = np.abs(schedule.lr[steps] - curve.lr) > LR_TOLERANCE * np.abs(curve.lr)
            if wrong.any():
                i = int(np.argmax(wrong))
                raise CardError(
                    f"card '{card.name}', run '{run.name}': the schedule gives {schedule.lr[steps[i]]:g} at step "
                    f"{steps[i]}, the log {curve.lr[i]:g}; correct the schedule."
                )
    return Run(
        run.name,
        curve.steps.astype(np.int64),
        curve.loss,
        schedule=schedule,
        n_params=run.n_params or card.n_params,
        tokens_per_step=run.tokens_per_step or card.tokens_per_step,
        dataset=card.name,
        model=run.model or card.model,
        meta=run.meta,
    )


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
