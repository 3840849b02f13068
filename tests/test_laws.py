"""Every registered law against the contract, and the registry itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lawbench
from lawbench.checks import CHECKS, check_law
from lawbench.errors import InputError, UnknownNameError
from lawbench.law import Inputs, Law, Parameter
from lawbench.registry import find_law, law_file, law_from_file, law_names
from lawbench.runs import Run

LAWS = [
    "annealing_area",
    "annealing_area_size",
    "chinchilla",
    "compute_power",
    "convex_bound",
    "convex_bound_power",
    "fsl",
    "last_value",
    "lldl",
    "mel",
    "mpl",
    "mpl_nogamma",
    "mpl_steps",
    "opl",
    "power_steps",
    "temporal_agg",
]


def test_the_registry_lists_the_folder() -> None:
    assert set(LAWS) <= set(law_names())
    assert [law.name for law in lawbench.laws()] == law_names()
    assert all(law_file(law).stem == law.name for law in lawbench.laws())


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", LAWS)
def test_conformance(name: str, check: str) -> None:
    CHECKS[check](find_law(name))


def test_an_unknown_law_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="unknown law 'chinchila': did you mean 'chinchilla'"):
        find_law("chinchila")


def test_an_unknown_option_or_choice_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"option of law 'mpl' 'warmpu': did you mean 'warmup'"):
        find_law("mpl")(warmpu="ramp")
    with pytest.raises(InputError, match=r"is one of ramp, flat, raw, not 'steep'"):
        find_law("mpl")(warmup="steep")


class Crooked(Law):
    """A law that breaks most rules."""

    name, title, reference, year = "crooked", "", "none", 2026
    needs = frozenset({"steps"})
    linear = ("b",)
    parameters = (Parameter("a", "", start=2.0), Parameter("b", "not linear", start=1.0))

    def prepare(self, run: Run) -> Inputs:
        return {"t": run.updates}

    def predict(self, p: np.ndarray, x: Inputs) -> Any:
        a, b = p
        x["t"] = x["t"] * 1.01
        return a + np.abs(b) ** 2 * x["t"]

    def jacobian(self, p: np.ndarray, x: Inputs) -> Any:
        a, b = p
        return np.stack(np.broadcast_arrays(a * x["t"], b * x["t"]))


def test_the_suite_finds_what_is_wrong() -> None:
    failed = {result.name: result.reason for result in check_law(Crooked) if not result.passed}
    assert {"declared", "derivative", "linear", "pure"} <= set(failed)
    assert all(failed.values())


def test_a_law_file_must_hold_one_law_of_its_name(tmp_path: Path) -> None:
    source = law_file(find_law("power_steps")).read_text()
    (tmp_path / "power_steps.py").write_text(source)
    assert law_from_file(tmp_path / "power_steps.py").name == "power_steps"
    (tmp_path / "other.py").write_text(source)
    with pytest.raises(InputError, match="name the file after the law"):
        law_from_file(tmp_path / "other.py")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(InputError, match="it holds 0"):
        law_from_file(tmp_path / "empty.py")
    (tmp_path / "broken.py").write_text("1/0")
    with pytest.raises(InputError, match="cannot be run: ZeroDivisionError"):
        law_from_file(tmp_path / "broken.py")
    with pytest.raises(InputError, match="does not exist"):
        law_from_file(tmp_path / "none.py")
