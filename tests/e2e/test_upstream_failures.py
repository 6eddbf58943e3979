"""What a provider or the way to it can do wrong: each its own code, in words, in the client's dialect."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.kinds import ErrorSpec
from support.asking import DIALECTS, ask, payloads, question
from support.gateway import SimulatedGateway, free_port
from support.live_reply import broken_off

pytestmark = pytest.mark.e2e

MODEL = "sim-large"


class _Plain(socketserver.BaseRequestHandler):
    """Whoever speaks TLS to it is answered in plain HTTP, and hung up on."""

    def handle(self) -> None:
        self.request.recv(65_536)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.request.shutdown(socket.SHUT_WR)
        while self.request.recv(65_536):  # else what is unread would reset the connection
            pass


class _PlainServer(socketserver.ThreadingTCPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nobody's trouble."""


@pytest.fixture(scope="module")
def plain_port() -> Iterator[int]:
    """A port at which nobody understands TLS."""
    with _PlainServer(("127.0.0.1", 0), _Plain) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[SimulatedGateway]:
    """A gateway of one's own: what a fault leaves behind in the accounts' health concerns nobody else."""
    with SimulatedGateway(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def broken_ways(
    tmp_path_factory: pytest.TempPathFactory, plain_port: int
) -> Iterator[SimulatedGateway]:
    """A gateway with accounts whose providers cannot be reached, each in its own way."""
    home = tmp_path_factory.mktemp("home")
    bases = {
        "refused": f"http://127.0.0.1:{free_port()}/v1",
        "nowhere": "https://no-such-host.invalid/v1",
        "no-tls": f"https://127.0.0.1:{plain_port}/v1",
        "private": "https://10.255.255.1/v1",
    }
    providers = {
        name: {
            "dialect": "openai-chat", "base_url": base, "models": [f"m-{name}"],
            "list_models": False, "local": name != "private",
        }
        for name, base in bases.items()
    }  # fmt: skip
    accounts = [{"id": name, "provider": name, "secret": "env:BROKEN_KEY"} for name in bases]
    extra = {"providers": providers, "accounts": accounts}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROKEN_KEY", "sk-broken-canary-1")
        with SimulatedGateway(home, extra) as running:
            yield running


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        ("m-refused", catalogue.CONNECT_REFUSED),
        ("m-nowhere", catalogue.DNS_FAILED),
        ("m-no-tls", catalogue.TLS_FAILED),
        ("m-private", catalogue.ADDRESS_BLOCKED),
    ],
)
def test_an_upstream_that_cannot_be_reached(
    broken_ways: SimulatedGateway, model: str, spec: ErrorSpec
) -> None:
    """No connection, no name, no TLS, no public address: each has its code and says what to do next."""
    for dialect in DIALECTS:
        reply = ask(broken_ways.url, question(dialect, model))
        assert (reply.status, reply.headers["x-korproxy-error"]) == (spec.status, spec.code), (
            reply.body
        )
        assert spec.remedy[0] in reply.body.decode()
        assert "sk-broken" not in reply.body.decode()


