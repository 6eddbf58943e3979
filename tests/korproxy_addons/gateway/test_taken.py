import gzip
from typing import Any

import pytest
from mitmproxy import http

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.gateway.messages import headers_of, new_response
from korproxy_addons.gateway.taken import taken
from korproxy_addons.gateway.tape import Supply, Tape
from korproxy_addons.io.upstream import UpstreamCall
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import Wanted
from support.flows import client_flow, exchange_of
from support.upstream_calls import PATIENT

LIMIT = 1000
ZIPPED = (("Content-Encoding", "gzip"),)


def tape() -> Tape:
    return Tape(shapes=False, limit_bytes=LIMIT, supply=Supply(10**6), takes=lambda _tool: True)


def exchange(path: str = "/v1/messages?beta=true", body: bytes = b"{}", **fields: Any) -> Exchange:
    headers = {"host": "localhost:1337", "x-a": "b"}
    return exchange_of(client_flow(path=path, headers=headers, body=body), **fields)


def attempt(number: int = 1, **fields: Any) -> Attempt:
    return Attempt(
        **{
            "number": number,
            "account_id": "a",
            "account_label": "Work",
            "provider": "claude",
            "access": "api-key",
            "dialect": "anthropic-messages",
            "model": "m",
            "url": "",
            "started_at": 1.0,
            **fields,
        }
    )


def call(body: bytes = b"sent") -> UpstreamCall:
    headers = (("authorization", "Bearer x"),)
    return UpstreamCall(
        method="POST", url="https://h.example/x", headers=headers, body=body, budgets=PATIENT
    )


def test_what_is_known_of_the_exchange_is_taken_down() -> None:
    own = exchange(
        wanted=Wanted("anthropic-messages", Operation.GENERATE),
        peek=Peek(model="opus", stream=True),
        inbound=Inbound(body=b"{}"),
        tool="codex-cli",
        profile="office",
        received_at=5.0,
        dialect="anthropic-messages",
        first_byte_ms=1.23456,
        why=["pinned"],
        losses=["seed"],
    )
    own.client.profile = "office"
    made = tape()
    made.over_socket = True
    found = taken(own, made, "ok")
    known = found.known
    assert (known.id, known.request_id, known.started_at, known.mode) == (
        "seed1",
        "request-1",
        5.0,
        "content",
    )
    assert (known.tool, known.profile, known.operation, known.requested_model) == (
        "codex-cli",
        "office",
        "generate",
        "opus",
    )
    assert (known.streamed, known.over_socket, known.outcome, known.code) == (True, True, "ok", "")
    assert (known.why, known.losses, known.first_byte_ms) == (("pinned",), ("seed",), 1.235)
    request = found.request()
    assert (request.method, request.url) == (
        "POST",
        "http://localhost:1337/p/office/v1/messages?beta=true",
    )
    assert (request.body, request.headers[1], request.ended) == (b"{}", ("x-a", "b"), True)
    assert (found.reply(), found.tries()) == (None, ())
    assert found.size_bytes > 2, "without bodies it takes memory, too"
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("fields", "outcome", "code"),
    [
        ({}, "client_gone", ""),
        ({"error": KorProxyError(catalogue.NO_ACCOUNT)}, "error", catalogue.NO_ACCOUNT.code),
        ({"stream_error": "overloaded"}, "error", "overloaded"),
    ],
)
def test_how_it_ended(fields: dict[str, Any], outcome: str, code: str) -> None:
    found = taken(exchange(**fields), tape(), "client_gone").known
    assert (found.outcome, found.code, found.operation, found.requested_model) == (
        outcome,
        code,
        "other",
        "",
    )


