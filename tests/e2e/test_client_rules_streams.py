"""What real clients need of replies: the rules on streams and errors by their numbers; each one has broken a real tool."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.errors.catalogue import ACCOUNT_REJECTED
from launcher.simulator import Entry
from support import config_file
from support.asking import Response, ask, payloads, question, said
from support.gateway import SimulatedGateway
from support.gemini_sdk import needs_sdk
from support.live_reply import LiveReply, broken_off

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
PAIRS = [(client, model) for client in NATIVE for model in NATIVE.values()]
# A native pair and one that crosses dialects for each client.
FEW_PAIRS = [
    (client, model)
    for number, client in enumerate(NATIVE)
    for model in (NATIVE[client], list(NATIVE.values())[number - 1])
]
KEEP_ALIVE_S = 0.02
# Pauses that are each far longer than the interval.
IDLE = "[[sim thinking=hm text=AyeAyeAye piece=3 delay_ms=70]]"
BEATS = 3
# So many frames come before a silence that lasts until everybody has heard that many beats.
FRAMES = {"qwen": 3, "openai": 5, "claude": 6, "gemini": 2}


def few(client: str) -> list[str]:
    """The models that a client is tried with where not all are."""
    return [model for name, model in FEW_PAIRS if name == client]


@pytest.fixture(scope="module")
def beating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that takes a short silence for a long one."""
    interval = {"timeouts": {"keep_alive_s": KEEP_ALIVE_S}}
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, interval) as running:
        yield running


@pytest.fixture(scope="module")
def idle(beating: SimulatedGateway) -> dict[tuple[str, str], Response]:
    """A stream with pauses for every pair, all asked for at once; in one pause, each that is sent beats has been sent some."""
    for provider, frames in FRAMES.items():
        beating.sim.script("held", provider=provider, after=frames, count=None)
    with ExitStack() as asked:
        live = {
            pair: asked.enter_context(LiveReply(beating.url, question(*pair, IDLE, stream=True)))
            for pair in PAIRS
        }
        beating.sim.wait(lambda entries: sum(map(_is_held, entries)) == len(PAIRS))
        for (client, _), reply in live.items():
            if client != "gemini":
                reply.hear(dialect(client).keep_alive(), BEATS)
        beating.sim.release()
        return {pair: reply.rest() for pair, reply in live.items()}


def _is_held(entry: Entry) -> bool:
    return entry.sent_frames == FRAMES[entry.provider]


def streamed(gateway: SimulatedGateway, client: str, model: str, prompt: str) -> Response:
    """A stream, whole."""
    gateway.sim.reset()
    reply = ask(gateway.url, question(client, model, prompt, stream=True))
    assert reply.status == 200, reply.body
    return reply


def lines(reply: Response) -> list[bytes]:
    """The lines of a body."""
    return reply.body.replace(b"\r\n", b"\n").split(b"\n")


@pytest.mark.parametrize("model", NATIVE.values())
def test_rule_5_no_comment_line_goes_to_a_gemini_client(
    idle: dict[tuple[str, str], Response], model: str
) -> None:
    """However long a pause is: every line that is not empty is data, and each data is JSON."""
    reply = idle["gemini", model]
    assert said("gemini", reply, stream=True) == "AyeAyeAye"
    assert [it for it in lines(reply) if it and not it.startswith(b"data: {")] == []


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize("model", NATIVE.values())
def test_rule_5_an_upstreams_own_comments_do_not_pass_either(
    engine: SimulatedGateway, model: str, array: bool
) -> None:
    """Some services keep a connection alive with them."""
    asked = question("gemini", model, "[[sim text=Aye piece=1]]", stream=True)
    if array:
        asked.path = asked.path.replace("?alt=sse", "")
    engine.sim.script("comments")
    reply = ask(engine.url, asked)
    assert engine.sim.ledger.entries[-1].verdict == "comments"
    assert b"keep-alive" not in reply.body
    if array:
        texts = [it["candidates"][0]["content"]["parts"][0]["text"] for it in reply.json]
        assert "".join(texts) == "Aye"
    else:
        assert said("gemini", reply, stream=True) == "Aye"


@pytest.mark.parametrize(("client", "model"), [it for it in PAIRS if it[0] != "gemini"])
def test_a_silent_stream_is_kept_alive_as_its_dialect_allows(
    idle: dict[tuple[str, str], Response], client: str, model: str
) -> None:
    """Something comes during a pause, of a kind that the dialect's clients pass over."""
    reply = idle[client, model]
    assert said(client, reply, stream=True) == "AyeAyeAye"
    beats = {
        "anthropic-messages": b'data: {"type":"ping"}',
        "openai-chat": b":",
        "openai-responses": b":",
    }
    found = [it for it in lines(reply) if it.replace(b'": "', b'":"').startswith(beats[client])]
    assert len(found) >= BEATS
    # None stands inside of an event: before each beat an event has ended.
    assert all(not it.startswith(b":") for event in events(reply) for it in event[1:])


