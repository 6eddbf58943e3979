import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.anthropic_messages.errors import (
    error_body,
    error_frame,
    error_status,
    read_error,
    reported_error,
)
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.errors.kinds import Kind
from support.anthropic_wire import events_of


def envelope(word: str, message: str) -> bytes:
    error = {"type": word, "message": message}
    return json.dumps({"type": "error", "error": error, "request_id": "req_1"}).encode()


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_word_and_comes_back(kind: Kind) -> None:
    body = error_body(ReplyError(kind, "m"), "req_1")
    assert json.loads(body)["request_id"] == "req_1"
    assert read_error(418, body).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.INVALID_REQUEST),
        (401, Kind.AUTHENTICATION),
        (402, Kind.BILLING),
        (403, Kind.PERMISSION),
        (404, Kind.NOT_FOUND),
        (413, Kind.TOO_LARGE),
        (422, Kind.INVALID_REQUEST),
        (429, Kind.RATE_LIMIT),
        (500, Kind.INTERNAL),
        (502, Kind.INTERNAL),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
    ],
)
def test_the_status_says_the_kind_where_the_body_does_not(status: int, kind: Kind) -> None:
    error = read_error(status, b"")
    assert (error.kind, error.message) == (kind, f"the upstream answered {status}")


def test_the_body_s_own_word_corrects_the_status() -> None:
    error = read_error(400, envelope("overloaded_error", "Overloaded"))
    assert (error.kind, error.code) == (Kind.OVERLOADED, "overloaded_error")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"a"}}', "a"),
        (b'{"error":"a"}', "a"),
        (b'{"message":"a"}', "a"),
        (b'{"detail":"a"}', "a"),
        (b'"a"', "a"),
        (b"a  \n a", "a a"),
        (b"<!DOCTYPE html><html>secret</html>", "the upstream answered with a web page"),
        (b'{"error":{"message":null}}', "the upstream answered 500"),
        (b'{"error":[]}', "the upstream answered 500"),
    ],
)
def test_a_body_of_no_dialect_is_read_as_far_as_it_goes(body: bytes, message: str) -> None:
    assert read_error(500, body).message == message


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "This model's maximum context length is 8192 tokens",
    ],
)
def test_t168_an_overlong_prompt_is_known(message: str) -> None:
    assert read_error(400, envelope("invalid_request_error", message)).context_overflow
    assert not read_error(529, envelope("overloaded_error", message)).context_overflow


def test_t168_an_overlong_prompt_is_said_in_the_words_that_agents_compact_on() -> None:
    error = ReplyError(Kind.TOO_LARGE, "input token count 9 exceeds 8", context_overflow=True)
    said = json.loads(error_body(error))["error"]
    assert said["type"] == "invalid_request_error"
    assert said["message"] == "prompt is too long: input token count 9 exceeds 8"
    assert error_status(error, 413) == 400
    native = ReplyError(Kind.INVALID_REQUEST, "Prompt is too long: 9 > 8", context_overflow=True)
    assert json.loads(error_body(native))["error"]["message"] == "Prompt is too long: 9 > 8"


def test_t164_overload_has_a_status_of_its_own() -> None:
    assert error_status(ReplyError(Kind.OVERLOADED, "m"), 503) == 529
    assert error_status(ReplyError(Kind.INTERNAL, "m"), 503) == 503
    assert error_status(ReplyError(Kind.RATE_LIMIT, "m"), 429) == 429


def test_the_field_at_fault_is_named() -> None:
    error = read_error(400, envelope("invalid_request_error", "messages.0.content: Field required"))
    assert error.param == "messages.0.content"
    plain = read_error(400, envelope("invalid_request_error", "Your balance: too low"))
    assert plain.param == ""


def test_t169_keys_and_endless_texts_do_not_go_on() -> None:
    error = read_error(401, envelope("authentication_error", "bad key sk-ant-api03-abcdefgh12345"))
    assert error.message == "bad key [key]"
    assert len(read_error(500, b"x" * 100_000).message) == 2000


def test_t165_an_error_in_a_stream_is_an_event() -> None:
    assert events_of(error_frame(ReplyError(Kind.RATE_LIMIT, "slow"))) == [
        {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}
    ]


@given(st.integers(100, 599), st.binary(max_size=80))
def test_reading_never_raises(status: int, body: bytes) -> None:
    error = read_error(status, body)
    json.loads(error_body(error))
    json.loads(error_body(reported_error(body)))
