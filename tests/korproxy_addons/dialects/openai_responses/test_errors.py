import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.openai_responses.errors import (
    decoded_error,
    encoded_error,
    error_status,
    failure_fields,
)
from korproxy_addons.errors.kinds import Kind
from support.needs import least, needs_recordings


def read(status: int, body: Any) -> ReplyError:
    return decoded_error(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message"),
    [
        (
            400,
            {"error": {"message": "No.", "type": "invalid_request_error", "param": "input", "code": None}},
            Kind.INVALID_REQUEST, "invalid_request_error", "No.",
        ),
        (404, {"error": {"code": "model_not_found", "message": "x"}}, Kind.NOT_FOUND, "model_not_found", "x"),
        (400, {"error": {"code": "model_not_found", "message": "x"}}, Kind.NOT_FOUND, "model_not_found", "x"),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, Kind.BILLING, "insufficient_quota", "x"),
        (429, {"error": {"type": "usage_limit_reached", "message": "x"}}, Kind.RATE_LIMIT, "usage_limit_reached", "x"),
        (400, {"detail": "Unsupported parameter: user"}, Kind.INVALID_REQUEST, "", "Unsupported parameter: user"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, Kind.INVALID_REQUEST, "", "field required"),
        (500, {"error": "boom"}, Kind.INTERNAL, "", "boom"),
        (500, {"message": "boom", "code": 7}, Kind.INTERNAL, "7", "boom"),
        (400, [{"error": {"message": "x"}}], Kind.INVALID_REQUEST, "", "x"),
        (0, {"type": "error", "code": "server_error", "message": "x"}, Kind.INTERNAL, "server_error", "x"),
        (0, {"type": "error", "status": 429, "error": {"message": "x"}}, Kind.RATE_LIMIT, "", "x"),
        (
            0,
            {"type": "response.failed", "response": {"error": {"code": "server_is_overloaded", "message": "x"}}},
            Kind.OVERLOADED, "server_is_overloaded", "x",
        ),
        (0, {"error": {"type": "invalid_request_error", "message": "x"}}, Kind.INVALID_REQUEST, "invalid_request_error", "x"),
        (400, {"detail": "Selected model is at capacity."}, Kind.OVERLOADED, "", "Selected model is at capacity."),
    ],
)  # fmt: skip
def test_errors_in_all_their_forms(
    status: int, body: Any, kind: Kind, code: str, message: str
) -> None:
    """T164, T166: the Codex backend says `detail`, streams say it flat or nested."""
    error = read(status, body)
    assert (error.kind, error.code, error.message) == (kind, code, message)


def test_how_long_to_wait() -> None:
    """T164"""
    assert (
        read(
            429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": 7200}}
        ).retry_after_s
        == 7200
    )
    assert read(429, {"error": {"message": "Please try again in 11.5s."}}).retry_after_s == 11.5
    assert read(429, {"error": {"message": "Slow down."}}).retry_after_s is None


def test_a_prompt_that_is_too_long() -> None:
    """T168: agents compact on their own dialect's words."""
    error = read(400, {"error": {"message": "prompt is too long: 9 > 8"}})
    assert error.context_overflow
    body = json.loads(encoded_error(error, 400))["error"]
    assert body["code"] == "context_length_exceeded"
    assert "exceeds the context window" in body["message"]
    assert "9 > 8" in body["message"]
    assert failure_fields(error)["code"] == "context_length_exceeded"


def test_a_web_page_is_not_repeated() -> None:
    error = decoded_error(403, b"<!DOCTYPE html><html>Just a moment</html>")
    assert error.kind is Kind.PERMISSION
    assert "moment" not in error.message


@given(st.integers(0, 599), st.binary(max_size=100))
def test_any_body_is_an_error(status: int, body: bytes) -> None:
    """T170"""
    assert decoded_error(status, body).message


@given(
    st.integers(0, 599),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "detail", "message", "code", "response"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    ),
)
def test_any_json_is_an_error(status: int, body: Any) -> None:
    """T170"""
    error = read(status, body)
    assert json.loads(encoded_error(error, status or 500))["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (ReplyError(Kind.AUTHENTICATION, "x", "KP-AUTH-001"), 401, "authentication_error", "invalid_api_key"),
        (ReplyError(Kind.RATE_LIMIT, "x", "KP-RATE-401"), 429, "rate_limit_error", "rate_limit_exceeded"),
        (ReplyError(Kind.RATE_LIMIT, "x", "usage_limit_reached"), 429, "rate_limit_error", "usage_limit_reached"),
        (ReplyError(Kind.BILLING, "x"), 402, "insufficient_quota", "insufficient_quota"),
        (ReplyError(Kind.OVERLOADED, "x", "overloaded"), 503, "server_error", "server_is_overloaded"),
        (ReplyError(Kind.NOT_FOUND, "x", "KP-REQ-711", "model"), 404, "not_found_error", "model_not_found"),
        (ReplyError(Kind.NOT_FOUND, "x", "KP-REQ-706"), 404, "not_found_error", "KP-REQ-706"),
        (ReplyError(Kind.INVALID_REQUEST, "x", "KP-REQ-705", "input"), 400, "invalid_request_error", "KP-REQ-705"),
        (ReplyError(Kind.INTERNAL, "x"), 500, "server_error", "server_error"),
    ],
)  # fmt: skip
def test_the_envelope(error: ReplyError, status: int, kind: str, code: str) -> None:
    body = json.loads(encoded_error(error, status))
    assert body == {
        "error": {"message": "x", "type": kind, "param": error.param or None, "code": code}
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReplyError(Kind.INVALID_REQUEST, "x", "KP-REQ-705"), "invalid_prompt"),
        (ReplyError(Kind.INTERNAL, "x", "KP-PROV-110"), "server_error"),
        (ReplyError(Kind.NOT_FOUND, "x", "KP-REQ-706"), "server_error"),
        (ReplyError(Kind.OVERLOADED, "x"), "server_is_overloaded"),
    ],
)
def test_in_a_stream_codex_reads_the_code(error: ReplyError, code: str) -> None:
    """T165"""
    assert failure_fields(error)["code"] == code


def test_a_wait_is_said_in_words_too() -> None:
    """T164: Codex reads it there."""
    error = ReplyError(Kind.RATE_LIMIT, "Slow down.", retry_after_s=2.5)
    assert failure_fields(error)["message"] == "Slow down. Please try again in 2.5s."


def test_a_status_that_only_another_dialect_has() -> None:
    """T164"""
    assert (error_status(529), error_status(503), error_status(400)) == (503, 503, 400)


def test_every_recorded_error() -> None:
    seen = 0
    for path in (needs_recordings() / "openai_responses").glob("*.json"):
        reply = json.loads(path.read_bytes())["response"]
        if reply["status"] < 400:
            continue
        seen += 1
        said = reply["body"].get("error") if isinstance(reply["body"], dict) else None
        if not isinstance(said, dict):
            continue
        error = read(reply["status"], reply["body"])
        again = json.loads(encoded_error(error, reply["status"]))["error"]
        code = said.get("code")
        assert not code or again["code"] == code or error.kind is Kind.AUTHENTICATION
        assert error.context_overflow or code != "context_length_exceeded"
        assert "sk-" not in error.message
        assert "http" not in error.message.replace("https://platform.openai.com/", "")
    assert seen >= least(5)
