import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT
from korproxy_addons.dialects.events import ReplyError, reply_error
from korproxy_addons.dialects.openai_chat.errors import (
    error_body,
    error_frame,
    error_status,
    read_error,
    reported_error,
)
from korproxy_addons.errors.catalogue import (
    CONTEXT_TOO_LONG,
    LOCAL_KEY_REFUSED,
    UNKNOWN_MODEL,
    UNKNOWN_PATH,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec, Kind


def envelope(error: ReplyError) -> dict[str, object]:
    found: dict[str, object] = json.loads(error_body(error))["error"]
    return found


@pytest.mark.parametrize(
    ("kind", "word", "code"),
    [
        (Kind.INVALID_REQUEST, "invalid_request_error", None),
        (Kind.AUTHENTICATION, "authentication_error", "invalid_api_key"),
        (Kind.BILLING, "insufficient_quota", "insufficient_quota"),
        (Kind.PERMISSION, "permission_error", None),
        (Kind.NOT_FOUND, "not_found_error", "model_not_found"),
        (Kind.TOO_LARGE, "invalid_request_error", None),
        (Kind.RATE_LIMIT, "rate_limit_error", "rate_limit_exceeded"),
        (Kind.OVERLOADED, "server_error", None),
        (Kind.TIMEOUT, "server_error", None),
        (Kind.INTERNAL, "server_error", None),
    ],
)
def test_t164_every_kind_has_its_words(kind: Kind, word: str, code: str | None) -> None:
    expected = {"message": "m", "type": word, "param": None, "code": code}
    assert envelope(ReplyError(kind, "m")) == expected


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (LOCAL_KEY_REFUSED, "invalid_api_key"),
        (UNKNOWN_MODEL, "model_not_found"),
        (UNKNOWN_PATH, UNKNOWN_PATH.code),
        (CONTEXT_TOO_LONG, "context_length_exceeded"),
    ],
)
def test_our_codes_are_said_in_chats_words_where_it_has_some(spec: ErrorSpec, code: str) -> None:
    assert envelope(reply_error(KorProxyError(spec)))["code"] == code


def test_t168_an_overflow_is_said_in_the_words_that_agents_look_for() -> None:
    said = envelope(ReplyError(Kind.INVALID_REQUEST, "prompt is too long", context_overflow=True))
    assert said["code"] == "context_length_exceeded"
    assert "maximum context length" in str(said["message"])
    assert "prompt is too long" in str(said["message"])


def test_t168_and_those_words_are_not_said_twice() -> None:
    error = ReplyError(
        Kind.INVALID_REQUEST, "This model's maximum context length is 5", context_overflow=True
    )
    assert envelope(error)["message"] == error.message


@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 9 tokens > 5 maximum",
        "the request exceeds the available context size (4096)",
        "input token count 7 exceeds the maximum",
        "Range of input length should be [1, 6000]",
    ],
)
def test_t168_other_services_words_for_it_are_known(words: str) -> None:
    assert reported_error({"message": words}, 400).context_overflow


@pytest.mark.parametrize("status", [413, 500])
def test_t168_an_overflow_is_the_requests_fault_under_any_status(status: int) -> None:
    error = reported_error({"message": "exceeds the available context size"}, status)
    assert (error.kind, error.context_overflow) == (Kind.INVALID_REQUEST, True)


def test_a_rate_limit_in_tokens_is_no_overflow() -> None:
    error = reported_error(
        {"message": "too many tokens per minute", "code": "rate_limit_exceeded"}, 429
    )
    assert (error.kind, error.context_overflow) == (Kind.RATE_LIMIT, False)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (529, Kind.OVERLOADED, 503),
        (429, Kind.RATE_LIMIT, 429),
        (200, Kind.RATE_LIMIT, 429),
        (0, Kind.INTERNAL, 500),
        (200, Kind.OVERLOADED, 503),
    ],
)
def test_t164_the_status_is_one_that_chat_clients_know(
    status: int, kind: Kind, expected: int
) -> None:
    assert error_status(ReplyError(kind, ""), status) == expected


