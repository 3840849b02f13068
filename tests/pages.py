"""The documentation as a reader follows it: pages are walked from top to bottom, and every block is used.

- ``python`` runs in one namespace a page, ``sh`` in one folder a page, with ``lawbench`` at hand.
- A block is a file, and is written, where the line above it is only a path in backticks and a colon, or its own
  first line only a comment with a path. ``json`` and ``toml`` that are no files have to be valid.
- ``text`` is output: its lines, all but the last column of a table, are lines of the ``sh`` block before it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from .house import REPOSITORY

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("docs/datasets/*.md")])
_BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", flags=re.M | re.S)
_NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")
SECONDS = 300

LIGHTER = {
    "lawbench run --law mpl --track schedule": "lawbench run --law opl --task multi-power-25m/schedule",
    "lawbench run --suite offline": "lawbench run --suite smoke --law last_value",
    "lawbench reproduce report": "lawbench reproduce --help",
    "lawbench datasets check": "lawbench datasets check quest nanogpt-logs",
}
"""Commands that take minutes, and the same on less."""
ADDED = {"lawbench run": "--no-report", "lawbench import": "--yes"}
"""What is added to commands: reports have tests of their own, and there is no one to ask."""
NOT_RUN = ("make ", "python -m pip install", "pip install")
"""Commands that build environments: `make test` and `make package` run those."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `file` is the path that it, or the line above it, names."""

    language: str
    text: str
    file: str = ""


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """Return the blocks of a page in their order, or those of one language that are not files."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    out = [Block(match["language"].strip(), match["text"], match["file"] or _named(match["text"])) for match in found]
    return out if language is None else [b for b in out if b.language == language and not b.file]


def _named(text: str) -> str:
    found = _NAMED.match(text)
    return found[1] if found else ""


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a ``sh`` block, one a line, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        command = re.sub(r"\s+#.*$", "", line).strip()
        if command and not command.startswith("#"):
            yield command


def walk(page: Path, folder: Path, environment: Mapping[str, str], *, shell: bool = True) -> None:
    """Do what a page says, in a folder; without its commands if they need files that it does not make."""
    names, said = module("docs_page"), ""
    for block in blocks(page):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, str(page), "exec"), names)
        elif block.language == "sh":
            said = "".join(run(command, folder, environment) for command in commands(block.text) if shell)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "text":
            shown(block.text, said)
        else:
            raise AssertionError(f"{page.name}: a block in '{block.language}' is neither run nor a file: call it text")


def run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command in a folder and return what it prints; one that fails ends the test."""
    if command.startswith(NOT_RUN):
        return ""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lighter(command)], cwd=folder, env=dict(environment),
        input="y\n", capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def lighter(command: str) -> str:
    """Return a command, or the same on less where it would take minutes."""
    added = [flag for start, flag in ADDED.items() if command.startswith(start) and flag not in command]
    return " ".join([LIGHTER.get(command, command), *added])


def shown(text: str, said: str) -> None:
    """Hold output that a page shows against what was said; the last column may differ, it is seconds."""
    if not said:
        return
    lines = [line.split() for line in said.splitlines()]
    for line in filter(str.strip, text.splitlines()):
        words = line.split()
        assert any(words in (other, other[:-1]) for other in lines), f"not in the output: {line}\n{said}"


def shell(folder: Path) -> dict[str, str]:
    """Return an environment with a ``lawbench`` that is this checkout's."""
    folder.mkdir()
    script = folder / "lawbench"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lawbench.cli "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}


def module(name: str) -> dict[str, object]:
    """Return the namespace of a module that can be imported, so that what it defines can be pickled."""
    sys.modules[name] = ModuleType(name)
    return vars(sys.modules[name])
