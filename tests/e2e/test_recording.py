"""What `korproxy record` keeps of a real gateway's traffic: everything that was said, and nothing that is secret."""

import base64
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader

from korproxy_addons.io.recordings import Recordings
from korproxy_addons.recording.record import RecordedMessage, Recording
from launcher.actions.recorded import export_recordings
from launcher.actions.recording import start_recording, stop_recording
from support.asking import DIALECTS, Response, ask, question, said, send
from support.gateway import GatewayProcess, SimulatedGateway, StockMitmdump
from support.socket_client import LiveSocket
from support.waiting import until

pytestmark = pytest.mark.e2e

CODEX, CLAUDE = "codex@codex-api-key/gpt-6.1-sol", "claude@claude-api-key/claude-sonnet-5-5"
MODELS = {"codex": CODEX, "claude": CLAUDE}
KINDS = {"engine": GatewayProcess, "mitmdump": StockMitmdump}

CLIENT_SECRETS = {
    "authorization": "Bearer canary-client-bearer-71a1",
    "x-api-key": "canary-client-x-api-key-71a2",
    "cookie": "session=canary-client-cookie-71a3; theme=dark",
    "proxy-authorization": "Basic " + base64.b64encode(b"u:canary-client-proxy-71a4").decode(),
}
QUERY_SECRET = "canary-query-key-71a5"
CANARIES = ("canary-client", "canary-query", "canary-oauth")


@pytest.fixture(scope="module", params=list(KINDS))
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedGateway]:
    """A gateway that records from its first request on; under stock mitmdump it is the same addons."""
    home = tmp_path_factory.mktemp("home")
    start_recording(home, minutes=600)
    with SimulatedGateway(home, start=KINDS[request.param]) as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> None:
    if "recorded" in request.fixturenames:
        request.getfixturevalue("recorded").sim.reset()


def kept(home: Path, reply: Response) -> Recording:
    """The recording of a reply's exchange, once the gateway's thread has written it."""
    return kept_of(home, reply.headers["x-korproxy-request-id"])


def kept_of(home: Path, request_id: str) -> Recording:
    recordings = Recordings(home)

    def look() -> Recording | None:
        found = next((it for it in recordings.all() if it.request_id == request_id), None)
        return None if found is None else recordings.load(found.id)

    return until(look)


def flows(home: Path, recording: Recording) -> list[HTTPFlow]:
    """As mitmproxy reads them."""
    with Recordings(home).flow_path(recording.id).open("rb") as file:
        found = list(FlowReader(file).stream())
    assert all(isinstance(it, HTTPFlow) for it in found)
    return [it for it in found if isinstance(it, HTTPFlow)]


def everything(home: Path) -> str:
    """All that recordings have left on the disk, in every spelling that is read back from it."""
    texts = []
    for path in sorted((home / "recordings").iterdir()):
        data = path.read_bytes()
        texts.append(data.decode("latin-1"))
        if path.suffix == ".json":
            texts.append(str(json.loads(data)))
    return "\n".join(texts)


def account_secret(home: Path, account: str) -> str:
    return (home / "secrets" / account).read_text()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_four_messages_of_an_exchange_are_kept(
    recorded: SimulatedGateway, dialect: str, model: str, stream: bool
) -> None:
    """What the client sent, what was sent on, what came back and what the client was given, to the byte."""
    asked = question(dialect, model, 'Say it. [[sim text="All of it." piece=4]]', stream=stream)
    reply = ask(recorded.url, asked)
    assert reply.status == 200, reply.body
    found = kept(recorded.home, reply)

    assert found.request.body == json.dumps(asked.body)
    assert found.request.url.startswith(f"{recorded.url}{asked.path.partition('?')[0]}")
    assert found.reply is not None
    assert found.reply.body is not None
    assert found.reply.body.encode() == reply.body
    assert (found.reply.status, found.reply.ended) == (200, True)
    (attempt,) = found.attempts
    (entry,) = (it for it in recorded.sim.ledger.entries if it.operation == "generate")
    assert attempt.request is not None
    assert attempt.request.body == entry.body
    assert attempt.request.url.endswith(entry.path + (f"?{entry.query}" if entry.query else ""))
    assert attempt.reply is not None
    assert attempt.reply.body is not None
    assert (attempt.reply.status, attempt.reply.ended) == (200, True)
    upstream = Response(200, dict(attempt.reply.headers), attempt.reply.body.encode())
    streamed = attempt.reply.shape is not None and attempt.reply.shape.kind == "events"
    assert said(attempt.dialect, upstream, stream=streamed) == "All of it."

    assert (found.client_dialect, found.operation, found.streamed) == (dialect, "generate", stream)
    assert (found.requested_model, found.outcome, found.why) == (model, "ok", ("pinned",))
    assert 0 < (attempt.sent_ms or 0) < (attempt.first_byte_ms or 0) <= found.total_ms


