"""Names that persons chose, and what stands for them."""

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.recording.pseudonyms import Pseudonyms


def test_one_thing_has_one_pseudonym_whatever_it_is_called() -> None:
    names = Pseudonyms()
    assert names.add("account", "work", "Jane's plan") == "account-1"
    assert names.add("account", "home") == "account-2"
    assert names.add("account", "work", "another label") == "account-1"
    said = names.text("work failed, Jane's plan and another label too; home did not")
    assert said == "account-1 failed, account-1 and account-1 too; account-2 did not"
    assert names.table() == (
        ("account-1", "work, Jane's plan, another label"),
        ("account-2", "home"),
    )


def test_the_same_names_in_the_same_order_give_the_same_pseudonyms() -> None:
    one, other = Pseudonyms(), Pseudonyms()
    for names in (one, other):
        names.add("project", "~/acme")
        names.add("account", "work")
        names.add("project", "~/other")
    assert one.table() == other.table()


def test_a_name_is_not_found_inside_a_word() -> None:
    names = Pseudonyms()
    names.add("account", "work")
    assert names.text("networking works") == "networking works"
    assert names.text("codex@work/gpt-6, vault:work, work.") == (
        "codex@account-1/gpt-6, vault:account-1, account-1."
    )


def test_of_two_names_that_begin_alike_the_whole_one_counts() -> None:
    names = Pseudonyms()
    names.add("account", "acme")
    names.add("account", "acme-dev")
    assert names.text("acme-dev and acme") == "account-2 and account-1"


def test_what_is_nobodys_name_stays_and_is_taken_for_its_other_spellings() -> None:
    names = Pseudonyms(kept=("claude", "default"))
    assert names.add("account", "claude") == "claude"
    assert names.add("profile", "default", "Everyday") == "default"
    assert names.text("claude, Everyday") == "claude, default"


def test_without_names_nothing_changes() -> None:
    names = Pseudonyms()
    assert names.add("account") == ""
    assert names.add("account", "x") == "x", "one letter would match anywhere"
    assert names.text("x y z") == "x y z"
    assert names.table() == ()


def test_a_value_is_taken_apart_its_fields_names_stay() -> None:
    names = Pseudonyms()
    names.add("provider", "acme-llm")
    value = {"acme-llm": [{"name of acme-llm": "at acme-llm"}, 7, None, ("acme-llm",)]}
    assert names.value(value) == {
        "provider-1": [{"name of acme-llm": "at provider-1"}, 7, None, ["provider-1"]]
    }


@given(st.lists(st.text(min_size=2, max_size=12), max_size=6), st.text(max_size=80))
def test_no_name_is_left_as_a_word_of_its_own(chosen: list[str], text: str) -> None:
    names = Pseudonyms()
    for name in chosen:
        names.add("thing", name)
    cleaned = names.text(f"{text} {' '.join(chosen)} ")
    pseudonyms = {it for it, _ in names.table()}
    for name in chosen:
        if name.isalnum() and name not in pseudonyms:
            assert f" {name} " not in f" {cleaned} "
