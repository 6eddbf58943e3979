import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.recording.json_strings import decoded, leaves, raw_places

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def strings(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [it for one in value for it in strings(one)]
        case dict():
            return [it for name, one in value.items() for it in (name, *strings(one))]
    return []


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_every_string_is_found_where_it_stands(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    """With what it says, whatever is escaped."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    found = [it for it in leaves(text) if it.kind != "bare"]
    assert [it.text for it in found] == strings(value)
    for leaf in found:
        assert json.loads(f'"{text[leaf.start : leaf.end]}"') == leaf.text
        assert leaf.escaped == ("\\" in text[leaf.start : leaf.end])


def test_names_and_paths_are_told() -> None:
    text = '{"a": [{"b": "x"}, "y", {"c": 1}], "d": null} {"e": "z"}'
    told = [(it.kind, it.text, it.key, it.path) for it in leaves(text) if it.kind != "name"]
    assert told == [
        ("string", "x", "b", ("a", 0, "b")),
        ("string", "y", "a", ("a", 1)),
        ("bare", "1", "c", ("a", 2, "c")),
        ("bare", "null", "d", ("d",)),
        ("string", "z", "e", ("e",)),
    ]
    assert [it.text for it in leaves(text) if it.kind == "name"] == list("abcde")
    assert next(it for it in leaves(text) if it.text == "x").names == ("a", "b")


@given(values, st.data())
def test_what_is_cut_off_is_read_as_far_as_it_goes(value: object, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(0, len(text)))]
    whole = [it.text for it in leaves(text) if it.kind != "bare"]
    found = [it.text for it in leaves(cut) if it.kind != "bare"]
    assert found[:-1] == whole[: max(0, len(found) - 1)]


@pytest.mark.parametrize("text", ["]}", '"', '{"a', "}{", '["a"]]"b"', '\\"'])
def test_what_is_no_json_is_read_all_the_same(text: str) -> None:
    assert all(0 <= it.start <= it.end <= len(text) for it in leaves(text))


def test_only_a_part_of_a_text_can_be_read() -> None:
    text = 'data: {"a": "b"}\nevent: "c"'
    assert [it.text for it in leaves(text, 5, 16)] == ["a", "b"]


@given(st.text(max_size=20), st.booleans())
def test_every_letter_has_its_place(text: str, ascii_only: bool) -> None:
    raw = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    places = raw_places(raw)
    assert len(places) == len(decoded(raw)) + 1
    assert [decoded(raw[one:other]) for one, other in pairwise(places)] == list(text)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("a\\x\\", "ax\\"), ("\\ud83d\\ude00\\q", "😀q"), ("\\u12", "u12"), ("\\n\\z", "\nz")],
)
def test_broken_escapes_are_one_letter_each(raw: str, text: str) -> None:
    assert decoded(raw) == text
    assert len(raw_places(raw)) == len(text) + 1
