"""The runner: every entry on every task, in parallel, stored cell by cell.

joblib does the scale-out; another backend (a Dask cluster) is another name of its backend. See
`lawbench.worker` for what happens to one cell.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawbench.cell import Outcome
from lawbench.columns import as_frame
from lawbench.entries import Entry, LawLike, entries_for
from lawbench.errors import InputError, LawbenchError, UnreachableDataError, unknown
from lawbench.fitting.intervals import LEVEL, refuse_few
from lawbench.fitting.recipes import PUBLISHED
from lawbench.law import Law
from lawbench.store import Store, default_folder, fingerprint, law_hash
from lawbench.tasks import Task, TaskInfo
from lawbench.tasks import tasks as all_tasks
from lawbench.worker import TIMEOUT, Cell, child, compute, portable, task_of

if TYPE_CHECKING:
    import pandas as pd

BACKEND = "loky"
"""joblib's local worker processes."""
Progress = Callable[[int, int, Mapping[str, Any]], None]


def run(
    laws: Iterable[LawLike] | LawLike | None = None,
    tasks: Iterable[str] | str | None = None,
    recipes: Iterable[str] | str | None = None,
    n_jobs: int | None = None,
    out: str | Path | None = None,
    *,
    intervals: int = 0,
    cells: Collection[tuple[str, str]] | None = None,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    backend: str = BACKEND,
) -> pd.DataFrame:
    """Run entries on tasks and return one row a cell; only what has changed is computed.

    Parameters
    ----------
    laws : names, labels, classes or paths of law files, optional
        See `lawbench.entries.entries_for`; all registered laws if None.
    tasks : str or iterable of str, optional
        Names of tasks or datasets; all tasks if None. Tasks whose data cannot be reached are left
        out, and named in ``attrs["left_out"]``.
    recipes : str or iterable of str, optional
        All that a law has if None.
    n_jobs : int, optional
        Worker processes; as many as there are usable cores if None. Results do not depend on it.
    out : str or Path, optional
        Folder of the stored results; ``$LAWBENCH_RESULTS`` or ``results`` if None.
    intervals : int
        Bootstrap refits behind prediction intervals; 0, the default, makes none. Results with and
        without them take each other's place in the store.
    cells : collection of (str, str), optional
        Only these of them: names of a task and of an entry.
    timeout : float
        Seconds after which a cell is stopped and becomes a failed row.
    progress : callable, optional
        Called with the number of finished cells, of all cells, and the newest row.
    backend : str
        Name of the joblib backend that runs the workers.

    Returns
    -------
    DataFrame
        Columns as in `lawbench.columns`, ordered by task and entry. ``attrs`` holds ``left_out``
        (task -> reason), ``ignored`` (sentences about stored files that were not used),
        ``computed`` (number of cells that ran) and ``store``.

    Raises
    ------
    UnknownNameError, InputError
        For names that do not exist, or nothing to run.
    UnreachableDataError
        If the data of no task can be reached.
    DataError
        If a file of data is not what its card says.
    """
    _check(n_jobs, timeout)
    if intervals:
        refuse_few(intervals, LEVEL)
    task_of.cache_clear()  # data may have changed since an earlier run of this process
    entries = entries_for(laws, recipes)
    loaded, left_out = _reachable(choose(tasks))
    wanted = [c for c in _cells(entries, loaded, intervals) if cells is None or (c.task, c.entry.label) in cells]
    if not wanted:
        raise InputError("there is nothing to run: no chosen law has a chosen recipe on a chosen task.")
    store = Store(Path(out) if out is not None else default_folder())
    done, ignored = _stored(wanted, store)
    todo = [cell for cell in wanted if (cell.task, cell.entry.label) not in done]
    if progress is not None:
        progress(len(done), len(wanted), {})
    for outcome in _computed(todo, n_jobs or cores(), timeout, backend):
        store.write(outcome)
        done[outcome.row["task"], outcome.row["entry"]] = outcome
        if progress is not None:
            progress(len(done), len(wanted), outcome.row)
    frame = as_frame(outcome.row for outcome in done.values())
    frame.attrs = {"left_out": left_out, "ignored": ignored, "computed": len(todo), "store": str(store.folder)}
    return frame


