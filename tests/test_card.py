"""Cards: what is refused, and what the sentence says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lawbench.data.card import check_card, read_card
from lawbench.data.dataset import datasets
from lawbench.errors import CardError

from .conftest import FILES, card_of


def _check(change: Callable[[dict[str, Any]], None]) -> str:
    card = card_of(FILES)
    change(card)
    with pytest.raises(CardError) as caught:
        check_card(card, Path("toy"))
    return str(caught.value)


def test_a_valid_card_is_named_by_its_folder() -> None:
    card = check_card(card_of(FILES), Path("somewhere/toy"))
    assert card.name == "toy"
    assert card.run_names == ("drop", "flat")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(licens="MIT"), "unknown key 'licens': did you mean 'licence'?"),
        (lambda c: c["loss"].update(knd="train"), "unknown key 'loss.knd': did you mean 'loss.kind'?"),
        (lambda c: c["source"]["files"][0].update(sha="x"), "did you mean 'source.files[0].sha256'?"),
        (lambda c: c["tasks"][0].update(trak="x"), "unknown key 'tasks[0].trak': did you mean 'tasks[0].track'?"),
        (lambda c: c["tasks"][0]["fit"].update(names=["x"]), "unknown key 'tasks[0].fit.names'"),
        (lambda c: c.pop("licence"), "the key 'licence' is missing: add it"),
        (lambda c: c["loss"].update(kind="test"), "'train', 'validation' or 'unknown' (got 'test')"),
        (lambda c: c.update(redistributable="yes"), "the key 'redistributable'"),
        (lambda c: c.update(n_params=-1.0), "the key 'n_params'"),
        (lambda c: c.update(n_params=float("inf")), "the key 'n_params'"),
        (lambda c: c.update(name="other"), "remove the key 'name'"),
        (lambda c: c["source"]["files"][0].update(sha256="abc"), "the key 'source.files[0].sha256'"),
        (lambda c: c["source"]["files"][0].update(path="../secret"), "stays inside its repository"),
        (lambda c: c["source"].update(repository="a/b"), "needs its full commit"),
        (lambda c: c["source"].update(url="{base}/x"), "a url may hold only {upstream}"),
        (lambda c: c["source"]["files"].append(c["source"]["files"][0]), "file 'drop.csv' is listed twice"),
        (lambda c: c["runs"].append(c["runs"][0]), "run 'drop' is listed twice"),
        (lambda c: c["runs"][0].update(file="drp.csv"), "did you mean 'drop.csv'?"),
        (lambda c: c["tasks"].append(c["tasks"][0]), "task 'schedule' is listed twice"),
        (lambda c: c["tasks"][0].update(fit={}), "one of the two"),
        (lambda c: c["tasks"][0].update(fit={"where": {"tokens": {}}}), "at least one of lt, le, gt, ge, eq, in"),
        (lambda c: c["tasks"][0].update(metric="log_mea"), "did you mean 'log_mae'?"),
        (lambda c: c["tasks"][0].update(metric="r2"), "unknown primary metric 'r2'"),
        (lambda c: c["tasks"][0].update(metric="log_mae_reducible"), "add a table `irreducible`"),
        (lambda c: c.update(irreducible={"value": 0.1, "unit": "relative", "source": "x"}), "is given in nats"),
        (lambda c: c["tasks"][0].update(fit_until=0.5), "gives both `fit_until` and `score_from`"),
        (lambda c: c["tasks"][0].update(track="horizon", fit_until=0.5, score_from=0.2), "at or after `fit_until`"),
        (lambda c: c["tasks"][0].update(track="horizn"), "the key 'tasks[0].track'"),
        (lambda c: c.pop("runs"), "declares no runs: add a [[runs]] table or a loader.py"),
    ],
)
def test_a_bad_card_is_refused_with_key_and_fix(change: Callable[[dict[str, Any]], None], said: str) -> None:
    sentence = _check(change)
    assert sentence.startswith("card 'toy'")
    assert said in sentence
    assert "\n" not in sentence


def test_a_card_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text("title = ", encoding="utf-8")
    with pytest.raises(CardError, match="is not valid TOML"):
        read_card(tmp_path)


def test_every_card_of_the_project_is_valid_and_pinned() -> None:
    cards = datasets()
    assert [card.name for card in cards] == [
        "chinchilla-epoch",
        "multi-power-100m",
        "multi-power-25m",
        "multi-power-400m",
        "over-training",
        "porian",
        "supercollapse-c5m",
        "supercollapse-chess",
    ]
    assert {card.family for card in cards} == {
        "chinchilla", "multi-power", "over-training", "porian", "supercollapse"
    }  # fmt: skip
    assert all(card.source.repository and card.source.commit for card in cards)
    assert sum(len(card.source.files) for card in cards) == 27 + 1 + 104 + 2 + 2 + 2
