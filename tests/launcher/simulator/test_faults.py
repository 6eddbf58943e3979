"""Every fault does what its name says."""

import http.client
import json
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

import pytest

from launcher.simulator import FAULTS, Entry, SimulatorThread, faults
from support.simulator_client import WayIn, credential_headers, generate, generation, send

CLAUDE, CHAT, RESPONSES = ("claude", "api-key"), ("openai", "api-key-chat"), ("openai", "api-key")
GEMINI, CODEX = ("gemini", "api-key"), ("openai", "chatgpt")
STREAMS = [
    CLAUDE,
    CHAT,
    RESPONSES,
    GEMINI,
    CODEX,
    ("gemini", "code-assist"),
    ("qwen", "api-key"),
    ("iflow", "api-key"),
]
ENDS = {
    CLAUDE: b"message_stop",
    CHAT: b"[DONE]",
    RESPONSES: b"response.completed",
    GEMINI: b"finishReason",
    CODEX: b"response.completed",
    ("gemini", "code-assist"): b"finishReason",
    ("qwen", "api-key"): b"[DONE]",
    ("iflow", "api-key"): b"[DONE]",
}


def raw_reply(
    sim: SimulatorThread, way_in: WayIn, prompt: str = "Hello", *, stream: bool = True
) -> bytes:
    """All bytes of a reply, as they come before the connection ends."""
    way = sim.urls()[way_in]
    url, body = generation(way, way_in[1], prompt, stream=stream)
    parts = urlsplit(url)
    data = json.dumps(body).encode()
    headers = {
        **credential_headers(way, way_in[1]),
        "content-length": str(len(data)),
        "connection": "close",
    }
    lines = [
        f"POST {parts.path}?{parts.query} HTTP/1.1",
        "host: x",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    received = b""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        while piece := client.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize("way_in", STREAMS, ids="-".join)
def test_429_in_each_envelope_with_its_wait(sim: SimulatorThread, way_in: WayIn) -> None:
    sim.script("429", retry_after=7, message="Slow down.")
    reply = generate(sim.urls(), way_in)
    assert reply.status == (200 if way_in[0] == "iflow" else 429)
    assert reply.headers["retry-after"] == "7"
    assert reply.message == "Slow down."
    assert generate(sim.urls(), way_in).status == 200, "once"
    assert [entry.verdict for entry in sim.ledger.entries] == ["429", "answered"]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 413, 500, 502, 503, 504, 529])
def test_other_statuses(sim: SimulatorThread, status: int) -> None:
    sim.script(str(status))
    reply = generate(sim.urls(), CLAUDE)
    assert (reply.status, reply.json()["type"]) == (status, "error")


def test_a_status_of_ones_own(sim: SimulatorThread) -> None:
    sim.script(
        "status", status=418, body={"tea": True}, headers={"X-Pot": "1"}, content_type="text/tea"
    )
    reply = generate(sim.urls(), CHAT)
    assert (reply.status, reply.json()) == (418, {"tea": True})
    assert (reply.headers["x-pot"], reply.headers["content-type"]) == ("1", "text/tea")
    sim.script("status", status=400, code="billing_hard_limit_reached", body="plain")
    assert generate(sim.urls(), CHAT).body == b"plain"


def test_a_wait_until_a_date(sim: SimulatorThread) -> None:
    sim.script("503", retry_after="date:30")
    assert generate(sim.urls(), CHAT).headers["retry-after"] == "Wed, 18 Nov 2026 11:07:10 GMT"


def test_an_edges_page(sim: SimulatorThread) -> None:
    sim.script("403-html")
    reply = generate(sim.urls(), CODEX)
    assert (reply.status, reply.headers["content-type"]) == (403, "text/html; charset=UTF-8")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_a_redirect(sim: SimulatorThread) -> None:
    sim.script("redirect", location="http://127.0.0.1:9/")
    reply = generate(sim.urls(), CHAT)
    assert (reply.status, reply.headers["location"], reply.body) == (
        302,
        "http://127.0.0.1:9/",
        b"",
    )


def test_bodies_that_are_no_answer(sim: SimulatorThread) -> None:
    sim.script("invalid-json")
    sim.script("empty-200")
    reply = generate(sim.urls(), CHAT, stream=False)
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert (reply.status, generate(sim.urls(), CHAT).body) == (200, b"")


@pytest.mark.parametrize("way_in", STREAMS, ids="-".join)
def test_cut_ends_properly_without_the_terminal_marker(sim: SimulatorThread, way_in: WayIn) -> None:
    sim.script("cut", after=99)
    cut = raw_reply(sim, way_in)
    assert cut.endswith(b"0\r\n\r\n")
    assert ENDS[way_in] not in cut
    assert ENDS[way_in] in raw_reply(sim, way_in)


