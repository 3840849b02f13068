"""The tables of a card that define its tasks: which runs are fitted and predicted, and which points count."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from lawbench.errors import unknown
from lawbench.metrics import PRIMARY_KEYS
from lawbench.strict import Strict

Track = Literal["schedule", "horizon", "scale", "position", "pair"]
TRACKS: tuple[Track, ...] = get_args(Track)
Value = float | str | bool


class Condition(Strict):
    """What a field of a run must satisfy; every given comparison has to hold."""

    lt: float | None = None
    le: float | None = None
    gt: float | None = None
    ge: float | None = None
    eq: Value | None = None
    in_: tuple[Value, ...] | None = Field(default=None, alias="in")

    @model_validator(mode="after")
    def _asks(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("a condition needs at least one of lt, le, gt, ge, eq, in")
        return self


class Selection(Strict):
    """Some runs of the dataset: by name, or by conditions on their fields."""

    runs: tuple[str, ...] | None = None
    where: dict[str, Condition] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Selection:
        if (self.runs is None) == (self.where is None):
            raise ValueError("a selection names its `runs` or gives conditions in `where`, one of the two")
        return self


class Counted(Strict):
    """A predicted curve: its branch step, and how many of its points count."""

    run: str
    branch: int = Field(ge=0)
    points: int = Field(ge=1)


class Pair(Strict):
    """The loss from which another is predicted, at the same checkpoint or at one of equal `match`.

    Attributes
    ----------
    loss, given : str
        Evaluation sets of the predicted and of the given loss; empty for the dataset's own.
    runs : Selection, optional
        Runs that the given loss belongs to, for another corpus say; the predicted run itself otherwise.
    match : tuple of str
        Fields in which a run and its partner among `runs` are equal.
    unpaired : {"refuse", "drop"}
        What becomes of runs and points without partner.
    """

    loss: str = ""
    given: str = ""
    runs: Selection | None = None
    match: tuple[str, ...] = Field(default=("n_params", "tokens"), min_length=1)
    unpaired: Literal["refuse", "drop"] = "refuse"

    @model_validator(mode="after")
    def _two_losses(self) -> Pair:
        if self.runs is None and self.loss == self.given:
            raise ValueError("a pair is of two losses: name another `loss`, or the `runs` that the given one is of")
        return self


class TaskCard(Strict):
    """Which runs or points are fitted, which are predicted, and which points count."""

    name: str
    track: Track
    ranked: bool = True
    metric: str = "log_mae"
    note: str = ""
    fit: Selection
    predict: Selection
    fit_until: float | None = Field(default=None, gt=0, lt=1)
    score_from: float | None = Field(default=None, gt=0, lt=1)
    pair: Pair | None = None
    fitted_points: int = Field(ge=1)
    scored_points: int = Field(ge=1)
    curves: tuple[Counted, ...] = ()

    @field_validator("metric")
    @classmethod
    def _measured(cls, metric: str) -> str:
        if metric not in PRIMARY_KEYS:
            raise ValueError(str(unknown("primary metric", metric, PRIMARY_KEYS)))
        return metric

    @model_validator(mode="after")
    def _horizon(self) -> TaskCard:
        given = self.fit_until is not None, self.score_from is not None
        if any(given) != (self.track in ("horizon", "position")) or any(given) != all(given):
            raise ValueError("tasks of horizon and position, and only those, give both `fit_until` and `score_from`")
        if self.fit_until is not None and self.score_from is not None and self.score_from < self.fit_until:
            raise ValueError("`score_from` lies at or after `fit_until`: fitted points are not scored")
        return self

    @model_validator(mode="after")
    def _paired(self) -> TaskCard:
        if (self.pair is None) != (self.track != "pair"):
            raise ValueError("tasks of track pair, and only those, say in `pair` which loss is given")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `pair` out where there is none: other tasks keep their fingerprints."""
        out: dict[str, Any] = dump(self)
        return {key: value for key, value in out.items() if key != "pair" or value is not None}
