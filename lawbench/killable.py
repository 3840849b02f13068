"""A child process that runs function calls and can be killed when one never ends.

The child stays alive from call to call, so that only the first one, and the first after a kill,
pays for a process start. It is forked on Linux and spawned elsewhere.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from lawbench.errors import FitError

P = ParamSpec("P")
T = TypeVar("T")

START_METHOD = "fork" if sys.platform == "linux" else "spawn"


class TimedOutError(FitError):
    """A call that did not end in time; its process was killed."""


class ChildDiedError(FitError):
    """A call whose process died: out of memory, a crash in compiled code, an exit."""


class ChildRaisedError(FitError):
    """A call that raised something that cannot be carried to another process."""


class Child:
    """A process that runs one call after another; use it in a ``with`` block or `close` it.

    Examples
    --------
    >>> with Child() as child:
    ...     child.call(divmod, 7, 3)
    (2, 1)
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return None if self._process is None else self._process.pid

    def call(self, function: Callable[..., T], *arguments: Any, timeout: float | None = None) -> T:
        """Return ``function(*arguments)``, computed in the child.

        Parameters
        ----------
        function : callable
            Anything that can be pickled, also by value.
        *arguments
            Its arguments.
        timeout : float, optional
            Seconds after which the child is killed; no limit if None.

        Raises
        ------
        TimedOutError
            If the call does not end in time.
        ChildDiedError
            If the child dies.
        Exception
            Whatever the function raises.
        """
        import cloudpickle

        message = cloudpickle.dumps((function, arguments))
        pipe = self._started()
        try:
            try:
                pipe.send_bytes(message)
            except (BrokenPipeError, ConnectionResetError):  # it died between two calls
                self.close()
                pipe = self._started()
                pipe.send_bytes(message)
            if not wait([pipe, self._process.sentinel], timeout):
                raise TimedOutError(f"did not end within {timeout:g} s and was stopped.")
            good, value = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            self._process.join(5)
            reason = _death(self._process.exitcode)
            self.close()
            raise ChildDiedError(reason) from None
        except BaseException:
            self.close()
            raise
        if not good:
            raise value
        return value  # type: ignore[no-any-return]

    def close(self) -> None:
        """Kill the child, if there is one. The next call starts another."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _started(self) -> Connection:
        if self._process is not None and not self._process.is_alive():
            self.close()
        if self._pipe is None:
            context = multiprocessing.get_context(START_METHOD)
            ours, theirs = context.Pipe()
            inherited = ours if START_METHOD == "fork" else None
            self._process = context.Process(target=_serve, args=(theirs, inherited, os.getpid()), daemon=True)  # type: ignore[attr-defined]
            with warnings.catch_warnings():
                # Python >= 3.12 warns whenever any thread runs; the child touches no lock of ours.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process.start()
            theirs.close()
            self._pipe = ours
        return self._pipe


def call(function: Callable[..., T], *arguments: Any, timeout: float | None = None) -> T:
    """Return ``function(*arguments)`` from a child process of its own; see `Child.call`.

    Examples
    --------
    >>> call(sum, [1, 2, 3], timeout=60)
    6
    """
    with Child() as child:
        return child.call(function, *arguments, timeout=timeout)


def _serve(pipe: Connection, inherited: Connection | None, parent: int) -> None:
    """Answer calls until the pipe closes."""
    if inherited is not None:
        inherited.close()
    # Ctrl-C reaches every process of the terminal; the parent decides what becomes of the child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a law prints goes to stderr: a fresh object has no lock that a fork could leave locked.
    sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)
        answer = _answer(message)
        try:
            pipe.send_bytes(answer)
        except OSError:
            os._exit(0)


def _answer(message: bytes) -> bytes:
    import cloudpickle

    try:
        function, arguments = pickle.loads(message)
        return cloudpickle.dumps((True, function(*arguments)))  # type: ignore[no-any-return]
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        try:
            answer: bytes = cloudpickle.dumps((False, error))
            pickle.loads(answer)
        except Exception:
            answer = cloudpickle.dumps((False, ChildRaisedError(f"{type(error).__name__}: {error}")))
        return answer


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, even in the middle of a call."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _death(code: int | None) -> str:
    """Say how a process died, from its exit code."""
    if code is None or code >= 0:
        return f"ended its process (exit code {code})."
    name = signal.Signals(-code).name
    hint = " (the system may be out of memory)" if name == "SIGKILL" else ""
    return f"died from signal {name}{hint}."
