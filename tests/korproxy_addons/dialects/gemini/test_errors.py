import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.gemini.errors import error_in_reply, error_value, read_error
from korproxy_addons.errors.kinds import Kind


def google(status: str, message: str = "Words.", details: list[Any] | None = None) -> bytes:
    error = {"code": 400, "message": message, "status": status, "details": details or []}
    return json.dumps({"error": error}).encode()


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "metadata": metadata,
    }


def retry(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "INVALID_ARGUMENT", Kind.INVALID_REQUEST),
        (401, "UNAUTHENTICATED", Kind.AUTHENTICATION),
        (403, "PERMISSION_DENIED", Kind.PERMISSION),
        (404, "NOT_FOUND", Kind.NOT_FOUND),
        (413, "INVALID_ARGUMENT", Kind.TOO_LARGE),
        (429, "RESOURCE_EXHAUSTED", Kind.RATE_LIMIT),
        (499, "CANCELLED", Kind.OVERLOADED),
        (500, "INTERNAL", Kind.INTERNAL),
        (500, "UNAVAILABLE", Kind.OVERLOADED),
        (502, "", Kind.INTERNAL),
        (503, "UNAVAILABLE", Kind.OVERLOADED),
        (504, "DEADLINE_EXCEEDED", Kind.TIMEOUT),
        (418, "", Kind.INVALID_REQUEST),
    ],
)
def test_the_kind_of_a_status(status: int, word: str, kind: Kind) -> None:
    error = read_error(status, google(word))
    assert (error.kind, error.message, error.code) == (kind, "Words.", word)


def test_a_wrong_key_is_400_but_about_the_key() -> None:
    body = google("INVALID_ARGUMENT", "API key not valid.", [info("API_KEY_INVALID")])
    error = read_error(400, body)
    assert (error.kind, error.code) == (Kind.AUTHENTICATION, "API_KEY_INVALID")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("User location is not supported for the API use.", Kind.PERMISSION),
        ("Please enable billing on project.", Kind.BILLING),
        ("Precondition check failed.", Kind.INVALID_REQUEST),
    ],
)
def test_a_failed_precondition_is_told_by_its_words(message: str, kind: Kind) -> None:
    assert read_error(400, google("FAILED_PRECONDITION", message)).kind is kind


def test_an_envelope_may_be_the_only_element_of_an_array() -> None:
    error = read_error(429, b"[" + google("RESOURCE_EXHAUSTED", details=[retry("34.07s")]) + b"]\n")
    assert (error.kind, error.message, error.retry_after_s) == (Kind.RATE_LIMIT, "Words.", 34.07)


@pytest.mark.parametrize(
    ("details", "message", "seconds"),
    [
        ([retry("900ms")], "", 0.9),
        ([retry("48s")], "Please retry in 48.9s.", 48.0),
        ([info("X", quotaResetDelay="33740.91s")], "", 33740.91),
        ([], "Quota. Please retry in 34.5s.", 34.5),
        ([], "Please retry in 250ms.", 0.25),
        ([retry("soon")], "Later.", None),
        (["odd", 5, {"retryDelay": 5}], "Later.", None),
    ],
)
def test_t164_the_delay_from_wherever_it_is(
    details: list[Any], message: str, seconds: float | None
) -> None:
    assert read_error(429, google("RESOURCE_EXHAUSTED", message, details)).retry_after_s == seconds


OVERFLOW = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."


@pytest.mark.parametrize(
    "message",
    [
        OVERFLOW,
        (
            "Unable to submit request because the input token count is 9 but model only supports up to"
            " 8. Reduce the input token count and try again. The input token count 9 exceeds it."
        ),
    ],
)
def test_t168_too_long_a_prompt_is_recognised(message: str) -> None:
    error = read_error(400, google("INVALID_ARGUMENT", message))
    assert error.context_overflow
    assert error.kind is Kind.INVALID_REQUEST
    assert not read_error(
        429, google("RESOURCE_EXHAUSTED", "Token quota exceeded.")
    ).context_overflow


def test_t168_the_overflow_of_others_is_told_in_googles_words() -> None:
    foreign = ReplyError(Kind.INVALID_REQUEST, "prompt is too long", context_overflow=True)
    made = error_value(foreign, 400, "x")
    assert read_error(400, made).context_overflow
    assert b"prompt is too long" in made
    own = ReplyError(Kind.INVALID_REQUEST, OVERFLOW, context_overflow=True)
    assert json.loads(error_value(own, 400))["error"]["message"] == OVERFLOW


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The provider answered with status 502."),
        (b"Bad Gateway", "Bad Gateway"),
        (b"<html><style>p{a:b}</style><h1>502</h1>\n<p>Sorry</p></html>", "502 Sorry"),
        (b'{"message":"no envelope"}', '{"message":"no envelope"}'),
        (b"[]", "[]"),
        (b'{"error":null}', "The provider answered with status 502."),
        (b'{"error":"invalid_grant","error_description":"Expired."}', "invalid_grant: Expired."),
        (b'{"error":{"message":""}}', "The provider answered with status 502."),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_t167_bodies_that_are_no_envelope(body: bytes, message: str) -> None:
    error = read_error(502, body)
    assert (error.kind, error.message) == (Kind.INTERNAL, message)


