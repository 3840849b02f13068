"""The store: whole files or none, exact values, and a sentence for what is not used."""

import json
import math

import pytest

from lawbench import store as store_module
from lawbench.cell import Outcome
from lawbench.columns import COLUMNS, blank
from lawbench.entries import Entry
from lawbench.errors import InputError
from lawbench.registry import find_law, law_from_file
from lawbench.store import Store, default_folder, fingerprint, law_hash, load_predictions, load_rows

from .house import write_law


def outcome(task="toy/schedule", entry="good", status="ok", **more):
    row = blank() | {"task": task, "entry": entry, "law": "good", "recipe": "common", "status": status, "ranked": True}
    return Outcome(row | more, ((0.1, 1 / 3, 1e-300),), {"alpha": 0.1 + 0.2})


def test_what_is_written_comes_back_exactly(tmp_path):
    store = Store(tmp_path / "deep" / "results")
    written = outcome(log_mae=0.1 + 0.2, n_fitted=39, converged=False, cert_condition=math.inf, mae=math.nan)
    path = store.write(written)
    assert path.name.startswith("toy-schedule--good--")
    assert path.stem.rsplit("--", 1)[1].isalnum()
    back = store.read("toy/schedule", "good")
    assert back == Outcome({**written.row, "mae": None}, written.predictions, written.params)
    assert back.row["log_mae"] == 0.30000000000000004
    frame = load_rows(store.folder)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["cert_condition"].item() == math.inf
    assert frame["converged"].item() is False or not frame["converged"].item()
    assert load_predictions(store.folder) == {("toy/schedule", "good"): ((0.1, 1 / 3, 1e-300),)}
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_names_that_look_alike_do_not_collide(tmp_path):
    store = Store(tmp_path)
    for entry in ("mpl[warmup=raw]", "mpl(warmup=raw)", "mpl@paper", "mpl-paper"):
        store.write(outcome(entry=entry))
    assert len(load_rows(tmp_path)) == 4
    assert all("/" not in path.name and "[" not in path.name for path in tmp_path.iterdir())


def test_a_newer_result_takes_the_place_of_the_older(tmp_path):
    store = Store(tmp_path)
    for value in (1.0, 2.0):
        store.write(outcome(log_mae=value))
    assert load_rows(tmp_path)["log_mae"].tolist() == [2.0]


def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    store = Store(tmp_path)
    path = store.write(outcome(log_mae=1.0))

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write(outcome(log_mae=2.0))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert load_rows(tmp_path)["log_mae"].tolist() == [1.0]


def _truncate(path):
    path.write_text(path.read_text()[:200])


def _foreign(path):
    path.write_text('{"results": [1, 2, 3]}')


def _binary(path):
    path.write_bytes(b"\xff\xfe\x00garbage")


def _older(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 0}))


def _other_fields(path):
    cell = json.loads(path.read_text())
    del cell["row"]["log_mae"]
    path.write_text(json.dumps(cell))


def _wrong_type(path):
    cell = json.loads(path.read_text())
    cell["row"]["log_mae"] = "small"
    path.write_text(json.dumps(cell))


def _wrong_status(path):
    cell = json.loads(path.read_text())
    cell["row"]["status"] = "fine"
    path.write_text(json.dumps(cell))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_truncate, "damaged"),
        (_foreign, "not a lawbench result"),
        (_binary, "damaged"),
        (_older, "another version .*schema 0"),
        (_other_fields, "does not hold the fields"),
        (_wrong_type, "does not hold the fields"),
        (_wrong_status, "does not hold the fields"),
    ],
)
def test_a_file_that_cannot_be_used_is_ignored_with_a_sentence(tmp_path, spoil, words):
    store = Store(tmp_path)
    store.write(outcome(entry="other"))
    spoil(store.write(outcome()))
    frame = load_rows(tmp_path)
    assert frame["entry"].tolist() == ["other"]
    (sentence,) = frame.attrs["ignored"]
    assert "toy-schedule--good" in sentence
    import re

    assert re.search(words, sentence)
    assert store.read("toy/schedule", "good") == sentence


def test_a_file_under_the_name_of_another_cell_is_ignored(tmp_path):
    store = Store(tmp_path)
    store.write(outcome()).rename(store.path("toy/schedule", "other"))
    frame = load_rows(tmp_path)
    assert frame.empty
    assert "another cell" in frame.attrs["ignored"][0]


def test_an_absent_folder_is_empty_and_a_file_is_refused(tmp_path):
    assert load_rows(tmp_path / "nothing").empty
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        load_rows(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        Store(tmp_path / "file").write(outcome())


def test_the_default_folder_is_one_or_the_environments(monkeypatch):
    monkeypatch.delenv("LAWBENCH_RESULTS", raising=False)
    assert str(default_folder()) == "results"
    monkeypatch.setenv("LAWBENCH_RESULTS", "elsewhere")
    assert str(default_folder()) == "elsewhere"


def test_the_fingerprint_is_made_of_contents(tmp_path, monkeypatch):
    base = fingerprint(Entry("a"), "task", "law")
    assert base == fingerprint(Entry("a"), "task", "law")
    others = [
        fingerprint(Entry("a", (("warmup", "raw"),)), "task", "law"),
        fingerprint(Entry("a", (), "paper"), "task", "law"),
        fingerprint(Entry("a"), "task2", "law"),
        fingerprint(Entry("a"), "task", "law2"),
    ]
    monkeypatch.setattr(store_module, "SCHEMA", 99)
    others.append(fingerprint(Entry("a"), "task", "law"))
    monkeypatch.setattr(store_module, "engine_hash", lambda: "other code")
    others.append(fingerprint(Entry("a"), "task", "law"))
    assert len({base, *others}) == 7


def test_the_hash_of_a_law_is_that_of_its_file(tmp_path):
    one, two = (law_from_file(write_law(tmp_path / place, "own")) for place in ("a", "b"))
    other = law_from_file(write_law(tmp_path / "c", "own", "L0 = L0 + 0"))
    assert law_hash(one) == law_hash(two) != law_hash(other)
    assert law_hash(find_law("mpl")) != law_hash(find_law("power_steps"))
