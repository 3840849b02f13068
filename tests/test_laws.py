"""Every registered law against the contract, and the registry itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lawbench
from lawbench.checks import parametrize_with_checks
from lawbench.checks.prediction import must_be_losses
from lawbench.checks.samples import moved, sample_run
from lawbench.checks.suite import Check
from lawbench.errors import InputError, UnknownNameError
from lawbench.law import Law
from lawbench.registry import find_law, law_file, law_from_file, law_names
from lawbench.schedule import Schedule
from lawbench.shapes import SHAPES, named_schedule


@parametrize_with_checks(lawbench.laws())
def test_conformance(law: type[Law], check: Check) -> None:
    check(law)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any shape of schedule, at any peak, length and warm-up that a run might have."""
    kind = draw(st.sampled_from(sorted(SHAPES)))
    steps, peak = draw(st.integers(200, 3000)), draw(st.floats(3e-5, 1e-3))
    warmup = draw(st.integers(1, steps // 4))
    end = peak * draw(st.sampled_from([0.0, 0.1, 0.5]))
    after = draw(st.integers(warmup + 1, steps - 1))
    more = {
        "constant": {},
        "cosine": {"end": end},
        "linear": {"end": end},
        "wsd": {"end": end, "decay_start": after, "decay": draw(st.sampled_from(["linear", "cosine", "sqrt"]))},
        "two-stage": {"second": end, "drop_at": after},
        "cyclic": {"end": end, "cycles": draw(st.integers(1, 5)), "rewarm": draw(st.integers(0, 10))},
    }[kind]
    return named_schedule(kind, steps=steps, peak=peak, warmup=warmup, **more)


@pytest.mark.parametrize("name", law_names())
@settings(max_examples=15)
@given(schedule=schedules(), seed=st.integers(0, 2**32 - 1))
def test_whatever_the_schedule_a_loss_is_predicted(name: str, schedule: Schedule, seed: int) -> None:
    """Parameters up to a fifth away from typical ones; the law's own search spans more."""
    model = find_law(name)()
    by = np.random.default_rng(seed).uniform(-0.2, 0.2, (3, len(model.parameters)))
    must_be_losses(model, moved(model, by), [sample_run("any", schedule, every=17)])


def test_the_registry_lists_the_folder() -> None:
    folder = Path(next(place for place in lawbench.__path__ if Path(place, "laws").is_dir()), "laws")
    assert law_names() == sorted(path.stem for path in folder.glob("*.py"))
    assert [law.name for law in lawbench.laws()] == law_names()
    assert all(law_file(law).stem == law.name for law in lawbench.laws())


def test_an_unknown_law_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="unknown law 'chinchila': did you mean 'chinchilla'"):
        find_law("chinchila")


def test_an_unknown_option_or_choice_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"option of law 'mpl' 'warmpu': did you mean 'warmup'"):
        find_law("mpl")(warmpu="ramp")
    with pytest.raises(InputError, match=r"is one of ramp, flat, raw, not 'steep'"):
        find_law("mpl")(warmup="steep")


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


def test_the_checks_do_not_need_pytest() -> None:
    """Only `parametrize_with_checks` does, when it is called."""
    code = "import sys, lawbench.checks; print('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
