"""The page of a dataset, written from its card: facts, licence, source, quirks, tasks, and how it is read.

No data file is read, so that the pages of all datasets can be made without any data at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from lawbench.data.card import UPSTREAM, Card, Stated
from lawbench.data.task_card import TRACKS, TaskCard


def card_markdown(card: Card) -> str:
    """Return the page of a dataset as a Markdown document.

    Examples
    --------
    >>> from lawbench.data.dataset import find_card
    >>> card_markdown(find_card("chinchilla-epoch")).splitlines()[0]
    '# chinchilla-epoch'
    """
    out = [f"# {card.name}", "", f"{card.title}.", "", "Generated from the card.", ""]
    out += [*facts(card), *_tasks(card), *masks(card), *source(card), *loader(card)]
    return "\n".join(out)


def cards_markdown(cards: Sequence[Card]) -> str:
    """Return the table of all datasets as a Markdown document."""
    out = ["# Datasets", ""]
    families = len({card.family for card in cards})
    tasks = sum(len(card.tasks) for card in cards)
    out += [f"{len(cards)} datasets of {families} families, with {tasks} tasks. [Data](../data.md) says how they are"]
    out += ["found and checked, [tasks](../tasks.md) holds every task in one table.", ""]
    out += [
        f"| dataset | what | family | {' | '.join(TRACKS)} | licence |",
        f"|---|---|---|{'---:|' * len(TRACKS)}---|",
    ]
    for card in cards:
        counts = [sum(task.track == track for task in card.tasks) for track in TRACKS]
        cells = [f"[`{card.name}`]({card.name}.md)", card.title, card.family, *(str(n or "") for n in counts)]
        out.append(f"| {' | '.join([*cells, card.licence])} |")
    return "\n".join([*out, ""])


def facts(card: Card) -> list[str]:
    """Return how to cite a dataset, what its numbers are, and its quirks, as lines of Markdown."""
    passed = "may be passed on" if card.redistributable else "may not be passed on: reports show it only as aggregates"
    out = [f"- **Cite:** {card.citation}", f"- **Licence:** {card.licence}; {passed}", f"- **Family:** {card.family}"]
    out.append(f"- **Loss:** {card.loss.kind}, {card.loss.unit}; smoothing: {card.loss.smoothing}")
    if card.n_params is not None:
        out.append(f"- **Size:** {card.n_params:,.0f} parameters")
    out += [f"- **N:** {card.n_params_counts}", f"- **Tokens:** {card.tokens_are}"]
    if card.tokens_per_step is not None:
        out.append(f"- **Tokens per step:** {card.tokens_per_step:,.0f}")
    if card.vocabulary is not None:
        out.append(f"- **Vocabulary:** {card.vocabulary}")
    for what, stated in (("Noise", card.noise), ("Rounding", card.quantisation), ("Irreducible", card.irreducible)):
        if stated is not None:
            out.append(f"- **{what}:** {_stated(stated)}")
    return [*out, "", "## Quirks", "", *(f"- {quirk}" for quirk in card.quirks), ""] if card.quirks else [*out, ""]


def masks(card: Card) -> list[str]:
    """Return up to which step predicted runs follow a fitted one, and how many of their points count."""
    rows = [
        f"| {task.name} | {curve.run} | {curve.branch} | {curve.points} |"
        for task in card.tasks
        if task.track == "schedule"
        for curve in task.curves
        if curve.branch
    ]
    if not rows:
        return []
    told = "Up to the branch step the rates are those of a fitted run of the same model; those points do not count."
    head = ["| task | predicted run | branch step | points that count |", "|---|---|---:|---:|"]
    return ["## Masks", "", told, "", *head, *rows, ""]


def source(card: Card) -> list[str]:
    """Return where the files of a dataset come from, and the sha256 of each."""
    given, address = card.source, ""
    out = ["## Source", ""]
    if given.repository is None:
        out += ["The files ship with lawbench.", ""]
    elif given.url == UPSTREAM:
        address = f"https://github.com/{given.repository}"
        out += [f"[`{given.repository}`]({address}/tree/{given.commit}), commit `{given.commit}`.", ""]
    else:
        out += [f"`{given.repository}`, revision `{given.commit}`.", ""]
    out += ["| file | bytes | sha256 |", "|---|---:|---|"]
    for file in given.files:
        name = f"`{file.path}`"
        name = f"[{name}]({address}/blob/{given.commit}/{quote(file.path)})" if address else name
        out.append(f"| {name} | {file.bytes} | `{file.sha256}` |")
    return [*out, ""]


def loader(card: Card) -> list[str]:
    """Return the code that reads a dataset, where its card alone does not say how."""
    if card.loader is None:
        return ["## How it is read", "", "The card declares every run; there is no loader.", ""]
    return [
        "## How it is read",
        "",
        "`loader.py`:",
        "",
        "```python",
        card.loader.read_text("utf-8").rstrip(),
        "```",
        "",
    ]


def _tasks(card: Card) -> list[str]:
    if not card.tasks:
        return ["## Tasks", "", "None yet.", ""]
    out = ["## Tasks", "", "| task | track | ranked | fitted | scored | what |", "|---|---|---|---:|---:|---|"]
    for task in card.tasks:
        ranked = "yes" if task.ranked else "no"
        cells = [task.name, task.track, ranked, str(task.fitted_points), str(task.scored_points), _what(task)]
        out.append(f"| {' | '.join(cells)} |")
    return [*out, ""]


def _what(task: TaskCard) -> str:
    return task.note if task.metric == "log_mae" else f"{task.note} Primary metric: `{task.metric}`.".strip()


def _stated(stated: Stated) -> str:
    return f"{stated.value:g} ({stated.unit}): {stated.source}"
