"""Pages of laws and datasets: what a law declares and a card says is on its page."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lawbench.data.card import Card
from lawbench.data.dataset import datasets, find_card
from lawbench.inputs import INPUTS
from lawbench.law import Law, Parameter
from lawbench.registry import find_law, laws
from lawbench.report.card_page import card_markdown, cards_markdown, masks
from lawbench.report.law_page import law_markdown, laws_markdown, linked, markdown, told


@pytest.mark.parametrize("law", laws(), ids=lambda law: law.name)
def test_a_law_has_its_equation_parameters_and_sources_on_its_page(law: type[Law]) -> None:
    page = law_markdown(law, laws())
    assert page.count("$$") == 2
    assert ".. math" not in page
    assert ":math:" not in page
    assert "``" not in page
    for parameter in law.parameters:
        assert re.search(rf"^\| `{parameter.name}` \| {re.escape(parameter.meaning)} \|", page, flags=re.M)
    for published in law.published:
        assert f"| `{published.source}` | `{published.dataset}` |" in page
        assert published.reference in page
    for text in (law.note, law.unscored):
        assert re.sub(r"`", "", text) in re.sub(r"[`\[\]]|\(\w+\.md\)", "", page)


@pytest.mark.parametrize("law", laws(), ids=lambda law: law.name)
def test_inputs_of_laws_are_in_words(law: type[Law]) -> None:
    assert law.needs | law.varies <= set(INPUTS)


def test_every_law_is_in_the_table_once() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(\1\.md\)", laws_markdown(laws()), flags=re.M)
    assert sorted(rows) == [law.name for law in laws()]


def test_near_copies_name_each_other() -> None:
    mpl = [law for law in laws() if law.group == "mpl"]
    assert len(mpl) > 1
    for law in mpl:
        line = next(line for line in law_markdown(law, laws()).splitlines() if line.startswith("- **Near-copies:**"))
        assert re.findall(r"\[`(\w+)`\]\(\1\.md\)", line) == [other.name for other in mpl if other is not law]
    assert "Near-copies" not in law_markdown(find_law("chinchilla"), laws())


def test_only_laws_named_in_prose_become_links() -> None:
    assert linked("`m1`, [`m1`](m1.md) and `m1x`", ["m1"]) == "[`m1`](m1.md), [`m1`](m1.md) and `m1x`"


def test_an_equation_of_several_lines_stays_one() -> None:
    text = "A law.\n\n.. math::\n    a = b \\\\\n      + c\n\nwith :math:`a\nb`."
    assert markdown(text) == "A law.\n\n$$\na = b \\\\\n  + c\n$$\n\nwith $a b$."


def test_references_are_apart_from_the_equation() -> None:
    body, references = told(find_law("chinchilla"))
    assert "References" not in body
    assert references == "Hoffmann et al. 2022, arXiv 2203.15556, approach 3."


def test_exceptions_to_checks_are_told_with_their_reasons() -> None:
    class Odd(Law):
        """A law with an exception.

        .. math:: L = a
        """

        name, title, reference, year = "odd", "Odd", "nobody", 2026
        needs = frozenset({"steps"})
        parameters = (Parameter("a", "level", max=np.inf),)
        exceptions = {"recovers": "there is nothing to recover"}  # noqa: RUF012

        def prepare(self, run):  # type: ignore[no-untyped-def]
            return {}

        def predict(self, p, x):  # type: ignore[no-untyped-def]
            return p

    assert "- `recovers`: there is nothing to recover" in law_markdown(Odd)
    assert "Exceptions" not in law_markdown(find_law("m1"))


@pytest.mark.parametrize("card", datasets(), ids=lambda card: card.name)
def test_a_dataset_has_its_licence_source_quirks_and_tasks_on_its_page(card: Card) -> None:
    page = card_markdown(card)
    for text in (card.title, card.citation, card.licence, card.loss.unit, *card.quirks, str(card.source.commit or "")):
        assert text in page
    for file in card.source.files:
        assert file.sha256 in page
    for task in card.tasks:
        ranked = "yes" if task.ranked else "no"
        assert f"| {task.name} | {task.track} | {ranked} | {task.fitted_points} | {task.scored_points} |" in page


def test_what_may_not_be_passed_on_says_so() -> None:
    assert "none stated; may not be passed on" in card_markdown(find_card("chinchilla-epoch"))
    assert "MIT; may be passed on" in card_markdown(find_card("quest"))


def test_masks_are_those_of_the_card() -> None:
    assert "| schedule | wsdld | 20001 | 31 |" in "\n".join(masks(find_card("multi-power-100m")))
    assert masks(find_card("quest")) == []


def test_every_dataset_is_in_the_table_once() -> None:
    rows = re.findall(r"^\| \[`([\w-]+)`\]\(\1\.md\)", cards_markdown(datasets()), flags=re.M)
    assert rows == [card.name for card in datasets()]