@pytest.mark.parametrize("way_in", STREAMS, ids="-".join)
def test_drop_leaves_the_message_open(sim: SimulatorThread, way_in: WayIn) -> None:
    sim.script("drop", after=2)
    dropped = raw_reply(sim, way_in)
    assert dropped.startswith(b"HTTP/1.1 200")
    assert not dropped.endswith(b"0\r\n\r\n")
    (entry,) = sim.wait(lambda entries: entries[0].ended_at is not None)
    assert (entry.sent_frames, entry.verdict) == (2, "drop")


def test_reset_is_a_reset(sim: SimulatorThread) -> None:
    sim.script("reset", after=2)
    with pytest.raises(ConnectionResetError):
        raw_reply(sim, CLAUDE)


def test_reset_before_the_head(sim: SimulatorThread) -> None:
    sim.script("reset-before-head")
    with pytest.raises(ConnectionResetError):
        raw_reply(sim, CLAUDE)


def test_a_whole_body_cut_short(sim: SimulatorThread) -> None:
    sim.script("cut", after=10)
    with pytest.raises(http.client.IncompleteRead):
        generate(sim.urls(), CHAT, stream=False)


@pytest.mark.parametrize(
    ("way_in", "end"),
    [
        (
            CLAUDE,
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}',
        ),
        (CHAT, b'data: {"error":{"message":"The server had an error'),
        (RESPONSES, b'event: response.failed\ndata: {"type":"response.failed","response":{'),
        (CODEX, b'"error":{"code":"server_error","message":"The server had an error'),
        (GEMINI, b'data: {"error": {"code": 503,"message": "The model is overloaded.'),
        (("gemini", "code-assist"), b'data: {"error": {"code": 503'),
        (("iflow", "api-key"), b'data: {"status":"514","msg":"Model error","body":null}'),
    ],
)
def test_an_error_in_the_middle(sim: SimulatorThread, way_in: WayIn, end: bytes) -> None:
    sim.script("error-mid-stream", after=3)
    reply = generate(sim.urls(), way_in)
    assert reply.status == 200
    assert end in reply.body
    assert ENDS[way_in] not in reply.body


def test_the_number_of_a_failure_goes_on(sim: SimulatorThread) -> None:
    sim.script("error-mid-stream", after=3)
    numbers = [event["sequence_number"] for event in generate(sim.urls(), RESPONSES).payloads()]
    assert numbers == [0, 1, 2, 3]


def test_an_error_in_the_middle_of_an_array(sim: SimulatorThread) -> None:
    sim.script("error-mid-stream", after=1)
    way = sim.urls()[GEMINI]
    url, body = generation(way, "api-key", "Hi", stream=True)
    chunks = send(
        "POST", url.removesuffix("?alt=sse"), body, credential_headers(way, "api-key")
    ).json()
    assert ("candidates" in chunks[0], "error" in chunks[1]) == (True, True)


@pytest.mark.parametrize("way_in", STREAMS[:5], ids="-".join)
def test_an_error_as_first_event(sim: SimulatorThread, way_in: WayIn) -> None:
    sim.script("error-in-200")
    reply = generate(sim.urls(), way_in)
    (first,) = reply.payloads()
    assert reply.status == 200
    assert "error" in first or first["response"]["error"]


def test_an_error_as_a_whole_200(sim: SimulatorThread) -> None:
    sim.script("error-in-200", message="Hidden.")
    reply = generate(sim.urls(), CHAT, stream=False)
    assert (reply.status, reply.message) == (200, "Hidden.")
    sim.script("error-in-200", body={"error_code": 429})
    assert generate(sim.urls(), CHAT).json() == {"error_code": 429}


def test_a_stall_lasts_until_the_client_goes(sim: SimulatorThread) -> None:
    sim.script("stall", after=2)
    way = sim.urls()[CLAUDE]
    url, body = generation(way, "api-key", "Hi", stream=True)
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("POST", parts.path, json.dumps(body), credential_headers(way, "api-key"))
    connection.getresponse()
    sim.wait(lambda entries: entries[0].sent_frames == 2)
    assert sim.ledger.entries[0].ended_at is None
    connection.sock.close()
    connection.close()
    sim.wait(lambda entries: entries[0].client_gone_at is not None)


