"""Files: shipped, mirrored, cached or downloaded, and always verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lawbench.data.card import Card, File
from lawbench.data.sources import KNOWN_ANSWERS, fetch, known_answer, mirror, where
from lawbench.errors import DataError, UnknownNameError, UnreachableDataError

from .conftest import card_of

COMMIT = "0" * 40
PATH = "logs/a=1 b.csv"
TEXT = "step,loss\n0,5.0\n1,4.0\n"
INNER = Path("github", "owner", "repo", COMMIT, PATH)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def card(offline: Path) -> Card:
    """One file with a path that needs quoting in a URL, nowhere on this machine."""
    from lawbench.data.card import check_card

    content = card_of({PATH: TEXT}, tasks=[], runs=[{"name": "a", "file": PATH}])
    content["source"] |= {"repository": "owner/repo", "commit": COMMIT}
    return check_card(content, offline / "datasets" / "toy")


def _put(folder: Path, text: str = TEXT) -> Path:
    path = folder / INNER
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def upstream(offline: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder on this machine as upstream; laid out like the pinned URLs."""
    root = offline / "served"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("LAWBENCH_UPSTREAM", f"http://127.0.0.1:{server.server_address[1]}/")
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


def _serve(root: Path, text: str = TEXT) -> None:
    path = root / "owner" / "repo" / COMMIT / PATH
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def test_a_shipped_file_comes_first(card: Card, offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWBENCH_MIRROR", str(offline))
    _put(offline)
    shipped = card.folder / PATH
    shipped.parent.mkdir(parents=True)
    shipped.write_text(TEXT, encoding="utf-8")
    assert where(card) == {PATH: "shipped"}
    assert fetch(card) == {PATH: shipped}


def test_the_mirror_comes_before_the_cache(card: Card, offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWBENCH_MIRROR", str(offline / "mirror"))
    mirrored = _put(offline / "mirror")
    _put(offline / "cache")
    assert where(card) == {PATH: "mirror"}
    assert fetch(card) == {PATH: mirrored}


def test_a_mirror_that_lacks_the_file_falls_through_to_the_cache(
    card: Card, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (offline / "mirror").mkdir()
    monkeypatch.setenv("LAWBENCH_MIRROR", str(offline / "mirror"))
    cached = _put(offline / "cache")
    assert where(card) == {PATH: "cache"}
    assert fetch(card) == {PATH: cached}


def test_a_download_is_verified_and_kept(
    card: Card, upstream: Path, offline: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _serve(upstream)
    assert where(card) == {PATH: "upstream"}
    seen: list[tuple[str, str]] = []

    def progress(file: File, way: str) -> None:
        seen.append((file.path, way))

    got = fetch(card, progress)
    assert got == {PATH: offline / "cache" / INNER}
    assert got[PATH].read_text(encoding="utf-8") == TEXT
    assert where(card) == {PATH: "cache"}
    fetch(card, progress)
    assert seen == [(PATH, "upstream"), (PATH, "cache")]
    assert capfd.readouterr() == ("", "")


def test_a_wrong_download_is_not_kept(card: Card, upstream: Path, offline: Path) -> None:
    _serve(upstream, "something else")
    with pytest.raises(DataError) as caught:
        fetch(card)
    said = str(caught.value)
    assert PATH in said
    assert card.source.files[0].sha256 in said
    assert "got " in said
    assert [path for path in (offline / "cache").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["mirror", "cache", "shipped"])
def test_a_wrong_copy_is_never_used(
    card: Card, offline: Path, monkeypatch: pytest.MonkeyPatch, upstream: Path, place: str
) -> None:
    _serve(upstream)
    if place == "shipped":
        (card.folder / PATH).parent.mkdir(parents=True)
        (card.folder / PATH).write_text(TEXT[:-5], encoding="utf-8")
    else:
        _put(offline / place, TEXT[:-5])
    if place == "mirror":
        monkeypatch.setenv("LAWBENCH_MIRROR", str(offline / "mirror"))
    with pytest.raises(DataError, match=r"expected sha256 .* got .*delete or replace that copy") as caught:
        fetch(card)
    assert not isinstance(caught.value, UnreachableDataError)
    assert place in str(caught.value)


def test_no_mirror_and_no_network_is_one_sentence_with_a_next_step(card: Card) -> None:
    with pytest.raises(UnreachableDataError, match="set LAWBENCH_MIRROR") as caught:
        fetch(card)
    assert PATH in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_upstream_does_not_have_is_unreachable(card: Card, upstream: Path) -> None:
    with pytest.raises(UnreachableDataError, match="HTTP 404"):
        fetch(card)


def test_a_cache_that_cannot_be_written_says_so(card: Card, offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (offline / "blocked").write_text("a file, not a folder", encoding="utf-8")
    monkeypatch.setenv("LAWBENCH_CACHE", str(offline / "blocked"))
    with pytest.raises(DataError, match="set LAWBENCH_CACHE"):
        fetch(card)


def test_a_mirror_that_is_not_a_folder_is_an_error(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWBENCH_MIRROR", str(offline / "nowhere"))
    with pytest.raises(DataError, match="not a folder: correct or unset it"):
        mirror()


def test_a_lost_shipped_file_is_an_error(toy: Callable[..., Card]) -> None:
    card = toy()
    (card.folder / "drop.csv").unlink()
    with pytest.raises(DataError, match="restore the file"):
        fetch(card)


def test_known_answers_are_verified(known_answers: None) -> None:
    for name, file in KNOWN_ANSWERS.items():
        assert known_answer(name).stat().st_size == file.bytes


def test_known_answers_come_from_a_mirror_only(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableDataError, match="has no upstream: set LAWBENCH_MIRROR"):
        known_answer("annealing_area_40_points.csv")
    with pytest.raises(UnknownNameError, match=r"did you mean 'annealing_area_40_points.csv'\?"):
        known_answer("annealing_area.csv")
    (offline / "known-answers").mkdir()
    (offline / "known-answers" / "annealing_area_40_points.csv").write_text("schedule,step,loss\n", encoding="utf-8")
    monkeypatch.setenv("LAWBENCH_MIRROR", str(offline))
    with pytest.raises(DataError, match="expected sha256 18d1ea8"):
        known_answer("annealing_area_40_points.csv")
