"""Plain values: taken apart without trust, shown without a secret."""

import pytest

from korproxy_addons.config.values import items, mapping, near, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (7, "the number 7"),
        (10**30, "a number"),
        ("chatgpt", "'chatgpt'"),
        ("", "an empty text"),
        ("two words", "a text"),
        ([1], "a list"),
        ({"a": 1}, "a mapping"),
    ],
)
def test_values_are_shown_by_kind(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-canary",
        "sk-canary",
        "AIzaCanary",
        "AQ.Canary",
        "ya29.canary",
        "eyJhbGciOi",
        "ghp_canary",
        "kp-local-canary",
        "0123456789abcdef0123456789",
    ],
)
def test_what_looks_like_a_key_is_not_shown(secret: str) -> None:
    assert shown(secret) == "a text"


def test_near_names_one_word_or_none() -> None:
    assert near("cluade", ("codex", "claude")) == " (did you mean 'claude'?)"
    assert near("zzz", ("codex", "claude")) == ""


@pytest.mark.parametrize("value", [None, 1, "text", [1]])
def test_what_is_no_mapping_is_an_empty_one(value: object) -> None:
    assert mapping(value) == {}
    assert mapping({"a": value}) == {"a": value}


@pytest.mark.parametrize("value", [None, 1, "text", {"a": 1}])
def test_what_is_no_list_has_no_items(value: object) -> None:
    assert list(items(value)) == []
    assert list(items(["x", value])) == [(0, "x"), (1, value)]