def test_attempts_are_put_together_with_what_passed() -> None:
    """One that never left has no messages; one that nobody answered has no reply."""
    first, second, third = (
        attempt(1, error_code="KP-AUTH-004"),
        attempt(2, sent_ms=1.0),
        attempt(3, status=200),
    )
    own = exchange(attempts=[first, second, third])
    made = tape()
    made.sent(2, call(b"two"))
    made.sent(3, call(b"three"))
    hear = made.heard(200, (("content-type", "text/plain"),))
    hear(b"an")
    hear(b"swer")
    hear(b"")
    one, two, three = taken(own, made, "ok").tries()
    assert (one.known.code, one.request, one.reply) == ("KP-AUTH-004", None, None)
    assert two.request is not None
    assert (two.request.method, two.request.url, two.request.body) == (
        "POST",
        "https://h.example/x",
        b"two",
    )
    assert (two.known.sent_ms, two.reply) == (1.0, None)
    assert three.reply is not None
    assert (three.reply.status, three.reply.body, three.reply.ended) == (200, b"answer", True)


def streamed(status: int = 200, *fields: tuple[str, str]) -> http.Response:
    return new_response(status, headers_of(fields))


def test_the_reply_is_what_the_leg_has_told() -> None:
    own, made = exchange(), tape()
    made.response = streamed(200, ("content-type", "text/event-stream"))
    made.told = made.body()
    made.told.add(b"data: 1\n\n")
    reply = taken(own, made, "ok").reply()
    assert reply is not None
    assert (reply.status, reply.headers, reply.body, reply.ended) == (
        200, (("content-type", "text/event-stream"),), b"data: 1\n\n", False,
    )  # fmt: skip


@pytest.mark.parametrize("leg_told", [True, False])
def test_the_reply_is_what_an_addon_has_made_of_it(leg_told: bool) -> None:
    own, made = exchange(), tape()
    made.response = http.Response.make(401, b"no", {"content-type": "text/plain"})
    if leg_told:
        made.told = made.body()
        made.told.add(b"what nobody was given")
    reply = taken(own, made, "ok").reply()
    assert reply is not None
    assert (reply.status, reply.body, reply.ended) == (401, b"no", True)


def test_content_codings_are_taken_off() -> None:
    """A request's is off already, once it was read; an upstream's reply bears it still."""
    packed = gzip.compress(b"x" * 300)
    own = exchange(attempts=[attempt()], body=packed)
    own.client.headers["content-encoding"] = "gzip"
    made = tape()
    made.sent(1, call())
    made.heard(200, ZIPPED)(packed)
    found = taken(own, made, "ok")
    assert found.request().body == b"x" * 300
    (one,) = found.tries()
    assert one.reply is not None
    assert one.reply.body == b"x" * 300
    own.inbound = Inbound(body=b"read")
    own.client.body = b"read"
    assert taken(own, made, "ok").request().body == b"read"


@pytest.mark.parametrize(
    ("data", "coding", "body", "cut_bytes"),
    [
        (gzip.compress(b"y" * 5000), "gzip", b"y" * LIMIT, None),
        (gzip.compress(b"z" * 500)[:-9], "gzip", b"z" * 500, 0),
        (b"no gzip at all", "gzip", None, 0),
        (b"whatever", "lzma", None, 0),
        (b"as it is", "identity", b"as it is", 0),
        (b"", "gzip", b"", 0),
    ],
)
def test_a_coded_body_is_bounded_and_may_be_broken(
    data: bytes, coding: str, body: bytes | None, cut_bytes: int | None
) -> None:
    own, made = exchange(attempts=[attempt()]), tape()
    made.sent(1, call())
    made.heard(200, (("content-encoding", coding),))(data)
    (one,) = taken(own, made, "ok").tries()
    assert one.reply is not None
    assert one.reply.body == body
    assert (one.reply.cut_bytes > 0) if cut_bytes is None else (one.reply.cut_bytes == cut_bytes)


def test_nothing_that_was_said_is_in_a_repr() -> None:
    own, made = exchange(path="/?key=canary", body=b"canary"), tape()
    assert "canary" not in repr(taken(own, made, "ok"))
