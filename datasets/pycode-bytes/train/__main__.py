"""Train every run of the plan: ``python datasets/pycode-bytes/train``; the same command goes on."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch
from exchange import adopt, export
from model import SIZES
from pool import Order, train_apart, train_here
from progress import Watch
from session import alone

from lawbench.data.sources import cache
from lawbench.errors import LawbenchError

DATASET = Path(__file__).resolve().parent.parent
DEFAULT_SIZES = ("25k", "150k", "450k")


def main(arguments: list[str] | None = None) -> int:
    """Train, or export what is trained; return 0, or 1 if a run diverged, or 2 on an error."""
    chosen = _parser().parse_args(arguments)
    sizes = ("smoke",) if chosen.smoke else tuple(chosen.size or DEFAULT_SIZES)
    orders = [Order(chosen.work, size, chosen.trials) for size in sizes]
    try:
        if chosen.export is not None:
            _export(orders, chosen.export)
            return 0
        with alone(chosen.work):
            if chosen.adopt:
                _adopt(orders)
            return _train(orders, 1 if chosen.smoke else chosen.jobs)
    except LawbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoints", file=sys.stderr)
        return 130


def _train(orders: list[Order], jobs: int) -> int:
    sessions = [order.session() for order in orders]
    watch = Watch([run for session in sessions for run in session.runs], jobs)
    if jobs > 1:
        train_apart(orders, sessions, watch, jobs)
    else:
        train_here(sessions, watch)
    if watch.diverged:
        print(f"{len(watch.diverged)} runs diverged and are recorded as such: {', '.join(watch.diverged)}")
    return 1 if watch.diverged else 0


def _adopt(orders: list[Order]) -> None:
    for session in (order.session() for order in orders):
        taken = adopt(session, DATASET)
        print(f"{session.size}: {len(taken)} of {len(session.runs)} runs are taken from {DATASET}")


def _export(orders: list[Order], target: Path) -> None:
    for session in (order.session() for order in orders):
        names = export(session, target)
        print(f"{session.size}: {len(names)} of {len(session.runs)} runs are in {target}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python datasets/pycode-bytes/train", description=__doc__)
    add = parser.add_argument
    add("--size", action="append", choices=sorted(SIZES), help="a size to train; repeat it for more")
    add("--work", type=Path, default=cache() / "pycode-bytes", help="keeps corpus, checkpoints and results")
    jobs = 1 if torch.cuda.is_available() else os.cpu_count() or 1
    add("--jobs", type=int, default=jobs, help="runs at a time; one thread each")
    add("--smoke", action="store_true", help="a tiny model for 30 steps a run, without network")
    add("--trials", action="store_true", help="only the short runs from which the peak rates were chosen")
    add("--adopt", action="store_true", help="take runs that the dataset has for done, and train the rest")
    add("--export", type=Path, nargs="?", const=DATASET, help="only copy finished runs into the dataset")
    return parser


if __name__ == "__main__":
    sys.exit(main())
