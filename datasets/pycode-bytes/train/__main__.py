"""Train every run of the plan: ``python datasets/pycode-bytes/train``; the same command goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpus import SPLITS, build, made_up
from model import SIZES
from plan import plan, trials
from progress import Watch
from session import Session, alone
from trainer import prepare

from lawbench.data.sources import cache
from lawbench.errors import LawbenchError

DATASET = Path(__file__).resolve().parent.parent
DEFAULT_SIZES = ("25k", "150k", "450k")


def main(arguments: list[str] | None = None) -> int:
    """Train, or export what is trained; return 0, or 1 if a run diverged, or 2 on an error."""
    chosen = _parser().parse_args(arguments)
    try:
        texts = _texts(chosen)
        device = prepare(chosen.threads)
        sizes = ("smoke",) if chosen.smoke else tuple(chosen.size or DEFAULT_SIZES)
        runs_of = trials if chosen.trials else plan
        sessions = [Session(chosen.work, size, runs_of(size), texts, device) for size in sizes]
        if chosen.export is not None:
            for session in sessions:
                names = session.export(chosen.export)
                print(f"{session.size}: {len(names)} of {len(session.runs)} runs are in {chosen.export}")
            return 0
        with alone(chosen.work):
            return _train(sessions)
    except LawbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


def _train(sessions: list[Session]) -> int:
    watch = Watch([run for session in sessions for run in session.runs])
    diverged = []
    for session in sessions:
        for run in session.runs:
            if session.place(run).finished() is None:
                watch.begin(run, session.open(run).step)
            record = session.finish(run, lambda step, run=run: watch.step(run, step))  # type: ignore[misc]
            if record["status"] == "ok":
                watch.end(run, f"done, final loss {record['final_loss']:.4f}")
            else:
                diverged.append(f"{run.size} {run.name}")
                watch.end(run, f"diverged: {record['reason']}")
    if diverged:
        print(f"{len(diverged)} runs diverged and are recorded as such: {', '.join(diverged)}")
    return 1 if diverged else 0


def _texts(chosen: argparse.Namespace) -> dict[str, bytes]:
    if chosen.smoke:
        return {"train": made_up(200_000, seed=0), "val": made_up(20_000, seed=1)}
    paths = build(chosen.work / "corpus")
    return {split: paths[split].read_bytes() for split in SPLITS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python datasets/pycode-bytes/train", description=__doc__)
    parser.add_argument("--size", action="append", choices=sorted(SIZES), help="sizes to train, in this order")
    parser.add_argument("--work", type=Path, default=None, help="keeps corpus, checkpoints and results")
    parser.add_argument("--smoke", action="store_true", help="a tiny model for 30 steps a run, without network")
    parser.add_argument("--trials", action="store_true", help="the short runs that the peak rates were chosen from")
    parser.add_argument(
        "--export", type=Path, nargs="?", const=DATASET, help="train nothing; copy finished runs into the dataset"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads on a CPU; results depend on it in the last bits")
    parser.set_defaults(work=cache() / "pycode-bytes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