def events(reply: Response) -> list[list[bytes]]:
    """The lines of each event."""
    blocks = reply.body.replace(b"\r\n", b"\n").split(b"\n\n")
    return [block.split(b"\n") for block in blocks if block]


class TestRealClientsWithAnIdleStream:
    """The SDKs read a stream with pauses and beats to its end, in every pair of dialects."""

    @pytest.mark.parametrize("model", few("openai-chat"))
    def test_openai_chat(self, beating: SimulatedGateway, model: str) -> None:
        openai = pytest.importorskip("openai")
        with openai.OpenAI(base_url=f"{beating.url}/v1", api_key="x", max_retries=0) as client:
            turn: Any = [{"role": "user", "content": IDLE}]
            chunks = list(client.chat.completions.create(model=model, messages=turn, stream=True))
        text = "".join(it.choices[0].delta.content or "" for it in chunks if it.choices)
        assert text == "AyeAyeAye"
        assert [it.choices[0].finish_reason for it in chunks if it.choices][-1] == "stop"

    @pytest.mark.parametrize("model", few("openai-responses"))
    def test_openai_responses(self, beating: SimulatedGateway, model: str) -> None:
        openai = pytest.importorskip("openai")
        with (
            openai.OpenAI(base_url=f"{beating.url}/v1", api_key="x", max_retries=0) as client,
            client.responses.stream(model=model, input=IDLE) as stream,
        ):
            assert stream.get_final_response().output_text == "AyeAyeAye"

    @pytest.mark.parametrize("model", few("anthropic-messages"))
    def test_anthropic(self, beating: SimulatedGateway, model: str) -> None:
        anthropic = pytest.importorskip("anthropic")
        turn: Any = [{"role": "user", "content": IDLE}]
        with (
            anthropic.Anthropic(base_url=beating.url, api_key="x", max_retries=0) as client,
            client.messages.stream(model=model, max_tokens=1000, messages=turn) as stream,
        ):
            message = stream.get_final_message()
        assert "".join(it.text for it in message.content if it.type == "text") == "AyeAyeAye"
        assert message.stop_reason == "end_turn"

    @pytest.mark.parametrize("model", few("gemini"))
    def test_gemini(self, beating: SimulatedGateway, model: str) -> None:
        types = needs_sdk()
        from google import genai

        options = types.HttpOptions(base_url=beating.url)
        with genai.Client(api_key="x", http_options=options) as client:
            chunks = list(client.models.generate_content_stream(model=model, contents=IDLE))
        assert "".join(it.text or "" for it in chunks) == "AyeAyeAye"
        assert chunks[-1].candidates is not None
        assert chunks[-1].candidates[0].finish_reason == "STOP"


@pytest.mark.parametrize("said_by_upstream", [None, "text/plain", "application/octet-stream"])
@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_rule_6_a_stream_says_that_it_is_one(
    engine: SimulatedGateway, client: str, model: str, said_by_upstream: str | None
) -> None:
    """Whatever the upstream calls it; and nothing on the way is asked to collect it."""
    if said_by_upstream is not None:
        engine.sim.script("wrong-content-type", content_type=said_by_upstream)
    reply = ask(engine.url, question(client, model, "[[sim text=Aye]]", stream=True))
    assert said(client, reply, stream=True) == "Aye"
    assert reply.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-cache"


def is_last_event(client: str, reply: Response) -> bool:
    """Whether a stream ends as its dialect has it."""
    last = payloads(reply.body)[-1]
    match client:
        case "openai-chat":
            return reply.body.rstrip().endswith(b"data: [DONE]")
        case "openai-responses":
            return bool(last["type"] == "response.completed")
        case "anthropic-messages":
            return bool(last["type"] == "message_stop")
        case _:
            return bool(last["candidates"][0].get("finishReason"))


def is_error_event(client: str, reply: Response) -> bool:
    """Whether a stream ends with its dialect's error."""
    last = payloads(reply.body)[-1]
    match client:
        case "openai-responses":
            return last["type"] in ("response.failed", "error")
        case "anthropic-messages":
            return bool(last["type"] == "error")
        case _:
            return "error" in last


@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_rule_7_a_whole_stream_has_its_last_event(
    engine: SimulatedGateway, client: str, model: str
) -> None:
    """Text alone, with thinking before it, or a refusal: the dialect's end is always there, once."""
    for words in ("text=Aye", "thinking=hm text=Aye", "finish=length text=Aye"):
        reply = streamed(engine, client, model, f"[[sim {words}]]")
        assert is_last_event(client, reply) or (client == "openai-responses" and "length" in words)
        assert not is_error_event(client, reply)
        ends = rb"\[DONE\]|\"message_stop\"}|finishReason|event: response.(?:completed|incomplete)"
        assert len(re.findall(ends, reply.body)) == 1


