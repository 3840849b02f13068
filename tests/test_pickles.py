"""The allow-list unpickler: tables come back, and nothing else of a pickle is ever run."""

from __future__ import annotations

import lzma
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lawbench.data.pickles import ALLOWED, read_frame
from lawbench.errors import DataError

HISTORY = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 2.5, 2.25]})


def table() -> pd.DataFrame:
    """A table as the sources hold them: text, numbers, nested frames and series, scalars in object columns."""
    series = pd.Series([1.5, 2.5], name="orig_n")
    cells = {"history": [HISTORY, HISTORY.iloc[:1]], "n": [series, np.float64("nan")], "seed": [0, 1]}
    return pd.DataFrame({**cells, "schedule": np.array(["const", "linear"], dtype=object)}, index=[4, 2])


def write(path: Path, thing: object, protocol: int = 4) -> Path:
    content = pickle.dumps(thing, protocol=protocol)
    path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    return path


@pytest.mark.parametrize("name", ["t.pkl", "t.pickle.xz"])
@pytest.mark.parametrize("protocol", [4, 5])
def test_a_table_comes_back(tmp_path: Path, name: str, protocol: int) -> None:
    frame = table().astype({"schedule": object})
    frame.columns = pd.Index(list(frame.columns), dtype=object)
    for history in frame["history"]:
        history.columns = pd.Index(["step", "loss"], dtype=object)
    back = read_frame(write(tmp_path / name, frame, protocol))
    pd.testing.assert_frame_equal(back.drop(columns=["history", "n"]), frame.drop(columns=["history", "n"]))
    pd.testing.assert_frame_equal(back["history"].iloc[0], frame["history"].iloc[0])
    assert back["n"].iloc[0].tolist() == [1.5, 2.5]
    assert np.isnan(back["n"].iloc[1])


def test_names_of_numpy_1_and_2_are_read_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(3.0)}, columns=pd.Index(["x"], dtype=object))
    new, old = b"\x16numpy._core.multiarray", b"\x15numpy.core.multiarray"
    content = pickle.dumps(frame, protocol=4)
    assert content.count(new) == 1
    # Behind the eleven bytes of the header, which hold the length of the rest.
    rest = content[11:].replace(new, old)
    (tmp_path / "old.pkl").write_bytes(b"\x80\x04\x95" + len(rest).to_bytes(8, "little") + rest)
    assert read_frame(tmp_path / "old.pkl")["x"].tolist() == [0.0, 1.0, 2.0]


class _Calls:
    """Pickles as a call, which the plain reader would make."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch {mark}",), "system"),
        (eval, ("open('{mark}', 'w')",), "builtins.eval"),
        (getattr, (OrderedDict, "fromkeys"), "builtins.getattr"),
        (subprocess.check_call, (["touch", "{mark}"],), "subprocess.check_call"),
        (np.fromfile, ("{mark}",), "fromfile"),
        (pd.read_csv, ("{mark}",), "read_csv"),
    ],
)
def test_a_malicious_pickle_is_refused_by_name_and_does_nothing(
    tmp_path: Path, function: Callable[..., Any], arguments: tuple[Any, ...], named: str
) -> None:
    mark = tmp_path / "mark"
    filled = [a.format(mark=mark) if isinstance(a, str) else a for a in arguments]
    if isinstance(filled[0], list):
        filled[0] = [word.format(mark=mark) for word in filled[0]]
    path = write(tmp_path / "bad.pkl", {"cell": _Calls(function, *filled)})
    with pytest.raises(DataError, match=rf"^bad\.pkl asks for '[a-z._]*{named}', which no table needs"):
        read_frame(path)
    assert not mark.exists()


def test_a_call_inside_a_table_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.array([1.0, _Calls(os.system, f"touch {tmp_path / 'mark'}")], dtype=object)})
    with pytest.raises(DataError, match=r"asks for '(posix|nt)\.system'"):
        read_frame(write(tmp_path / "bad.pickle.xz", frame))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["DataFrame.eval", "DataFrame.__init__.__globals__", "DataFrame.to_pickle"])
def test_what_lies_inside_an_allowed_name_is_refused(tmp_path: Path, name: str) -> None:
    module = "pandas.core.frame"
    content = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, name)) + b"\x93."
    (tmp_path / "bad.pkl").write_bytes(content)
    with pytest.raises(DataError, match=f"asks for 'pandas.core.frame.{name}'"):
        read_frame(tmp_path / "bad.pkl")


def test_a_module_that_is_refused_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bad.pkl").write_bytes(b"ctrap_module\nthing\n.")
    with pytest.raises(DataError, match=r"asks for 'trap_module\.thing'"):
        read_frame(tmp_path / "bad.pkl")
    assert "trap_module" not in sys.modules


def test_an_object_outside_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(b"Psomewhere\n.")
    with pytest.raises(DataError, match="refers to an object outside the file"):
        read_frame(tmp_path / "bad.pkl")


@pytest.mark.parametrize("name", ["t.pkl", "t.pickle.xz"])
@pytest.mark.parametrize("kept", [0, 1, 20, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    whole = write(tmp_path / name, HISTORY).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(DataError, match=rf"^{name} cannot be read as a pickled table \(.*truncated or damaged"):
        read_frame(tmp_path / name)


@pytest.mark.parametrize("content", [b"step,loss\n1,2\n", b"\x00" * 40, b"\x80\x04K\x01}b."])
def test_a_file_that_is_no_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.pkl").write_bytes(content)
    with pytest.raises(DataError, match=r"^t\.pkl cannot be read as a pickled table"):
        read_frame(tmp_path / "t.pkl")


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pkl cannot be read"):
        read_frame(tmp_path / "none.pkl")


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.pkl holds a dict, not a data frame"):
        read_frame(write(tmp_path / "t.pkl", {"loss": [1.0]}))


def test_pandas_is_imported_only_when_a_table_is_read() -> None:
    code = "import sys, lawbench.data.pickles; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_list_holds_only_parts_of_tables() -> None:
    assert {module.partition(".")[0] for module in ALLOWED} == {"builtins", "numpy", "pandas"}
    assert ALLOWED["builtins"] == ("slice",)
    assert sum(map(len, ALLOWED.values())) < 30
