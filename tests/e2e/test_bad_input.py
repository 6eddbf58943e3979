"""Bad input: each with its status, its KP-REQ code and the client's envelope, and never an upstream call."""

import gzip
import json
import socket
from typing import Any

import pytest
import zstandard

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.kinds import ErrorSpec
from support.asking import CLIENT_KEY, DIALECTS, Response, ask, question, said, send
from support.gateway import SimulatedGateway
from support.raw_http import RawConnection, head

pytestmark = pytest.mark.e2e

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "gemini": "/v1beta/models/gemini-3.8-flash:generateContent",
}
MODELS = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
JSON = {"content-type": "application/json", "authorization": f"Bearer {CLIENT_KEY}"}


def error_of(dialect: str, reply: Response) -> dict[str, Any]:
    """The error in the dialect's own envelope; fails where the envelope is another one."""
    body = reply.json
    if dialect == "anthropic-messages":
        assert body["type"] == "error"
        assert set(body["error"]) >= {"type", "message"}
    elif dialect == "gemini":
        assert body["error"]["code"] == reply.status
        assert body["error"]["status"].isupper()
    else:
        assert set(body["error"]) >= {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


def refused(gateway: SimulatedGateway, dialect: str, reply: Response, spec: ErrorSpec) -> None:
    """Assert that this was the refusal, in the right words, and that nothing went upstream."""
    assert reply.headers["x-korproxy-error"] == spec.code, reply.body
    assert spec.code in error_of(dialect, reply)["message"]
    assert reply.headers["x-korproxy-request-id"]
    assert "Traceback" not in reply.body.decode()
    assert [] == [it for it in gateway.sim.ledger.entries if it.operation not in ("models", "")]


@pytest.mark.parametrize(
    ("body", "spec"),
    [
        (b"", catalogue.EMPTY_BODY),
        (b"  \n ", catalogue.EMPTY_BODY),
        (b"not json", catalogue.NOT_JSON),
        (b'{"model": "x", "messages": [', catalogue.NOT_JSON),
        (b'{"model": "\xff\xfe"}', catalogue.NOT_UTF8),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", catalogue.TOO_DEEP),
        (b"[1, 2, 3]", catalogue.FIELD_INVALID),
        (b'"text"', catalogue.FIELD_INVALID),
    ],
    ids=["empty", "blank", "no-json", "truncated", "no-utf8", "deep", "array", "string"],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_is_no_request(
    engine: SimulatedGateway, dialect: str, body: bytes, spec: ErrorSpec
) -> None:
    """Whatever is no JSON object of a request is refused with 400 in the client's envelope."""
    reply = send(engine.url, "POST", PATHS[dialect], body, JSON)
    assert reply.status == 400
    refused(engine, dialect, reply, spec)


@pytest.mark.parametrize("dialect", [it for it in DIALECTS if it != "gemini"])
@pytest.mark.parametrize(
    ("model", "spec"),
    [
        (None, catalogue.MODEL_MISSING),
        ("", catalogue.MODEL_MISSING),
        (17, catalogue.FIELD_INVALID),
        (["a"], catalogue.FIELD_INVALID),
    ],
    ids=["missing", "empty", "number", "list"],
)
def test_a_model_that_is_none(
    engine: SimulatedGateway, dialect: str, model: object, spec: ErrorSpec
) -> None:
    """A missing model, or one of a wrong type, is named as the field at fault."""
    asked = question(dialect, "x")
    del asked.body["model"]
    if model is not None:
        asked.body["model"] = model
    reply = ask(engine.url, asked)
    assert reply.status == 400
    refused(engine, dialect, reply, spec)
    if dialect.startswith("openai"):
        assert error_of(dialect, reply)["param"] == "model"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_unknown_model_names_near_matches(engine: SimulatedGateway, dialect: str) -> None:
    """An unknown model is refused with the names that come close, and never replaced by another."""
    wrong = MODELS[dialect][:-1] + "zz"
    reply = ask(engine.url, question(dialect, wrong))
    assert reply.status == 404
    refused(engine, dialect, reply, catalogue.UNKNOWN_MODEL)
    assert MODELS[dialect] in error_of(dialect, reply)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "spec"),
    [
        ("POST", "/v1/nonsense", 404, catalogue.UNKNOWN_PATH),
        ("GET", "/favicon.ico", 404, catalogue.UNKNOWN_PATH),
        ("HEAD", "/api/hello", 404, catalogue.UNKNOWN_PATH),
        ("POST", "/v1beta/models/m:destroy", 404, catalogue.UNKNOWN_PATH),
        ("GET", "/v1/chat/completions", 405, catalogue.METHOD_NOT_ALLOWED),
        ("DELETE", "/v1/messages", 405, catalogue.METHOD_NOT_ALLOWED),
        ("GET", "/v1beta/models/m:generateContent", 405, catalogue.METHOD_NOT_ALLOWED),
        ("GET", "/v0/management/config", 404, catalogue.MOVED),
    ],
)
def test_paths_and_methods_that_are_none(
    engine: SimulatedGateway, method: str, path: str, status: int, spec: ErrorSpec
) -> None:
    """An unknown path is 404, a known one with a wrong method 405; at once, without an upstream call."""
    reply = send(engine.url, method, path, b"{}" if method == "POST" else None, JSON)
    assert (reply.status, reply.headers["x-korproxy-error"]) == (status, spec.code)
    assert [] == engine.sim.ledger.entries


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_over_the_limit(engine: SimulatedGateway, dialect: str) -> None:
    """A body that announces more than the limit is refused before it is sent; so is one that only turns out so."""
    size_bytes = 65 * 1024 * 1024
    announced = {**JSON, "content-length": str(size_bytes), "expect": "100-continue"}
    reply = send(engine.url, "POST", PATHS[dialect], b"", announced)
    assert reply.status == 413
    refused(engine, dialect, reply, catalogue.BODY_TOO_LARGE)
    bomb = gzip.compress(b" " * size_bytes)
    reply = send(engine.url, "POST", PATHS[dialect], bomb, {**JSON, "content-encoding": "gzip"})
    assert reply.status == 413
    refused(engine, dialect, reply, catalogue.BODY_TOO_LARGE)