def test_t169_no_secret_and_no_address_comes_through() -> None:
    secrets = [
        "ya29.a0AfH6SMBabcdef",
        "AIzaSyA1234567890abcdefghijklmnop",
        "AQ.Ab8RN6IabcdefghijklmnopqrsT",
        "someone@example.com",
        "https://cloudcode-pa.googleapis.com/v1internal:generateContent",
        "Bearer abcdefghijkl",
    ]
    message = "; ".join(secrets) + " ?key=sekret1234&x see https://ai.google.dev/docs"
    error = read_error(403, google("PERMISSION_DENIED", message))
    assert not [secret for secret in [*secrets, "sekret1234"] if secret in error.message]
    assert "https://ai.google.dev/docs" in error.message


def test_a_message_has_a_limit() -> None:
    assert len(read_error(400, google("INVALID_ARGUMENT", "x" * 9000)).message) == 2000
    assert len(read_error(400, b"y" * 100_000).message) == 2000


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (Kind.INVALID_REQUEST, 400, "INVALID_ARGUMENT"),
        (Kind.AUTHENTICATION, 401, "UNAUTHENTICATED"),
        (Kind.BILLING, 402, "FAILED_PRECONDITION"),
        (Kind.PERMISSION, 403, "PERMISSION_DENIED"),
        (Kind.NOT_FOUND, 404, "NOT_FOUND"),
        (Kind.TOO_LARGE, 413, "INVALID_ARGUMENT"),
        (Kind.RATE_LIMIT, 429, "RESOURCE_EXHAUSTED"),
        (Kind.OVERLOADED, 503, "UNAVAILABLE"),
        (Kind.TIMEOUT, 504, "DEADLINE_EXCEEDED"),
        (Kind.INTERNAL, 500, "INTERNAL"),
    ],
)
def test_t164_every_kind_has_its_envelope(kind: Kind, status: int, word: str) -> None:
    made = json.loads(error_value(ReplyError(kind, "Words.")))
    assert made == {"error": {"code": status, "message": "Words.", "status": word}}
    assert json.loads(error_value(ReplyError(kind, "Words."), 502))["error"]["code"] == 502


def test_the_details_of_an_envelope() -> None:
    error = ReplyError(
        Kind.RATE_LIMIT, "W.", code="KP-RATE-401", param="contents", retry_after_s=30
    )
    details = json.loads(error_value(error, 429, "req-1"))["error"]["details"]
    assert [each["@type"].rpartition(".")[2] for each in details] == [
        "ErrorInfo",
        "BadRequest",
        "RetryInfo",
        "RequestInfo",
    ]
    assert details[0]["reason"] == "KP-RATE-401"
    assert details[1]["fieldViolations"][0]["field"] == "contents"
    assert details[2]["retryDelay"] == "30s"
    assert details[3]["requestId"] == "req-1"


def test_what_is_written_reads_back() -> None:
    error = ReplyError(Kind.RATE_LIMIT, "Slow down.", code="X", retry_after_s=1.25)
    assert read_error(429, error_value(error, 429, "r")) == error
    assert error_in_reply(error_value(error)) == error


def test_half_a_surrogate_in_a_message() -> None:
    assert json.loads(error_value(ReplyError(Kind.INTERNAL, "\ud83d")))["error"]["code"] == 500


def test_t166_an_error_inside_a_reply_brings_its_own_status() -> None:
    assert error_in_reply(b'{"error":{"code":429,"message":"m"}}').kind is Kind.RATE_LIMIT
    assert error_in_reply(b'{"error":{"code":"x","status":"UNAVAILABLE"}}').kind is Kind.OVERLOADED
    assert error_in_reply(b'{"error":"broken"}').kind is Kind.INTERNAL
    assert error_in_reply(b"no envelope").kind is Kind.INTERNAL
    assert error_in_reply(b'{"error":{"code":429,"message":"\\ud83d"}}').message == "\ufffd"


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 999), st.binary(max_size=100) | st.text().map(str.encode))
def test_no_body_raises(status: int, body: bytes) -> None:
    assert read_error(status, body).message
    assert read_error(status, b'{"error":' + body + b"}").message
