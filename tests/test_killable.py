"""Calls in a child process: results, errors, time-outs, deaths."""

import faulthandler
import os
import signal
import subprocess
import sys
import time

import pytest

from lawbench.errors import InputError
from lawbench.killable import Child, ChildDiedError, ChildRaisedError, TimedOutError, call


class Unportable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def _raise(error: Exception) -> None:
    raise error


def _raise_unportable() -> None:
    raise Unportable(1, 2)


def _busy() -> None:
    while True:
        pass


def _die(number: int) -> None:
    faulthandler.disable()  # pytest would print a dump
    os.kill(os.getpid(), number)
    time.sleep(60)


def test_a_result_comes_back_whole():
    big = call(lambda n: b"x" * n, 3_000_000, timeout=60)
    assert len(big) == 3_000_000


def test_an_error_comes_back_as_itself():
    with pytest.raises(InputError, match="drop the point"):
        call(_raise, InputError("drop the point"), timeout=60)


def test_an_error_that_cannot_travel_is_told_in_words():
    with pytest.raises(ChildRaisedError, match="Unportable: 1 and 2"):
        call(_raise_unportable, timeout=60)


def test_a_call_that_never_ends_is_killed():
    began = time.monotonic()
    with pytest.raises(TimedOutError, match=r"within 0\.3 s"):
        call(_busy, timeout=0.3)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGKILL, "SIGKILL .*memory"), (signal.SIGSEGV, "SIGSEGV")], ids=["kill", "segv"]
)
def test_a_death_says_its_signal(number, words):
    with pytest.raises(ChildDiedError, match=words):
        call(_die, int(number), timeout=60)


def test_an_exit_says_its_code():
    with pytest.raises(ChildDiedError, match="exit code 3"):
        call(os._exit, 3, timeout=60)


def test_one_process_serves_many_calls_and_is_replaced_after_a_death():
    with Child() as child:
        first = child.call(os.getpid, timeout=60)
        assert child.call(os.getpid, timeout=60) == first == child.pid != os.getpid()
        with pytest.raises(TimedOutError):
            child.call(_busy, timeout=0.2)
        second = child.call(os.getpid, timeout=60)
        assert second != first
        os.kill(second, signal.SIGKILL)  # between two calls nothing is lost
        time.sleep(0.1)
        assert child.call(os.getpid, timeout=60) not in {first, second}
    assert child.pid is None


PARENT = """
import time
from lawbench.killable import Child
child = Child()
child.call(int)
print(child.pid, flush=True)
child.call(time.sleep, 600)
"""


def test_a_child_does_not_outlive_its_parent():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        parent.kill()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