def test_a_chunked_body_over_the_limit(engine: SimulatedGateway) -> None:
    """Without a length, the limit holds all the same, and the client can read the refusal."""
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    port = engine.gateway.port
    fields = {"Host": f"127.0.0.1:{port}", "Transfer-Encoding": "chunked"}
    with RawConnection(port) as client:
        client.send(head("POST /v1/messages HTTP/1.1", fields))
        for _ in range(66):
            client.send(chunk)
        reply = client.reply("POST")
    assert reply is not None
    assert (reply.status, reply.header("x-korproxy-error")) == (
        413,
        catalogue.BODY_TOO_LARGE.code,
    )
    assert [] == engine.sim.ledger.entries


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [("gzip", b"not gzip", 400), ("zstd", b"not zstd", 400), ("lzma", b"{}", 415)],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_content_coding_that_is_none(
    engine: SimulatedGateway, dialect: str, coding: str, body: bytes, status: int
) -> None:
    """A body that is not what its content-encoding says, or a coding we do not know, is named."""
    reply = send(engine.url, "POST", PATHS[dialect], body, {**JSON, "content-encoding": coding})
    assert reply.status == status
    refused(engine, dialect, reply, catalogue.BAD_CONTENT_ENCODING)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_compressed_bodies_work(engine: SimulatedGateway, dialect: str, coding: str) -> None:
    """Newer clients compress what they send (T181): it arrives, decompressed."""
    asked = question(dialect, MODELS[dialect], "[[sim text=Aye]]")
    plain = json.dumps(asked.body).encode()
    body = gzip.compress(plain) if coding == "gzip" else zstandard.compress(plain)
    fields = {"content-type": "application/json", **asked.headers, "content-encoding": coding}
    reply = send(engine.url, "POST", asked.path, body, fields)
    assert (reply.status, said(dialect, reply, stream=False)) == (200, "Aye"), reply.body


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(engine: SimulatedGateway) -> None:
    """`Expect: 100-continue` gets its interim reply, then the answer."""
    asked = question("anthropic-messages", MODELS["anthropic-messages"], "[[sim text=Aye]]")
    body = json.dumps(asked.body).encode()
    with socket.create_connection(("127.0.0.1", engine.gateway.port), timeout=30) as client:
        request = (
            f"POST {asked.path} HTTP/1.1\r\nHost: 127.0.0.1:{engine.gateway.port}\r\n"
            f"anthropic-version: 2023-06-01\r\ncontent-length: {len(body)}\r\n"
            "expect: 100-continue\r\nconnection: close\r\n\r\n"
        )
        client.sendall(request.encode())
        interim = client.recv(65_536)
        assert interim.startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        rest = b""
        while piece := client.recv(65_536):
            rest += piece
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert b"Aye" in rest
