"""Logged points of a run: what steps and losses must be, and the sentences for those that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lawbench.errors import InputError
from lawbench.schedule import FloatArray

IntArray = NDArray[np.int64]


def one_loss_a_point(values: ArrayLike, steps: IntArray, where: str) -> FloatArray:
    """Return read-only losses, one a step."""
    losses = np.array(values, dtype=np.float64, ndmin=1)
    if losses.shape != steps.shape:
        raise InputError(f"{where} has {losses.size} losses for {steps.size} points: give one loss a point.")
    refuse_bad_losses(losses, steps, where)
    losses.setflags(write=False)
    return losses


def checked_steps(steps: ArrayLike, where: str) -> IntArray:
    """Return steps as whole numbers, sorted and without duplicates."""
    raw = np.array(steps, dtype=np.float64, ndmin=1)
    if raw.ndim != 1:
        raise InputError(f"{where} has steps of shape {raw.shape}: give one list of steps.")
    if raw.size == 0:
        raise InputError(f"{where} has no logged points.")
    if not np.isfinite(raw).all() or (raw < 0).any() or (raw != np.round(raw)).any():
        raise InputError(f"{where} has steps that are not whole numbers >= 0.")
    if raw.size > 1 and (np.diff(raw) <= 0).any():
        at = int(raw[1:][np.diff(raw) <= 0][0])
        raise InputError(
            f"{where} has duplicate or unsorted steps (at step {at}): sort the log and keep one loss a step."
        )
    return raw.astype(np.int64)


def checked_positions(values: ArrayLike, steps: IntArray, where: str) -> FloatArray:
    """Return read-only losses by position: one row a step."""
    losses = np.array(values, dtype=np.float64)
    if losses.ndim != 2 or losses.shape[0] != steps.size or losses.shape[1] == 0:
        raise InputError(
            f"{where} has losses by position of shape {losses.shape}: give one row for each of its {steps.size} points "
            "and one column a position."
        )
    refuse_bad_losses(losses.min(axis=1), steps, where)
    refuse_bad_losses(losses.max(axis=1), steps, where)
    losses.setflags(write=False)
    return losses


def refuse_bad_losses(losses: FloatArray, steps: IntArray, where: str) -> None:
    """Raise for the first loss that is not finite or not above 0."""
    bad = ~np.isfinite(losses) | (losses <= 0)
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(
            f"{where} has loss {losses[i]} at step {steps[i]}: losses must be finite and above 0; "
            "drop or correct the point."
        )
