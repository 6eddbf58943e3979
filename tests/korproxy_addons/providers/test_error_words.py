"""Error bodies in all their shapes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.providers.error_words import (
    MESSAGE_LIMIT,
    hidden_words,
    read_words,
    status_of,
    words_of,
)


@pytest.mark.parametrize(
    ("body", "codes", "message"),
    [
        (
            b'{"error":{"message":"Slow down","type":"rate_limit_error","param":null,"code":"rl"}}',
            ("rl", "rate_limit_error"),
            "Slow down",
        ),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Over"},"request_id":"r"}',
            ("overloaded_error",),
            "Over",
        ),
        (b'{"detail":"Stream must be set to true"}', (), "Stream must be set to true"),
        (b'{"detail":[{"loc":["body"],"msg":"bad"},{"msg":"worse"}]}', (), "bad; worse"),
        (
            (
                b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED",'
                b'"details":[{"@type":"x.ErrorInfo","reason":"R"}]}}'
            ),
            ("429", "RESOURCE_EXHAUSTED", "R"),
            "m",
        ),
        (b'[{"error":{"code":503,"message":"m"}}]', ("503",), "m"),
        (b'{"code":"InvalidApiKey","message":"m","request_id":"r"}', ("InvalidApiKey",), "m"),
        (b'{"status":"434","msg":"bad key","body":null}', ("434",), "bad key"),
        (b'{"error_code":8211,"msg":"m"}', ("8211",), "m"),
        (
            b'{"error":"invalid_grant","error_description":"expired"}',
            ("invalid_grant",),
            "expired",
        ),
        (b'"just text"', (), "just text"),
        (b"plain text\n here", (), "plain text here"),
        (b"[]", (), ""),
        (b"7", (), ""),
        (b'{"error":{"message":{"a":1},"code":true}}', (), ""),
        (b"", (), ""),
    ],
)
def test_shapes(body: bytes, codes: tuple[str, ...], message: str) -> None:
    words = read_words(body)
    assert (words.codes, words.message, words.html) == (codes, message, False)


@pytest.mark.parametrize(
    ("body", "content_type", "html"),
    [
        (b"<!DOCTYPE html><html>", "", True),
        (b"\n <HTML>", "", True),
        (b"Just a moment...", "text/html; charset=utf-8", True),
        (b'{"error":{}}', "text/html", False),
        (b"", "application/json", False),
    ],
)
def test_web_pages(body: bytes, content_type: str, html: bool) -> None:
    assert read_words(body, content_type).html is html


def test_a_long_message_is_cut() -> None:
    assert len(read_words(b"x" * 100_000).message) == MESSAGE_LIMIT + 1


@given(st.binary(max_size=80))
def test_any_bytes_are_read(body: bytes) -> None:
    read_words(body)
    hidden_words(body)
    hidden_words(b'{"error"' + body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "details", "message", "code", "type", "detail", "msg"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read(value: object) -> None:
    words_of(value)
    hidden_words(msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b'{"error":{"message":"m","code":"rate_limit_exceeded"}}', "rate_limit_exceeded", 429),
        (b'{"type":"error","error":{"type":"overloaded_error"}}', "overloaded_error", 529),
        (b'{"type":"error","sequence_number":1,"code":"server_error"}', "server_error", 500),
        (
            (
                b'{"type":"response.failed","response":{"status":"failed",'
                b'"error":{"code":"context_length_exceeded","message":"m"}}}'
            ),
            "context_length_exceeded",
            500,
        ),
        (b'{"id":"resp_1","status":"failed","error":{"code":"server_error"}}', "server_error", 500),
        (b'{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}', "503", 503),
        (b'[{"error":{"code":429,"message":"m"}}]', "429", 429),
    ],
)
def test_errors_inside_successful_replies(data: bytes, code: str, status: int) -> None:
    words = hidden_words(data)
    assert words is not None
    assert words.codes[0] == code
    assert status_of(words) == status


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"response.created","response":{"error":null}}',
        b'{"id":"resp_1","status":"completed","error":null,"output":[]}',
        b'{"choices":[{"delta":{"content":"an \\"error\\": here"}}]}',
        b'{"choices":[{"message":{"content":"x","error":{"a":1}}}]}',
        b'[{"candidates":[],"x":{"error":1}}]',
        b"[DONE]",
        b'{"error"',
        b"",
    ],
)
def test_what_only_looks_like_an_error(data: bytes) -> None:
    assert hidden_words(data) is None