def test_a_stall_may_end_by_itself(sim: SimulatorThread) -> None:
    sim.script("stall", after=2, stall_s=0.01)
    assert b"message_stop" not in raw_reply(sim, CLAUDE)


def test_silence_before_the_head(sim: SimulatorThread) -> None:
    sim.script("slow-first-byte", seconds=0.05)
    assert generate(sim.urls(), CLAUDE).status == 200
    (entry,) = sim.wait(lambda entries: entries[0].finished)
    assert entry.ended_at is not None
    assert entry.ended_at - entry.received_at >= 0.05


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_silence_before_the_head_until_it_is_released(sim: SimulatorThread, stream: bool) -> None:
    sim.script("held")
    with ThreadPoolExecutor(1) as client:
        held = client.submit(generate, sim.urls(), CLAUDE, stream=stream)
        sim.wait(lambda entries: any(it.verdict == "held" for it in entries))
        # The others are served meanwhile.
        assert generate(sim.urls(), CHAT).status == 200
        assert sim.ledger.entries[0].ended_at is None
        assert not held.done()
        sim.release()
        assert held.result(10).status == 200
    sim.script("held", status=503)
    reply = generate(sim.urls(), CLAUDE, stream=stream)
    assert (reply.status, bool(reply.message)) == (503, True), "nothing more is held"


def test_silence_in_the_middle_of_a_stream_until_it_is_released(sim: SimulatorThread) -> None:
    sim.script("held", after=3)
    with ThreadPoolExecutor(1) as client:
        held = client.submit(generate, sim.urls(), CLAUDE)
        (entry,) = sim.wait(lambda entries: any(it.sent_frames == 3 for it in entries))
        assert (entry.ended_at, held.done()) == (None, False)
        sim.release()
        assert ENDS[CLAUDE] in held.result(10).body


@pytest.mark.parametrize("fault", ["cut", "drop", "reset", "error-mid-stream", "stall"])
def test_what_breaks_a_stream_may_wait_until_it_is_released(
    sim: SimulatorThread, fault: str
) -> None:
    sim.script(fault, after=2, stall_s=0.0, held=True)
    with ThreadPoolExecutor(1) as client:
        broken = client.submit(raw_reply, sim, CLAUDE)
        (entry,) = sim.wait(lambda entries: any(it.sent_frames == 2 for it in entries))
        assert (entry.ended_at, broken.done()) == (None, False)
        sim.release()
        try:
            assert ENDS[CLAUDE] not in broken.result(10)
        except ConnectionResetError:
            assert fault == "reset"


def test_a_reset_lets_go_what_is_held(sim: SimulatorThread) -> None:
    sim.script("held")
    with ThreadPoolExecutor(1) as client:
        held = client.submit(generate, sim.urls(), CLAUDE)
        sim.wait(lambda entries: any(it.verdict == "held" for it in entries))
        sim.reset()
        assert held.result(10).status == 200
    sim.script("held", after=1)
    with ThreadPoolExecutor(1) as client:
        held = client.submit(generate, sim.urls(), CLAUDE)
        sim.wait(lambda entries: any(it.sent_frames == 1 for it in entries))
        assert not held.done(), "and holds again"
        sim.release()
        assert held.result(10).status == 200


def test_what_was_released_may_be_held_again(sim: SimulatorThread) -> None:
    """Without a reset, which would forget what was asked before."""
    for number in (1, 2):
        sim.hold()
        sim.script("held")
        with ThreadPoolExecutor(1) as client:
            held = client.submit(generate, sim.urls(), CLAUDE)
            sim.wait(partial(are_held, number))
            assert generate(sim.urls(), CHAT).status == 200
            assert not held.done()
            sim.release()
            assert held.result(10).status == 200
    assert len(sim.ledger.entries) == 4


def are_held(number: int, entries: list[Entry]) -> bool:
    return sum(it.verdict == "held" for it in entries) == number


def test_a_pause_before_each_frame(sim: SimulatorThread) -> None:
    sim.script("pace", delay_ms=5)
    generate(sim.urls(), CLAUDE)
    (entry,) = sim.wait(lambda entries: entries[0].finished)
    assert entry.ended_at is not None
    assert entry.ended_at - entry.received_at >= 0.005 * entry.frames


def test_garbage_is_no_http(sim: SimulatorThread) -> None:
    sim.script("garbage")
    with pytest.raises(http.client.BadStatusLine):
        generate(sim.urls(), CHAT)


def test_huge_headers(sim: SimulatorThread) -> None:
    sim.script("huge-headers", bytes=80_000)
    head = raw_reply(sim, CHAT).partition(b"\r\n\r\n")[0]
    assert len(head) > 80_000


