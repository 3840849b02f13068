"""The page of a law, written from its declaration: equation, parameters, recipes, sources, and what is confirmed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence

from lawbench.fitting.recipes import recipes_for
from lawbench.inputs import INPUTS
from lawbench.law import Law, Parameter, Published

_MATH = re.compile(r"^\.\. math::[ ]*(.*(?:\n(?:[ ]+.*|(?=\n[ ]+)))*)", flags=re.M)


def law_markdown(law: type[Law], known: Sequence[type[Law]] = ()) -> str:
    """Return the page of a law as a Markdown document; equations are in dollars.

    Parameters
    ----------
    law : type of Law
    known : sequence of type of Law
        Laws that have pages beside this one: those that are named in prose become links.

    Examples
    --------
    >>> from lawbench.registry import find_law
    >>> law_markdown(find_law("m1")).splitlines()[0]
    '# Learning curve M1 (`m1`)'
    """
    body, references = told(law)
    out = [f"# {law.title} (`{law.name}`)", "", body, ""]
    out += [*_facts(law, known), *_parameters(law), *_options(law), *_published(law)]
    note = [law.note, f"Not scored: no task gives all that it needs. It waits for {law.unscored}." * bool(law.unscored)]
    if any(note):
        out += ["## What is confirmed and what is not", "", " ".join(filter(None, note)), ""]
    out += [*_exceptions(law), "## Reference", "", references or f"{law.reference}.", ""]
    return linked("\n".join(out), [other.name for other in known if other is not law])


def laws_markdown(laws: Sequence[type[Law]]) -> str:
    """Return the table of all laws as a Markdown document, grouped by their inputs."""
    out = ["# Laws", "", f"{len(laws)} laws, grouped by what they use of a run. Each is one file in `laws/`.", ""]
    groups: dict[tuple[str, ...], list[type[Law]]] = {}
    for law in laws:
        groups.setdefault(tuple(sorted(law.needs)), []).append(law)
    for needs, members in sorted(groups.items(), key=lambda pair: (len(pair[0]), pair[0])):
        out += [f"## {', '.join(needs)}", "", f"They use {' and '.join(map(_words, needs))}.", ""]
        out += ["| law | title | parameters | recipes | source |", "|---|---|---:|---|---|"]
        for law in members:
            recipes = ", ".join(f"`{recipe}`" for recipe in recipes_for(law))
            cells = [f"[`{law.name}`]({law.name}.md)", law.title, str(len(law.parameters)), recipes, law.reference]
            out.append(f"| {' | '.join(cells)} |")
        out.append("")
    return "\n".join(out)


def told(law: type[Law]) -> tuple[str, str]:
    """Return the docstring of a law in Markdown: its body with the equation, and its references."""
    body, _, references = inspect.cleandoc(law.__doc__ or law.title).partition("\nReferences\n----------\n")
    return markdown(body).strip(), markdown(references).strip()


def markdown(text: str) -> str:
    """Return the reStructuredText of a docstring in Markdown: equations, inline formulas, code.

    Examples
    --------
    >>> markdown("With :math:`x` in ``steps``.")
    'With $x$ in `steps`.'
    """
    text = _MATH.sub(lambda found: f"$$\n{inspect.cleandoc(found[1]).strip()}\n$$", text)
    text = re.sub(r":math:`([^`]+)`", lambda found: f"${' '.join(found[1].split())}$", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def linked(text: str, names: Iterable[str]) -> str:
    """Return Markdown in which laws that are named in prose, in backticks, link to their pages."""
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.sub(rf"(?<![\[`])`({pattern})`(?![\]`])", r"[`\1`](\1.md)", text) if pattern else text


def _facts(law: type[Law], known: Sequence[type[Law]]) -> list[str]:
    out = [f"- **Inputs:** {', '.join(f'`{need}` ({_words(need)})' for need in sorted(law.needs))}"]
    if law.varies:
        out.append(f"- **Needs two values or more of:** {', '.join(f'`{name}`' for name in sorted(law.varies))}")
    out.append(f"- **Recipes:** {', '.join(f'`{recipe}`' for recipe in recipes_for(law))}")
    if law.paper is not None:
        out.append(f"- **Optimiser of the paper:** AdamW as in the {law.paper.reference}")
    if law.alone:
        out.append("- **Alone:** every run has its own parameters, fitted to its own first points")
    copies = [other for other in known if other is not law and _group(other) == _group(law)]
    if copies:
        names = ", ".join(f"`{other.name}`" for other in copies)
        out.append(f"- **Near-copies:** {names}; the group counts once in win rates and ranks")
    return [*out, f"- **Year:** {law.year}", ""]


def _words(need: str) -> str:
    return INPUTS[need].meaning if need in INPUTS else need


def _group(law: type[Law]) -> str:
    return law.group or law.name


def _parameters(law: type[Law]) -> list[str]:
    if not law.parameters:
        return ["## Parameters", "", "None.", ""]
    out = ["## Parameters", "", "| name | meaning | unit | bounds | start | found by |", "|---|---|---|---|---:|---|"]
    for p in law.parameters:
        unit = f"`{p.unit}`" if p.unit else "–"
        cells = [f"`{p.name}`", p.meaning, unit, f"{_number(p.min)} to {_number(p.max)}", _number(p.start)]
        out.append(f"| {' | '.join([*cells, _search(law, p)])} |")
    return [*out, ""]


def _search(law: type[Law], parameter: Parameter) -> str:
    if parameter.name in law.linear:
        return "linear solve"
    return "search in its logarithm" if parameter.scale == "log" else "search"


def _options(law: type[Law]) -> list[str]:
    if not law.options:
        return []
    out = ["## Options", "", "| option | choices (default first) | compared | meaning |", "|---|---|---|---|"]
    for o in law.options:
        choices = ", ".join(f"`{c}`" for c in sorted(o.choices, key=lambda choice: choice != o.default))
        out.append(f"| `{o.name}` | {choices} | {'yes' if o.compared else 'no'} | {o.meaning} |")
    return [*out, ""]


def _published(law: type[Law]) -> list[str]:
    if not law.published:
        return []
    names = [p.name for p in law.parameters]
    out = ["## Published parameters", ""]
    out += [f"| source | dataset | {' | '.join(f'`{name}`' for name in names)} |", f"|---|---|{'---:|' * len(names)}"]
    for p in law.published:
        values = [_number(p.values[name]) if name in p.values else "–" for name in names]
        out.append(f"| `{p.source}` | `{p.dataset}` | {' | '.join(values)} |")
    out.append("")
    for source in dict.fromkeys(p.source for p in law.published):
        out.append(f"- `{source}`: {_printed([p for p in law.published if p.source == source])}")
    return [*out, ""]


def _printed(sets: Sequence[Published]) -> str:
    """Return where sets of one source are printed, the options they go with, and what a reader must know."""
    first = sets[0]
    out = f"{first.reference}."
    if first.options:
        out += f" Options: {', '.join(f'`{name}={value}`' for name, value in first.options.items())}."
    if first.fitted_on:
        out += f" Fitted on {', '.join(f'`{run}`' for run in first.fitted_on)}."
    notes = dict.fromkeys(p.note for p in sets if p.note)
    return out + "".join(f" {note[0].upper()}{note[1:].rstrip('.')}." for note in notes)


def _exceptions(law: type[Law]) -> list[str]:
    """Return the checks that a law declares not to pass, each with its reason."""
    declared = getattr(law, "exceptions", None) or {}
    pairs = declared.items() if isinstance(declared, Mapping) else declared
    rows = [f"- `{check}`: {reason}" for check, reason in pairs]
    return ["## Exceptions to the checks", "", *rows, ""] if rows else []


def _number(value: float) -> str:
    text = (
        (f"{value:.0e}" if value >= 1e5 and value == float(f"{value:.0e}") else f"{value:.9g}")
        .replace("inf", "∞")
        .replace("-", "−")
    )
    return re.sub(r"e([+−]?)0*(\d+)$", lambda found: f"e{found[1].strip('+')}{found[2]}", text)
