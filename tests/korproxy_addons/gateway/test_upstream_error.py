"""What the client is told: its own dialect's upstream word for word, any other by its meaning."""

import json
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.gateway.attempt_failure import (
    AttemptFailedError,
    UpstreamAnswer,
    failure_of,
)
from korproxy_addons.gateway.replies import Reply
from korproxy_addons.gateway.upstream_error import upstream_error_reply
from korproxy_addons.providers.failure import Failure
from support.answers import CHAT, MESSAGES, messages_error
from support.asking import DIALECTS, question
from support.legs import accounts_of, exchange_for

NOW = 1_800_000_000.0
JSON = ("Content-Type", "application/json")


def told(
    client: str,
    failure: Failure,
    answer: UpstreamAnswer | None = None,
    cause: KorProxyError | None = None,
    *,
    own_login: bool = False,
) -> tuple[Reply, dict[str, str]]:
    exchange = exchange_for(accounts_of({"a": client}), question(client, "m"))
    exchange.own_login = own_login
    failed = AttemptFailedError(failure, "My plan", NOW, answer=answer, cause=cause)
    reply = upstream_error_reply(exchange, failed)
    assert exchange.error is not None
    headers = {name.lower(): value for name, value in reply.headers}
    assert len(headers) == len(reply.headers)
    return reply, headers


def answered(
    status: int, body: Any, *headers: tuple[str, str], dialect_id: str = MESSAGES
) -> UpstreamAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return UpstreamAnswer(dialect_id, status, (JSON, *headers), raw)


BUSY = messages_error("overloaded_error", "Overloaded, come back")
OVERLOADED = Failure(
    spec=catalogue.UPSTREAM_OVERLOADED, message="Overloaded, come back", status=529
)


def test_an_upstream_of_the_clients_dialect_is_heard_word_for_word() -> None:
    body = b'{ "type":"error", "error": {"type":"overloaded_error","message":"Overloaded"},"x":1 }'
    answer = answered(
        529, body, ("request-id", "req_1"), ("x-should-retry", "true"), ("set-cookie", "s=1")
    )
    reply, headers = told(MESSAGES, OVERLOADED, answer)
    assert (reply.status, reply.body) == (529, body)
    assert (headers["request-id"], headers["x-should-retry"]) == ("req_1", "true")
    assert "set-cookie" not in headers
    assert headers["x-korproxy-error"] == catalogue.UPSTREAM_OVERLOADED.code


@pytest.mark.parametrize("client", [it for it in DIALECTS if it != MESSAGES])
def test_an_upstream_of_another_dialect_is_heard_by_its_meaning(client: str) -> None:
    answer = answered(529, BUSY, ("request-id", "req_1"), ("x-should-retry", "true"))
    reply, headers = told(client, OVERLOADED, answer)
    said = dialect(client).read_error(reply.status, reply.body)
    assert (said.message, said.kind) == (
        "Overloaded, come back",
        catalogue.UPSTREAM_OVERLOADED.kind,
    )
    assert reply.status in (503, 529)
    assert headers["x-should-retry"] == "true"
    assert "request-id" not in headers
    assert not reply.body.startswith(b'{"type":"error"')


def test_a_web_page_in_place_of_an_error_is_told_as_what_it_is() -> None:
    """Nobody's tool can read it; its words are not even shown."""
    page = b"<html><body>Sorry, checking your browser</body></html>"
    failure = Failure(spec=catalogue.EDGE_CHALLENGE, status=403)
    reply, _ = told(CHAT, failure, answered(403, page))
    assert b"Sorry" not in reply.body
    assert json.loads(reply.body)["error"]["message"]


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_our_credential_is_never_a_401_or_403(client: str, status: int) -> None:
    failure = Failure(spec=catalogue.ACCOUNT_REJECTED, message="invalid x-api-key", status=status)
    answer = answered(status, messages_error("authentication_error"), dialect_id=client)
    reply, headers = told(client, failure, answer)
    assert reply.status == catalogue.ACCOUNT_REJECTED.status
    assert reply.status not in (401, 403)
    assert headers["x-korproxy-error"] == catalogue.ACCOUNT_REJECTED.code
    for words in ("My plan", "invalid x-api-key", catalogue.ACCOUNT_REJECTED.remedy[0]):
        assert words in dialect(client).read_error(reply.status, reply.body).message


