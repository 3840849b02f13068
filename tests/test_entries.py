"""Entries: labels, options, recipes, and where laws come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawbench.entries import Entry, entries_for
from lawbench.errors import InputError, UnknownNameError
from lawbench.registry import law_from_file

from .house import write_law

WORD = st.text("abcdefghij_-0123456789", min_size=1, max_size=8)


@pytest.fixture
def law_path(tmp_path):
    return write_law(tmp_path, "own")


@given(WORD, st.dictionaries(WORD, WORD, max_size=3), st.sampled_from(["common", "paper", "published:luo2025-repo"]))
def test_a_label_is_read_back(law, options, recipe):
    entry = Entry(law, tuple(sorted(options.items())), recipe)
    assert Entry.parse(entry.label) == entry


def test_labels_leave_out_what_is_the_default():
    labels = {entry.label for entry in entries_for("mpl")}
    assert labels == {"mpl", "mpl[warmup=raw]@paper", "mpl@published:luo2025", "mpl[warmup=raw]@published:luo2025-repo"}
    assert [e.label for e in entries_for("mpl[warmup=ramp]", "common")] == ["mpl"]


@pytest.mark.parametrize("label", ["mpl[warmup]", "mpl[warmup=raw", "[warmup=raw]", "", "mpl@"])
def test_a_label_that_is_none_is_refused(label):
    with pytest.raises(InputError, match="write law"):
        Entry.parse(label)


def test_every_registered_law_has_the_common_recipe_and_baselines_no_other():
    recipes = {}
    for entry in entries_for():
        recipes.setdefault(entry.law, []).append(entry.recipe)
    assert all("common" in found for found in recipes.values())
    assert recipes["last_value"] == recipes["compute_power"] == ["common"]


def test_recipes_choose_and_published_means_every_source():
    assert {e.recipe for e in entries_for(None, "published")} >= {"published:luo2025", "published:besiroglu2024"}
    assert [e.label for e in entries_for(None, "paper")] == ["mpl[warmup=raw]@paper"]


def test_options_of_ones_own_leave_out_published_sets_that_go_with_others():
    assert [e.label for e in entries_for("mpl[warmup=flat]")] == ["mpl[warmup=flat]"]
    with pytest.raises(InputError, match=r"goes with \[warmup=raw\], not with \[warmup=flat\]"):
        entries_for("mpl[warmup=flat]@paper")


@pytest.mark.parametrize(
    ("laws", "recipes", "words"),
    [
        ("mlp", None, "unknown law 'mlp': did you mean 'mpl'"),
        ("mpl[warm=raw]", None, "option of law 'mpl'.*did you mean 'warmup'"),
        ("mpl@papr", None, "recipe of law 'mpl'.*did you mean 'paper'"),
        ("mpl", "comon", "unknown recipe 'comon': did you mean 'common'"),
        ("last_value@paper", None, "recipe of law 'last_value'"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(laws, recipes, words):
    with pytest.raises(UnknownNameError, match=words):
        entries_for(laws, recipes)


def test_a_law_file_and_a_class_give_the_same_entries(law_path):
    law = law_from_file(law_path)
    from_file, from_class = entries_for(str(law_path)), entries_for([law])
    assert list(from_file) == list(from_class)
    assert [e.label for e in from_file] == [
        "own", "own@published:other", "own@published:whole", "own[clock=double]@published:fair",
    ]  # fmt: skip
    assert [e.label for e in entries_for(f"{law_path}[clock=double]", "common")] == ["own[clock=double]"]


def test_two_laws_of_one_name_are_refused(tmp_path):
    first, second = (write_law(tmp_path / place, "own") for place in ("a", "b"))
    with pytest.raises(InputError, match="two laws are named 'own'"):
        entries_for([first, second])


def test_a_missing_law_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        entries_for(str(tmp_path / "nothing.py"))
