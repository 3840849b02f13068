"""A house of the tests' own: the engine with a small dataset and small laws, also for other processes."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lawbench

ENGINE = Path(lawbench.__file__).parent
REPOSITORY = ENGINE.parent

CARD = """
title = "Toy"
citation = "made by the tests"
licence = "MIT"
redistributable = true
family = "toy"
model = "toy"
n_params = 1e6
n_params_counts = "all"
tokens_per_step = 1024
tokens_are = "step + 1 times 1024"

[loss]
kind = "train"
smoothing = "none"
unit = "nats per token"

[source]
files = [{files}]

[[runs]]
name = "flat"
file = "flat.csv"
schedule = {{ kind = "constant", steps = 200, peak = 1e-3, warmup = 4 }}

[[runs]]
name = "drop"
file = "drop.csv"
schedule = {{ kind = "two-stage", steps = 200, peak = 1e-3, second = 1e-4, drop_at = 100, warmup = 4 }}

[[tasks]]
name = "schedule"
track = "schedule"
fit = {{ runs = ["flat"] }}
predict = {{ runs = ["drop"] }}
fitted_points = 39
scored_points = 20
curves = [{{ run = "drop", branch = 100, points = 20 }}]

[[tasks]]
name = "horizon"
track = "horizon"
fit = {{ runs = ["flat"] }}
predict = {{ runs = ["flat"] }}
fit_until = 0.5
score_from = 0.7
fitted_points = 19
scored_points = 12
curves = [{{ run = "flat", branch = 100, points = 12 }}]
"""

LAW = r'''
from __future__ import annotations

import numpy as np

from lawbench.law import Law, Option, Parameter, Published


class {cls}(Law):
    r"""A law of the tests.

    .. math:: L(t) = L_0 + A\, t^{{-\alpha}}
    """

    name = "{name}"
    title = "{name}"
    reference = "the tests"
    year = 2026
    needs = frozenset({{"steps"}})
    linear = ("L0", "A")
    options = (Option("clock", "updates", ("updates", "double"), "what counts as time"),)
    parameters = (
        Parameter("L0", "floor", min=0.0, start=2.0, unit="nats/token"),
        Parameter("A", "amplitude", min=1e-6, max=1e6, start=1.0, scale="log", unit="nats step^alpha"),
        Parameter("alpha", "exponent", min=0.01, max=2.0, start=0.5, unit="1", grid=(0.2, 0.5, 0.8)),
    )
    published = (
        Published("whole", "a paper", "toy", {{"L0": 2.0, "A": 3.0, "alpha": 0.5}}),
        Published("fair", "a paper", "toy", {{"L0": 2.0, "A": 3.0, "alpha": 0.5}}, ("flat",), {{"clock": "double"}}),
        Published("other", "a paper", "elsewhere", {{"L0": 2.0, "A": 3.0, "alpha": 0.5}}),
    )

    def prepare(self, run):
        return {{"log_t": np.log(run.updates * (2 if self.choices["clock"] == "double" else 1))}}

    def predict(self, p, x):
        L0, A, alpha = p
        {body}
        return L0 + A * np.exp(-alpha * x["log_t"])
'''


def write_law(folder: Path, name: str, body: str = "pass", **changes: str) -> Path:
    """Write a power law whose `predict` starts with `body`; `changes` replace text of the file."""
    text = LAW.format(name=name, cls=name.title().replace("_", ""), body=body)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


def write_toy(folder: Path) -> Path:
    """Write the dataset ``toy`` below a folder."""
    place = folder / "toy"
    place.mkdir(parents=True)
    files = []
    for name, extra in (("flat.csv", 0.0), ("drop.csv", 0.05)):
        # A wiggle keeps the fit from being exact, so that rounding would show.
        rows = [(s, 2.0 + 3.0 * (s + 1) ** -0.5 - extra * (s >= 100) + 1e-3 * ((s * 7919) % 13 - 6) / 6)
                for s in range(5, 200, 5)]  # fmt: skip
        text = "step,loss\n" + "".join(f"{s},{loss:.6f}\n" for s, loss in rows)
        (place / name).write_text(text, encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        files.append(f'{{ path = "{name}", sha256 = "{digest}", bytes = {len(text.encode())} }}')
    (place / "card.toml").write_text(CARD.format(files=", ".join(files)), encoding="utf-8")
    return place


def settle(monkeypatch: pytest.MonkeyPatch, root: Path) -> Path:
    """Make this process see the registered laws, the dataset ``toy``, and no other dataset."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "laws").symlink_to(REPOSITORY / "laws", target_is_directory=True)
    write_toy(root / "datasets")
    monkeypatch.setattr(lawbench, "__path__", [str(ENGINE), str(root)])
    return root


class House:
    """A checkout with laws and datasets of its own, used from other processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        (root / "lawbench").symlink_to(ENGINE, target_is_directory=True)
        write_toy(root / "datasets")
        write_law(root / "laws", "good")

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use this house and no other."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LAWBENCH_")}
        return kept | {"PYTHONPATH": str(self.root), "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}

    def python(self, code: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run Python code in the house."""
        return self._run([sys.executable, "-c", code], timeout)

    def lawbench(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the command line in the house."""
        return self._run([sys.executable, "-m", "lawbench.cli", *arguments], timeout)

    def rows(self, timeout: float = 120, **arguments: Any) -> list[dict[str, Any]]:
        """Run cells in the house and return the rows without their seconds."""
        code = f"""
import json, lawbench
frame = lawbench.run(**{arguments!r})
print(frame.drop(columns="seconds").to_json(orient="records", double_precision=15))
"""
        done = self.python(code, timeout)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found

    def cells(self, folder: str = "results") -> dict[str, dict[str, Any]]:
        """Return the stored cells by file name."""
        return {path.name: json.loads(path.read_text()) for path in sorted((self.root / folder).glob("*.json"))}

    def _run(self, command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )


def copy_repository(target: Path) -> Path:
    """Copy what makes the package, as a bare clone would have it."""
    for name in ("lawbench", "laws", "datasets"):
        shutil.copytree(REPOSITORY / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, target / name)
    return target


TRAIN = REPOSITORY / "datasets" / "pycode-bytes" / "train"


@contextmanager
def modules_of(folder: Path, *names: str) -> Iterator[SimpleNamespace]:
    """Import modules of a folder that is no package, and forget them afterwards."""
    sys.path.insert(0, str(folder))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
