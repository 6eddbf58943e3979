"""Two JSON values, and what differs between them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.recording import changes
from korproxy_addons.recording.changes import Kind, changes_between, encoded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


def told(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(it.path, it.kind.value, it.before, it.after) for it in changes_between(before, after)]


def test_values_are_named_by_their_path() -> None:
    before = {"model": "a", "stream": True, "a b": {"x": 1}, "metadata": {"user": "me"}}
    after = {"model": "b", "stream": True, "a b": {"x": 2}, "max_tokens": 5}
    assert told(before, after) == [
        ("model", "changed", "a", "b"),
        ('["a b"].x', "changed", 1, 2),
        ("metadata", "removed", {"user": "me"}, None),
        ("max_tokens", "added", None, 5),
    ]


def test_what_is_put_in_front_moves_nothing_else() -> None:
    """A system message is added; the two that follow are the same."""
    user, assistant = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    system = {"role": "system", "content": "s"}
    before, after = {"messages": [user, assistant]}, {"messages": [system, user, assistant]}
    assert told(before, after) == [("messages[0]", "added", None, system)]
    assert told(after, before) == [("messages[0]", "removed", system, None)]


def test_items_of_one_name_stand_beside_each_other() -> None:
    """One tool is gone, and another's description is another: the latter is compared with itself."""
    before = [{"name": "bash", "d": 1}, {"name": "read", "d": 1}]
    after = [{"name": "read", "d": 2}]
    assert told(before, after) == [
        ("[0]", "removed", {"name": "bash", "d": 1}, None),
        ("[1].d", "changed", 1, 2),
    ]


def test_a_chat_tool_is_named_by_its_function() -> None:
    before = [
        {"type": "function", "function": {"name": "bash"}},
        {"type": "function", "function": {"name": "read", "description": "a"}},
    ]
    after = [{"type": "function", "function": {"name": "read", "description": "b"}}]
    assert [it.path for it in changes_between(before, after)] == [
        "[0]",
        "[1].function.description",
    ]


def test_items_of_other_names_are_compared_in_place() -> None:
    before = [{"role": "system", "content": "s"}]
    after = [{"role": "developer", "content": "s"}]
    assert told(before, after) == [("[0].role", "changed", "system", "developer")]


def test_text_that_holds_json_is_compared_as_json() -> None:
    before, after = {"arguments": '{"path": "a", "n": 1}'}, {"arguments": '{"n":1,"path":"b"}'}
    assert told(before, after) == [("arguments.(json).path", "changed", "a", "b")]
    assert told(before, {"arguments": "{oops"}) == [
        ("arguments", "changed", before["arguments"], "{oops")
    ]


def test_json_written_another_way_in_a_text_is_the_same() -> None:
    assert told({"arguments": '{"a": 1}'}, {"arguments": '{"a":1}'}) == []


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, "1"), (None, False), (1, 1.0)]
)
def test_values_of_two_types_are_not_equal(one: Any, other: Any) -> None:
    assert told({"a": one}, {"a": other}) == [("a", "changed", one, other)]
    assert told([one], [other]) == [("[0]", "changed", one, other)]


def test_long_lists_are_compared_item_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying them beside each other would take too long; nothing is lost all the same."""
    monkeypatch.setattr(changes, "MOST_STEPS", 3)
    assert told([1, 5, 2, 3], [1, 6, 2, 4, 9]) == [
        ("[1]", "changed", 5, 6),
        ("[3]", "changed", 3, 4),
        ("[4]", "added", None, 9),
    ]


def test_what_lies_too_deep_is_compared_as_a_whole() -> None:
    before: Any = 1
    after: Any = 2
    for _ in range(changes.DEEPEST + 5):
        before, after = [before], [after]
    (found,) = changes_between(before, after)
    assert found.path.count("[0]") == changes.DEEPEST
    assert found.kind is Kind.CHANGED
    assert changes_between(before, json.loads(json.dumps(before))) == ()


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert changes_between(value, json.loads(json.dumps(value))) == ()


@given(JSON, JSON)
def test_two_that_differ_have_differences(one: Any, other: Any) -> None:
    """Seen from either end."""
    found = changes_between(one, other)
    if found:
        assert encoded(one) != encoded(other)
    assert bool(changes_between(other, one)) == bool(found)


@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=6))
def test_every_field_that_is_gone_is_named(value: dict[str, Any]) -> None:
    found = changes_between(value, {})
    assert [it.before for it in found] == list(value.values())
    assert len({it.path for it in found}) == len(value)
    assert {it.kind for it in found} <= {Kind.REMOVED}
