"""Parsed datasets are kept: bit for bit what parsing gives, and never used where anything else changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.data import dataset as data
from lawbench.data import parsed
from lawbench.data.card import Card
from lawbench.data.dataset import datasets, read_dataset
from lawbench.data.packed import identical, pack, unpack
from lawbench.data.sources import fetch, where
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.schedule import Schedule
from lawbench.shapes import named_schedule

from .conftest import _without_data

Toy = Callable[..., Card]

positive = st.floats(min_value=5e-324, max_value=1e308, exclude_min=False)
numbers = st.one_of(positive, positive.map(np.float64), st.integers(1, 2**53))
anything = st.one_of(
    st.text(), st.booleans(), st.none(), st.integers(), st.floats(), st.floats().map(np.float64),
    st.integers(-(2**31), 2**31 - 1).map(np.int32), st.lists(st.floats()), st.dictionaries(st.text(), st.integers()),
)  # fmt: skip


@st.composite
def runs(draw: st.DrawFn) -> Run:
    steps = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=20)))
    n = len(steps)
    losses = draw(st.lists(positive, min_size=n, max_size=n))
    rates = st.lists(st.floats(0, 1e300), min_size=61, max_size=70)
    schedule = draw(st.one_of(st.none(), rates.map(Schedule), rates.map(lambda lr: Schedule(lr, 3))))
    tokens = draw(st.one_of(st.none(), st.lists(st.floats(1e-300, 1e300), min_size=n, max_size=n)))
    width = draw(st.integers(0, 3))
    row = st.lists(positive, min_size=n, max_size=n)
    rows = st.lists(st.lists(positive, min_size=width, max_size=width), min_size=n, max_size=n)
    return Run(
        draw(st.text()), np.array(steps), np.array(losses), schedule,
        position_loss=draw(rows) if width else None, position=draw(st.one_of(st.none(), st.integers(1, 9))),
        n_params=draw(st.one_of(st.none(), numbers)),
        tokens=None if tokens is None else np.array(tokens),
        tokens_per_step=draw(st.one_of(st.none(), st.floats(1e-300, 1e300))),
        dataset=draw(st.text()), model=draw(st.text()),
        meta=draw(st.dictionaries(st.text(), anything, max_size=4)),
        evaluations=draw(st.dictionaries(st.text(), row, max_size=2)), paired_loss=draw(st.one_of(st.none(), row)),
    )  # fmt: skip


@given(st.lists(runs(), max_size=5))
def test_runs_come_back_to_the_last_bit(made: list[Run]) -> None:
    packed = pack(made)
    if packed is None:  # allowed only for a meta that looks like the format's own mark
        assert any("~" in repr(run.meta) for run in made)
        return
    again = unpack(packed)
    assert identical(again, tuple(made))
    for a, b in zip(again, made, strict=True):
        assert a.steps.tobytes() == b.steps.tobytes()
        assert a.loss.tobytes() == b.loss.tobytes()
        assert (a.schedule is None) == (b.schedule is None)
        if a.schedule is not None and b.schedule is not None:
            assert a.schedule.lr.tobytes() == b.schedule.lr.tobytes()
            assert a.schedule.warmup == b.schedule.warmup
        assert not a.loss.flags.writeable
        assert dict(a.meta).keys() == dict(b.meta).keys()
        assert repr(dict(a.meta)) == repr(dict(b.meta))


def test_what_the_format_does_not_know_is_not_packed() -> None:
    @dataclass(frozen=True, eq=False)
    class Longer(Run):
        positions: Any = None

    steps, loss = [0, 1], [3.0, 2.0]
    assert pack([Longer("a", steps, loss)]) is None  # type: ignore[arg-type]
    assert pack([Run("a", steps, loss).withhold()]) is None  # type: ignore[arg-type]
    for value in ((1, 2), {1: 2}, np.ones(2), object(), {"~": [1, 2]}, {"~": ["<f8", "00" * 8]}):
        assert pack([Run("a", steps, loss, meta={"key": value})]) is None  # type: ignore[arg-type]
    run = Run("a", steps, loss)  # type: ignore[arg-type]
    assert pack([run]) is not None
    object.__setattr__(run, "positions", np.ones((2, 8)))
    assert pack([run]) is None


def test_long_schedules_are_kept_compactly_and_once() -> None:
    flat, down = (named_schedule(kind, steps=200_000, peak=3e-4, warmup=2000) for kind in ("constant", "cosine"))

    def size(*schedules: Schedule) -> int:
        return len(pack([Run(str(i), [0, 1], [3.0, 2.0], s) for i, s in enumerate(schedules)]) or b"")  # type: ignore[arg-type]

    whole = flat.lr.nbytes
    assert 0 < size(flat) < 0.03 * whole
    assert 0 < size(down) < 0.2 * whole
    assert size(*[down] * 10) < 1.1 * size(down)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep everything, however small, in a folder of the test's own."""
    monkeypatch.setattr(parsed, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(parsed, "WORTH_BYTES", 0)
    monkeypatch.setenv("LAWBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LAWBENCH_PARSED", raising=False)
    return tmp_path / "cache" / "parsed"


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the datasets whose files were parsed."""
    names: list[str] = []
    true = data._runs

    def counted(card: Card, files: Any) -> list[Run]:
        names.append(card.name)
        return true(card, files)

    monkeypatch.setattr(data, "_runs", counted)
    return names  # type: ignore[return-value]


def test_a_dataset_is_parsed_once(toy: Toy, kept: Path, parses: list[str]) -> None:
    card = toy()
    first, second = read_dataset(card), read_dataset(card)
    assert parses == ["toy"]
    assert identical(first.runs, second.runs)
    assert [path.name.rpartition("-")[0] for path in kept.iterdir()] == ["toy"]


def test_what_is_light_is_not_kept(toy: Toy, kept: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]) -> None:
    monkeypatch.setattr(parsed, "WORTH_SECONDS", 60.0)
    read_dataset(toy())
    assert not kept.exists()
    monkeypatch.setattr(parsed, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(parsed, "WORTH_BYTES", 10_000)
    read_dataset(toy())
    assert not kept.exists()
    assert parses == ["toy", "toy"]


def test_it_can_be_switched_off(toy: Toy, kept: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]) -> None:
    read_dataset(toy())
    monkeypatch.setenv("LAWBENCH_PARSED", "off")
    read_dataset(toy())
    assert parses == ["toy", "toy"]


def test_a_changed_card_or_loader_is_parsed_again(toy: Toy, kept: Path, parses: list[str]) -> None:
    read_dataset(toy())
    assert read_dataset(toy(n_params=2000.0)).runs[0].n_params == 2000.0
    loader = toy().folder / "loader.py"
    for loss in (3.0, 2.5):
        loader.write_text(
            "from lawbench.runs import Run\n\n\ndef load(card, files):\n"
            f"    return [Run('more', [0, 1], [4.0, {loss}])]\n"
        )
        assert read_dataset(toy()).run("more").loss[-1] == loss
    assert parses == ["toy"] * 4


def test_other_source_of_the_engine_is_parsed_again(
    toy: Toy, kept: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]
) -> None:
    read_dataset(toy())
    assert {"runs.py", "schedule.py", "shapes.py", os.path.join("data", "readers.py")} <= set(parsed._engine())
    monkeypatch.setattr(parsed, "_engine", lambda: {"runs.py": "another"})
    read_dataset(toy())
    assert parses == ["toy", "toy"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other", "garbage"])
def test_a_damaged_or_foreign_file_is_parsed_again(toy: Toy, kept: Path, parses: list[str], damage: str) -> None:
    whole = read_dataset(toy()).runs
    (path,) = kept.iterdir()
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif damage == "other":  # whole and sound, but of another card
        read_dataset(toy(n_params=2000.0))
        (other,) = set(kept.iterdir()) - {path}
        path.write_bytes(other.read_bytes())
    elif damage == "garbage":  # sealed as it should be, around nonsense
        body = b"\xff" * 40
        path.write_bytes(parsed._MARK + parsed._seal(parsed._key(toy()), body) + body)
    else:
        path.write_bytes(b"hello" if damage == "text" else b"")
    before = len(parses)
    assert identical(read_dataset(toy()).runs, whole)
    assert len(parses) == before + 1
    assert identical(read_dataset(toy()).runs, whole)
    assert len(parses) == before + 1


def test_source_files_are_verified_whether_kept_or_not(toy: Toy, kept: Path) -> None:
    card = toy()
    read_dataset(card)
    (card.folder / "flat.csv").write_text("step,loss\n0,1\n")
    with pytest.raises(DataError, match="expected sha256"):
        read_dataset(card)


def test_a_cache_that_cannot_be_written_is_no_error(
    toy: Toy, kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    assert len(read_dataset(toy()).runs) == 2
    assert list(kept.iterdir()) == []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAWBENCH_CACHE", str(tmp_path / "file"))
    assert len(read_dataset(toy()).runs) == 2


def test_only_a_few_versions_are_kept(toy: Toy, kept: Path) -> None:
    for i in range(1, 9):
        read_dataset(toy(n_params=float(i)))
    assert len(list(kept.iterdir())) == 4


@pytest.mark.parametrize("card", datasets(), ids=lambda card: card.name)
def test_our_datasets_are_packed_and_come_back(card: Card) -> None:
    if "upstream" in where(card).values():
        _without_data(f"files of {card.name} are not on this machine: set LAWBENCH_MIRROR or run `lawbench fetch`")
    made = tuple(data._runs(card, fetch(card)))
    packed = pack(made)
    assert packed is not None
    assert identical(unpack(packed), made)
