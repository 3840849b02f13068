"""Damaged logs: a sentence, or exactly what the file says; never another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lawbench.errors import LawbenchError
from lawbench.logs.importing import Imported, Request, read_run
from lawbench.logs.rates import Told

LOGS = Path(__file__).parent / "logs"
FILES = ["trainer/cosine/trainer_state.json", "pandas.csv", "pandas.jsonl", "wandb.csv",
         "events.out.tfevents.old", "events.out.tfevents.new", "pandas.parquet"]  # fmt: skip
ASKED = Request(told=Told("none"), count_from=1)
Changes = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3)


def read(content: bytes, name: str, request: Request = ASKED) -> Imported | None:
    """Return what is read from a file of these bytes; None if it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, Path(name).name)
        path.write_bytes(content)
        try:
            return read_run(path, request)
        except LawbenchError as error:
            said = str(error)
    assert "\n" not in said
    assert len(said) < 2000
    return None


def source(name: str) -> tuple[bytes, Imported]:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra: logs)")
    content = (LOGS / name).read_bytes()
    whole = read(content, name)
    assert whole is not None
    return content, whole


def said(content: bytes, name: str, run: Imported) -> dict[int, float]:
    """Return what another parser finds in the columns that were used."""
    if name.endswith(".csv"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "log.csv")
            path.write_bytes(content)
            frame = pd.read_csv(path, dtype=str).rename(columns=str.strip)
        rows: list[dict[str, Any]] = frame[[run.chosen.step, run.chosen.loss]].dropna().to_dict("records")
    elif name.endswith(".jsonl"):
        rows = [json.loads(line) for line in content.decode("utf-8-sig").split("\n") if line.strip()]
    else:
        rows = json.loads(content)["log_history"]
    found = [(row.get(run.chosen.step), row.get(run.chosen.loss)) for row in rows]
    return {
        int(float(step)) - 1: float(loss)
        for step, loss in found
        if loss is not None and step is not None and float(step) >= 1
    }


def as_dict(run: Imported) -> dict[int, float]:
    return dict(zip(run.curve.steps.tolist(), run.curve.values.tolist(), strict=True))


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_cut_file_is_refused_or_ends_earlier(name: str, share: float) -> None:
    content, whole = source(name)
    got = read(content[: int(share * len(content))], name)
    if got is not None:
        # Cut between two lines or records, a file is a whole one of a shorter run.
        assert got.chosen.loss != whole.chosen.loss or as_dict(got).items() <= as_dict(whole).items()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=Changes)
def test_damaged_bytes_are_refused_or_read_as_they_stand(name: str, changes: list[tuple[int, int]]) -> None:
    content, whole = source(name)
    damaged = bytearray(content)
    for at, byte in changes:
        damaged[at % len(damaged)] = byte
    got = read(bytes(damaged), name)
    if got is None:
        return
    if "tfevents" in name:
        assert as_dict(got) == as_dict(whole)
    elif not name.endswith(".parquet"):
        assert as_dict(got) == said(bytes(damaged), name, got)


@pytest.mark.parametrize("name", ["pandas.csv", "pandas.jsonl", "wandb.csv", "events.out.tfevents.old"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(back=st.integers(1, 20))
def test_a_run_that_restarts_is_refused_or_keeps_the_last(name: str, back: int) -> None:
    content, whole = source(name)
    head = b"" if not name.endswith(".csv") else content.splitlines(keepends=True)[0]
    if "tfevents" in name:
        again = content + content
    else:
        lines = content.splitlines(keepends=True)[1 if head else 0 :]
        again = head + b"".join(lines) + b"".join(lines[-back:])
    first = read(again, name)
    assert first is None or as_dict(first) == as_dict(whole)
    kept = read(again, name, Request(told=Told("none"), count_from=1, restart="keep-last"))
    assert kept is not None
    assert as_dict(kept) == as_dict(whole)


@settings(max_examples=40)
@given(offset=st.floats(0.01, 2), order=st.randoms(use_true_random=False))
def test_two_runs_mixed_in_one_file_are_refused(offset: float, order: Any) -> None:
    frame = pd.read_csv(LOGS / "pandas.csv")
    other = frame.assign(eval_loss=frame["eval_loss"] + offset)
    both = pd.concat([frame, other])
    rows = list(range(len(both)))
    order.shuffle(rows)
    assert read(both.iloc[rows].to_csv(index=False).encode(), "pandas.csv") is None


@settings(max_examples=60)
@given(content=st.binary(max_size=300), name=st.sampled_from([Path(name).name for name in FILES]))
def test_any_bytes_are_refused(content: bytes, name: str) -> None:
    got = read(content, name)
    assert got is None or np.isfinite(got.curve.values).all()
