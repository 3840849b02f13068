"""How to cite lawbench, and what changed: both name the version of the package."""

from __future__ import annotations

import re
import tomllib

import yaml

import lawbench

from .house import REPOSITORY

# Required keys and types of the Citation File Format, version 1.2.0.
REQUIRED = {"cff-version", "message", "title", "authors"}
ALLOWED = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url",
    "version",
}  # fmt: skip


def test_the_citation_file_is_one() -> None:
    found = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert set(found) >= REQUIRED
    assert set(found) <= ALLOWED
    assert found["cff-version"] == "1.2.0"
    assert found["type"] in ("software", "dataset")
    assert found["authors"]
    for author in found["authors"]:
        assert "name" in author or {"family-names", "given-names"} & set(author)
    assert all(isinstance(word, str) for word in found["keywords"])


def test_it_cites_this_version_under_its_licence() -> None:
    found = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(found["version"]) == project["version"] == lawbench.__version__
    assert found["license"] == project["license"]


def test_the_changelog_holds_this_version_and_falls() -> None:
    versions = re.findall(r"^## (\d+)\.(\d+)\.(\d+)", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    numbers = [tuple(map(int, version)) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    assert lawbench.__version__ in [".".join(version) for version in versions]
