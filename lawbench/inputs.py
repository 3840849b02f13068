"""The inputs that a law may need: one table of their names, and of what they are called in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Input:
    """What an input is called.

    Attributes
    ----------
    of_run, of_task : str
        What a run, or a task, lacks that does not give it.
    short : str
        Where there is little room.
    meaning : str
        What a law uses.
    """

    of_run: str
    of_task: str
    short: str
    meaning: str


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        "steps": Input(
            "a curve of several steps", "curves of several steps", "optimiser steps",
            "the optimiser steps of the logged points",
        ),
        "lr": Input(
            "a learning-rate schedule", "a learning-rate schedule", "learning rates",
            "the learning rate of every optimiser step",
        ),
        "n_params": Input("a model size", "model sizes", "model size", "the size of the model"),
        "tokens": Input("token counts", "token counts", "tokens", "the tokens seen so far"),
        "unique_tokens": Input(
            "a count of unique tokens", "counts of unique tokens", "unique tokens",
            "the unique tokens, where data are repeated",
        ),
        "cpt_start": Input(
            "the step at which continual pre-training begins (`cpt_start` in its meta)",
            "a step at which continual pre-training begins", "step at which the data change",
            "the step at which the data change",
        ),
        "prefix": Input(
            "fitted points of its own", "the first points of the very run that is predicted", "start of the run",
            "fitted points of the very run that is predicted",
        ),
        "position_loss": Input(
            "losses by token position", "losses by token position", "losses by position",
            "losses at every position of the context",
        ),
        "paired_loss": Input(
            "another loss at the same points", "another loss at the same checkpoints", "another loss",
            "another loss at the same points",
        ),
    }
)  # fmt: skip
"""Name -> words, in the order in which they are shown."""