def test_t165_the_frame_is_an_error_and_no_end() -> None:
    frame = error_frame(ReplyError(Kind.INTERNAL, "m"))
    assert frame.startswith(b'data: {"error":')
    assert frame.endswith(b"\n\n")
    assert b"[DONE]" not in frame


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"error":{"message":"m","type":"invalid_request_error","param":"p"}}',
         Kind.INVALID_REQUEST, "invalid_request_error"),
        (403, b'{"error":{"code":"forbidden","type":"invalid_request_error"}}', Kind.PERMISSION, "forbidden"),
        (404, b'{"error":{"code":"model_not_found","type":"invalid_request_error"}}',
         Kind.NOT_FOUND, "model_not_found"),
        (400, b'{"error":{"code":"model_not_found"}}', Kind.NOT_FOUND, "model_not_found"),
        (429, b'{"error":{"code":"insufficient_quota"}}', Kind.BILLING, "insufficient_quota"),
        (429, b'{"code":"Throttling.RateQuota","message":"slow"}', Kind.RATE_LIMIT, "Throttling.RateQuota"),
        (400, b'{"code":"Arrearage","message":"pay"}', Kind.BILLING, "Arrearage"),
        (500, b'{"error":{"code":500,"message":"no jinja","type":"server_error"}}', Kind.INTERNAL, "500"),
        (503, b'{"error":"down"}', Kind.OVERLOADED, ""),
        (200, b'{"status":"434","msg":"key"}', Kind.AUTHENTICATION, "434"),
        (422, b'{"detail":[{"loc":["body"],"msg":"x"}]}', Kind.INVALID_REQUEST, ""),
        (400, b'[{"error":{"message":"listed","code":"x"}}]', Kind.INVALID_REQUEST, "x"),
        (401, b'"who are you"', Kind.AUTHENTICATION, ""),
        (502, b"<html>Bad gateway</html>", Kind.INTERNAL, ""),
        (504, b"", Kind.TIMEOUT, ""),
    ],
)  # fmt: skip
def test_bodies_of_all_forms_are_read(status: int, body: bytes, kind: Kind, code: str) -> None:
    error = read_error(status, body)
    assert (error.kind, error.code) == (kind, code)
    assert error.message


def test_a_page_is_not_shown() -> None:
    assert "html" not in read_error(502, b"<html><b>x</b></html>").message


def test_fields_of_the_error_are_kept() -> None:
    error = read_error(
        400, b'{"error":{"message":"bad value","param":"messages[3]","code":"invalid_value"}}'
    )
    expected = ReplyError(
        Kind.INVALID_REQUEST, "bad value", code="invalid_value", param="messages[3]"
    )
    assert error == expected


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 20s.", 20.0),
        ("try again in 6m0s", 360.0),
        ("Please retry after 1.5 seconds", 1.5),
        ("try again in 250ms", 0.25),
        ("try again later", None),
    ],
)
def test_t164_a_wait_in_words_is_read(words: str, seconds: float | None) -> None:
    assert reported_error({"message": words}, 429).retry_after_s == seconds


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abc***xyz", "https://up.example/v1?key=1", "me@example.org", "Bearer abc.def"],
)
def test_t169_credentials_addresses_and_mail_are_taken_out(secret: str) -> None:
    error = reported_error({"message": f"refused ({secret}) for you"}, 401)
    assert secret not in error.message
    assert error.message.startswith("refused (")
    assert error.message.endswith(" for you")


def test_a_message_has_a_limit() -> None:
    assert len(reported_error("x" * 9000).message) == MESSAGE_LIMIT
    assert len(read_error(500, b"x" * 90000).message) == MESSAGE_LIMIT


@given(st.integers(100, 600), st.binary() | st.text().map(str.encode))
def test_reading_never_raises_and_what_was_read_can_be_said(status: int, body: bytes) -> None:
    error = read_error(status, body)
    assert len(error.message) <= MESSAGE_LIMIT
    json.loads(error_body(error))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "param", "detail", "status", "msg"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.integers(100, 600), JSON)
def test_any_json_can_be_read_as_an_error(status: int, value: object) -> None:
    json.loads(error_body(read_error(status, json.dumps(value).encode())))