def test_its_flow_file_opens_in_mitmproxy(recorded: SimulatedGateway) -> None:
    """The client's side and the upstream's, as two flows that say whose they are."""
    reply = ask(recorded.url, question("anthropic-messages", CODEX, "[[sim text=Aye]]"))
    found = kept(recorded.home, reply)
    client, upstream = flows(recorded.home, found)
    assert client.request.path == "/v1/messages"
    assert client.request.pretty_url == f"{recorded.url}/v1/messages"
    assert client.response is not None
    assert client.response.content == reply.body
    assert upstream.request.path.endswith("/v1/responses")
    assert upstream.response is not None
    assert json.loads(upstream.response.content or b"")["object"] == "response"
    assert client.metadata["korproxy_id"] == upstream.metadata["korproxy_id"] == found.id
    assert "attempt 1, simulated codex-api-key" in upstream.comment


def test_an_exported_file_opens_in_stock_mitmdump(
    recorded: SimulatedGateway, tmp_path: Path
) -> None:
    reply = ask(recorded.url, question("openai-chat", CLAUDE, "[[sim text=Aye]]"))
    found = kept(recorded.home, reply)
    file = tmp_path / "out.flows"
    export_recordings(recorded.home, [found.id], flows=file)
    done = subprocess.run(
        [Path(sys.executable).with_name("mitmdump"), "-n", "-r", file],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"POST {recorded.url}/v1/chat/completions" in done.stdout
    assert found.attempts[0].request is not None
    assert f"POST {found.attempts[0].request.url}" in done.stdout
    assert done.stdout.count("<< 200 OK") == 2


def test_a_request_on_a_socket_is_kept(recorded: SimulatedGateway) -> None:
    with LiveSocket(recorded.gateway.port, "authorization: Bearer korproxy-local-key") as socket:
        socket.create(CLAUDE, '[[sim text="On a socket." piece=3]]', store=False)
        assert socket.answer() == "On a socket."
        request_id = socket.said[0]["headers"]["x-korproxy-request-id"]
    found = kept_of(recorded.home, request_id)
    assert found.over_socket
    assert json.loads(found.request.body or "")["model"] == CLAUDE
    assert found.reply is not None
    assert '"On a socket."' in (found.reply.body or "")
    assert found.attempts[0].dialect == "anthropic-messages"


def test_side_calls_are_kept(recorded: SimulatedGateway) -> None:
    """Lists of models, counts and embeddings."""
    listed = send(recorded.url, "GET", "/v1/models")
    found = kept(recorded.home, listed)
    assert (found.operation, found.attempts) == ("models", ())
    assert found.reply is not None
    assert (found.reply.body or "").encode() == listed.body

    asked = question("anthropic-messages", CLAUDE)
    asked.path = "/v1/messages/count_tokens"
    del asked.body["max_tokens"]
    counted = ask(recorded.url, asked)
    assert counted.status == 200
    found = kept(recorded.home, counted)
    assert (found.operation, len(found.attempts)) == ("count_tokens", 1)
    assert found.reply is not None
    assert (found.reply.body or "").encode() == counted.body

    asked.path, asked.body = "/v1/embeddings", {"model": CODEX, "input": "one two"}
    embedded = ask(recorded.url, asked)
    found = kept(recorded.home, embedded)
    assert found.operation == "embeddings"
    assert found.reply is not None
    assert found.reply.status == embedded.status


def test_what_was_refused_is_kept_with_its_reason(recorded: SimulatedGateway) -> None:
    reply = ask(recorded.url, question("gemini", "no-such-model"))
    found = kept(recorded.home, reply)
    assert (found.outcome, found.code) == ("error", reply.headers["x-korproxy-error"])
    assert found.attempts == ()
    assert found.reply is not None
    assert (found.reply.body or "").encode() == reply.body


def test_every_attempt_is_kept(recorded: SimulatedGateway) -> None:
    """Also the one that was refused, with what its upstream said."""
    recorded.sim.script("503", provider="claude", count=1)
    reply = ask(recorded.url, question("openai-chat", CLAUDE, "[[sim text=Aye]]"))
    assert reply.status == 200, reply.body
    first, second = kept(recorded.home, reply).attempts
    assert (first.number, second.number) == (1, 2)
    assert first.reply is not None
    assert second.reply is not None
    assert (first.reply.status, second.reply.status) == (503, 200)
    assert first.code.startswith("KP-PROV-")
    assert "error" in json.loads(first.reply.body or "")


def test_a_compressed_reply_is_kept_as_it_reads(recorded: SimulatedGateway) -> None:
    """What is compressed would hide what it holds, also from those who take secrets out."""
    recorded.sim.script("gzip")
    reply = ask(recorded.url, question("anthropic-messages", CLAUDE, "[[sim text=Aye]]"))
    (attempt,) = kept(recorded.home, reply).attempts
    assert attempt.reply is not None
    assert ("content-encoding", "gzip") in [
        (name.lower(), value) for name, value in attempt.reply.headers
    ]
    assert json.loads(attempt.reply.body or "")["content"][0]["text"] == "Aye"


def test_a_client_that_leaves_is_kept_as_far_as_it_came(recorded: SimulatedGateway) -> None:
    asked = question("openai-chat", CLAUDE, "[[sim tokens=20000 delay_ms=5]]", stream=True)
    connection = http.client.HTTPConnection("127.0.0.1", recorded.gateway.port, timeout=30)
    connection.request(
        "POST",
        asked.path,
        json.dumps(asked.body),
        {"x-request-id": "leaves-early-1", **asked.headers},
    )
    reply = connection.getresponse()
    begun = reply.read(200)
    reply.close()
    connection.close()
    found = kept_of(recorded.home, "leaves-early-1")
    assert found.outcome == "client_gone"
    assert found.reply is not None
    assert not found.reply.ended
    assert (found.reply.body or "").encode().startswith(begun)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_secret_is_in_what_is_kept(recorded: SimulatedGateway, dialect: str) -> None:
    """Shown by the client, asked about in a prompt, and told by the model in pieces of three letters."""
    own = account_secret(recorded.home, "claude-api-key")
    client = CLIENT_SECRETS["x-api-key"]
    refresh = "canary-oauth-refresh-71a6"
    prompt = f'{own} {client} {json.dumps({"refresh_token": refresh})} [[sim text="it is {own} or {client}." piece=3]]'
    for stream in (True, False):
        asked = question(dialect, CLAUDE, prompt, stream=stream)
        asked.path += f"{'&' if '?' in asked.path else '?'}key={QUERY_SECRET}"
        asked.headers |= CLIENT_SECRETS
        asked.body["metadata"] = {"user_id": json.dumps({"access_token": refresh})}
        reply = ask(recorded.url, asked)
        assert reply.status == 200, reply.body
        # The client had all of it: it was there to be taken out.
        assert said(dialect, reply, stream=stream) == f"it is {own} or {client}."
        found = kept(recorded.home, reply)
        assert found.request.masked >= 3
        assert found.reply is not None
        clean = Response(200, {}, (found.reply.body or "").encode())
        assert said(dialect, clean, stream=stream) == "it is [redacted] or [redacted]."
    text = everything(recorded.home)
    assert [it for it in (own, *CANARIES) if it in text] == []


def test_only_the_user_can_read_them(recorded: SimulatedGateway) -> None:
    reply = ask(recorded.url, question("openai-chat", CLAUDE))
    found = kept(recorded.home, reply)
    assert found.id
    if os.name != "posix":
        pytest.skip("modes are POSIX's")
    folder = recorded.home / "recordings"
    assert folder.stat().st_mode & 0o077 == 0
    assert [it.name for it in folder.iterdir() if it.stat().st_mode & 0o077] == []


def test_the_health_page_says_so(recorded: SimulatedGateway) -> None:
    told = send(recorded.url, "GET", "/_korproxy/health").json["recording"]
    assert (told["tool"], told["shapes"]) == ("", False)
    assert told["until_at"] > 0


def test_the_gateways_own_pages_are_not_kept(recorded: SimulatedGateway) -> None:
    page = send(recorded.url, "GET", "/_korproxy/health", None, {"x-request-id": "own-page-1"})
    assert page.status == 200
    kept(recorded.home, ask(recorded.url, question("openai-chat", CLAUDE)))
    assert "own-page-1" not in [it.request_id for it in Recordings(recorded.home).all()]


def health_says(running: SimulatedGateway, wanted: Callable[[Any], bool]) -> None:
    """Wait until the gateway has seen the switch."""
    until(lambda: wanted(send(running.url, "GET", "/_korproxy/health").json["recording"]))


def test_recording_is_off_until_it_is_turned_on_and_again_afterwards(tmp_path: Path) -> None:
    with SimulatedGateway(tmp_path / "home") as running:
        asked = question("openai-chat", CLAUDE, "canary-prompt-72a1")
        ask(running.url, asked, **{"x-request-id": "before-it-1"})
        assert send(running.url, "GET", "/_korproxy/health").json["recording"] is None

        start_recording(running.home, shapes=True, tool="codex")
        health_says(running, lambda it: it is not None and it["shapes"] and it["tool"] == "codex")
        ask(running.url, asked, **{"x-request-id": "another-tool-1"})
        codex = {"user-agent": "codex_cli_rs/0.50.0", "x-request-id": "the-tool-1"}
        ask(running.url, asked, **codex)
        found = kept_of(running.home, "the-tool-1")

        stop_recording(running.home)
        health_says(running, lambda it: it is None)
        ask(running.url, asked, **{"x-request-id": "after-it-1"})
    assert [it.request_id for it in Recordings(running.home).all()] == ["the-tool-1"]

    assert (found.mode, found.tool) == ("shapes", "codex-cli")
    messages: list[RecordedMessage | None] = [found.request, found.reply]
    messages += [it for one in found.attempts for it in (one.request, one.reply)]
    for message in messages:
        assert message is not None
        assert (message.body, message.note) == (None, "recorded without content")
        assert message.shape is not None
        assert (message.shape.kind, len(message.shape.sha256_8)) == ("json", 8)
    assert "canary-prompt" not in everything(running.home)
    client, upstream = flows(running.home, found)
    assert client.request.raw_content is upstream.request.raw_content is None


def test_the_switch_outlives_a_restart_and_runs_out_by_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with SimulatedGateway(home) as running:
        start_recording(running.home)
        health_says(running, lambda it: it is not None)
    with SimulatedGateway(home) as running:
        assert send(running.url, "GET", "/_korproxy/health").json["recording"] is not None
        # Half an hour that began nearly half an hour ago.
        start_recording(home, minutes=30, now=time.time() - 30 * 60 + 0.5)
        health_says(running, lambda it: it is None)
        ask(running.url, question("openai-chat", CLAUDE), **{"x-request-id": "too-late-1"})
    assert Recordings(home).all() == []


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_killed_gateway_leaves_no_half_recording(tmp_path: Path) -> None:
    """Whatever it was just writing: what is listed can be read, shown and opened, by the next gateway too."""
    home = tmp_path / "home"
    start_recording(home)
    with SimulatedGateway(home) as running:
        clients = [threading.Thread(target=ask_until_gone, args=(running.url,)) for _ in range(4)]
        for client in clients:
            client.start()
        until(lambda: len(Recordings(home).ids()) > 20)
        running.gateway.process.kill()
        for client in clients:
            client.join()
    check_all(home)
    with SimulatedGateway(home) as running:
        found = kept(home, ask(running.url, question("openai-chat", CLAUDE)))
    check_all(home)
    assert Recordings(home).ids()[0] == found.id


def ask_until_gone(url: str) -> None:
    asked = question("anthropic-messages", CODEX, "[[sim tokens=300]]", stream=True)
    try:
        while True:
            ask(url, asked)
    except (OSError, Exception):  # noqa: BLE001 - whatever a cut connection looks like
        return


def check_all(home: Path) -> None:
    recordings = Recordings(home)
    ids = recordings.ids()
    assert len(recordings.all()) == len(ids) > 20
    for recording_id in ids:
        found = recordings.load(recording_id)
        assert len(flows(home, found)) == 1 + len(found.attempts)


def test_the_ring_is_bounded(tmp_path: Path) -> None:
    """The oldest go, by number and by bytes; a long body is cut, and says so."""
    home = tmp_path / "home"
    start_recording(home)
    bounds = {"recording": {"max_exchanges": 5, "max_megabytes": 8, "body_megabytes": 1}}
    with SimulatedGateway(home, extra=bounds) as running:
        for number in range(8):
            ask(
                running.url,
                question("openai-chat", CLAUDE),
                **{"x-request-id": f"small-one-{number}"},
            )
        until(lambda: [it.request_id[-1] for it in Recordings(home).all()] == list("76543"))
        long = "x" * 1_500_000
        replies = [ask(running.url, question("openai-chat", CLAUDE, long)) for _ in range(4)]
        found = kept(home, replies[-1])
    assert Recordings(home).kept().bytes <= 8 * 1024 * 1024
    assert Recordings(home).kept().exchanges < 5
    assert found.request.cut_bytes == len(json.dumps({})) - 2 + _whole(found.request) - 1024 * 1024
    assert len(found.request.body or "") == 1024 * 1024
    assert "left out" in found.request.note


def _whole(message: RecordedMessage) -> int:
    assert message.shape is not None
    return message.shape.bytes
