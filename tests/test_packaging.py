"""The package installed in every way: wheel, sdist, editable with pip and with uv, bare clone.

Every test lists all laws and datasets from outside the repository. Dependencies are not installed
again: the fresh environments see those of this one.
"""

import json
import shutil
import site
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from lawbench.data.dataset import datasets
from lawbench.registry import law_names

from .house import REPOSITORY, copy_repository

pytestmark = pytest.mark.packaging

LIST = """
import json, pathlib, sys
import lawbench
from lawbench.registry import laws
print(json.dumps({
    "from": str(pathlib.Path(lawbench.__file__).resolve().parent),
    "laws": [law.name for law in lawbench.laws()],
    "datasets": [card.name for card in lawbench.datasets()],
    "tasks": len(lawbench.tasks()),
    "typed": (pathlib.Path(lawbench.__file__).parent / "py.typed").is_file(),
    "template": any((pathlib.Path(lawbench.__file__).parent / "report" / "templates").iterdir()),
}))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_repository(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def built(clone, tmp_path_factory):
    """Build the sdist, and the wheel from it."""
    out = tmp_path_factory.mktemp("dist")
    _do([sys.executable, "-m", "build", "--no-isolation", "--outdir", out, clone])
    return {path.suffix: path for path in out.iterdir()}


@pytest.fixture
def fresh(tmp_path):
    """A fresh environment that finds the dependencies of this one, but not lawbench."""
    _do([sys.executable, "-m", "venv", tmp_path / "venv"])
    python = tmp_path / "venv" / "bin" / "python"
    target = Path(_do([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    # Some Pythons bring a setuptools of their own, too old for this package.
    _do([python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"])
    # The editable install of this environment lies in a .pth file, which a plain path does not process.
    places = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()))
    (target / "dependencies.pth").write_text("".join(f"{place}\n" for place in places))
    return python


def _do(command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _listed(python, cwd):
    return json.loads(_do([python, "-c", LIST], cwd=cwd))


def _complete(found, place):
    assert Path(found["from"]).is_relative_to(Path(place).resolve())
    assert found["laws"] == law_names()
    assert found["datasets"] == [card.name for card in datasets()]
    assert found["tasks"] == sum(len(card.tasks) for card in datasets())
    assert found["typed"]
    assert found["template"]


@pytest.mark.parametrize("kind", [".whl", ".gz"])
def test_wheel_and_sdist_hold_every_law_and_dataset(built, fresh, tmp_path, kind):
    _do([fresh, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", built[kind]])
    _complete(_listed(fresh, tmp_path), tmp_path / "venv")
    script = fresh.parent / "lawbench"
    assert "mpl" in _do([script, "laws"], cwd=tmp_path)
    assert "multi-power-25m/schedule" in _do([script, "tasks"], cwd=tmp_path)


def test_the_wheel_shadows_no_other_package(built):
    top = {name.split("/")[0] for name in zipfile.ZipFile(built[".whl"]).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"lawbench"}
    with tarfile.open(built[".gz"]) as sdist:
        assert any(name.endswith("/LICENSE") for name in sdist.getnames())


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_editable_installs_see_the_clone(clone, fresh, tmp_path, tool):
    if tool == "uv":
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        assert uv is not None, "uv is not installed: `make package` installs it"
        _do([uv, "pip", "install", "--quiet", "--python", fresh, "--no-deps", "--no-build-isolation", "-e", clone])
    else:
        _do([fresh, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", clone])
    _complete(_listed(fresh, tmp_path), clone)


def test_a_bare_clone_works_without_installation(clone, fresh):
    _complete(_listed(fresh, clone), clone)


def test_the_version_is_one(built):
    import lawbench

    assert f"-{lawbench.__version__}-" in built[".whl"].name
    assert f'version = "{lawbench.__version__}"' in (REPOSITORY / "pyproject.toml").read_text()