def test_the_wrong_content_type(sim: SimulatorThread) -> None:
    sim.script("wrong-content-type")
    reply = generate(sim.urls(), CLAUDE)
    assert reply.headers["content-type"] == "text/plain"
    assert b"message_stop" in reply.body


@pytest.mark.parametrize("stream", [True, False])
def test_compression_nobody_asked_for(sim: SimulatorThread, stream: bool) -> None:
    sim.script("gzip")
    reply = generate(sim.urls(), CLAUDE, stream=stream)
    assert reply.headers["content-encoding"] == "gzip"
    assert b"Hello!" in zlib.decompress(reply.body, 31)


def test_cuts_everywhere(sim: SimulatorThread) -> None:
    prompt = '[[sim text="Grüße 🌍"]]'
    intact = generate(sim.urls(), CHAT, prompt)
    sim.script("split", bytes=1)
    split = generate(sim.urls(), CHAT, prompt)
    assert [c["choices"] for c in split.payloads()] == [c["choices"] for c in intact.payloads()]
    entries = sim.wait(lambda entries: entries[1].finished)
    assert entries[1].sent_frames == len(split.body)


def test_a_bare_error_event(sim: SimulatorThread) -> None:
    sim.script("error-mid-stream", after=3, bare=True)
    last = generate(sim.urls(), CODEX).payloads()[-1]
    assert (last["type"], last["code"], last["sequence_number"]) == ("error", "server_error", 3)


@pytest.mark.parametrize("way_in", [CLAUDE, CHAT, GEMINI], ids="-".join)
def test_other_ways_to_write_a_stream(sim: SimulatorThread, way_in: WayIn) -> None:
    usual = generate(sim.urls(), way_in)
    sim.script("bare-data")
    bare = generate(sim.urls(), way_in)
    assert b"data: " not in bare.body
    assert len(bare.payloads()) == len(usual.payloads())
    sim.script("comments")
    commented = generate(sim.urls(), way_in)
    assert commented.body.count(b": keep-alive\n\n") >= len(usual.payloads())
    assert len(commented.payloads()) == len(usual.payloads())


def test_a_wrong_clock(sim: SimulatorThread) -> None:
    sim.script("clock-skew", seconds=600)
    assert generate(sim.urls(), CHAT).headers["date"] == "Wed, 18 Nov 2026 11:16:40 GMT"
    assert generate(sim.urls(), CHAT).headers["date"] == "Wed, 18 Nov 2026 11:06:40 GMT"


def test_other_headers(sim: SimulatorThread) -> None:
    sim.script("headers", headers={"X-RateLimit-Remaining-Requests": "0"}, retry_after=3)
    reply = generate(sim.urls(), CHAT)
    assert (reply.headers["x-ratelimit-remaining-requests"], reply.headers["retry-after"]) == (
        "0",
        "3",
    )


def test_a_scripted_answer(sim: SimulatorThread) -> None:
    sim.script("answer", prompt="[[sim text=scripted]]")
    reply = generate(sim.urls(), CLAUDE, '[[sim text="asked for"]]', stream=False)
    assert reply.json()["content"] == [{"type": "text", "text": "scripted"}]


def test_a_final_object_without_its_items(sim: SimulatorThread) -> None:
    sim.script("empty-output")
    assert generate(sim.urls(), CODEX).payloads()[-1]["response"]["output"] == []
    assert generate(sim.urls(), CODEX).payloads()[-1]["response"]["output"] != []


def test_a_refused_request_uses_no_fault_up(sim: SimulatorThread) -> None:
    sim.script("529", host="claude")
    assert generate(sim.urls(), CLAUDE, nonsense=1).status == 400
    assert generate(sim.urls(), CLAUDE, secret="sk-nobody").status == 401
    assert generate(sim.urls(), CLAUDE).status == 529


@pytest.mark.parametrize(
    "words",
    [
        {"key": "sk-proj-sim-2"},
        {"model": "gpt-5.*"},
        {"header": {"x-mark": "yes"}},
        {"operation": "embeddings"},
        {"path": "/v1/responses"},
    ],
)
def test_a_fault_for_some_requests_only(sim: SimulatorThread, words: dict[str, str]) -> None:
    sim.script("500", **words)
    assert generate(sim.urls(), CHAT).status == 200
    assert sim.simulator.world.script.pending() == 1


def test_every_fault_is_explained() -> None:
    assert faults.__doc__ is not None
    assert [
        name for name in sorted(FAULTS) if name not in faults.__doc__.replace(",", " ").split()
    ] == []
