"""A work folder: which runs are done, which go on from where, and how results leave it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from corpus import SPLITS
from files import packed, read_json, write_bytes, write_json
from plan import Planned, branches, settings_of
from trainer import Corpus, Log, Progress, Trainer, train

from lawbench.errors import DataError


@dataclass(frozen=True)
class Place:
    """Where one run lives: its files, named after what decides its result."""

    folder: Path
    key: str

    @property
    def record(self) -> Path:
        """Written last: the run is finished if it is there."""
        return self.folder / "run.json"

    @property
    def curve(self) -> Path:
        """Step, rate, validation loss and train loss."""
        return self.folder / "curve.csv"

    @property
    def positions(self) -> Path:
        """Step and the validation loss at every position."""
        return self.folder / "positions.csv.gz"

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run goes on."""
        return self.folder / f"checkpoint-{self.key[:12]}.pt"

    @property
    def last(self) -> Path:
        """The state at the end, kept for whoever wants to look at the model."""
        return self.folder / f"last-{self.key[:12]}.pt"

    def snapshot(self, step: int) -> Path:
        """Return where the state before a step is kept for the runs that branch off there."""
        return self.folder / f"snapshot-{step}-{self.key[:12]}.pt"

    def finished(self) -> dict[str, Any] | None:
        """Return the record of the finished (or diverged) run, or None.

        Raises
        ------
        DataError
            If it was trained under another plan or on another corpus: it is not overwritten.
        """
        record: dict[str, Any] | None = read_json(self.record)
        if record is not None and record["key"] != self.key:
            raise DataError(
                f"{self.folder} holds a finished run of another plan or corpus: move it away, "
                "or choose another --work folder."
            )
        return record


class Session:
    """The runs of one size in a work folder."""

    def __init__(self, work: Path, size: str, runs: list[Planned], texts: dict[str, bytes], device: str) -> None:
        self.work, self.size, self.runs, self.device = work, size, runs, device
        self.corpus_sha256 = {split: hashlib.sha256(texts[split]).hexdigest() for split in SPLITS}
        self.corpus = Corpus(texts["train"], texts["val"], settings_of(size))

    def place(self, run: Planned) -> Place:
        """Return where a run lives."""
        key = hashlib.sha256("".join([run.key, *self.corpus_sha256.values()]).encode()).hexdigest()
        return Place(self.work / "runs" / self.size / run.name, key)

    def ready(self, run: Planned) -> bool:
        """Whether a run can be trained without training its parent's part of it once more."""
        if run.parent is None or self.place(run).checkpoint.is_file():
            return True
        parent = self.place(self._parent(run))
        # A parent that is finished but has lost its snapshot leaves only the start.
        return parent.snapshot(run.branch or 0).is_file() or parent.finished() is not None

    def open(self, run: Planned) -> Trainer:
        """Return a trainer at the latest state there is: own checkpoint, parent's snapshot, or the start.

        All three lead to the same result, bit for bit.
        """
        trainer = Trainer(run, self.corpus, self.device)
        states = [self.place(run).checkpoint]
        if run.parent is not None:
            states.append(self.place(self._parent(run)).snapshot(run.branch or 0))
        for state in states:
            if state.is_file():
                trainer.restore(state.read_bytes())
                break
        return trainer

    def finish(self, run: Planned, progress: Progress) -> dict[str, Any]:
        """Train a run to its end, unless it is finished, and return its record."""
        place = self.place(run)
        done = place.finished()
        if done is not None:
            return done
        trainer = self.open(run)
        snapshots = {step: place.snapshot(step) for step in branches(run, self.runs)}
        whole = train(trainer, place.checkpoint, snapshots, progress)
        write_bytes(place.curve, curve_csv(trainer.log).encode())
        write_bytes(place.positions, packed(positions_csv(trainer.log)))
        write_bytes(place.last, trainer.state())
        record = self._record(run, place, trainer, whole)
        write_json(place.record, record)
        place.checkpoint.unlink(missing_ok=True)
        return record

    def _parent(self, run: Planned) -> Planned:
        return next(other for other in self.runs if other.name == run.parent)

    def _record(self, run: Planned, place: Place, trainer: Trainer, whole: bool) -> dict[str, Any]:
        rows = trainer.log.rows
        return {
            "name": run.name,
            "status": "ok" if whole else "diverged",
            "reason": "" if whole else f"the loss is not finite after {trainer.step} steps",
            **identity(run),
            "points": len(rows),
            "final_loss": round(rows[-1]["loss"], 6) if whole and rows else None,
            "torch": torch.__version__,
            "device": self.device,
            "threads": torch.get_num_threads(),
            "key": place.key,
        }


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """Refuse a second training in the same work folder, for as long as this one lives."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # no such lock on this system: one training at a time is then up to the user
        except OSError as error:
            raise DataError(f"another training uses {work}: wait for it, or choose another --work folder.") from error
        yield


def curve_csv(log: Log) -> str:
    """Return the log as CSV: step, lr, loss (validation), train_loss (mean since the row before)."""
    out = io.StringIO()
    out.write("step,lr,loss,train_loss\n")
    for row in log.rows:
        out.write(f"{row['step']},{row['lr']:.9g},{row['loss']:.6f},{row['train_loss']:.6f}\n")
    return out.getvalue()


def positions_csv(log: Log) -> str:
    """Return the losses by position as CSV: step, then one column a position, counted from 1."""
    out = io.StringIO()
    width = len(log.positions[0]) if log.positions else 0
    out.write(",".join(["step", *(f"p{i}" for i in range(1, width + 1))]) + "\n")
    for row, losses in zip(log.rows, log.positions, strict=True):
        out.write(",".join([str(row["step"]), *(f"{loss:.5f}" for loss in losses)]) + "\n")
    return out.getvalue()


def identity(run: Planned) -> dict[str, Any]:
    """Return what tells a run from the others of its size."""
    return {"seed": run.seed, "schedule": dict(run.arguments), "parent": run.parent, "branch": run.branch}
