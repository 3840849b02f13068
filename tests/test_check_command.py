"""``lawbench check`` and ``lawbench laws``: what they say of laws, and of exceptions that laws declare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lawbench.checks import CHECKS
from lawbench.cli import app

from .house import House, write_law


def call(*arguments: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def write(folder: Path, name: str, shift: float = 0.0, **exceptions: str) -> Path:
    """Write a law that predicts too little by `shift`, with declared exceptions."""
    declared = f"    exceptions = {exceptions!r}\n    options = "
    return write_law(folder, name, f"L0 = L0 - {shift}", **{"    options = ": declared})


def test_one_law_is_shown_check_by_check(tmp_path: Path) -> None:
    done = call("check", write(tmp_path, "mine"))
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == list(CHECKS)
    assert done.stderr == f"lawbench: 1 law, {len(CHECKS)} checks passed, 0 failed.\n"


def test_all_laws_are_summed_up_and_every_exception_is_explained(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    write(house.root / "laws", "diver", 2.9)
    done = house.lawbench("check", "--all", "--json")
    assert done.returncode == 1
    failing = [result["check"] for result in json.loads(done.stdout) if not result["passed"]]
    assert "finite" in failing
    write(house.root / "laws", "diver", 2.9, **dict.fromkeys(failing, "it dives on purpose"))
    done = house.lawbench("check", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()[1:]]
    assert [[law, check, result] for law, check, result, _ in lines] == [["diver", c, "declared"] for c in failing]
    assert all(reason.strip() == "it dives on purpose" for *_, reason in lines)
    passed = 2 * len(CHECKS) - len(failing)
    assert done.stderr == f"lawbench: 2 laws, {passed} checks passed, {len(failing)} fail as declared, 0 failed.\n"


def test_a_stale_exception_fails(tmp_path: Path) -> None:
    done = call("check", write(tmp_path, "mine", finite="it dives"), "--json", code=1)
    (found,) = [result for result in json.loads(done.stdout) if result["status"] != "passed"]
    assert (found["check"], found["status"], found["passed"]) == ("finite", "stale", False)
    assert "1 declared to fail but passed" in done.stderr


def test_exceptions_are_shown_with_the_law(tmp_path: Path) -> None:
    path = write(tmp_path, "mine", finite="it dives")
    assert "it dives" in call("laws", path).stdout
    assert json.loads(call("laws", path, "--json").stdout)[0]["exceptions"] == {"finite": "it dives"}


def test_a_law_is_shown_with_all_that_it_declares() -> None:
    shown = call("laws", "kaplan_ns").stdout
    for words in (
        r"L(N, S) = \left(\frac{N_c}{N}\right)", "2001.08361", "2020", "n_params, steps, tokens", "parameters",
        "exponent of the size", "0.001", "webtext2", "Blind to the schedule", "token_unit",
    ):  # fmt: skip
        assert words in shown
    assert "mpl_nogamma" in next(line for line in call("laws", "mpl").stdout.splitlines() if "near-copies" in line)


def test_the_list_says_what_a_law_needs_and_whom_it_is_near() -> None:
    header, *lines = call("laws").stdout.splitlines()
    assert header.split() == ["law", "title", "year", "inputs", "parameters", "group", "scored", "reference"]
    (pow3,) = [line for line in lines if line.startswith("pow3 ")]
    assert "power_steps" in pow3
    assert "from" not in header


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "mpl", "--all"), "or give --all"),
        (("check", "mpl", "pycode-bytes"), "one kind at a time"),
        (("check", "mpl", "nothing"), "unknown law or dataset 'nothing'"),
        (("check", "nothing.py"), "does not exist"),
        (("laws", "nothing.py"), "does not exist"),
    ],
)
def test_wrong_names_are_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = call(*arguments, code=2)
    assert words in done.stderr
    assert done.stdout == ""
