import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.gateway import json_depth
from korproxy_addons.gateway.json_depth import deeper_than

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='{}[]"\\/n\t\né', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


def depth(value: object) -> int:
    """The plain meaning of the word."""
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list():
            return 1 + max(map(depth, value), default=0)
        case _:
            return 0


@pytest.fixture(params=["peeled", "counted"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way of looking at the brackets, whatever the size of the text."""
    limit = 1 << 40 if request.param == "peeled" else -1
    monkeypatch.setattr(json_depth, "PEELED_BYTES", limit)


@given(value=values, ascii_only=st.booleans(), indent=st.none() | st.just(1))
@pytest.mark.parametrize("peeled_bytes", [-1, 1 << 40])
def test_it_is_the_depth_of_the_value(
    peeled_bytes: int, value: object, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_depth, "PEELED_BYTES", peeled_bytes)
        real = depth(value)
        assert [deeper_than(text, limit) for limit in range(real + 3)] == [
            real > limit for limit in range(real + 3)
        ]


@pytest.mark.parametrize(
    "text",
    [
        rb'{"a": "\\"}',
        rb'{"a": "\""}',
        rb'{"a": "\\\"[[[["}',
        rb'{"a": "line\n\"[[[[ {{{{\""}',
        rb'{"a": "\\\\", "b": "[["}',
        rb'{"\"[[[": "\u005b\u005b[["}',
        rb'{"a": "\t\\n\"{{{{"}',
    ],
)
def test_brackets_in_strings_do_not_count(road: None, text: bytes) -> None:
    assert json.loads(text)
    assert not deeper_than(text, 1)
    assert deeper_than(text, 0)


def test_brackets_behind_an_escaped_line_break_and_quote_do_count(road: None) -> None:
    text = rb'{"a": "\n\"", "b": [[[[]]]]}'
    assert deeper_than(text, 4)
    assert not deeper_than(text, 5)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_ten_thousand_levels_are_too_deep(road: None, opening: bytes, closed: bool) -> None:
    """Also in a text that breaks off: it must not reach a parser that recurses."""
    text = opening * 10_000 + b"1"
    if closed:
        text += {b"[": b"]", b'{"a":': b"}"}[opening] * 10_000
    assert deeper_than(text, 200)
    assert deeper_than(text, 9_999)
    assert not deeper_than(text, 10_000)


def test_siblings_are_not_depth(road: None) -> None:
    assert not deeper_than(b"[" + b",".join([b"[{}]"] * 1000) + b"]", 3)
    assert deeper_than(b"[" + b",".join([b"[{}]"] * 1000) + b"]", 2)


@given(st.text(alphabet='{}[]"\\,:a').map(str.encode), st.integers(0, 5))
def test_any_text_has_an_answer(text: bytes, limit: int) -> None:
    assert deeper_than(text, limit) in (True, False)
