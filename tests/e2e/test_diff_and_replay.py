"""What a real gateway has recorded, compared with what went on, and sent once more."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors.catalogue import RECORDING_WITHOUT_CONTENT
from korproxy_addons.io.recordings import Recordings
from launcher.actions.recording import start_recording
from launcher.cli import run
from support.asking import CLIENT_KEY, Question, ask, question, send
from support.gateway import GatewayProcess, SimulatedGateway, free_port
from support.socket_client import LiveSocket
from support.waiting import until

pytestmark = pytest.mark.e2e

CLAUDE = "claude-opus-5-5"
# What a conversation holds that translating may lose: a marker, thinking, a tool with its call and result.
BODY: dict[str, Any] = {
    "model": "sim-chat/sim-large",
    "max_tokens": 100,
    "stream": True,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "Read a.py"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "import os"}]},
    ],
    "tools": [{"name": "read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "home"


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[SimulatedGateway]:
    """A gateway at a known port, which records."""
    home.mkdir(mode=0o700)
    start_recording(home)
    command = [
        sys.executable,
        "-m",
        "korproxy_addons",
        "--home",
        str(home),
        "--ready-json",
        "--quiet",
    ]
    with SimulatedGateway(
        home,
        extra={"listen": {"port": free_port()}},
        start=lambda folder: GatewayProcess(folder, command),
    ) as found:
        yield found


def recorded(home: Path, request_id: str) -> str:
    """The id of a request's recording, once it is written."""

    def look() -> str | None:
        return next((it.id for it in Recordings(home).all() if it.request_id == request_id), None)

    return until(look)


def call(home: Path, output: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code = run([*arguments, "--home", str(home), "--json"])
    printed = output.readouterr()
    assert code == 0, printed.out + printed.err
    return json.loads(printed.out)


def paths(changes: Any) -> list[str]:
    return [it["path"] for it in changes]


def test_a_translated_request_is_compared_by_what_it_asks_for(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cache marker has no words in the other dialect; everything else arrived."""
    asked = Question("/v1/messages", BODY, {"x-api-key": CLIENT_KEY})
    reply = ask(running.url, asked, **{"x-request-id": "translated"})
    assert reply.status == 200, reply.body
    (attempt,) = call(home, capsys, "diff", recorded(home, "translated"))["attempts"]
    body = attempt["request"]["body"]
    assert body["dialects"] == ["anthropic-messages", "openai-chat"]
    assert "conversation[0].cache" in paths(body["meaning"])
    assert "model" in paths(body["meaning"])
    assert not [it for it in paths(body["meaning"]) if "text" in it or it.startswith("tools")]
    assert "stream_options" in paths(body["changes"])
    reply_body = attempt["reply"]["body"]
    assert reply_body["dialects"] == ["openai-chat", "anthropic-messages"]
    assert paths(reply_body["meaning"]) == ["model"]
    assert {"x-korproxy-account", "x-korproxy-request-id"} <= set(
        paths(attempt["reply"]["headers"])
    )


@pytest.mark.parametrize("stream", [True, False])
def test_what_passed_is_said_to_have_passed(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str], *, stream: bool
) -> None:
    request_id = f"passed-{stream}"
    asked = question("anthropic-messages", CLAUDE, stream=stream)
    assert ask(running.url, asked, **{"x-request-id": request_id}).status == 200
    (attempt,) = call(home, capsys, "diff", recorded(home, request_id))["attempts"]
    assert (attempt["request"]["body"]["how"], attempt["reply"]["body"]["how"]) == ("same", "same")
    assert "x-api-key" in paths(attempt["request"]["headers"])


def test_a_recorded_request_is_answered_by_another_provider(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = question("openai-responses", "sim-chat/sim-large", stream=True)
    first = ask(running.url, asked, **{"x-request-id": "asked-once"})
    assert first.status == 200, first.body
    result = call(
        home,
        capsys,
        "replay",
        recorded(home, "asked-once"),
        "--yes",
        "--against",
        f"claude/{CLAUDE}",
    )
    assert (result["before"]["provider"], result["after"]["provider"]) == ("sim-chat", "claude")
    assert result["after"]["model"] == CLAUDE
    assert result["after"]["text"]
    assert "text" in paths(result["differences"])
    assert any("authorization" in it for it in result["notes"])
    # It is an exchange like any other: in the ledger, and recorded.
    again = result["after"]["request_id"]
    assert recorded(home, again)
    told = call(home, capsys, "requests", "show", again)
    assert again in json.dumps(told)


def test_a_message_on_a_socket_is_compared_and_sent_as_a_post(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    with LiveSocket(running.gateway.port, f"authorization: Bearer {CLIENT_KEY}") as socket:
        socket.create("sim-responses/sim-large", "hello", store=False)
        said = socket.answer()
        request_id = socket.said[0]["headers"]["x-korproxy-request-id"]
    name = recorded(home, request_id)
    (attempt,) = call(home, capsys, "diff", name)["attempts"]
    assert attempt["reply"]["body"]["how"] != "unknown"
    assert not attempt["reply"]["body"]["meaning"] or paths(
        attempt["reply"]["body"]["meaning"]
    ) == ["model"]
    result = call(home, capsys, "replay", name, "--yes")
    assert result["before"]["text"] == result["after"]["text"] == said
    assert any("WebSocket" in it for it in result["notes"])


def test_shapes_say_why_they_cannot(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes that passed are known to be the same all the same: by their hash."""
    call(home, capsys, "record", "on", "--shapes")
    for request_id, model in (("shape-same", CLAUDE), ("shape-other", "sim-chat/sim-large")):
        asked = question("anthropic-messages", model)
        assert ask(running.url, asked, **{"x-request-id": request_id}).status == 200
    call(home, capsys, "record", "on")
    (same,) = call(home, capsys, "diff", recorded(home, "shape-same"))["attempts"]
    assert same["request"]["body"]["how"] == "same"
    (other,) = call(home, capsys, "diff", recorded(home, "shape-other"))["attempts"]
    assert other["request"]["body"]["how"] == "unknown"
    assert other["request"]["body"]["note"]
    assert run(["replay", recorded(home, "shape-other"), "--yes", "--home", str(home)]) == 1
    assert RECORDING_WITHOUT_CONTENT.code in capsys.readouterr().err


def test_what_korproxy_refused_was_never_sent_on(
    home: Path, running: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {"content-type": "application/json", "x-request-id": "refused-by-us"}
    assert send(running.url, "POST", "/v1/messages", b"{oops", headers).status == 400
    found = call(home, capsys, "diff", recorded(home, "refused-by-us"))
    assert (found["attempts"], found["own_reply"]) == ([], True)
