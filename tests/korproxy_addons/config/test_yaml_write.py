from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.yaml_tree import read_yaml
from korproxy_addons.config.yaml_write import block_lines, flow, scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = st.sampled_from(
    ["a", "true", "1e3", "0x1f", "- x", "a: b", "a #b", "~", "*a", " a", "[", ""]
)
SCALARS = TEXTS | WORDS | st.booleans() | st.integers(-(2**60), 2**60) | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS.filter(bool) | WORDS.filter(bool), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(text: str) -> Any:
    tree = read_yaml(text.encode(), "it")
    assert tree.problems == [], (text, tree.problems)
    return tree.data


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert read("\n".join(block_lines({"key": value}, 0))) == {"key": value}
    assert read(f"key: {flow(value)}") == {"key": value}


@given(VALUES)
def test_lines_may_stand_at_any_column(value: Any) -> None:
    text = "top:\n" + "\n".join(block_lines([value, {"a": value}], 4))
    assert read(text) == {"top": [value, {"a": value}]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("env:OPENAI_API_KEY", "env:OPENAI_API_KEY"),
        ("claude-*", "claude-*"),
        ("My plan (work)", "My plan (work)"),
        ("yes", "yes"),
        ("true", '"true"'),
        ("1337", '"1337"'),
        ("a # b", '"a # b"'),
        ("Zürich", '"Zürich"'),
        (True, "true"),
        (None, "null"),
        (3, "3"),
    ],
)
def test_quotes_stand_only_where_they_are_needed(value: Any, text: str) -> None:
    assert scalar(value) == text


def test_lists_of_words_stay_on_one_line() -> None:
    value = {"models": ["a", "b, c"], "rules": [{"group": "x"}]}
    assert block_lines(value, 2) == ['  models: [a, "b, c"]', "  rules:", "    - group: x"]


def test_other_things_are_refused() -> None:
    with pytest.raises(TypeError, match="a set cannot"):
        scalar({1})
