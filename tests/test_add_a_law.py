"""docs/add-a-law.md, executed from an empty folder outside the repository as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .house import ENGINE, REPOSITORY

PAGE = (REPOSITORY / "docs" / "add-a-law.md").read_text(encoding="utf-8")
PACKAGE = "\n## A package of your own\n"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.M | re.S)
FILE = re.compile(r"# ([\w./-]+\.(?:py|toml))\n")


@dataclass
class Reader:
    """A folder with a clone of the repository in it, and the commands that the page uses.

    The clone's laws may be added to; the rest is the repository's. `lawbench` is the clone's.
    """

    folder: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clone, tools = self.folder / "lawbench", self.folder / ".tools"
        clone.mkdir()
        tools.mkdir()
        for name in ("lawbench", "datasets"):
            (clone / name).symlink_to(REPOSITORY / name, target_is_directory=True)
        shutil.copytree(REPOSITORY / "laws", clone / "laws", ignore=shutil.ignore_patterns("__pycache__"))
        commands = {
            "lawbench": "-m lawbench.cli",
            "pytest": "-m pytest -p no:cacheprovider",
            "python": "",
            "pip": "",
        }
        for name, module in commands.items():
            script = tools / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        # The same pip, but it installs beside the clone and asks no index.
        install = '"$1" --quiet --no-deps --no-index --no-build-isolation --target "$SITE" "$2"'
        (tools / "pip").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip {install}\n')

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LAWBENCH_")}
        site = self.folder / ".site"
        return kept | {
            "PATH": f"{self.folder / '.tools'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(self.folder / "lawbench"), str(site)]),
            "SITE": str(site),
            "PYTHONDONTWRITEBYTECODE": "1",
            # No data from elsewhere: the page must do without.
            "LAWBENCH_CACHE": str(self.folder / ".cache"),
            "LAWBENCH_UPSTREAM": "http://127.0.0.1:9",
        }

    def follow(self, text: str) -> None:
        """Write the files of a text and run its other blocks, in order."""
        for language, block in BLOCK.findall(text):
            named = FILE.match(block)
            if named:
                path = self.folder / named[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block, encoding="utf-8")
            elif language == "python":
                self._run(["python", "-c", block])
            else:
                assert language == "sh", f"a block of {language} that is no file"
                self._run(["bash", "-euo", "pipefail", "-c", block])

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        self.said.append(done.stdout)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    assert not tmp_path.is_relative_to(REPOSITORY)
    assert ENGINE.parent == REPOSITORY, "this test needs the repository, not an installed package"
    return Reader(tmp_path)


def ranked(text: str) -> set[str]:
    """Return the entries that stand on printed boards with a rank."""
    return set(re.findall(r"^ *\d+  (\S+)", text, flags=re.M))


def test_the_page_leads_to_a_ranked_law(reader: Reader) -> None:
    before, package, _ = PAGE.partition(PACKAGE)
    assert package
    reader.follow(before)
    start, fitted, shown, tested, clone = reader.said
    assert {"my_law", "mpl", "power_steps", "last_value"} <= ranked(start)
    assert 0.0 < float(fitted) < 1.0
    assert "time constant" in shown
    assert "500 steps are part of the formula" in tested
    assert "passed" in tested
    assert "my_law" in ranked(clone)


@pytest.mark.packaging
def test_the_page_leads_to_a_package(reader: Reader) -> None:
    before, _, after = PAGE.partition(PACKAGE)
    (law,) = [block for _, block in BLOCK.findall(before) if block.startswith("# exponential.py")]
    (reader.folder / "exponential.py").write_text(law, encoding="utf-8")
    reader.follow(after)
    (said,) = reader.said
    assert "package 'my-laws' (my_laws.exponential:Exponential)" in said
    assert "exponential" in ranked(said)