def test_a_401_is_ours_whatever_the_provider_was_read_to_say() -> None:
    reply, _ = told(MESSAGES, OVERLOADED, answered(401, BUSY))
    assert reply.status != 401


def test_a_tool_with_its_own_login_hears_its_own_vendor() -> None:
    failure = Failure(spec=catalogue.ACCOUNT_REJECTED, status=401)
    body = messages_error("authentication_error", "OAuth token has expired")
    reply, _ = told(MESSAGES, failure, answered(401, body), own_login=True)
    assert (reply.status, json.loads(reply.body)) == (401, body)


@pytest.mark.parametrize("client", DIALECTS)
def test_an_error_inside_a_200_is_never_passed_on_as_the_event_it_was(client: str) -> None:
    """A stream's event is no body of an error, not even in its own dialect."""
    events = {
        "openai-responses": {
            "type": "response.failed",
            "response": {"error": {"code": "rate_limit_exceeded", "message": "slow down"}},
        },
        "openai-chat": {"error": {"message": "slow down", "code": "rate_limit_exceeded"}},
        "anthropic-messages": messages_error("rate_limit_error", "slow down"),
        "gemini": {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}},
    }
    failure = Failure(spec=catalogue.RATE_LIMITED, message="slow down", status=200)
    data = json.dumps(events[client]).encode()
    answer = UpstreamAnswer(client, failure.spec.status, (JSON,), data, hidden=True)
    reply, headers = told(client, failure, answer)
    assert reply.status == 429
    assert b"response.failed" not in reply.body
    assert "slow down" in str(json.loads(reply.body)["error"]["message"])
    assert headers["content-type"] == "application/json"


def test_an_error_of_ours_is_told_as_it_is() -> None:
    cause = KorProxyError(catalogue.DNS_FAILED, "a.example does not resolve")
    reply, headers = told(CHAT, failure_of(cause), cause=cause)
    assert (reply.status, headers["x-korproxy-error"]) == (cause.status, cause.spec.code)
    assert "a.example does not resolve" in json.loads(reply.body)["error"]["message"]


# --- what to look at, and until when


HINT = "A key works on the host of its own region only: check access and region."


@pytest.mark.parametrize(
    ("spec", "client"),
    [(catalogue.ACCOUNT_REJECTED, MESSAGES), (catalogue.ROUTE_RETIRED, CHAT)],
)
def test_what_a_person_should_look_at_is_shown(spec: ErrorSpec, client: str) -> None:
    failure = Failure(spec=spec, message="said so", hint=HINT, status=400)
    reply, _ = told(client, failure, answered(400, messages_error("api_error", "said so")))
    assert f"said so. {HINT}" in reply.body.decode()


def test_what_a_person_should_look_at_is_known_even_where_the_upstream_speaks_itself() -> None:
    body = messages_error("api_error", "said so")
    exchange = exchange_for(accounts_of({"a": MESSAGES}), question(MESSAGES, "m"))
    failure = Failure(spec=catalogue.ROUTE_RETIRED, message="said so", hint=HINT, status=400)
    failed = AttemptFailedError(failure, "My plan", NOW, answer=answered(400, body))
    assert json.loads(upstream_error_reply(exchange, failed).body) == body
    assert exchange.error is not None
    assert exchange.error.detail == f"My plan: said so. {HINT}"


@pytest.mark.parametrize("client", [MESSAGES, CHAT])
@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ({"retry_after_s": 30.2}, "31"),
        ({"retry_after_s": 0.0}, "1"),
        ({"reset_at": NOW + 90.5}, "91"),
        ({"reset_at": NOW - 5}, "1"),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_said_and_never_too_short(
    client: str, times: dict[str, float], seconds: str | None
) -> None:
    failure = Failure(spec=catalogue.RATE_LIMITED, message="slow", status=429, **times)  # type: ignore[arg-type]
    _, headers = told(client, failure, answered(429, messages_error("rate_limit_error", "slow")))
    assert headers.get("retry-after") == seconds


def test_the_upstreams_own_time_is_left_as_it_said_it() -> None:
    failure = Failure(spec=catalogue.RATE_LIMITED, retry_after_s=30.0, status=429)
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    _, headers = told(MESSAGES, failure, answered(429, BUSY, ("Retry-After", date)))
    assert headers["retry-after"] == date
