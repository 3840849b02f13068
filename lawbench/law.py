"""The contract of a law: declared parameters, inputs and options, and one formula.

Adding a law is one file in ``laws/`` with one subclass of `Law`. The class attributes say what the
law is, `prepare` computes once what does not depend on its parameters, `predict` is the formula.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lawbench.errors import InputError, unknown
from lawbench.runs import Run
from lawbench.schedule import WARMUPS, FloatArray

Scale = Literal["log", "linear"]
Inputs = dict[str, Any]
"""What `Law.prepare` returns: arrays with one entry a logged point, or objects of a whole run."""


@dataclass(frozen=True)
class Parameter:
    """One fitted parameter of a law.

    Attributes
    ----------
    name, meaning, unit : str
        Symbol as in the paper, what it stands for, and in what it is measured: ``1`` (the SI's
        symbol) for a pure number, an exponent say.
    min, max : float
        Bounds of a fit.
    start : float
        Where a fit leaves it when the data cannot identify it.
    scale : {"linear", "log"}
        ``log`` is searched and polished in its logarithm (amplitudes, rates).
    grid : tuple of float
        Values a search starts from; spread between the bounds if empty. Not needed for
        parameters that enter linearly.
    """

    name: str
    meaning: str
    min: float = 0.0
    max: float = np.inf
    start: float = 1.0
    scale: Scale = "linear"
    unit: str = ""
    grid: tuple[float, ...] = ()


@dataclass(frozen=True)
class Option:
    """A declared choice of a law that is not fitted.

    Where it is `compared`, every choice is an entry of the benchmark; else only the default is.
    """

    name: str
    default: str
    choices: tuple[str, ...]
    meaning: str
    compared: bool = False


WARMUP = Option("warmup", "ramp", WARMUPS, "how the warm-up enters the sums over the learning rate")
"""The option of every law that sums over the schedule; see `lawbench.schedule`."""


@dataclass(frozen=True)
class Published:
    """Parameters that a source prints.

    Attributes
    ----------
    source : str
        Short key, used as ``published:SOURCE``.
    reference : str
        Where they are printed.
    dataset : str
        Dataset that they were fitted on.
    values : mapping
        Parameter values.
    fitted_on : tuple of str
        Names of the runs they were fitted on; empty when the source used the whole dataset.
    options : mapping
        Options of the law that the values go with.
    note : str
        What a reader must know before comparing.
    """

    source: str
    reference: str
    dataset: str
    values: Mapping[str, float]
    fitted_on: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Borrowed:
    """A parameter that a fit of another law to the same runs gives: `law`'s `parameter`, of the loss named `of`."""

    law: str
    parameter: str
    of: Literal["loss", "paired_loss"] = "loss"


@dataclass(frozen=True)
class AdamW:
    """The optimiser of a paper, for the recipe ``paper`` (see `lawbench.fitting.adamw`).

    Attributes
    ----------
    rates : mapping
        Step size of every parameter.
    start : mapping
        Parameter values at which the optimiser starts once `held` has been fitted.
    held : mapping
        Values held in the fit that gives the remaining starts.
    start_options, options : mapping
        Options of the law in that first fit and in the optimisation.
    max_steps, patience, decay : int, int, float
        Most steps, steps without improvement before it stops, and weight decay.
    """

    reference: str
    rates: Mapping[str, float]
    start: Mapping[str, float]
    held: Mapping[str, float]
    start_options: Mapping[str, str]
    options: Mapping[str, str]
    max_steps: int = 200
    patience: int = 20
    decay: float = 0.01


