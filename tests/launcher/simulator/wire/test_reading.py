"""Readers that never raise."""

import pytest

from launcher.simulator.wire.reading import (
    mapping,
    number,
    objects,
    one_or_more,
    strings,
    text_of,
    word,
)


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, [1, None], {"a": 1}])
def test_nothing_makes_them_raise(value: object) -> None:
    assert all(isinstance(each, dict) for each in (*objects(value), *one_or_more(value)))
    assert isinstance(mapping(value), dict)
    assert isinstance(text_of(value), str)
    assert isinstance(strings(value), tuple)
    assert number(value) in {None, 1}


def test_a_word_is_a_string_of_an_object() -> None:
    assert [word(value, "type") for value in ({"type": "x"}, {"type": ["x"]}, {}, None)] == [
        "x",
        "",
        "",
        "",
    ]


def test_text_of_parts_is_joined_by_lines() -> None:
    assert text_of([{"text": "a"}, {"image": 1}, {"text": None}, {"text": "b"}]) == "a\nb"
    assert text_of({"text": "a"}) == "a"


def test_a_truth_value_is_no_number() -> None:
    assert number(True) is None


def test_one_object_may_stand_in_place_of_a_list() -> None:
    assert one_or_more({"a": 1}) == one_or_more([{"a": 1}, 2]) == [{"a": 1}]


def test_one_string_is_a_list_of_one() -> None:
    assert strings("a") == ("a",)
    assert strings(["a", 1]) == ("a",)
