"""The ledger: numbers that others printed, ours beside them, and why they differ.

Run ``python -m lawbench.report.ledger docs/ledger.md`` after a change of ``ledger.toml``.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from lawbench.errors import InputError
from lawbench.strict import Strict


class Number(Strict):
    """A published number and ours; without `ours` it waits to be confirmed, and needs no tolerance."""

    quantity: str
    published: float
    ours: float | None = None
    tolerance: float = Field(default=0.0, ge=0)
    kind: Literal["absolute", "relative"] = "absolute"
    printed: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether ours lies within the tolerance; None without ours."""
        if self.ours is None:
            return None
        allowed = self.tolerance * (abs(self.published) if self.kind == "relative" else 1.0)
        return abs(self.ours - self.published) <= allowed

    @property
    def limit(self) -> str:
        """Return the tolerance as text."""
        if not self.tolerance:
            return "–"
        return f"{self.tolerance:g}" + (" relative" if self.kind == "relative" else "")

    @model_validator(mode="after")
    def _comparable(self) -> Number:
        if self.ours is not None and not self.tolerance:
            raise ValueError(f"'{self.quantity}' has `ours` and needs `tolerance`")
        return self


class Claim(Strict):
    """What a source states, its numbers, and what explains a difference.

    A claim that cannot be checked says why in `not_checked`, and has none of our numbers.
    """

    name: str = Field(pattern="^[a-z0-9-]+$")
    claim: str
    source: str
    law: str
    dataset: str
    recipe: str = ""
    why: str = ""
    test: str = ""
    not_checked: str = ""
    numbers: tuple[Number, ...] = Field(min_length=1)

    @property
    def verdict(self) -> str:
        """Return ``agrees``, ``differs``, ``not checked``, or ``not yet confirmed`` while one of ours is missing."""
        if self.not_checked:
            return "not checked"
        states = [number.agrees for number in self.numbers]
        if False in states:
            return "differs"
        return "not yet confirmed" if None in states else "agrees"

    @model_validator(mode="after")
    def _explained(self) -> Claim:
        if self.verdict == "differs" and not self.why:
            raise ValueError("a claim that differs needs `why`")
        if self.not_checked and any(number.ours is not None for number in self.numbers):
            raise ValueError("a claim that is not checked has no `ours`")
        return self

    @property
    def reason(self) -> str:
        """Return what explains the verdict; empty where there is nothing to explain."""
        return self.not_checked or self.why


class _File(Strict):
    claims: tuple[Claim, ...] = ()


def read_ledger(path: Path | None = None) -> tuple[Claim, ...]:
    """Return the claims of a ledger, the one of lawbench if no path is given.

    Raises
    ------
    InputError
        If the file is not valid; names the claim and the key.
    """
    place = files("lawbench.report") / "ledger.toml" if path is None else path
    try:
        claims = _File.model_validate(tomllib.loads(place.read_text(encoding="utf-8"))).claims
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the ledger is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the ledger has a wrong entry at {where}: {first['msg']}.") from error
    names = [claim.name for claim in claims]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the ledger has two claims named '{twice}': rename one.")
    return claims


def ledger_markdown(claims: tuple[Claim, ...]) -> str:
    """Return the ledger as a Markdown document."""
    out = [
        "# Ledger",
        "",
        "Numbers that others printed, what lawbench gets, and why they differ. Generated from",
        "`lawbench/report/ledger.toml`; the verdict follows from the numbers.",
        "",
        *_counted(claims),
        "",
    ]
    for claim in claims:
        out += [f"## {claim.claim}", "", f"{claim.source} · `{claim.law}` on `{claim.dataset}`"]
        out[-1] += f" · recipe `{claim.recipe}`" if claim.recipe else ""
        out += ["", "| quantity | published | ours | tolerance | agrees |", "|---|---:|---:|---:|---|"]
        out += [f"| {' | '.join(cells)} |" for cells in number_cells(claim)]
        out += ["", f"**{claim.verdict.capitalize()}.** {claim.reason}".rstrip(), ""]
        out += [f"Test: `{claim.test}`", ""] if claim.test else []
    return "\n".join(out)


def _counted(claims: tuple[Claim, ...]) -> list[str]:
    """Return how many claims and numbers have each verdict, as a table."""
    out = ["| verdict | claims | numbers | of them within the tolerance |", "|---|---:|---:|---:|"]
    for verdict in ("agrees", "differs", "not checked", "not yet confirmed"):
        own = [claim for claim in claims if claim.verdict == verdict]
        numbers = [number for claim in own for number in claim.numbers]
        if own:
            out.append(f"| {verdict} | {len(own)} | {len(numbers)} | {sum(n.agrees is True for n in numbers)} |")
    return out


def number_cells(claim: Claim) -> list[tuple[str, str, str, str, str]]:
    """Return quantity, published, ours, tolerance and agreement of each number, as text."""
    words = {None: "not checked" if claim.not_checked else "not yet confirmed", True: "yes", False: "no"}
    return [
        (
            number.quantity,
            number.printed or f"{number.published:.10g}",
            "–" if number.ours is None else f"{number.ours:.10g}",
            number.limit,
            words[number.agrees],
        )
        for number in claim.numbers
    ]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(ledger_markdown(read_ledger()), encoding="utf-8")
