"""Large bodies, many streams, clients that leave or read slowly: bounded memory, nothing lost, upstream freed at once."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.asking import Question, Response, ask, payloads, question, said
from support.gateway import SimulatedGateway

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
FRAMES_PER_S = 50
NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


def memory_bytes(gateway: SimulatedGateway, field: str = "VmRSS") -> int:
    """The gateway's resident memory now, or at its highest (`VmHWM`)."""
    status = Path(f"/proc/{gateway.gateway.process.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc (Linux) to read another process's memory")
    line = next(it for it in status.read_text().splitlines() if it.startswith(field))
    return int(line.split()[1]) * 1024


def open_stream(gateway: SimulatedGateway, asked: Question) -> socket.socket:
    """A connection on which a stream has been asked for; nothing is read yet."""
    body = json.dumps(asked.body).encode()
    head = [f"POST {asked.path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.gateway.port}"]
    head += [f"{name}: {value}" for name, value in asked.headers.items()]
    head += ["content-type: application/json", f"content-length: {len(body)}", "", ""]
    client = socket.create_connection(("127.0.0.1", gateway.gateway.port), timeout=30)
    client.sendall("\r\n".join(head).encode() + body)
    return client


def test_a_request_of_50_mib_and_a_reply_of_20_mib_pass(engine: SimulatedGateway) -> None:
    """Both arrive whole, and the gateway stays under the memory the product promises."""
    prompt = "x" * (50 * MIB) + "[[sim text=Aye]]"
    reply = ask(engine.url, question("openai-chat", "sim-chat/sim-large", prompt))
    assert said("openai-chat", reply, stream=False) == "Aye"
    assert engine.sim.ledger.entries[-1].body_bytes > 50 * MIB
    for stream in (True, False):
        asked = question(
            "openai-chat",
            "sim-chat/sim-large",
            f"[[sim bytes={20 * MIB} piece=4096]]",
            stream=stream,
        )
        text = said("openai-chat", ask(engine.url, asked), stream=stream)
        assert len(text.encode()) == 20 * MIB
    assert memory_bytes(engine, "VmHWM") < 500 * MIB


@pytest.mark.parametrize("crossing", [False, True], ids=["native", "crossing"])
def test_a_client_that_leaves_frees_the_upstream_within_a_second(
    engine: SimulatedGateway, crossing: bool
) -> None:
    """Quota must not burn on for an answer nobody reads: no more than a second's worth of it, by the provider's own pace."""
    model = "qwen3.8-max" if crossing else "claude-sonnet-5-5"
    prompt = f"[[sim tokens=4000 piece=4 delay_ms={1000 // FRAMES_PER_S}]]"
    client = open_stream(engine, question("anthropic-messages", model, prompt, stream=True))
    assert client.recv(65_536).startswith(b"HTTP/1.1 200")
    entry = engine.sim.ledger.entries[-1]
    before = entry.sent_frames
    client.close()
    engine.sim.wait(lambda _: entry.client_gone_at is not None)
    assert entry.sent_frames - before < FRAMES_PER_S


def test_a_client_that_leaves_before_the_reply_frees_the_upstream(engine: SimulatedGateway) -> None:
    """Also while the first byte is still awaited."""
    engine.sim.script("held")
    client = open_stream(engine, question("anthropic-messages", "claude-sonnet-5-5", stream=True))
    entry = engine.sim.wait(lambda entries: bool(entries) and entries[-1].body_bytes > 0)[-1]
    client.close()
    engine.sim.wait(lambda _: entry.client_gone_at is not None)


@pytest.mark.parametrize(
    "model", ["sim-chat/sim-large", "sim-anthropic/sim-large"], ids=["native", "crossing"]
)
def test_a_slow_client_does_not_make_memory_grow(engine: SimulatedGateway, model: str) -> None:
    """What the client does not read waits upstream, not in the gateway."""
    asked = question("openai-chat", model, f"[[sim bytes={40 * MIB} piece=8192]]", stream=True)
    before = memory_bytes(engine)
    client = open_stream(engine, asked)
    with client:
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        entry = engine.sim.ledger.entries[-1]
        # The simulator stops sending when every buffer on the way is full, and stays stopped.
        seen = -1
        while entry.sent_bytes != seen:
            seen = entry.sent_bytes
            _other_requests(engine)
        assert seen < 30 * MIB
        assert memory_bytes(engine) - before < 24 * MIB


def _other_requests(engine: SimulatedGateway) -> None:
    """Something to do that takes a moment, on other connections: they must not be held up either."""
    for _ in range(20):
        assert (
            ask(engine.url, question("gemini", "gemini-3.8-flash", "[[sim text=Aye]]")).status
            == 200
        )


def test_a_hundred_streams_at_once_finish_intact(engine: SimulatedGateway) -> None:
    """Each of them gets its own answer, whole and in order, native and across dialects."""
    texts = [f"stream number {number} " * 12 for number in range(100)]

    def one(number: int) -> str:
        dialect = list(NATIVE)[number % 4]
        model = list(NATIVE.values())[number // 4 % 4]
        prompt = f"[[sim piece=6 delay_ms=2 text={json.dumps(texts[number])}]]"
        reply = ask(engine.url, question(dialect, model, prompt, stream=True))
        assert reply.status == 200, reply.body
        return said(dialect, reply, stream=True)

    with ThreadPoolExecutor(100) as clients:
        answers = list(clients.map(one, range(100)))
    assert answers == texts


@pytest.mark.parametrize("dialect", list(NATIVE))
def test_a_stream_cut_at_every_byte_gives_the_same_bytes(
    engine: SimulatedGateway, dialect: str
) -> None:
    """However the network cuts the upstream's bytes, the client reads the same."""
    other = "anthropic-messages" if dialect != "anthropic-messages" else "gemini"
    for model in (NATIVE[dialect], NATIVE[other]):
        replies: list[Response] = []
        for fault in (None, "split"):
            engine.sim.reset()
            if fault:
                engine.sim.script(fault, bytes=1)
            replies.append(
                ask(engine.url, question(dialect, model, "[[sim unicode piece=5]]", stream=True))
            )
        whole, split = (said(dialect, it, stream=True) for it in replies)
        assert whole
        assert whole == split
        assert len(payloads(replies[0].body)) == len(payloads(replies[1].body))
