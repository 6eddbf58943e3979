import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.ids import (
    IdSource,
    ToolNames,
    is_made_id,
    made_id,
    portable_id,
    restored_id,
)

PORTABLE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SAFE = st.text("abcXYZ019_-", min_size=1, max_size=64)
ODD = st.text(st.characters(codec=None), min_size=1, max_size=90)
IDS = SAFE | ODD | st.text("kpxh_-a:.|2", min_size=1, max_size=80) | SAFE.map(lambda i: "kpx_" + i)


@given(IDS)
def test_every_id_becomes_one_that_all_dialects_take(call_id: str) -> None:
    assert PORTABLE.fullmatch(portable_id(call_id))


@given(IDS, IDS)
def test_different_ids_stay_different(one: str, other: str) -> None:
    """T59: injective, else two calls would share a result."""
    assert (one == other) == (portable_id(one) == portable_id(other))


@given(IDS)
def test_an_id_comes_back_unless_it_was_too_long(call_id: str) -> None:
    form = portable_id(call_id)
    assert restored_id(form) == (form if form.startswith("kph_") and form != call_id else call_id)


@given(IDS)
def test_a_turn_later_the_client_sees_the_same_id(call_id: str) -> None:
    form = portable_id(call_id)
    assert form == portable_id(restored_id(form))


@given(IDS)
def test_an_id_of_the_client_survives_the_way_to_the_upstream_and_back(call_id: str) -> None:
    """Whatever a client calls a call, call and result meet: restoring is injective too."""
    assert portable_id(restored_id(call_id)) == portable_id(
        restored_id(portable_id(restored_id(call_id)))
    )


def test_ids_of_services_are_left_alone_or_readable() -> None:
    assert portable_id("toolu_01AbC") == "toolu_01AbC"
    assert portable_id("functions.Read:0") == "kpx_functions-2eRead-3a0"
    assert restored_id("kpx_functions-2eRead-3a0") == "functions.Read:0"


@pytest.mark.parametrize("forged", ["kpx_", "kpx_-zz", "kpx_-ff", "kpx_plain", "kpx_a-2D"])
def test_what_only_looks_like_ours_is_left_alone(forged: str) -> None:
    assert forged == restored_id(forged)


def test_made_ids_are_told_from_given_ones() -> None:
    """T57, T58."""
    assert made_id("seed", 1) == made_id("seed", 1) != made_id("seed", 2)
    assert is_made_id(made_id(3, 0))
    assert is_made_id(restored_id(portable_id(made_id(3, 0))))
    assert not is_made_id("call_1")


def test_an_id_source_counts() -> None:
    ids = IdSource("ab12")
    assert [ids.make("msg_"), ids.make("call_")] == ["msg_ab1201", "call_ab1202"]
    assert IdSource("ab12").make("msg_") == "msg_ab1201"


NAMES = st.lists(
    st.text("abc._-:/é1", min_size=1, max_size=80) | st.sampled_from(["a.b", "a_b", "a:b"]),
    max_size=8,
)


@given(NAMES)
def test_tool_names_fit_stay_apart_and_come_back(names: list[str]) -> None:
    """T29, T34."""
    mapping = ToolNames(names)
    forms = [mapping.there(name) for name in names]
    assert all(PORTABLE.fullmatch(form) for form in forms)
    assert len(set(names)) == len(set(forms))
    assert names == [mapping.original(form) for form in forms]


@given(NAMES, NAMES)
def test_a_name_keeps_its_form_whatever_other_tools_there_are(
    one: list[str], more: list[str]
) -> None:
    """T93: a tool that is added must not change the bytes of the others."""
    before, after = ToolNames(one), ToolNames([*one, *more])
    assert [before.there(name) for name in one] == [after.there(name) for name in one]


def test_names_that_fit_are_left_alone() -> None:
    mapping = ToolNames(["a.b", "a_b", "mcp__x__y"])
    assert [mapping.there("a_b"), mapping.there("mcp__x__y")] == ["a_b", "mcp__x__y"]
    assert re.fullmatch(r"a_b_[0-9a-f]{8}", mapping.there("a.b"))
    assert mapping.original("never_sent") == "never_sent"


def test_rules_of_another_upstream() -> None:
    mapping = ToolNames(["a.b", "9lives"], legal="a-zA-Z0-9_.:-", first="a-zA-Z_", limit=20)
    assert mapping.there("a.b") == "a.b"
    assert re.fullmatch(r"_9lives_[0-9a-f]{8}", mapping.there("9lives"))
    assert len(mapping.there("x" * 40)) <= 20


def test_a_hash_that_is_taken_grows() -> None:
    taken = ToolNames(["a.b"]).there("a.b")
    mapping = ToolNames(["a.b", taken])
    assert taken == mapping.there(taken)
    assert mapping.there("a.b") not in {taken, "a_b"}
    assert mapping.original(mapping.there("a.b")) == "a.b"
