"""Equations of laws: the LaTeX of a docstring as MathML, so that a page shows them without a script or a font."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from html import escape

from lawbench.law import Law

_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
_ROLE = re.compile(r":math:`([^`]*)`|``([^`]+)``|`([^`]+)`")


@dataclass(frozen=True)
class Formula:
    """What the docstring of a law says, as HTML: one sentence, its equations, and the prose beside them."""

    summary: str
    equations: tuple[str, ...]
    prose: tuple[str, ...]


def mathml(latex: str, *, display: bool = True) -> str:
    """Return LaTeX as MathML; as code where it cannot be converted.

    Examples
    --------
    >>> "<mfrac>" in mathml(r"\\frac{a}{b}")
    True
    """
    from latex2mathml.converter import convert

    try:
        # Inside HTML the namespace is known, and every byte is repeated hundreds of times.
        return convert(latex, display="block" if display else "inline").replace(_NAMESPACE, "")
    except Exception:
        return f"<code>{escape(latex)}</code>"


def formula(law: type[Law]) -> Formula:
    """Return the summary, equations and prose of a law's docstring; its references are left to `law.reference`."""
    text = inspect.cleandoc(law.__doc__ or "").split("\nReferences\n---", 1)[0]
    equations, prose = [], []
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith(".. math::"):
            equations.append(mathml(" ".join(block.split(".. math::", 1)[1].split())))
        elif block.strip():
            prose.append(inline(" ".join(block.split())))
    return Formula(prose[0] if prose else "", tuple(equations), tuple(prose[1:]))


def inline(text: str) -> str:
    """Return prose as HTML, with its inline mathematics and code."""
    out, at = [], 0
    for found in _ROLE.finditer(text):
        out.append(escape(text[at : found.start()]))
        latex, code, name = found.groups()
        out.append(mathml(latex, display=False) if latex is not None else f"<code>{escape(code or name)}</code>")
        at = found.end()
    return "".join([*out, escape(text[at:])])