@pytest.mark.parametrize(
    ("fault", "words", "spec"),
    [
        ("garbage", {}, catalogue.UPSTREAM_INVALID_REPLY),
        ("huge-headers", {}, catalogue.UPSTREAM_INVALID_REPLY),
        ("redirect", {"location": "http://127.0.0.1:9/"}, catalogue.UPSTREAM_INVALID_REPLY),
        ("reset-before-head", {}, catalogue.CONNECTION_LOST),
        ("invalid-json", {}, catalogue.UPSTREAM_INVALID_REPLY),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_reply_that_is_none(
    fresh: SimulatedGateway, dialect: str, fault: str, words: dict[str, str], spec: ErrorSpec
) -> None:
    """HTTP garbage, a head without end, a redirect, a dead connection, broken JSON: an error, never a hang."""
    fresh.sim.script(fault, count=10, **words)
    # Crossing dialects, so that even the body has to be understood.
    model = "claude-sonnet-5-5" if dialect != "anthropic-messages" else "glm-5"
    reply = ask(fresh.url, question(dialect, model))
    assert reply.status >= 500
    assert reply.headers["x-korproxy-error"] == spec.code, reply.body
    assert "Traceback" not in reply.body.decode()


NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


@pytest.mark.parametrize("crossing", [False, True], ids=["native", "crossing"])
@pytest.mark.parametrize("fault", ["cut", "drop", "reset", "error-mid-stream"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_that_breaks_ends_in_the_dialects_own_error(
    engine: SimulatedGateway, dialect: str, fault: str, crossing: bool
) -> None:
    """After the first byte a failure is said in the stream, and never passes for a whole answer."""
    other = "anthropic-messages" if dialect != "anthropic-messages" else "gemini"
    model = NATIVE[other if crossing else dialect]
    asked = question(dialect, model, "[[sim tokens=80 piece=8]]", stream=True)
    reply = broken_off(engine, asked, fault)
    assert reply.status == 200
    last = payloads(reply.body)[-1]
    match dialect:
        case "anthropic-messages":
            assert last["type"] == "error"
        case "openai-responses":
            assert last["type"] in ("response.failed", "error")
        case _:
            assert "error" in last
    assert b"[DONE]" not in reply.body
    assert b"message_stop" not in reply.body


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_upstream_error_reaches_a_client_of_its_dialect_as_it_was(
    engine: SimulatedGateway, dialect: str
) -> None:
    """Status, body and headers of a refusal pass unchanged; KorProxy's code stands beside them."""
    words = "Your prompt was refused for a reason of its own."
    engine.sim.script("status", status=400, message=words, headers={"x-vendor": "kept"})
    reply = ask(engine.url, question(dialect, NATIVE[dialect]))
    assert reply.status == 400
    assert words in reply.body.decode()
    assert reply.headers["x-vendor"] == "kept"
    assert reply.headers["x-korproxy-error"].startswith("KP-")
    assert reply.headers["x-korproxy-account"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_upstream_error_crosses_dialects_by_its_meaning(
    fresh: SimulatedGateway, dialect: str
) -> None:
    """A rate limit stays one: the client's envelope, the upstream's status, the time to wait."""
    model = "claude-sonnet-5-5" if dialect != "anthropic-messages" else "sim-chat/sim-large"
    fresh.sim.script("429", retry_after=7, count=10)
    reply = ask(fresh.url, question(dialect, model))
    assert reply.status == 429, reply.body
    assert reply.headers["retry-after"] == "7"
    kind = {"anthropic-messages": "rate_limit_error", "gemini": "RESOURCE_EXHAUSTED"}
    assert kind.get(dialect, "rate_limit") in reply.body.decode()


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_401_about_our_credential_never_reaches_a_tool(
    fresh: SimulatedGateway, status: str
) -> None:
    """It would log the user out of a tool that did nothing wrong."""
    fresh.sim.script(status, count=10)
    reply = ask(fresh.url, question("anthropic-messages", "claude@claude-api-key/claude-haiku-5-5"))
    assert reply.status != 401, reply.body
    if status == "401":
        assert reply.headers["x-korproxy-error"] == catalogue.ACCOUNT_REJECTED.code


def test_a_file_of_logs_says_what_happened(engine: SimulatedGateway) -> None:
    """Each exchange leaves a line with its id, account and outcome."""
    reply = ask(engine.url, question("gemini", NATIVE["gemini"]))
    request_id = reply.headers["x-korproxy-request-id"]
    lines = engine.gateway.wait_for_log(request_id)
    assert [("exchange finished", "ok")] == [(it["event"], it["outcome"]) for it in lines]
    assert lines[0]["bytes_out"] == len(reply.body)
    assert lines[0]["output_tokens"] > 0