class Law(ABC):
    """A scaling law. Subclass it, one class in one file of ``laws/``.

    Attributes
    ----------
    name, title, reference, year
        Registry name (that of the file), a readable name, and the source of the formula.
    needs : frozenset of str
        Inputs it uses, of ``steps``, ``lr``, ``n_params``, ``tokens``, ``unique_tokens``,
        ``cpt_start``, ``position_loss``, ``paired_loss`` (another loss at the same points), and ``prefix``
        (fitted points of the very run it predicts).
    varies : frozenset of str
        Inputs that must take at least two values among the fitted runs.
    parameters : tuple of Parameter
    options : tuple of Option
    linear : tuple of str
        Parameters in which the prediction is affine, given the others: they are solved, not
        searched.
    published : tuple of Published
    paper : AdamW, optional
        The optimiser of the paper, where it decides the result.
    compared : tuple of str
        Recipes of `lawbench.fitting.recipes` that are entries of the benchmark beside ``common``, ``published``
        and ``paper``.
    group : str
        Near-copies of one law share a group and count once in ranks.
    alone : bool
        Whether it says something of a run only from that run's own fitted points: every run then
        has its own parameters, ``name[run]``.
    note : str
        What is confirmed and what is not.
    exceptions : mapping
        Checks of `lawbench.checks` that it fails on purpose -> why. One that passes after all
        counts as a failure: take it out.
    unscored : str
        The data that it waits for, where no task of any dataset gives all that it needs; it can be
        fitted to runs that do.

    Parameters
    ----------
    **options : str
        Values of the declared options; the defaults otherwise.

    Raises
    ------
    UnknownNameError, InputError
        For an undeclared option or choice.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    year: ClassVar[int]
    needs: ClassVar[frozenset[str]]
    varies: ClassVar[frozenset[str]] = frozenset()
    parameters: ClassVar[tuple[Parameter, ...]]
    options: ClassVar[tuple[Option, ...]] = ()
    linear: ClassVar[tuple[str, ...]] = ()
    published: ClassVar[tuple[Published, ...]] = ()
    paper: ClassVar[AdamW | None] = None
    compared: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[str] = ""
    alone: ClassVar[bool] = False
    note: ClassVar[str] = ""
    exceptions: ClassVar[Mapping[str, str]] = MappingProxyType({})
    unscored: ClassVar[str] = ""

    def __init__(self, **options: str) -> None:
        declared = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in declared:
                raise unknown(f"option of law '{self.name}'", name, declared)
            if value not in declared[name].choices:
                choices = ", ".join(declared[name].choices)
                raise InputError(f"option '{name}' of law '{self.name}' is one of {choices}, not '{value}'.")
        self.choices: dict[str, str] = {o.name: options.get(o.name, o.default) for o in self.options}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the parameter vector."""
        return tuple(parameter.name for parameter in self.parameters)

    @abstractmethod
    def prepare(self, run: Run) -> Inputs:
        """Return what `predict` needs of a run and that does not depend on parameters.

        Arrays whose first axis runs over the logged points (or over anything that `stack` knows
        how to join); other objects are collected, one a run.
        """

    def approximate(self, run: Run) -> Inputs:
        """Return cheaper inputs for the search, close enough to `prepare` to find its optimum."""
        return self.prepare(run)

    def stack(self, prepared: Sequence[Inputs]) -> Inputs:
        """Join the inputs of several runs: arrays end to end, anything else as a tuple."""
        return {
            key: np.concatenate([x[key] for x in prepared])
            if isinstance(value, np.ndarray)
            else tuple(x[key] for x in prepared)
            for key, value in prepared[0].items()
        }

    @abstractmethod
    def predict(self, p: NDArray[Any], x: Inputs) -> NDArray[Any]:
        """Return the predicted loss at every point.

        Parameters
        ----------
        p : ndarray, shape (k,) or (k, batch, 1)
            One value a parameter, in the declared order (``L0, A, alpha = p``), or a batch of
            them; real, or complex for a complex-step derivative.
        x : dict
            Inputs from `stack`.

        Returns
        -------
        ndarray, shape (n,) or (batch, n)
        """

    def jacobian(self, p: FloatArray, x: Inputs) -> FloatArray | None:
        """Return the derivative of `predict`, shape (k, n) or (k, batch, n).

        ``None`` lets the engine take complex steps, exact to rounding wherever `predict` is
        analytic; write it where speed counts.
        """
        return None

    def estimate(self, runs: Sequence[Run]) -> Mapping[str, float] | None:
        """Return parameter values in closed form or by steps of its own, or None when the law has to be fitted.

        A value under ``name[run]`` holds for the run of that name, in place of ``name``.
        """
        return None

    def borrowed(self) -> Mapping[str, Borrowed]:
        """Return the parameters that fits of other laws give, and that are held in the fit of this one."""
        return {}


def own_name(parameter: str, run: Run) -> str:
    """Return the name of a parameter of one run alone."""
    return f"{parameter}[{run.name}]"


def columns(*parts: Any) -> NDArray[Any]:
    """Stack derivatives that broadcast against each other into shape (k, ..., n)."""
    return np.stack(np.broadcast_arrays(*parts))
