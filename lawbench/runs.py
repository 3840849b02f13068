"""A training run: its logged losses, its schedule, and what else is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lawbench.errors import InputError, WithheldLossError, unknown
from lawbench.points import IntArray, checked_positions, checked_steps, one_loss_a_point, refuse_bad_losses
from lawbench.schedule import FloatArray, Schedule


@dataclass(frozen=True, eq=False)
class Run:
    """One training run. Arrays are copied and read-only.

    Parameters
    ----------
    name : str
        Name within its dataset.
    steps : array_like of int, shape (n,)
        Optimiser steps of the logged points, strictly increasing, counted from 0.
    loss : array_like, shape (n,)
        Logged losses in nats per token; finite and above 0.
    schedule : Schedule, optional
        Rate at every optimiser step; must reach the last logged step.
    n_params : float, optional
        Model size ``N``, counted as the dataset's card says.
    tokens : array_like, shape (n,), optional
        Training tokens seen at every logged point, ``D``.
    tokens_per_step : float, optional
        Gives `tokens` where they are not logged: ``(step + 1) * tokens_per_step``.
    dataset, model : str, optional
        The dataset it belongs to; runs of one dataset with the same `model` share architecture
        and data, so that their trunks can be compared.
    meta : mapping, optional
        Anything else that is known: corpus, seed, batch size; ``unique_tokens`` where data are
        repeated, ``cpt_start`` (steps before the data change) where continual pre-training follows.
    position_loss : array_like, shape (n, positions), optional
        Mean loss at every position of the context, counted from 1; `loss` is their mean.
    position : int, optional
        Set where `loss` is that of one position; see `by_position`.
    evaluations : mapping of str to array_like, each of shape (n,), optional
        Losses on other evaluation sets at the same points, by the name of the set.
    paired_loss : array_like, shape (n,), optional
        Another loss at the same points from which `loss` is predicted: of the same model on another
        evaluation set, or of a model trained on another corpus. It is an input: known where `loss` is not.

    Raises
    ------
    InputError
        For empty, unequal, unsorted, non-finite or non-positive values, or a schedule that is
        shorter than the log.

    Examples
    --------
    >>> run = Run("mine", steps=[0, 10, 20], loss=[5.0, 4.0, 3.5], tokens_per_step=1024)
    >>> run.tokens.tolist()
    [1024.0, 11264.0, 21504.0]
    >>> sorted(run.provides)
    ['steps', 'tokens']
    """

    name: str
    steps: IntArray
    loss: FloatArray = field(repr=False)
    schedule: Schedule | None = None
    n_params: float | None = None
    tokens: FloatArray | None = field(default=None, repr=False)
    tokens_per_step: float | None = None
    dataset: str = ""
    model: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    position_loss: FloatArray | None = field(default=None, repr=False)
    position: int | None = None
    evaluations: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    paired_loss: FloatArray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        where = f"run '{self.name}'" + (f" of dataset '{self.dataset}'" if self.dataset else "")
        steps, losses = checked_steps(self.steps, where), np.array(self.loss, dtype=np.float64, ndmin=1)
        if losses.shape != steps.shape:
            raise InputError(f"{where} has {steps.size} steps but {losses.size} losses: give one loss a step.")
        refuse_bad_losses(losses, steps, where)
        if self.schedule is not None and len(self.schedule) <= steps[-1]:
            raise InputError(
                f"{where} is logged up to step {steps[-1]} but its schedule ends after {len(self.schedule)} steps: "
                "give the learning rate of every optimiser step."
            )
        tokens = self.tokens
        if tokens is None and self.tokens_per_step is not None:
            tokens = np.asarray((steps + 1.0) * self.tokens_per_step, dtype=np.float64)
        if tokens is not None:
            tokens = np.array(tokens, dtype=np.float64, ndmin=1)
            if tokens.size != steps.size or not (np.isfinite(tokens) & (tokens > 0)).all():
                raise InputError(f"{where} needs one finite token count above 0 for each of its {steps.size} points.")
            tokens.setflags(write=False)
        if self.n_params is not None and not (np.isfinite(self.n_params) and self.n_params > 0):
            raise InputError(f"{where} has a model size of {self.n_params}: give a number of parameters above 0.")
        for key, value in {"steps": steps, "loss": losses}.items():
            value.setflags(write=False)
            object.__setattr__(self, key, value)
        object.__setattr__(self, "tokens", tokens)
        if self.position_loss is not None:
            object.__setattr__(self, "position_loss", checked_positions(self.position_loss, steps, where))
        others = {
            key: one_loss_a_point(values, steps, f"evaluation '{key}' of {where}")
            for key, values in self.evaluations.items()
        }
        object.__setattr__(self, "evaluations", MappingProxyType(others))
        if self.paired_loss is not None:
            object.__setattr__(
                self, "paired_loss", one_loss_a_point(self.paired_loss, steps, f"the paired loss of {where}")
            )
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    @classmethod
    def final(cls, name: str, loss: float, n_params: float, tokens: float, **more: Any) -> Run:
        """Return a run of which only the final loss is known (a row of a scaling table)."""
        return cls(name, steps=np.zeros(1, np.int64), loss=np.array([loss]), n_params=n_params,
                   tokens=np.array([tokens]), **more)  # fmt: skip

    def __len__(self) -> int:
        return int(self.steps.size)

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt rather than restored: a mapping proxy cannot be pickled, and arrays stay read-only.
        return _rebuilt, (type(self), {key: _plain(value) for key, value in self.__dict__.items()})

    @property
    def updates(self) -> FloatArray:
        """Optimiser updates made at every logged point, ``step + 1``."""
        return np.asarray(self.steps + 1.0, dtype=np.float64)

    @property
    def compute(self) -> FloatArray | None:
        """Training compute ``6 N D`` in FLOP at every logged point, where both are known."""
        return None if self.n_params is None or self.tokens is None else 6.0 * self.n_params * self.tokens

    @property
    def provides(self) -> frozenset[str]:
        """What a law may use: ``steps`` (a curve), ``lr``, ``n_params``, ``tokens``, ``unique_tokens``, ..."""
        known = {
            "steps": len(self) > 1,
            "lr": self.schedule is not None,
            "n_params": self.n_params is not None,
            "tokens": self.tokens is not None,
            "unique_tokens": "unique_tokens" in self.meta,
            "cpt_start": "cpt_start" in self.meta,
            "position_loss": self.position is not None,
            "paired_loss": self.paired_loss is not None,
        }
        return frozenset(key for key, there in known.items() if there)

    def withhold(self) -> WithheldRun:
        """Return the run without its losses, as a law gets it for prediction."""
        return WithheldRun._of({key: value for key, value in self.__dict__.items() if key not in _LOSSES})

    def by_position(self) -> tuple[Run, ...]:
        """Return one run a position of the context, whose loss is the loss there.

        Raises
        ------
        InputError
            If losses by position are not known.

        Examples
        --------
        >>> run = Run("mine", steps=[0, 10], loss=[4.0, 3.0], position_loss=[[5.0, 3.0], [4.0, 2.0]])
        >>> [(one.name, one.position, one.loss.tolist()) for one in run.by_position()]
        [('mine@1', 1, [5.0, 4.0]), ('mine@2', 2, [3.0, 2.0])]
        """
        if self.position_loss is None:
            raise InputError(f"run '{self.name}' has no losses by position: give `position_loss`.")
        columns = enumerate(self.position_loss.T, start=1)
        return tuple(
            replace(self, name=f"{self.name}@{i}", loss=losses, position_loss=None, position=i) for i, losses in columns
        )

    def on(self, evaluation: str) -> Run:
        """Return the run with its loss on another evaluation set as its loss.

        Raises
        ------
        UnknownNameError
            If it was not evaluated there.

        Examples
        --------
        >>> Run("mine", steps=[0], loss=[4.0], evaluations={"code": [2.0]}).on("code").loss.tolist()
        [2.0]
        """
        if evaluation not in self.evaluations:
            raise unknown(f"evaluation of run '{self.name}'", evaluation, self.evaluations)
        return replace(self, loss=self.evaluations[evaluation], position_loss=None)

    def select(self, keep: ArrayLike) -> Run:
        """Return the run with only the logged points of a boolean mask.

        The schedule stays whole: it is known, also where the loss is not.
        """
        mask = np.asarray(keep, dtype=bool)
        arrays: dict[str, Any] = {key: None if (x := getattr(self, key)) is None else x[mask] for key in _POINTS}
        return replace(self, **arrays, evaluations={key: x[mask] for key, x in self.evaluations.items()})


_LOSSES = ("loss", "position_loss", "evaluations")
_POINTS = ("steps", "loss", "tokens", "position_loss", "paired_loss")
"""What has one value, or one row, a logged point."""


class WithheldRun(Run):
    """A run to be predicted: everything that is known of it, without its losses."""

    @classmethod
    def _of(cls, known: Mapping[str, Any]) -> WithheldRun:
        run = object.__new__(cls)
        run.__dict__.update(known)
        for array in (run.steps, run.tokens, run.paired_loss):
            if array is not None:
                array.setflags(write=False)
        return run

    @property
    def loss(self) -> FloatArray:
        """Always raises `WithheldLossError`."""
        raise self._refusal()

    @property
    def position_loss(self) -> FloatArray:
        """Always raises `WithheldLossError`."""
        raise self._refusal()

    @property
    def evaluations(self) -> Mapping[str, FloatArray]:
        """Always raises `WithheldLossError`."""
        raise self._refusal()

    def _refusal(self) -> WithheldLossError:
        return WithheldLossError(
            f"the loss of run '{self.name}' is withheld: a law sees the schedule of a run it predicts, never its loss."
        )

    def withhold(self) -> WithheldRun:
        """Return the run itself: nothing is left to withhold."""
        return self

    def select(self, keep: ArrayLike) -> WithheldRun:
        """Return the run with only the points of a boolean mask."""
        mask = np.asarray(keep, dtype=bool)
        known = [key for key in _POINTS if key not in _LOSSES]
        arrays: dict[str, Any] = {key: None if (x := getattr(self, key)) is None else x[mask] for key in known}
        return self._of({**self.__dict__, **arrays})

    def __repr__(self) -> str:
        return f"WithheldRun('{self.name}', {len(self)} points)"


def _rebuilt(cls: type[Run], known: dict[str, Any]) -> Run:
    if issubclass(cls, WithheldRun):
        return cls._of({**known, "meta": MappingProxyType(known["meta"])})
    return cls(**known)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
