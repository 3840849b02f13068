"""Shared fixtures: public data or a reason to skip, and small datasets of the tests' own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import lawbench
from lawbench.data.card import Card, check_card
from lawbench.data.dataset import datasets
from lawbench.data.sources import KNOWN_ANSWERS, mirror, where

# Without deadlines, because the first example pays for imports; the same examples every time.
settings.register_profile("lawbench", deadline=None, derandomize=True, database=None)
settings.load_profile("lawbench")


def _without_data(reason: str) -> None:
    """Skip; or fail, where the data must be there (LAWBENCH_REQUIRE_DATA, as in continuous integration)."""
    if os.environ.get("LAWBENCH_REQUIRE_DATA"):
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def _missing_data() -> str:
    """Name a public file that is not on this machine; empty when all are here."""
    absent = [f"{card.name}: {path}" for card in datasets() for path, way in where(card).items() if way == "upstream"]
    return absent[0] if absent else ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked `data` where the public data are not at hand, before their fixtures ask for them."""
    if item.get_closest_marker("data") is not None and (missing := _missing_data()):
        _without_data(f"public data not on this machine ({missing}): set LAWBENCH_MIRROR or run `lawbench fetch`")


@pytest.fixture
def known_answers() -> None:
    """Skip where the tables with known answers are not mirrored."""
    folder = mirror()
    if folder is None or not all((folder / "known-answers" / name).is_file() for name in KNOWN_ANSWERS):
        _without_data("known-answers/ is not on this machine: set LAWBENCH_MIRROR")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Cut off every way to public data: no mirror, an empty cache, a closed port upstream."""
    monkeypatch.delenv("LAWBENCH_MIRROR", raising=False)
    monkeypatch.setenv("LAWBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAWBENCH_UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


CSV = "step,lr,loss\n" + "".join(f"{s},{1.0 if s < 6 else 0.5},{5.0 - 0.1 * s}\n" for s in range(2, 10))


def card_of(files: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return the content of a valid card of one run and one task, with changes."""
    card: dict[str, Any] = {
        "title": "Toy",
        "citation": "none",
        "licence": "MIT",
        "redistributable": True,
        "family": "toy",
        "model": "toy",
        "n_params_counts": "exactly",
        "n_params": 1000.0,
        "tokens_per_step": 10.0,
        "tokens_are": "step + 1 times 10",
        "loss": {"kind": "validation", "smoothing": "none", "unit": "nats per token"},
        "source": {
            "files": [
                {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text.encode())}
                for path, text in files.items()
            ]
        },
        "runs": [
            {
                "name": "drop",
                "file": "drop.csv",
                "columns": {"lr": "lr"},
                "schedule": {"kind": "two-stage", "steps": 10, "peak": 1.0, "second": 0.5, "drop_at": 6, "warmup": 2},
            },
            {
                "name": "flat",
                "file": "flat.csv",
                "schedule": {"kind": "constant", "steps": 9, "peak": 1.0, "warmup": 2},
            },
        ],
        "tasks": [
            {
                "name": "schedule",
                "track": "schedule",
                "fit": {"runs": ["flat"]},
                "predict": {"runs": ["drop"]},
                "fitted_points": 6,
                "scored_points": 4,
                "curves": [{"run": "drop", "branch": 6, "points": 4}],
            }
        ],
    }
    return {**card, **changes}


FILES = {"drop.csv": CSV, "flat.csv": "step,loss\n" + "".join(f"{s},{5.0 - 0.09 * s}\n" for s in range(2, 8))}


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Card]:
    """Return a function that writes a small shipped dataset and returns its card."""

    def build(files: dict[str, str] = FILES, **changes: Any) -> Card:
        folder = tmp_path / "datasets" / "toy"
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            (folder / path).write_text(text, encoding="utf-8")
        return check_card(card_of(files, **changes), folder)

    return build


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make `tmp_path/datasets` the only place where datasets are looked for."""
    monkeypatch.setattr(lawbench, "__path__", [str(tmp_path)])
    return tmp_path / "datasets"
