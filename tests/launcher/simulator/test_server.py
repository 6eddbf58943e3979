"""Every way in answers, streamed and whole, and counts the same tokens both ways."""

import gzip
import json
import re
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.simulator import ACCESSES, SimulatorThread
from support.simulator_client import WayIn, credential_headers, generate, generation, send

WAYS = [(each.provider, each.access) for each in ACCESSES if each.access != "oauth"]
WHOLE_WAYS = [way for way in WAYS if way[1] not in {"chatgpt", "siwc"}]


def visible_text(dialect: str, payloads: list[dict[str, Any]]) -> str:
    """The streamed text, put together as a client of the dialect would."""
    if dialect == "anthropic-messages":
        return "".join(
            p["delta"].get("text", "") for p in payloads if p["type"] == "content_block_delta"
        )
    if dialect == "openai-chat":
        return "".join(c["delta"].get("content") or "" for p in payloads for c in p["choices"])
    if dialect == "openai-responses":
        return "".join(p["delta"] for p in payloads if p["type"] == "response.output_text.delta")
    bodies = [p.get("response", p) for p in payloads]
    parts = [part for b in bodies for part in b["candidates"][0]["content"]["parts"]]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


@pytest.mark.parametrize("way_in", WAYS, ids="-".join)
def test_a_stream_says_what_the_directive_says(sim: SimulatorThread, way_in: WayIn) -> None:
    prompt = '[[sim text="Grüße, 世界 🌍!" piece=3]]'
    reply = generate(sim.urls(), way_in, prompt)
    assert reply.status == 200, reply.text
    assert visible_text(sim.urls()[way_in]["dialect"], reply.payloads()) == "Grüße, 世界 🌍!"


@pytest.mark.parametrize("way_in", WHOLE_WAYS, ids="-".join)
def test_a_whole_answer_has_the_same_text_and_usage_as_a_stream(
    sim: SimulatorThread, way_in: WayIn
) -> None:
    prompt = '[[sim text="the very same" cached=2 thinking]]'
    assert generate(sim.urls(), way_in, prompt).status == 200
    whole = generate(sim.urls(), way_in, prompt, stream=False)
    assert '"the very same"' in whole.text
    streamed, at_once = sim.ledger.entries
    assert streamed.usage["output_tokens"] == at_once.usage["output_tokens"] == 4 + 7
    assert streamed.usage["cached_tokens"] == 2
    assert not at_once.stream


def test_the_ledger_knows_who_asked_for_what(sim: SimulatorThread) -> None:
    generate(sim.urls(), ("qwen", "coding-plan"), "note me", headers={"x-mark": "7"})
    (entry,) = sim.wait(lambda entries: bool(entries) and entries[-1].finished)
    assert (entry.provider, entry.access, entry.operation) == ("qwen", "coding-plan", "generate")
    assert (entry.model, entry.key, entry.status) == ("qwen3.8-max", "sk-sp-sim-coding-1", 200)
    assert entry.header("X-Mark") == "7"
    assert json.loads(entry.body or "")["messages"][0]["content"] == "note me"
    assert entry.sent_frames == entry.frames > 2
    assert entry.verdict == "answered"


def test_ids_and_times_repeat(sim: SimulatorThread) -> None:
    with SimulatorThread(clock=lambda: 5.0) as one, SimulatorThread(clock=lambda: 5.0) as two:
        first = generate(one.urls(), ("openai", "api-key"), "same")
        again = generate(two.urls(), ("openai", "api-key"), "same")
    assert first.body == again.body
    assert '"created_at":5,' in first.text


def test_an_unknown_host_is_noted(sim: SimulatorThread) -> None:
    assert send("GET", f"{sim.base_url}/nobody/v1/models").status == 404
    assert sim.ledger.entries[0].verdict == "unknown-path"


def test_a_compressed_body_is_read(sim: SimulatorThread) -> None:
    way = sim.urls()["compatible", "chat"]
    url, body = generation(way, "chat", "packed", stream=False)
    headers = {**credential_headers(way, "chat"), "content-encoding": "gzip"}
    assert send("POST", url, gzip.compress(json.dumps(body).encode()), headers).status == 200
    headers["content-encoding"] = "br"
    assert send("POST", url, b"?", headers).status == 415
    headers["content-encoding"] = "gzip"
    assert send("POST", url, b"no gzip", headers).status == 400


