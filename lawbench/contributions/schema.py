"""The file in which results from elsewhere come: one JSON object, every key of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from lawbench.data.complaints import sentence
from lawbench.entries import Entry
from lawbench.errors import InputError, LawbenchError, unknown
from lawbench.fitting.recipes import COMMON
from lawbench.inputs import INPUTS
from lawbench.strict import Strict

FORMAT = "lawbench contribution"
SCHEMA = 1

Loss = Annotated[float, Field(gt=0)]


class ForeignLaw(Strict):
    """The law behind the predictions; its formula need not be told.

    Attributes
    ----------
    name : str
        An identifier in lower case that no registered law has.
    title, reference, year
        As of a registered law.
    needs : tuple of str
        Inputs it uses: it is not applicable to tasks that lack one, and must predict all others.
    n_params : int
        Number of fitted parameters.
    group : str
        Near-copies of one law share a group and count once in ranks.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    reference: str = Field(min_length=1)
    year: int = Field(gt=1900, lt=2100)
    needs: tuple[str, ...]
    n_params: int = Field(ge=0)
    group: str = ""

    @field_validator("needs")
    @classmethod
    def _known(cls, needs: tuple[str, ...]) -> tuple[str, ...]:
        for name in needs:
            if name not in INPUTS:
                raise ValueError(str(unknown("input", name, INPUTS)))
        return needs


class Interval(Strict):
    """Ends of the prediction intervals of one run, one number a point."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class Predicted(Strict):
    """Predictions of one task.

    Attributes
    ----------
    predictions : dict
        Run -> one predicted loss, in the unit of the data, for each of its points.
    intervals : dict, optional
        Run -> ends of its intervals; of every run or of none.
    params : dict
        Fitted parameters, if they can be told.
    seconds : float, optional
        How long the fit took.
    """

    predictions: dict[str, tuple[Loss, ...]]
    intervals: dict[str, Interval] | None = None
    params: dict[str, float] = Field(default_factory=dict)
    seconds: float | None = Field(default=None, ge=0)


class Contribution(Strict):
    """Every key of a file of results.

    Attributes
    ----------
    format, schema_version
        What kind of file this is; ``schema`` in the file.
    entry : str
        Label on boards: the law's name, or ``name[option=value]`` for a variant of it.
    law : ForeignLaw
    suite : str
        Label of the suite, name and version, whose tasks are predicted.
    tasks : dict
        Task -> its predictions.
    """

    format: Literal["lawbench contribution"]
    schema_version: Literal[1] = Field(alias="schema")
    entry: str
    law: ForeignLaw
    suite: str
    tasks: dict[str, Predicted]

    @property
    def parsed(self) -> Entry:
        """The entry, without the recipe that marks it."""
        return Entry.parse(self.entry)


def read_contribution(path: str | Path) -> Contribution:
    """Read a file of results and check that it is one; see `check` for what it must hold.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If the file is missing, is no JSON, or does not follow the format.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse)
    except FileNotFoundError:
        raise InputError(f"file '{path}' does not exist.") from None
    except RecursionError:
        raise InputError(f"'{path}' is nested too deeply to be a file of results.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read as JSON: {error}.") from error
    return parse_contribution(data, str(path))


def parse_contribution(data: Any, where: str = "the contribution") -> Contribution:
    """Return the contribution of parsed JSON; see `read_contribution`."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"'{where}' is not a file of results: its key 'format' is not '{FORMAT}'.")
    if data.get("schema") != SCHEMA or isinstance(data["schema"], bool):
        raise InputError(f"'{where}' has schema {data.get('schema')!r}; this version of lawbench reads {SCHEMA}.")
    try:
        found = Contribution.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise InputError(f"'{where}': {sentence(error, Contribution, 'the file')}") from error
    try:
        entry = found.parsed
    except LawbenchError as error:
        raise InputError(f"'{where}': {error}") from error
    if entry.law != found.law.name or entry.recipe != COMMON:
        raise InputError(
            f"'{where}': entry '{found.entry}' is not '{found.law.name}' or '{found.law.name}[option=value]', "
            "after the name of its law."
        )
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number that JSON or a loss can be")