@pytest.mark.parametrize("fault", ["cut", "drop", "reset"])
@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_rule_7_a_cut_stream_does_not_look_whole(
    engine: SimulatedGateway, client: str, model: str, fault: str
) -> None:
    """A tool that takes half an answer for a whole one acts on it: the break is said in the dialect's own error."""
    asked = question(client, model, "[[sim tokens=60 piece=8]]", stream=True)
    reply = broken_off(engine, asked, fault, after=3)
    assert reply.status == 200
    assert is_error_event(client, reply)
    assert b"[DONE]" not in reply.body
    assert b"finishReason" not in reply.body
    assert b'"message_stop"' not in reply.body
    assert b'"response.completed"' not in reply.body


@pytest.mark.parametrize("model", NATIVE.values())
@pytest.mark.parametrize("client", ["anthropic-messages", "openai-responses"])
def test_rule_8_every_event_has_its_name(
    idle: dict[tuple[str, str], Response], client: str, model: str
) -> None:
    """Without `event:` lines Claude Code finds nothing and pays for the turn twice."""
    reply = idle[client, model]
    named = [event for event in events(reply) if not event[0].startswith(b":")]
    assert len(named) > 5
    for event in named:
        kind = re.search(rb'"type": ?"([a-z_.]+)"', event[1])
        assert kind is not None
        assert event[0] == b"event: " + kind[1]
        assert len(event) == 2


SERVERS = {
    "openai-chat": "sim-chat",
    "openai-responses": "sim-responses",
    "anthropic-messages": "sim-anthropic",
    "gemini": "sim-gemini",
}


def own_account(status: str, client: str, server: str) -> str:
    """The account for one refusal: it is out of play after it."""
    return f"{server}-{status}-{client}"


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway with an account for each refusal of each client by each server, and some that nobody refuses."""

    def add(settings: dict[str, Any]) -> None:
        for status, client, server in product(
            ("401", "429", "503", "529", "none"), NATIVE, SERVERS.values()
        ):
            name = own_account(status, client, server)
            secret = f"file:secrets/{server}"
            settings["accounts"].append({"id": name, "provider": server, "secret": secret})

    with SimulatedGateway(tmp_path_factory.mktemp("home")) as running:
        config_file.change(running.gateway, add)
        yield running


@pytest.mark.parametrize("status", ["429", "529", "503"])
@pytest.mark.parametrize("server", SERVERS.values())
@pytest.mark.parametrize("client", NATIVE)
def test_rule_10_retry_after_passes(
    refused: SimulatedGateway, client: str, server: str, status: str
) -> None:
    """In seconds and as the upstream said it, in every dialect; and the wait is the client's: no storm of our own."""
    refused.sim.reset()
    refused.sim.script(status, retry_after=17, count=None)
    model = f"{server}@{own_account(status, client, server)}/sim-large"
    reply = ask(refused.url, question(client, model))
    # Anthropic's word for a busy server is 529, everybody else's 503.
    assert reply.status in ((429,) if status == "429" else (503, 529)), reply.body
    assert reply.headers["retry-after"] == "17"
    assert 1 <= len(refused.sim.ledger.entries) <= 2


@pytest.mark.parametrize("server", SERVERS.values())
@pytest.mark.parametrize("client", NATIVE)
def test_rule_11_no_tool_is_told_401_for_an_account_of_ours(
    refused: SimulatedGateway, client: str, server: str
) -> None:
    """It would send its user to log in again; the refusal of our account has another status."""
    refused.sim.reset()
    refused.sim.script("401", count=None)
    model = f"{server}@{own_account('401', client, server)}/sim-large"
    for stream in (True, False):
        reply = ask(refused.url, question(client, model, stream=stream))
        assert reply.status not in (200, 401, 403), reply.body
        assert reply.headers["x-korproxy-error"] == ACCOUNT_REJECTED.code


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("client", NATIVE)
def test_rule_11_another_account_answers_in_its_place(
    refused: SimulatedGateway, client: str, stream: bool
) -> None:
    """Where several serve a model, the tool does not notice that one of them was refused."""
    refused.sim.reset()
    refused.sim.script("401")
    reply = ask(refused.url, question(client, "sim-large", "[[sim text=Aye]]", stream=stream))
    assert (reply.status, said(client, reply, stream=stream)) == (200, "Aye"), reply.body
    assert "failover:401" in reply.headers["x-korproxy-why"]
