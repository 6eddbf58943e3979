"""The ledger of a real gateway: one row for each exchange, with what the providers told, whatever became of it."""

import json
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.asking import Question, ask, payloads, question, send
from support.gateway import GatewayProcess, SimulatedGateway
from support.live_reply import broken_off
from support.waiting import until

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
PAIRS = list(product(NATIVE, NATIVE.values()))


def with_usage(asked: Question) -> Question:
    """The question of a client that wants to know, as the chat dialect has it."""
    if asked.path.endswith("/chat/completions") and asked.body.get("stream"):
        asked.body["stream_options"] = {"include_usage": True}
    return asked


def rows(home: Path, where: str = "1", columns: str = "*") -> list[dict[str, Any]]:
    """The rows of the ledger, as another process reads them."""
    connection = sqlite3.connect(f"{(home / 'korproxy.db').as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        found = connection.execute(f"SELECT {columns} FROM exchanges WHERE {where} ORDER BY id")
        return [dict(row) for row in found]
    finally:
        connection.close()


def sums(home: Path, table: str, column: str) -> int:
    connection = sqlite3.connect(f"{(home / 'korproxy.db').as_uri()}?mode=ro", uri=True)
    try:
        return int(
            connection.execute(f"SELECT coalesce(sum({column}), 0) FROM {table}").fetchone()[0]
        )
    finally:
        connection.close()


def row_of(gateway: SimulatedGateway, request_id: str) -> dict[str, Any]:
    """The one row of a request, as soon as it is there."""
    found = until(lambda: rows(gateway.home, f"request_id = '{request_id}'"))
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway of this module's own."""
    with SimulatedGateway(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(own: SimulatedGateway) -> None:
    own.sim.reset()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_a_row_holds_what_the_provider_told(
    own: SimulatedGateway, client: str, model: str, *, stream: bool
) -> None:
    """To the token, whichever dialects meet."""
    prompt = "[[sim text=Aye tokens=40 cached=7 thinking=hm]]"
    reply = ask(own.url, with_usage(question(client, model, prompt, stream=stream)))
    assert reply.status == 200, reply.body
    row = row_of(own, reply.headers["x-korproxy-request-id"])
    told = own.sim.ledger.entries[-1].usage
    assert row["input_tokens"] == told["input_tokens"]
    assert row["cached_tokens"] == told["cached_tokens"]
    assert row["output_tokens"] == told["output_tokens"]
    assert (row["outcome"], row["status"], row["code"]) == ("ok", 200, "")
    assert (row["client_dialect"], row["requested_model"]) == (client, model)
    assert (row["model"], row["streamed"], row["usage_incomplete"]) == (model, int(stream), 0)
    assert row["account"]
    assert row["stop_reason"] == "stop"
    assert 0 < row["first_byte_ms"] <= row["total_ms"]
    assert 0 <= row["overhead_ms"] <= row["total_ms"]


def test_a_failover_is_one_row_with_two_attempts(own: SimulatedGateway) -> None:
    own.sim.script("429", count=2)
    reply = ask(own.url, question("openai-chat", "qwen3.8-max"))
    row = row_of(own, reply.headers["x-korproxy-request-id"])
    tries = json.loads(row["attempts"])
    assert [it["status"] for it in tries] == [it.status for it in own.sim.ledger.entries]
    assert tries[-1]["account"] == row["account"]


def test_a_chat_stream_is_counted_though_its_client_does_not_ask(own: SimulatedGateway) -> None:
    """And it is not told what it did not ask for."""
    asked = question("openai-chat", NATIVE["openai-chat"], "[[sim tokens=40]]", stream=True)
    reply = ask(own.url, asked)
    assert all(it["choices"] for it in payloads(reply.body))
    assert reply.body.endswith(b"data: [DONE]\n\n")
    row = row_of(own, reply.headers["x-korproxy-request-id"])
    told = own.sim.ledger.entries[-1].usage
    assert (row["input_tokens"], row["output_tokens"], row["usage_incomplete"]) == (
        told["input_tokens"],
        told["output_tokens"],
        0,
    )


@pytest.mark.parametrize("client", NATIVE)
def test_a_stream_that_is_cut_is_marked(own: SimulatedGateway, client: str) -> None:
    """With the tokens told before."""
    asked = question(client, NATIVE[client], "[[sim tokens=60 thinking=off]]", stream=True)
    reply = broken_off(own, asked, "drop", after=6)
    row = row_of(own, reply.headers["x-korproxy-request-id"])
    assert (row["outcome"], row["usage_incomplete"]) == ("error", 1)
    told = own.sim.ledger.entries[-1].usage
    assert row["input_tokens"] in (0, told["input_tokens"] * row["attempts"].count('"account"'))
    assert row["output_tokens"] <= told["output_tokens"]


def leave_early(gateway: SimulatedGateway, client: str) -> None:
    """A client that reads a little of a stream, and goes while more is to come."""
    gateway.sim.script("held", after=6)
    asked = question(client, NATIVE[client], "[[sim tokens=60 piece=4]]", stream=True)
    data = json.dumps(asked.body).encode()
    port = urlsplit(gateway.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = [f"POST {asked.path} HTTP/1.1", "host: localhost:" + str(port)]
        head += [f"{name}: {value}" for name, value in asked.headers.items()]
        head += ["content-type: application/json", f"content-length: {len(data)}"]
        head += [f"x-request-id: leaver-{client}"]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + data)
        received = b""
        while received.count(b"data:") < 2:
            received += connection.recv(4096)


@pytest.mark.parametrize("client", NATIVE)
def test_a_client_that_leaves_has_its_row_and_its_upstream_is_cancelled(
    own: SimulatedGateway, client: str
) -> None:
    leave_early(own, client)
    row = row_of(own, f"leaver-{client}")
    assert (row["outcome"], row["usage_incomplete"], row["status"]) == ("client_gone", 1, 200)
    if client == "anthropic-messages":
        # it tells the prompt's tokens at once, the others at the end
        assert row["input_tokens"] == own.sim.ledger.entries[-1].usage["input_tokens"]
    own.sim.ledger.wait(lambda entries: entries[-1].client_gone_at is not None)


def test_many_at_once_add_up_to_the_simulators_own_ledger(tmp_path: Path) -> None:
    """Requests, attempts and tokens, in the rows and in both sums; also after kill -9 and a restart."""
    asked = [
        with_usage(
            question(client, model, f"[[sim tokens={5 + number % 40}]]", stream=number % 2 == 0)
        )
        for number, (client, model) in enumerate(PAIRS * 4)
    ]
    with SimulatedGateway(tmp_path) as running:
        running.sim.script("500", count=10)
        with ThreadPoolExecutor(8) as clients:
            replies = list(clients.map(lambda it: ask(running.url, it), asked))
        until(lambda: len(rows(tmp_path)) == len(asked))
        os.kill(running.gateway.process.pid, signal.SIGKILL)
        running.gateway.process.wait()
        with GatewayProcess(tmp_path) as again:
            more = ask(again.url, question("openai-chat", "qwen3.8-max", "[[sim tokens=9]]"))
            assert more.status == 200
            until(lambda: len(rows(tmp_path)) == len(asked) + 1)
        told = running.sim.ledger.entries
        good = [it for it in told if it.status == 200]
        for column in ("input_tokens", "output_tokens", "cached_tokens"):
            wanted = sum(it.usage[column] for it in good)
            assert sum(it[column] for it in rows(tmp_path)) == wanted
            assert sums(tmp_path, "usage_hourly", column) == wanted
            assert sums(tmp_path, "usage_daily", column) == wanted
        assert sums(tmp_path, "usage_daily", "requests") == len(asked) + 1
        served = sum(it.status == 200 for it in [*replies, more])
        assert served > len(asked) // 2
        assert sums(tmp_path, "usage_daily", "succeeded") == served
        assert sums(tmp_path, "usage_daily", "attempts") == len(told)


def test_nothing_that_was_said_is_kept(own: SimulatedGateway) -> None:
    canary = "kp-canary-77b1f0"
    reply = ask(own.url, question("anthropic-messages", "claude-sonnet-5-5", canary))
    row_of(own, reply.headers["x-korproxy-request-id"])
    for path in own.home.glob("korproxy.db*"):
        assert canary.encode() not in path.read_bytes()


def test_a_request_that_was_refused_has_its_row_too(own: SimulatedGateway) -> None:
    reply = send(own.url, "POST", "/v1/messages", b"no json", {"content-type": "application/json"})
    row = row_of(own, reply.headers["x-korproxy-request-id"])
    assert (row["outcome"], row["status"], row["attempts"]) == ("error", reply.status, "[]")
    assert row["code"] == reply.headers["x-korproxy-error"]
