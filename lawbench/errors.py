"""Errors a user meets: one sentence that names the thing, the reason and the next step."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LawbenchError(Exception):
    """Base of every error that is the input's fault; the command line prints it and exits with 2."""


class LawbenchWarning(UserWarning):
    """Something that was left out; the command line prints it as it prints errors, and goes on."""


class UnknownNameError(LawbenchError):
    """A law, dataset, task, run, column or option that does not exist."""


class InputError(LawbenchError):
    """Values that cannot be used: losses, steps, rates, options or parameters."""


class DataError(LawbenchError):
    """A data file that is missing, unreachable, damaged or not what its card says."""


class UnreachableDataError(DataError):
    """No mirror, no cached copy and no network for a file."""


class CardError(LawbenchError):
    """A dataset card that does not follow the schema."""


class WithheldLossError(LawbenchError):
    """A law touched the loss of a run that it has to predict."""


class NotApplicableError(LawbenchError):
    """A law or recipe that a task cannot serve; a row with a reason, never a failure."""


class FitError(LawbenchError):
    """A fit that could not be carried out."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return an `UnknownNameError` that suggests the nearest known name.

    Examples
    --------
    >>> str(unknown("law", "chinchila", ["chinchilla", "mpl"]))
    "unknown law 'chinchila': did you mean 'chinchilla'? Known: chinchilla, mpl."
    """
    choices = sorted(known)
    near = get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f" did you mean '{near[0]}'?" if near else ""
    listed = ", ".join(choices) if choices else "none"
    return UnknownNameError(f"unknown {kind} '{name}':{hint} Known: {listed}.")
