"""The WebSocket variant of Responses, as bytes on a connection to a real gateway process."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from launcher.simulator import Entry
from support.asking import send
from support.gateway import GatewayProcess, SimulatedGateway
from support.socket_client import LiveSocket

pytestmark = pytest.mark.e2e

NATIVE, FOREIGN = "codex@codex-api-key/gpt-6.1-sol", "claude@claude-api-key/claude-sonnet-5-5"
KEY = "authorization: Bearer korproxy-local-key"
ANSWER = "All of it arrives."
SAY = f'Say it. [[sim text="{ANSWER}" piece=3]]'
CALL = "Look. [[sim tool=look args={}]]"
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
DONE = "response.output_item.done"


def generated(running: SimulatedGateway) -> list[Entry]:
    return [it for it in running.sim.ledger.entries if it.operation == "generate"]


def body_of(entry: Entry) -> Any:
    return json.loads(entry.body or "")


@pytest.mark.parametrize("model", [NATIVE, FOREIGN], ids=["native", "translated"])
def test_a_response_is_streamed_event_by_event(either: SimulatedGateway, model: str) -> None:
    with LiveSocket(either.gateway.port, KEY) as socket:
        assert socket.status == 101
        socket.create(model, SAY, store=False)
        assert socket.answer() == ANSWER
    exchange, created, *_, completed = socket.said
    assert exchange["headers"]["x-korproxy-request-id"]
    assert exchange["headers"]["x-korproxy-account"].startswith("simulated ")
    assert (created["type"], completed["type"]) == ("response.created", "response.completed")
    assert completed["response"]["usage"]["output_tokens"] > 0
    assert socket.kinds.count("response.output_text.delta") > 3
    (entry,) = generated(either)
    assert (entry.method, entry.status, entry.stream) == ("POST", 200, True)


@pytest.mark.parametrize("path", ["/responses", "/v1/v1/responses", "/backend-api/codex/responses"])
def test_the_other_paths_of_responses_are_served_too(engine: SimulatedGateway, path: str) -> None:
    with LiveSocket(engine.gateway.port, KEY, path=path) as socket:
        socket.create(NATIVE, SAY)
        assert socket.answer() == ANSWER


@pytest.mark.parametrize("model", [NATIVE, FOREIGN], ids=["native", "translated"])
def test_later_turns_bring_only_what_is_new_and_all_of_it_goes_upstream(
    engine: SimulatedGateway, model: str
) -> None:
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create(model, [], generate=False, tools=[TOOL])
        warm = socket.wait("response.completed")["response"]["id"]
        assert generated(engine) == []
        socket.create(model, CALL, tools=[TOOL], previous_response_id=warm)
        first = socket.wait("response.completed")["response"]["id"]
        (call,) = [
            it["item"]
            for it in socket.said
            if it["type"] == DONE and it["item"]["type"] == "function_call"
        ]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "a tree"}
        socket.create(model, [output], tools=[TOOL], previous_response_id=first)
        assert "a tree" in socket.answer()
    asked, answered = generated(engine)
    assert "a tree" not in (asked.body or "")
    told = body_of(answered)
    turns = told.get("input") or told["messages"]
    assert json.dumps(turns).count("a tree") == 1
    assert "[[sim tool=look" in json.dumps(turns[0])
    assert "previous_response_id" not in told


def test_an_id_of_another_socket_is_unknown_here(engine: SimulatedGateway) -> None:
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create(NATIVE, SAY, store=False)
        first = socket.wait("response.completed")["response"]["id"]
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create(NATIVE, SAY, store=False, previous_response_id=first)
        refused = socket.wait("error")
        assert refused["status"] == 400
        socket.create(NATIVE, SAY)
        assert socket.answer() == ANSWER, "the socket stays"


def test_a_failure_before_the_first_event_goes_to_the_next_account(tmp_path: Path) -> None:
    with SimulatedGateway(tmp_path) as running:
        running.sim.script("429", operation="generate", retry_after=60)
        with LiveSocket(running.gateway.port, KEY) as socket:
            socket.create("gpt-6.1-sol", SAY)
            assert socket.answer() == ANSWER
        assert "failover" in socket.said[0]["headers"]["x-korproxy-why"]
        assert [it.status for it in generated(running)] == [429, 200]


def test_each_response_is_an_exchange_with_its_account_and_its_tokens(
    engine: SimulatedGateway,
) -> None:
    with LiveSocket(engine.gateway.port, KEY) as socket:
        for _ in range(2):
            socket.create(NATIVE, SAY)
            socket.answer()
    ids = [
        it["headers"]["x-korproxy-request-id"]
        for it in socket.said
        if it["type"] == "korproxy.exchange"
    ]
    assert len(set(ids)) == 2
    for request_id in ids:
        line = engine.gateway.wait_for_log(request_id)[-1]
        assert (line["outcome"], line["account"]) == ("ok", "codex-api-key")
        assert line["output_tokens"] > 0
        assert line["bytes_out"] > 0


def test_what_is_wrong_with_a_request_is_said_and_the_socket_stays(
    engine: SimulatedGateway,
) -> None:
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create("no-such-model", SAY)
        refused = socket.wait("error")
        assert (refused["status"], refused["headers"]["x-korproxy-error"]) == (
            404,
            catalogue.UNKNOWN_MODEL.code,
        )
        assert refused["error"]["message"]
        socket.create(NATIVE, SAY)
        assert socket.answer() == ANSWER


def test_an_upstream_that_breaks_off_ends_the_response_in_words(engine: SimulatedGateway) -> None:
    engine.sim.script("drop", operation="generate", after=6, held=True)
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create(NATIVE, SAY)
        socket.wait("response.created")
        engine.sim.release()
        assert socket.wait("response.failed", "error")["response"]["error"]["message"]
        socket.create(NATIVE, SAY)
        assert socket.answer() == ANSWER


def test_a_client_that_leaves_cancels_the_upstream(engine: SimulatedGateway) -> None:
    engine.sim.script("stall", operation="generate", after=4)
    with LiveSocket(engine.gateway.port, KEY) as socket:
        socket.create(NATIVE, SAY)
        socket.wait("response.output_text.delta", "response.created")
    engine.sim.wait(lambda entries: entries[-1].client_gone_at is not None)


def test_requests_that_keep_failing_send_the_client_back_to_post(engine: SimulatedGateway) -> None:
    """As `socket_history.py` says; the session of another client is open all the while."""
    port, session = engine.gateway.port, "session-id: failing"
    for _ in range(2):
        with LiveSocket(port, KEY, session) as socket:
            assert socket.status == 101
            socket.create("no-such-model", SAY)
            socket.wait("error")
    with LiveSocket(port, KEY, session) as socket:
        assert socket.status == 426
        assert b"\r\nupgrade: websocket" in socket.head.lower()
    with LiveSocket(port, KEY, "session-id: another") as socket:
        assert socket.status == 101


def test_without_a_local_key_there_is_no_socket(tmp_path: Path) -> None:
    keys = {"required": True, "keys": [{"id": "tool", "secret": "file:secrets/local"}]}

    def start(home: Path) -> GatewayProcess:
        (home / "secrets" / "local").write_text("kp-local-of-a-tool")
        (home / "secrets" / "local").chmod(0o600)
        return GatewayProcess(home)

    with SimulatedGateway(tmp_path, {"local_keys": keys}, start) as running:
        port = running.gateway.port
        with LiveSocket(port, KEY) as socket:
            assert socket.status == 401
        with LiveSocket(port, "authorization: Bearer kp-local-of-a-tool") as socket:
            socket.create(NATIVE, SAY)
            assert socket.answer() == ANSWER
        (entry,) = generated(running)
        assert "kp-local-of-a-tool" not in json.dumps(entry.headers)


def test_a_page_of_another_origin_gets_no_socket(engine: SimulatedGateway) -> None:
    """Browsers let any page open a socket to loopback, and say whose page it is."""
    with LiveSocket(engine.gateway.port, KEY, "origin: https://evil.example") as socket:
        assert socket.status == 403
        assert catalogue.ORIGIN_REFUSED.code.lower().encode() in socket.head.lower()


@pytest.mark.skipif(
    sys.platform == "win32", reason="there the process is asked by its control pipe"
)
def test_a_gateway_that_is_asked_to_end_finishes_the_response_first(tmp_path: Path) -> None:
    with SimulatedGateway(tmp_path) as running:
        with LiveSocket(running.gateway.port, KEY) as socket:
            socket.create(NATIVE, f'Say it. [[sim text="{ANSWER * 4}" piece=2 delay_ms=20]]')
            socket.wait("response.output_text.delta")
            running.gateway.process.send_signal(signal.SIGTERM)
            socket.wait("response.completed")
            socket.wait_closed()
        assert running.gateway.process.wait(30) == 0


def test_plain_requests_are_served_beside_sockets(engine: SimulatedGateway) -> None:
    with LiveSocket(engine.gateway.port, KEY) as socket:
        assert send(engine.url, "GET", "/_korproxy/health").status == 200
        socket.create(NATIVE, SAY)
        assert socket.answer() == ANSWER
