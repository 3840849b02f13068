"""Dataset cards: the strict schema of ``card.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from lawbench.data.complaints import sentence
from lawbench.data.task_card import TaskCard, Value
from lawbench.errors import CardError, unknown
from lawbench.strict import Strict

UPSTREAM = "{upstream}/{repository}/{commit}/{path}"


class File(Strict):
    """One source file: its path upstream, and what its bytes must be."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
            raise ValueError("a file's path is relative and stays inside its repository")
        return path


class Source(Strict):
    """Where the files come from; no repository means that they ship with the dataset."""

    repository: str | None = Field(default=None, pattern="^[^/]+/[^/]+$")
    commit: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    url: str = UPSTREAM
    files: tuple[File, ...] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _template(cls, url: str) -> str:
        parts = ("upstream", "repository", "commit", "path")
        try:
            url.format(**dict.fromkeys(parts, ""))
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"a url may hold only {', '.join(f'{{{part}}}' for part in parts)}") from None
        return url

    @model_validator(mode="after")
    def _pinned(self) -> Source:
        if (self.repository is None) != (self.commit is None):
            raise ValueError("a repository needs its full commit, and a commit its repository")
        return self


class Loss(Strict):
    """What kind of loss is logged."""

    kind: Literal["train", "validation", "unknown"]
    smoothing: str
    unit: str


class Stated(Strict):
    """A number that a source states or a file shows, and where it is from."""

    value: float = Field(gt=0)
    unit: Literal["nats", "relative"]
    source: str


class Columns(Strict):
    """Names of the columns of a log; `lr`, if there is one, is checked against the schedule."""

    step: str = "step"
    loss: str = "loss"
    lr: str | None = None
    tokens: str | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `tokens` out where there are none: cards without them keep their fingerprints."""
        out: dict[str, Any] = dump(self)
        return {key: value for key, value in out.items() if key != "tokens" or value is not None}


class RunCard(Strict):
    """One declared curve."""

    name: str
    file: str
    columns: Columns = Columns()
    schedule: dict[str, float | int | str] | None = None
    model: str = ""
    n_params: float | None = Field(default=None, gt=0)
    tokens_per_step: float | None = Field(default=None, gt=0)
    meta: dict[str, Value] = Field(default_factory=dict)


class CardFile(Strict):
    """Every key that a ``card.toml`` may have."""

    title: str
    citation: str
    licence: str
    redistributable: bool
    family: str
    model: str = ""
    n_params: float | None = Field(default=None, gt=0)
    n_params_counts: str
    tokens_per_step: float | None = Field(default=None, gt=0)
    tokens_are: str
    vocabulary: int | None = Field(default=None, ge=2)
    quirks: tuple[str, ...] = ()
    loss: Loss
    noise: Stated | None = None
    quantisation: Stated | None = None
    irreducible: Stated | None = None
    source: Source
    runs: tuple[RunCard, ...] = ()
    tasks: tuple[TaskCard, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> CardFile:
        for kind, names in (
            ("file", [file.path for file in self.source.files]),
            ("run", [run.name for run in self.runs]),
            ("task", [task.name for task in self.tasks]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"{kind} '{sorted(twice)[0]}' is listed twice")
        if self.irreducible is not None and self.irreducible.unit != "nats":
            raise ValueError("the irreducible loss is given in nats")
        for task in self.tasks:
            if task.metric == "log_mae_reducible" and self.irreducible is None:
                raise ValueError(f"task '{task.name}' is ranked by reducible loss: add a table `irreducible`")
        paths = {file.path for file in self.source.files}
        for run in self.runs:
            if run.file not in paths:
                raise ValueError(f"run '{run.name}': {unknown('source file', run.file, paths)}")
        return self


class Card(CardFile):
    """A dataset's card. `name` is that of its folder.

    Attributes
    ----------
    title, citation, licence, family : str
        What it is, whom to cite, under which licence; datasets of one source are one family.
    redistributable : bool
        Whether the licence lets others pass the files on.
    model : str
        Runs of one dataset and model share architecture and data.
    n_params, n_params_counts
        Model size of every run, if it is one size, and how it is counted.
    tokens_per_step, tokens_are
        Tokens of one optimiser step, if they are constant, and how tokens are known.
    vocabulary : int, optional
        Number of tokens that the model chooses among; bounds what its loss can plausibly be.
    quirks : tuple of str
        What a user of the data must know.
    loss : Loss
    noise, quantisation, irreducible : Stated, optional
        Noise that the family states, the step in which losses are written, and the part of the
        loss (nats, below every loss) above which errors are measured where most of it is irreducible.
    source : Source
    runs, tasks : tuple
    """

    name: str
    folder: Path

    @property
    def run_names(self) -> tuple[str, ...]:
        """Names of the declared runs; runs of a loader are known only once they are read."""
        return tuple(run.name for run in self.runs)

    @property
    def loader(self) -> Path | None:
        """The dataset's ``loader.py``, where the declared runs are not enough."""
        path = self.folder / "loader.py"
        return path if path.is_file() else None


def read_card(folder: Path) -> Card:
    """Read and check the card of a dataset's folder.

    Parameters
    ----------
    folder : Path
        Folder with a ``card.toml``; its name is the name of the dataset.

    Raises
    ------
    CardError
        One sentence that names the card, the key and the fix.
    """
    try:
        data = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"card '{folder.name}' is not valid TOML: {error}; correct {folder / 'card.toml'}.") from error
    return check_card(data, folder)


def check_card(data: Mapping[str, Any], folder: Path) -> Card:
    """Return the card of parsed TOML; see `read_card`."""
    for key in ("name", "folder"):
        if key in data:
            raise CardError(f"card '{folder.name}': remove the key '{key}', a dataset is named by its folder.")
    try:
        # Through JSON, because only there strict validation takes a list for a tuple.
        text = json.dumps({**data, "name": folder.name, "folder": str(folder)}, default=str)
        card = Card.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise CardError(f"card '{folder.name}': {sentence(error, CardFile)}") from error
    if not card.runs and card.loader is None:
        raise CardError(f"card '{folder.name}' declares no runs: add a [[runs]] table or a loader.py.")
    return card