def test_a_directive_nobody_understands_is_refused(sim: SimulatorThread) -> None:
    reply = generate(sim.urls(), ("compatible", "chat"), "[[sim nonsense=1]]")
    assert (reply.status, "nonsense" in reply.message) == (400, True)


def test_large_answers_and_requests_pass(sim: SimulatorThread) -> None:
    size = 4 * 1024 * 1024
    reply = generate(
        sim.urls(), ("compatible", "chat"), f"[[sim bytes={size}]]" + "x" * size, stream=False
    )
    assert len(reply.json()["choices"][0]["message"]["content"]) == size
    assert sim.ledger.entries[0].body is None, "too long to keep"
    assert sim.ledger.entries[0].body_bytes > size


def test_who_goes_away_in_the_middle_is_noted(sim: SimulatorThread) -> None:
    sim.script("pace", host="compat-chat", delay_ms=20)
    way = sim.urls()["compatible", "chat"]
    url, body = generation(way, "chat", "[[sim tokens=4000]]", stream=True)
    parts = urlsplit(url)
    data = json.dumps(body).encode()
    with socket.create_connection((parts.hostname, parts.port or 80)) as client:
        lines = (
            f"POST {parts.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {way['secret']}\r\n"
        )
        client.sendall(f"{lines}content-length: {len(data)}\r\n\r\n".encode() + data)
        assert client.recv(64).startswith(b"HTTP/1.1 200")
    (entry,) = sim.wait(lambda entries: entries[0].client_gone_at is not None)
    assert entry.sent_frames < entry.frames
    assert not entry.finished


def test_many_streams_at_once_stay_apart(sim: SimulatorThread) -> None:
    texts: list[str] = []

    def ask(number: int) -> None:
        prompt = f'[[sim text="stream number {number}" piece=2 delay_ms=1]]'
        reply = generate(sim.urls(), ("claude", "api-key"), prompt)
        texts.append(visible_text("anthropic-messages", reply.payloads()))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == sorted(f"stream number {n}" for n in range(20))


def test_a_wrong_fault_name_is_an_error(sim: SimulatorThread) -> None:
    with pytest.raises(ValueError, match=re.escape("no such fault: 418")):
        sim.script("418")


ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [None],
    [{}],
    {"type": "x"},
    {"type": ["x"]},
    {"role": 1},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside a value."""
    steps = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [path, *(inner for step in steps for inner in places(value[step], (*path, step)))]


@settings(deadline=None, max_examples=150)
@given(way_in=st.sampled_from(WAYS), at=st.integers(0, 1000), odd=st.sampled_from(ODD))
def test_no_odd_value_anywhere_breaks_it(
    running_simulator: SimulatorThread, way_in: WayIn, at: int, odd: Any
) -> None:
    way = running_simulator.urls()[way_in]
    url, body = generation(way, way_in[1], "Hi", stream=True)
    where = places(body)
    *steps, last = where[1 + at % (len(where) - 1)]
    inner = body
    for step in steps:
        inner = inner[step]
    inner[last] = odd
    assert send("POST", url, body, credential_headers(way, way_in[1])).status < 500
    assert running_simulator.ledger.entries[-1].verdict != "simulator-error"


def test_a_body_too_deep_is_refused(sim: SimulatorThread) -> None:
    way = sim.urls()["claude", "api-key"]
    url, _ = generation(way, "api-key", "Hi", stream=True)
    data = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert send("POST", url, data, credential_headers(way, "api-key")).status == 400


def test_a_mistake_of_its_own_is_said_and_noted(
    sim: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr("launcher.simulator.call.compose", fail)
    reply = generate(sim.urls(), ("claude", "api-key"))
    assert (reply.status, "planted" in reply.message) == (500, True)
    (entry,) = sim.ledger.entries
    assert (entry.verdict, entry.message) == ("simulator-error", "KeyError('planted')")
