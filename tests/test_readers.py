"""Readers: what cannot be a loss curve is refused with file, line and next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from lawbench.data.readers import read_columns, read_curve
from lawbench.errors import InputError, LawbenchError, UnknownNameError


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode())
    return path


def test_a_good_log_is_read_whatever_its_line_ends_and_mark(tmp_path: Path) -> None:
    path = _file(tmp_path, "\ufeffstep, lr ,loss,note\r\n0,0.1,5.5,\r\n\r\n10,0.2,4.5,x\r\n")
    curve = read_curve(path, lr="lr")
    assert curve.steps.tolist() == [0.0, 10.0]
    assert curve.loss.tolist() == [5.5, 4.5]
    assert curve.lr is not None
    assert curve.lr.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("0,5\n1,abc", "log.csv, line 3: 'abc' in column 'loss' is not a number"),
        ("0,5\n1,", "log.csv, line 3: '' in column 'loss' is not a number"),
        ("0,5\n1,nan", "log.csv, line 3: nan in column 'loss' is not a finite number"),
        ("0,5\n1,inf", "log.csv, line 3: inf in column 'loss' is not a finite number"),
        ("0,5\n1,-inf", "log.csv, line 3: -inf in column 'loss' is not a finite number"),
        ("0,5\n1,-1", "log.csv, line 3: loss is -1, but a loss is above 0"),
        ("0,5\n1,0", "log.csv, line 3: loss is 0, but a loss is above 0"),
        ("0,5\n2,4\n2,3", "log.csv, line 4: step is 2, but steps must increase: sort the log"),
        ("0,5\n2,4\n1,3", "log.csv, line 4: step is 1, but steps must increase"),
        ("-1,5", "log.csv, line 2: step is -1, but a step is a whole number"),
        ("0.5,5", "log.csv, line 2: step is 0.5, but a step is a whole number"),
        ("0,5\n1", "log.csv, line 3: there is no value for 'loss'"),
        ("", "has a header and no rows"),
    ],
)
def test_bad_rows_name_file_line_and_next_step(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_curve(_file(tmp_path, f"step,loss\n{rows}\n"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_blank_line_does_not_shift_the_line_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 4: 'x'"):
        read_curve(_file(tmp_path, "step,loss\n0,5\n\n1,x\n"))


def test_a_negative_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: lr is -0.1, but a learning rate is never negative"):
        read_curve(_file(tmp_path, "step,lr,loss\n0,-0.1,5\n"), lr="lr")


def test_a_missing_column_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown column of log.csv 'loss': did you mean 'val_loss'\?"):
        read_curve(_file(tmp_path, "step,val_loss\n0,5\n"))


@pytest.mark.parametrize(("text", "said"), [("", "is empty"), ("step,loss,loss\n0,5,5\n", "occurs twice")])
def test_a_useless_header_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_curve(_file(tmp_path, text))


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="cannot be read as a CSV file"):
        read_columns(path, ["step"])
    with pytest.raises(LawbenchError, match="No such file"):
        read_columns(tmp_path / "absent.csv", ["step"])
