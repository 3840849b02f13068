"""Long CSV files: what the quick reader gives is what the strict one gives, or nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lawbench.data import long_csv, readers
from lawbench.data.long_csv import read_long
from lawbench.data.readers import read_columns, read_curve
from lawbench.errors import InputError, LawbenchError

NAMES = ["step", "loss"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every file for a long one, three rows and sixteen bytes at a time."""
    monkeypatch.setattr(long_csv, "LONG_BYTES", 0)
    monkeypatch.setattr(long_csv, "_ROWS", 3)
    monkeypatch.setattr(long_csv, "_BLOCK", 16)


def _write(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_bytes(text.encode())
    return path


cells = st.one_of(
    st.integers(0, 10**20).map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["", " ", "1_0", "0x1p3", "1e400", "1e-400", " 2.5 ", '"3"', '"a\nb"', '"4', "\u0663", "1.5f", "nan", "-inf",
         "True", "+.5", "5.", "1d3", "#6", "a", "\u00a07", "\x0b8", "1 2", "\x00"]
    ),
)  # fmt: skip
odd = st.lists(cells, min_size=0, max_size=4).map(",".join)
finite = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from([" 2.5 ", '"3"', "+.5", "5.", "1E5", '" 7"', "-0.0", "9007199254740993", "0.1" + "0" * 40 + "1"]),
)
good = st.tuples(st.integers(0, 10**20).map(str), cells, finite).map(",".join)


@settings(max_examples=300)
@given(
    st.lists(st.one_of(good, good, good, good, odd), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from(["", "\n"]),
)
@example(["0,x,1"] * 7, "\n", True, "")
@example(["0,x,1"] * 7, "\r\n", False, "\n")
@example([*["0,x,1"] * 3, '0,"a\nb",1'], "\n", False, "")
@pytest.mark.usefixtures("small")
def test_the_quick_reader_gives_what_the_strict_one_gives(rows: list[str], end: str, mark: bool, last: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = ("\ufeff" if mark else "") + end.join(["step,note, loss ", *rows]) + last
        path = _write(Path(folder), text)
        quick = read_long(path, NAMES)
        if quick is None:
            return
        table, at = readers._read(path, NAMES)
        assert list(quick[1]) == list(at)
        for name in NAMES:
            assert quick[0][name].tobytes() == table[name].tobytes()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("points", [1, 2, 3, 4, 6, 7])
def test_ordinary_files_are_read_quickly(tmp_path: Path, points: int, end: str) -> None:
    loss = 2 + 1 / np.arange(3.0, 3.0 + points)
    rows = [f'{i},{y!r},"a, b"' for i, y in enumerate(loss.tolist())]
    for last in ("", end):
        quick = read_long(_write(tmp_path, end.join(["step,loss,note", *rows]) + last), NAMES)
        assert quick is not None
        assert quick[0]["step"].tolist() == list(range(points))
        assert quick[0]["loss"].tolist() == loss.tolist()
        assert quick[1] == range(2, points + 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("900,abc", "log.csv, line {}: 'abc' in column 'loss' is not a number"),
        ("900,nan", "log.csv, line {}: nan in column 'loss' is not a finite number"),
        ("900,-1", "log.csv, line {}: loss is -1, but a loss is above 0"),
        ("899,1", "log.csv, line {}: step is 899, but steps must increase"),
        ("900.5,1", "log.csv, line {}: step is 900.5, but a step is a whole number"),
        ("900", "log.csv, line {}: there is no value for 'loss'"),
    ],
)
@pytest.mark.parametrize("blank", [0, 1])
def test_errors_far_down_keep_their_line(tmp_path: Path, row: str, said: str, blank: int) -> None:
    good = [f"{i},{5.0 - 0.001 * i}" for i in range(900)]
    path = _write(tmp_path, "\n".join(["step,loss", *good, *[""] * blank, row]))
    with pytest.raises(InputError) as caught:
        read_curve(path)
    assert said.format(902 + blank) in str(caught.value)


def test_a_million_points_take_bounded_memory(tmp_path: Path) -> None:
    points = 1_000_000
    path = tmp_path / "long.csv"
    with path.open("w") as stream:
        stream.write("step,loss\n")
        stream.writelines(f"{i},{2 + 3 / (i + 1)}\n" for i in range(points))
    code = f"""
import resource, sys
from pathlib import Path
from lawbench.data.readers import read_curve
def peak():
    # That of the address space, where Linux tells it: getrusage remembers the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
curve = read_curve(Path({str(path)!r}))
print(len(curve.steps), curve.loss[-1], peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, last, grown = done.stdout.split()
    assert (int(count), float(last)) == (points, 2 + 3 / points)
    # Two columns of doubles, and a few temporary arrays of that length; lists of cells take 460 bytes a point.
    assert int(grown) < 100 * points


def test_a_long_file_with_text_or_no_column_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    row = f"1,2,{'n' * 1000}\n"
    path.write_text("step,loss,note\n" + row * (long_csv.LONG_BYTES // 1000) + "x" + row)
    assert read_long(path, NAMES) is None
    with pytest.raises(LawbenchError, match="line 1002: 'x1' in column 'step' is not a number"):
        read_columns(path, NAMES)
    with pytest.raises(LawbenchError, match="did you mean 'loss'"):
        read_columns(path, ["los"])
