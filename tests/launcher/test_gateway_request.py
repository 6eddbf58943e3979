"""One request to a gateway: what goes out, and what comes back with it."""

import threading

import pytest

from korproxy_addons.recording.replay import Replay
from launcher import gateway_request
from launcher.borrowed_gateway import BorrowedGateway
from launcher.gateway_request import GatewayReply, send
from support.listener import Answer, Listener


def replay(body: str = '{"a": "é"}', method: str = "POST") -> Replay:
    return Replay(
        method=method, target="/v1/messages?beta=true", headers=(("X-A", "1"),), body=body, model="m", notes=()
    )  # fmt: skip


def ask(port: int, limit_s: float = 20.0, key: str | None = None, **asked: str) -> GatewayReply:
    return send(BorrowedGateway(port, started=False), replay(**asked), key, limit_s)


def test_a_request_goes_out_as_it_is() -> None:
    with Listener() as listener:
        listener.answer = Answer(
            201, b"hello", (("X-KorProxy-Request-Id", "r"), ("content-type", "a/b"))
        )
        reply = ask(listener.port, key="local")
        (heard,) = listener.heard
    assert (heard.method, heard.target) == ("POST", "/v1/messages?beta=true")
    assert heard.body == '{"a": "é"}'.encode()
    fields = {name.lower(): value for name, value in heard.headers}
    assert fields.pop("host").startswith("127.0.0.1")
    assert fields == {"x-a": "1", "x-korproxy-key": "local", "content-length": "11"}
    assert (reply.status, reply.body, reply.broken) == (201, b"hello", "")
    assert (reply.request_id, reply.content_type) == ("r", "a/b")
    assert (reply.code, reply.account) == ("", "")
    assert reply.first_byte_ms is not None
    assert 0 < reply.first_byte_ms <= reply.total_ms


def test_without_a_key_and_a_body_neither_is_sent() -> None:
    with Listener() as listener:
        ask(listener.port, method="GET", body="")
        (heard,) = listener.heard
    names = {name.lower() for name, _ in heard.headers}
    assert names == {"host", "x-a"}


def test_nobody_there() -> None:
    with Listener() as listener:
        port = listener.port
    reply = ask(port)
    assert (reply.status, reply.body) == (None, b"")
    assert reply.broken == "the gateway's answer broke off: ConnectionRefusedError"
    assert reply.first_byte_ms is None


def test_an_answer_that_breaks_off_is_there_as_far_as_it_came() -> None:
    with Listener() as listener:
        listener.answer = Answer(200, b"begun", (("content-length", "50"), ("connection", "close")))
        reply = ask(listener.port)
    assert (reply.status, reply.body) == (200, b"begun")
    assert reply.broken == "the gateway's answer broke off: IncompleteRead"


def test_an_answer_that_does_not_end_is_not_waited_for() -> None:
    never = threading.Event()
    with Listener() as listener:
        listener.answer = Answer(when=never)
        reply = ask(listener.port, limit_s=0.2)
        never.set()
    assert reply.broken == "no whole answer within 0.2 s"


def test_no_answer_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_request, "MOST_BYTES", 10)
    with Listener() as listener:
        listener.answer = Answer(200, b"x" * 100)
        reply = ask(listener.port)
    assert reply.status == 200
    assert reply.broken
