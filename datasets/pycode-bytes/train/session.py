"""A work folder: which runs are done, which go on from where, and how results leave it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from corpus import SPLITS
from difficulty import REFERENCE, difficulty_csv
from files import packed, read_json, write_bytes, write_json
from model import count
from plan import PEAKS, Planned, branches, settings_of
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

    def export(self, target: Path) -> list[str]:
        """Copy finished runs of this size into a dataset's folder; return their names.

        Raises
        ------
        DataError
            If other results lie there under the same name.
        """
        entries = []
        for run in self.runs:
            record = self.place(run).finished()
            if record is not None:
                entries.append({key: value for key, value in record.items() if key != "key"})
                for source, file in zip(self._results(run), record["files"], strict=True):
                    _copy(source, target / file["path"])
        if entries:
            write_json(target / self.size / "runs.json", {**self._about(), "runs": entries})
        self._export_difficulty(target / self.size / "difficulty.csv")
        return [str(entry["name"]) for entry in entries]

    def adopt(self, source: Path) -> list[str]:
        """Take over from a dataset's folder the runs of this very plan and corpus; return their names.

        Raises
        ------
        DataError
            If a file there is not the one that its record names.
        """
        about = read_json(source / self.size / "runs.json")
        if about is None or any(about[key] != value for key, value in self._about().items()):
            return []
        records = {record["name"]: record for record in about["runs"]}
        taken = []
        for run in self.runs:
            place, record = self.place(run), records.get(run.name)
            if record is None or place.finished() is not None or _what(record) != _identity(run):
                continue
            for target, file in zip(self._results(run), record["files"], strict=True):
                content = (source / file["path"]).read_bytes()
                if hashlib.sha256(content).hexdigest() != file["sha256"]:
                    raise DataError(f"{source / file['path']} is not the file that {self.size}/runs.json names.")
                write_bytes(target, content)
            write_json(place.record, {**record, "key": place.key})
            taken.append(run.name)
        return taken

    def _about(self) -> dict[str, Any]:
        """Return what all runs of this size share, in the types of JSON."""
        settings = settings_of(self.size)
        about = {
            "size": self.size,
            "n_params": count(settings.shape),
            "settings": asdict(settings),
            "tokens_per_step": settings.tokens_per_step,
            "peak": PEAKS[self.size],
            "corpus_sha256": self.corpus_sha256,
        }
        plain: dict[str, Any] = json.loads(json.dumps(about))
        return plain

    def _export_difficulty(self, path: Path) -> None:
        run = next((run for run in self.runs if run.name == REFERENCE), None)
        if run is not None and self.place(run).last.is_file() and not path.is_file():
            trainer = Trainer(run, self.corpus, self.device)
            trainer.restore(self.place(run).last.read_bytes())
            write_bytes(path, difficulty_csv(trainer.model, self.corpus).encode())

    def _parent(self, run: Planned) -> Planned:
        return next(other for other in self.runs if other.name == run.parent)

    def _results(self, run: Planned) -> tuple[Path, Path]:
        return self.place(run).curve, self.place(run).positions

    def _record(self, run: Planned, place: Place, trainer: Trainer, whole: bool) -> dict[str, Any]:
        names = (f"{self.size}/{run.name}.csv", f"{self.size}/{run.name}-positions.csv.gz")
        contents = [path.read_bytes() for path in self._results(run)]
        rows = trainer.log.rows
        return {
            "name": run.name,
            "status": "ok" if whole else "diverged",
            "reason": "" if whole else f"the loss is not finite after {trainer.step} steps",
            **_identity(run),
            "points": len(rows),
            "final_loss": round(rows[-1]["loss"], 6) if whole and rows else None,
            "torch": torch.__version__,
            "device": self.device,
            "threads": torch.get_num_threads(),
            "files": [
                {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                for name, content in zip(names, contents, strict=True)
            ],
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


def _identity(run: Planned) -> dict[str, Any]:
    """Return what tells a run from the others of its size."""
    return {"seed": run.seed, "schedule": dict(run.arguments), "parent": run.parent, "branch": run.branch}


def _what(record: dict[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("seed", "schedule", "parent", "branch")}


def _copy(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() != content:
        raise DataError(f"{target} holds another result than {source}: move it away; it is not overwritten.")
    if not target.is_file():
        write_bytes(target, content)
