"""Laws from elsewhere, used from other processes: installed packages, broken ones too, and single files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .house import House, write_law


class Installed(House):
    """A house with packages of laws installed beside it."""

    @property
    def site(self) -> Path:
        return self.root.parent / "site"

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PYTHONPATH": os.pathsep.join([str(self.root), str(self.site)])}

    def install(self, package: str, law: str, value: str = "{module}.{law}:{cls}", body: str = "pass") -> Path:
        """Lay down a package with one law, as an installer does; return the file of the law."""
        module = package.replace("-", "_")
        path = write_law(self.site / module, law, body)
        (self.site / module / "__init__.py").touch()
        about = self.site / f"{module}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        target = value.format(module=module, law=law, cls=law.title().replace("_", ""))
        (about / "entry_points.txt").write_text(f"[lawbench.laws]\n{law} = {target}\n")
        return path


@pytest.fixture
def house(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "house")


def said(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    """Return what a command printed, errors too; it ended with `code` and without a traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_law_of_a_package_is_a_law_like_others(house: Installed) -> None:
    house.install("their-laws", "planted")
    listed = house.lawbench("laws")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == ["good", "planted"]
    assert "package 'their-laws' (their_laws.planted:Planted)" in said(listed)
    assert "package 'their-laws'" in said(house.lawbench("laws", "planted"))
    assert json.loads(house.lawbench("laws", "good", "--json").stdout)[0]["from"] == "lawbench"
    said(house.lawbench("fit", "planted", "toy", "--run", "flat", "--out", "fit.json"))
    assert "flat,195," in said(house.lawbench("predict", "fit.json", "toy", "--run", "flat"))


def test_workers_and_reports_find_a_law_of_a_package(house: Installed) -> None:
    house.install("their-laws", "planted")
    told = said(house.lawbench("run", "--recipe", "common", "--jobs", "2", "--report-to", "page"))
    assert "4 cells (4 computed, 0 stored): 4 ok" in told
    results = house.cells()
    errors = {law: {c["row"]["task"]: c["row"]["log_mae"] for c in results.values() if c["row"]["law"] == law}
              for law in ("good", "planted")}  # fmt: skip
    assert errors["good"] == errors["planted"]
    assert len(errors["planted"]) == 2
    assert "not installed here" not in (house.root / "page" / "index.html").read_text()
    again = said(house.lawbench("run", "--recipe", "common", "--jobs", "2", "--no-report"))
    assert "4 cells (0 computed, 4 stored)" in again


def test_a_law_of_a_package_is_computed_again_when_it_changes(house: Installed) -> None:
    path = house.install("their-laws", "planted")
    said(house.lawbench("run", "--recipe", "common", "--jobs", "1", "--no-report"))
    path.write_text(path.read_text().replace("start=2.0", "start=2.1"))
    told = said(house.lawbench("run", "--recipe", "common", "--jobs", "1", "--no-report"))
    assert "4 cells (2 computed, 2 stored)" in told


def test_a_package_is_checked_like_the_registry(house: Installed) -> None:
    house.install("their-laws", "planted", body="L0 = L0 - 100.0")
    told = said(house.lawbench("check", "planted"), code=1)
    assert "predicts a loss of -9" in told


def test_a_name_that_is_taken_is_an_error_that_names_both(house: Installed) -> None:
    house.install("their-laws", "good")
    told = said(house.lawbench("laws", "good"), code=2)
    assert "law 'good' is registered by lawbench itself and by package 'their-laws' (their_laws.good:Good)" in told
    listed = house.lawbench("laws")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == ["good"]
    assert listed.stderr.count("registered by lawbench itself and by package 'their-laws'") == 1
    # All laws may be run: the registered one keeps its name, also in the workers.
    told = said(house.lawbench("run", "--jobs", "2", "--no-report", "--out", "out"))
    assert "0 failed" in told
    assert "by package 'their-laws'" in told


def test_two_packages_with_one_name_are_named(house: Installed) -> None:
    house.install("their-laws", "planted")
    house.install("other-laws", "planted")
    told = said(house.lawbench("laws", "planted"), code=2)
    assert "package 'their-laws'" in told
    assert "package 'other-laws'" in told
    assert [line.split()[0] for line in house.lawbench("laws").stdout.splitlines()[1:]] == ["good"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:Broken", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("{module}.{law}:Nothing", "cannot be imported: AttributeError"),
        ("{module}.{law}:np", "is no subclass of Law"),
        ("{module}.other:Other", "is named 'other'"),
    ],
)
def test_a_broken_package_is_reported_and_stops_no_other(house: Installed, value: str, reason: str) -> None:
    house.install("their-laws", "planted")
    house.install("bad-laws", "broken", value)
    write_law(house.site / "bad_laws", "other")
    listed = house.lawbench("laws")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == ["good", "planted"]
    assert "lawbench: law 'broken' of package 'bad-laws'" in listed.stderr
    assert reason in said(listed)
    assert reason in said(house.lawbench("laws", "broken"), code=2)


def test_a_broken_package_is_left_out_of_runs(house: Installed) -> None:
    house.install("bad-laws", "broken", "no_such_module:Broken")
    told = said(house.lawbench("run", "--recipe", "common", "--jobs", "1", "--no-report"))
    assert "law 'broken' of package 'bad-laws' (no_such_module:Broken) cannot be imported" in told
    assert "2 cells (2 computed, 0 stored): 2 ok" in told
    assert "cannot be imported" in said(house.lawbench("run", "--law", "broken"), code=2)


def test_from_python_a_broken_package_is_a_warning(house: Installed) -> None:
    house.install("bad-laws", "broken", "no_such_module:Broken")
    code = """
import warnings, lawbench
with warnings.catch_warnings(record=True) as seen:
    print([law.name for law in lawbench.laws()], [w.category.__name__ for w in seen])
"""
    assert said(house.python(code)) == "['good'] ['LawbenchWarning']\n"


def test_listing_laws_imports_no_package_of_the_others(house: Installed) -> None:
    """A name is known, and another law found, without running the code of a package."""
    house.install("their-laws", "planted")
    code = """
import sys
from lawbench.registry import find_law, law_names
find_law("good")
print(law_names(), "their_laws" in sys.modules)
"""
    assert said(house.python(code)) == "['good', 'planted'] False\n"


def test_a_law_file_is_run_checked_and_reported_from_anywhere(house: Installed) -> None:
    path = write_law(house.root.parent / "elsewhere", "lone")
    done = subprocess.run(
        [sys.executable, "-m", "lawbench.cli", "run", "--law", str(path), "--recipe", "common", "--jobs", "2",
         "--json", "--no-report"],
        cwd=path.parent, env=house.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout)["rows"] if row["law"] == "lone"]
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert "lone" in said(house.lawbench("laws", str(path)))
    path.write_text(path.read_text().replace(', unit="nats/token"', "").replace(".. math::", "It is"))
    told = said(house.lawbench("check", str(path)), code=1)
    assert "parameter L0 has no unit" in told
    assert "no formula in the docstring" in told
