"""All runs of some sessions, several at a time: one process and one thread a run.

One thread, because small models gain little from a second one, and because results then do not
depend on the number of cores.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from corpus import texts
from plan import Planned, plan, trials
from progress import Watch
from session import Session
from trainer import prepare

from lawbench.errors import DataError, LawbenchError

QUICK_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**31)}
"""Lets processes on glibc keep the memory of one step for the next, which saves a third of the time."""


@dataclass(frozen=True)
class Order:
    """What a process needs to know: where to work, on which runs of which size."""

    work: Path
    size: str
    trials: bool = False

    def session(self) -> Session:
        """Return the session, with corpus and device made ready."""
        runs = trials(self.size) if self.trials else plan(self.size)
        smoke = self.size == "smoke"
        return Session(self.work, self.size, runs, texts(None if smoke else self.work / "corpus"), prepare())


def train_here(sessions: list[Session], watch: Watch) -> None:
    """Train all runs in this process, one after the other."""
    for session in sessions:
        for run in session.runs:
            if session.place(run).finished() is None:
                watch.begin(run, session.open(run).step)
            watch.end(run, session.finish(run, partial(watch.step, run)))


def train_apart(orders: list[Order], sessions: list[Session], watch: Watch, jobs: int) -> None:
    """Train all runs in processes, `jobs` at a time, each as soon as what it branches from is there.

    Raises
    ------
    DataError
        If a process fails; the others are stopped, and go on from their checkpoints next time.
    """
    os.environ.update({**QUICK_MEMORY, **os.environ})
    context = multiprocessing.get_context("spawn")
    heard = context.Queue()
    waiting = [(order, session, run) for order, session in zip(orders, sessions, strict=True) for run in session.runs]
    busy: dict[BaseProcess, tuple[Session, Planned]] = {}
    by_key = {(run.size, run.name): run for _, _, run in waiting}
    try:
        while waiting or busy:
            for item in [item for item in waiting if len(busy) < jobs]:
                order, session, run = item
                done = session.place(run).finished()
                if done is not None:
                    watch.end(run, done)
                    waiting.remove(item)
                elif len(busy) < jobs and session.ready(run):
                    process = context.Process(target=_work, args=(order, run.name, heard, os.getpid()))
                    process.start()
                    busy[process] = session, run
                    waiting.remove(item)
            _listen(heard, by_key, watch)
            for process in [process for process in busy if not process.is_alive()]:
                session, run = busy.pop(process)
                _listen(heard, by_key, watch)
                done = session.place(run).finished()
                if done is None:
                    raise DataError(f"the process of run {run.size} {run.name} ended with {process.exitcode}.")
                watch.end(run, done)
    finally:
        for process in busy:
            process.terminate()


def _listen(heard: Any, by_key: dict[tuple[str, str], Planned], watch: Watch) -> None:
    """Pass on what the processes have said, waiting a moment for the first word."""
    try:
        while True:
            what, key, step = heard.get(timeout=0.2)
            if what == "error":
                raise DataError(step)
            (watch.begin if what == "begin" else watch.step)(by_key[key], step)
    except queue.Empty:
        return


def _work(order: Order, name: str, heard: Any, parent: int) -> None:
    """Train one run; ends with its parent, however that ended."""
    key = order.size, name
    try:
        session = order.session()
        run = next(run for run in session.runs if run.name == name)
        heard.put(("begin", key, session.open(run).step))
        session.finish(run, partial(_report, heard, key, parent))
    except LawbenchError as error:
        heard.put(("error", key, str(error)))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _report(heard: Any, key: tuple[str, str], parent: int, step: int) -> None:
    if os.getppid() != parent:
        sys.exit(1)
    if step % 10 == 0:
        heard.put(("step", key, step))