def choose(names: Iterable[str] | str | None) -> list[TaskInfo]:
    """Return the tasks of some task or dataset names; all tasks if None."""
    known = all_tasks()
    wanted = [names] if isinstance(names, str) else None if names is None else list(names)
    if wanted is None:
        return known
    for name in wanted:
        if not any(name in (task.name, task.dataset) for task in known):
            # A name with a slash means a task; the shorter list helps more than the longer one.
            kind, choices = (
                ("task", {t.name for t in known}) if "/" in name else ("dataset", {t.dataset for t in known})
            )
            raise unknown(kind, name, choices)
    return [task for task in known if task.name in wanted or task.dataset in wanted]


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _check(n_jobs: int | None, timeout: float) -> None:
    if n_jobs is not None and n_jobs < 1:
        raise InputError(f"{n_jobs} workers cannot run anything: give a number of at least 1.")
    if not timeout > 0:
        raise InputError(f"a time-out of {timeout:g} s leaves no time: give seconds above 0.")


def _reachable(chosen: list[TaskInfo]) -> tuple[dict[str, Task], dict[str, str]]:
    """Load tasks; return those there are, and why the others are left out."""
    loaded: dict[str, Task] = {}
    left_out: dict[str, str] = {}
    unreachable: dict[str, str] = {}
    for info in chosen:
        if info.dataset not in unreachable:
            try:
                loaded[info.name] = task_of(info.name)
                continue
            except UnreachableDataError as error:  # one attempt a dataset: the network may be slow to say no
                unreachable[info.dataset] = str(error)
        left_out[info.name] = unreachable[info.dataset]
    if chosen and not loaded:
        raise UnreachableDataError(f"the data of no task can be reached: {next(iter(left_out.values()))}")
    return loaded, left_out


def _cells(entries: Mapping[Entry, type[Law]], loaded: Mapping[str, Task], intervals: int) -> list[Cell]:
    """Return the cells of entries on tasks, task by task, so that a worker loads little."""
    return [
        Cell(
            entry,
            portable(law),
            law_hash(law),
            task.name,
            fingerprint(entry, task.fingerprint, law_hash(law), intervals),
            intervals,
        )
        for task in loaded.values()
        for entry, law in entries.items()
        if _concerns(entry, law, task.dataset)
    ]


def _concerns(entry: Entry, law: type[Law], dataset: str) -> bool:
    """Published parameters of another dataset are no cell at all."""
    if not entry.recipe.startswith(PUBLISHED):
        return True
    source = entry.recipe.partition(":")[2]
    chosen = law(**dict(entry.options)).choices
    return any(
        p.source == source and p.dataset == dataset and law(**dict(p.options)).choices == chosen for p in law.published
    )


def _stored(cells: list[Cell], store: Store) -> tuple[dict[tuple[str, str], Outcome], list[str]]:
    """Return the stored outcomes that still hold, and what was found and not used."""
    done: dict[tuple[str, str], Outcome] = {}
    ignored: list[str] = []
    old = 0
    for cell in cells:
        found = store.read(cell.task, cell.entry.label)
        if isinstance(found, str):
            ignored.append(found)
        elif found is not None and found.row["fingerprint"] != cell.fingerprint:
            old += 1
        elif found is not None and found.status != "failed":
            done[cell.task, cell.entry.label] = found
    if old:
        ignored.append(f"{old} stored results were made by other laws, data or code: they are computed again.")
    return done, ignored


def _computed(todo: list[Cell], n_jobs: int, timeout: float, backend: str) -> Iterator[Outcome]:
    """Compute cells and yield each as soon as it is there. Nothing is started for no cells."""
    if not todo:
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    n_jobs = min(n_jobs, len(todo))
    threads = {"inner_max_num_threads": 1} if backend == BACKEND and n_jobs > 1 else {}
    try:
        with parallel_config(backend=backend, n_jobs=n_jobs, **threads):
            parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
            with _workers_started_deaf():
                outcomes = parallel(delayed(compute)(cell, timeout) for cell in todo)
            yield from outcomes
    except TerminatedWorkerError as error:
        raise LawbenchError(
            "a worker process was killed, perhaps for lack of memory: run again with fewer jobs; "
            "finished cells are kept."
        ) from error
    finally:
        child().close()
        if backend == BACKEND and n_jobs > 1:
            from joblib.externals.loky import get_reusable_executor

            # Laws may be edited between two runs of one session: workers must not remember them.
            get_reusable_executor().shutdown(wait=False, kill_workers=True)


@contextmanager
def _workers_started_deaf() -> Iterator[None]:
    """Ignore Ctrl-C while workers start: they inherit that, so that this process alone ends the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
