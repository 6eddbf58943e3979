"""The messages on a socket that are no events of a reply."""

import json
from typing import Any

import msgspec
import pytest

from korproxy_addons.gateway.socket_events import (
    error_message,
    exchange_message,
    rate_limits_message,
    warm_messages,
)


def read(message: bytes | None) -> dict[str, Any]:
    assert message is not None
    found: dict[str, Any] = json.loads(message)
    return found


def test_a_warm_up_has_a_beginning_and_an_end_and_costs_nothing() -> None:
    created, completed = map(read, warm_messages("resp_1", msgspec.Raw(b'"gpt"')))
    assert (created["type"], completed["type"]) == ("response.created", "response.completed")
    assert [it["sequence_number"] for it in (created, completed)] == [0, 1]
    assert created["response"]["id"] == completed["response"]["id"] == "resp_1"
    assert completed["response"]["model"] == "gpt"
    assert completed["response"]["usage"]["total_tokens"] == 0


def test_the_exchange_is_named_as_a_posts_headers_would() -> None:
    headers = {"x-korproxy-request-id": "kp1", "x-korproxy-why": "sticky", "x-other": "no"}
    assert read(exchange_message(headers)) == {
        "type": "korproxy.exchange",
        "headers": {"x-korproxy-request-id": "kp1", "x-korproxy-why": "sticky"},
    }


def test_a_plans_windows_are_told() -> None:
    headers = {
        "x-codex-plan-type": "pro",
        "x-codex-active-limit": "codex",
        "x-codex-primary-used-percent": "12.5",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": "1795000000",
        "x-codex-secondary-used-percent": "nan",
        "x-codex-credits-has-credits": "True",
        "x-codex-credits-unlimited": "False",
        "x-codex-credits-balance": "3",
    }
    assert read(rate_limits_message(headers)) == {
        "type": "codex.rate_limits",
        "plan_type": "pro",
        "metered_limit_name": "codex",
        "rate_limits": {
            "primary": {"used_percent": 12.5, "window_minutes": 300, "reset_at": 1795000000},
            "secondary": None,
        },
        "credits": {"has_credits": True, "unlimited": False, "balance": "3"},
    }


def test_a_reply_without_windows_tells_none() -> None:
    assert rate_limits_message({"x-codex-plan-type": "pro"}) is None


def test_an_error_passes_with_what_a_tool_reads_beside_it() -> None:
    body = b'{"error":{"type":"usage_limit_reached","message":"full","resets_in_seconds":9}}'
    headers = {"retry-after": "9", "x-codex-primary-used-percent": "100", "date": "today"}
    assert read(error_message(429, body, headers)) == {
        "type": "error",
        "status": 429,
        "error": {"type": "usage_limit_reached", "message": "full", "resets_in_seconds": 9},
        "headers": {"retry-after": "9", "x-codex-primary-used-percent": "100"},
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"detail":"Instructions are required"}', "Instructions are required"),
        (b'{"detail":[{"loc":"x"}]}', '[{"loc":"x"}]'),
        (b'{"message":"no"}', "no"),
        (b'{"error":"plain"}', "plain"),
        (b"{}", ""),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"[]", "[]"),
        (b"\xff", "\ufffd"),
    ],
)
def test_every_other_body_becomes_an_error_with_a_text(body: bytes, message: str) -> None:
    assert read(error_message(502, body, {}))["error"]["message"] == message


@pytest.mark.parametrize("code", ["server_is_overloaded", "slow_down"])
def test_an_overload_is_said_so_that_codex_tries_again(code: str) -> None:
    """Over POST it tries again by the status alone; on a socket these codes make it give up."""
    error = {"message": "busy", "code": code, "type": "service_unavailable_error"}
    body = json.dumps({"error": error}).encode()
    assert "code" not in read(error_message(503, body, {}))["error"]
    assert read(error_message(503, body, {}))["error"]["message"] == "busy"
    assert read(error_message(429, body, {}))["error"]["code"] == code, "an honest 429 keeps it"
