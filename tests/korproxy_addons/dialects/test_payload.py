from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.payload import (
    arguments_object,
    arguments_text,
    decode_body,
    decode_payload,
    encoded_text,
    field_invalid,
)
from korproxy_addons.dialects.surrogates import SurrogateJoiner
from korproxy_addons.errors.catalogue import (
    FIELD_INVALID,
    NOT_JSON,
    NOT_UTF8,
    TOO_DEEP,
    UPSTREAM_INVALID_REPLY,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec


class Inner(msgspec.Struct):
    role: str = ""


class Outer(msgspec.Struct):
    messages: list[Inner] = []


OUTER = msgspec.json.Decoder(Outer)
ANY = msgspec.json.Decoder()
DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("body", "spec", "param"),
    [
        (b"", NOT_JSON, None),
        (b"{", NOT_JSON, None),
        (b'{"messages":[{"role":"\xff"}]}', NOT_UTF8, None),
        (b'{"messages":[{},{"role":7}]}', FIELD_INVALID, "messages[1].role"),
        (b'{"messages":7}', FIELD_INVALID, "messages"),
        (b"7", FIELD_INVALID, None),
    ],
)
def test_a_bad_body_names_what_is_wrong(body: bytes, spec: ErrorSpec, param: str | None) -> None:
    """T170."""
    with pytest.raises(KorProxyError) as caught:
        decode_body(OUTER, body)
    assert (spec, param) == (caught.value.spec, caught.value.param)


def test_json_without_end_is_refused_not_crashed_on() -> None:
    with pytest.raises(KorProxyError) as caught:
        decode_body(ANY, DEEP)
    assert caught.value.spec is TOO_DEEP
    with pytest.raises(KorProxyError) as caught:
        decode_payload(ANY, DEEP)
    assert caught.value.spec is UPSTREAM_INVALID_REPLY


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_garbage_from_an_upstream_gives_one_error_and_nothing_else(data: bytes) -> None:
    # it may be JSON of the right form by chance: then nothing is raised
    with suppress(KorProxyError):
        decode_payload(OUTER, data)


def test_half_an_emoji_in_a_request_becomes_a_replacement_character() -> None:
    """T178."""
    assert decode_body(ANY, rb'["a\ud83d","\ud83d\ude00","\\ud83d","\ude00\ud83d"]') == [
        "a\ufffd",
        "😀",
        "\\ud83d",
        "\ufffd\ufffd",
    ]


def test_half_an_emoji_in_a_reply_waits_for_its_other_half() -> None:
    """T178."""
    joiner = SurrogateJoiner()
    first = decode_payload(ANY, rb'"a\ud83d"')
    second = decode_payload(ANY, rb'"\uDE00b"')
    assert [joiner.feed(first), joiner.feed(second), joiner.close()] == ["a", "😀b", ""]


@pytest.mark.parametrize("text", [None, "", " ", "null", '"null"', '""'])
def test_no_arguments_are_an_empty_object(text: str | None) -> None:
    """T50."""
    assert arguments_text(text) == "{}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 12345678901234567890.0}', '{"a": 12345678901234567890.0}'),
        ("null", "{}"),
        ('"{\\"a\\":1}"', '{"a":1}'),
        ("[1, 2]", '{"value":[1, 2]}'),
        ("7", '{"value":7}'),
        ('"word"', '{"value":"word"}'),
        ('{"a":', '{"text":"{\\"a\\":"}'),
        ('a"b', '{"text":"a\\"b"}'),
    ],
)
def test_arguments_become_an_object(text: str, expected: str) -> None:
    """T61, T179."""
    assert expected == arguments_object(text)


@given(st.text(st.characters(codec=None)))
def test_arguments_always_become_an_object(text: str) -> None:
    assert isinstance(msgspec.json.decode(arguments_object(text)), dict)


def test_a_text_with_half_a_pair_can_be_encoded() -> None:
    assert encoded_text("a\ud83d") == '"a\ufffd"'


def test_a_field_error_names_the_field() -> None:
    error = field_invalid("stop[0]", "a string is expected")
    assert (error.param, error.spec) == ("stop[0]", FIELD_INVALID)
    assert "stop[0]: a string" in error.message()
