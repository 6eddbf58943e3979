"""The doctor's own requests: whole, small, in the tool's API, and whatever comes back is brought back."""

import socket
import threading
from collections.abc import Iterator

import pytest

from korproxy_addons.presets import PRESETS, samples
from launcher.actions.tool_asking import (
    MOST_TOKENS,
    Asking,
    Heard,
    count_request,
    list_request,
    long_request,
    pinned,
    refused_path,
    tool_request,
)
from launcher.gateway_look import Address
from launcher.simulator import SimulatorThread
from support.doctor_house import closed_port
from support.listener import Answer, Listener
from support.tool_house import MODELS, ToolHouse, settings, write

TOOLS = {
    "anthropic-messages": "claude-code", "openai-responses": "codex-cli", "gemini": "gemini-cli",
    "openai-chat": "opencode",
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolHouse]:
    home = tmp_path_factory.mktemp("asking") / "home"
    with SimulatorThread() as sim:
        write(home, settings(sim, 0))
        yield ToolHouse(home, 0, sim)


def at(port: int, key: str = "") -> Asking:
    return Asking(Address(port=port, hosts=("127.0.0.1",), admin_port=1), key)


def port_of(listener: Listener) -> int:
    return int(listener.url.rpartition(":")[2])


@pytest.mark.parametrize("dialect", TOOLS)
def test_requests_are_pinned_small_and_in_the_tools_own_api(house: ToolHouse, dialect: str) -> None:
    """Whoever serves: here an account of another API."""
    route = house.route(TOOLS[dialect], MODELS["gemini" if dialect != "gemini" else "openai-chat"])
    assert route.way is not None
    model = f"{route.way.provider.id}@{route.way.id}/{route.upstream_model}"
    assert pinned(route) == model
    path, body = tool_request(route)
    if dialect == "gemini":
        assert path == "/v1beta/models/iflow%40my-iflow%2Fglm-5:streamGenerateContent?alt=sse"
        assert "model" not in body
    else:
        assert (body["model"], body["stream"]) == (model, True)
    assert samples.TOOL in str(body)
    assert "ping" in str(body)
    assert len(str(body)) < 1000
    assert body.get("max_tokens", MOST_TOKENS) <= MOST_TOKENS
    long_path, long_body = long_request(route, 5000)
    assert long_path == path
    assert str(long_body).count("word ") == 5000
    assert "tools" not in long_body


def test_a_count_is_asked_for_where_the_api_has_one(house: ToolHouse) -> None:
    found = {it: count_request(house.route(TOOLS[it], MODELS[it])) for it in TOOLS}
    assert found["openai-chat"] is None
    assert found["anthropic-messages"] is not None
    path, body = found["anthropic-messages"]
    assert path == "/v1/messages/count_tokens"
    assert set(body) == {"model", "messages", "system", "tools"}
    assert found["openai-responses"] is not None
    assert found["openai-responses"][0] == "/v1/responses/input_tokens"
    assert found["gemini"] is not None
    assert found["gemini"][0].endswith(":countTokens")


def test_each_api_has_its_list_and_a_path_that_is_refused(house: ToolHouse) -> None:
    routes = {it: house.route(TOOLS[it], MODELS[it]) for it in TOOLS}
    assert {it: list_request(route)[0] for it, route in routes.items()} == {
        "anthropic-messages": "/v1/models?limit=1000",
        "openai-responses": "/v1/models?client_version=0.169.0",
        "gemini": "/v1beta/models",
        "openai-chat": "/v1/models",
    }
    assert refused_path(routes["openai-responses"]) == "/v1/responses/compact"
    assert refused_path(routes["gemini"]) == "/v1beta/models/none:generateContent"


def test_it_says_who_it_is_and_shows_the_key_where_it_cannot_be_mistaken() -> None:
    with Listener() as listener:
        listener.answer = Answer(200, b'{"a": 1}', (("X-KorProxy-Error", "KP-X"),))
        heard = at(port_of(listener), "my-key").ask("POST", "/p", {"b": 2}, {"x-app": "cli"})
        assert (heard.status, heard.json, heard.code, heard.failure) == (200, {"a": 1}, "KP-X", "")
        (request,) = listener.heard
        fields = {name.lower(): value for name, value in request.headers}
        assert fields["user-agent"] == "korproxy-doctor"
        assert (fields["x-korproxy-key"], fields["x-app"]) == ("my-key", "cli")
        assert "authorization" not in fields
        assert request.body == b'{"b": 2}'
        at(port_of(listener)).ask("GET", "/q")
        assert "x-korproxy-key" not in {name.lower() for name, _ in listener.heard[1].headers}
    assert "my-key" not in repr(at(1, "my-key"))


def test_what_goes_wrong_is_words() -> None:
    assert (
        at(closed_port()).ask("GET", "/").failure == "the answer broke off: ConnectionRefusedError"
    )
    with Listener() as listener:
        silent = threading.Event()
        listener.answer = Answer(when=silent)
        heard = at(port_of(listener)).ask("GET", "/", limit_s=0.05)
        silent.set()
        assert (heard.status, heard.failure) == (0, "no whole answer within 0.05 s")
    assert Heard(200, {}, b"no json").json is None


def answers_once(reply: bytes) -> tuple[socket.socket, threading.Thread, list[bytes]]:
    server, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            heard.append(connection.recv(65536))
            connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return server, thread, heard


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", 426),
        (b"HTTP/1.1 101 x\r\n\r\n", 101),
        (b"", 0),
        (b"what\r\n", 0),
    ],
)
def test_an_opening_handshake(reply: bytes, status: int) -> None:
    server, thread, heard = answers_once(reply)
    with server:
        assert at(server.getsockname()[1], "my-key").upgrade("/v1/responses") == status
        thread.join(10)
    assert heard[0].startswith(b"GET /v1/responses HTTP/1.1\r\n")
    for field in (b"upgrade: websocket", b"sec-websocket-version: 13", b"x-korproxy-key: my-key"):
        assert field in heard[0]


def test_a_handshake_with_nobody() -> None:
    assert at(closed_port()).upgrade("/v1/responses") == 0


def test_every_tool_with_an_api_can_be_asked_for() -> None:
    assert {it.dialect for it in PRESETS.values() if it.dialect} <= set(TOOLS)
