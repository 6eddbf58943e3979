"""
What translating costs in processor time, for every pair of dialects: a stream of a thousand events, a request of 100 kB.

The ceilings are 25 ms and 8 ms on one core. The events come one per read, as they do from a model, which is the dearest way; a
request is one of a coding session: long texts, calls and their results. Run by `python3 packaging/dev.py bench`.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from korproxy_addons.config.habits import (
    ANTHROPIC_API,
    GEMINI_API,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    ModelFacts,
)
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    FinishReason,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.translate import reply_translator, translate_request

pytestmark = pytest.mark.bench

HABITS = {
    "openai-chat": OPENAI_CHAT,
    "openai-responses": OPENAI_RESPONSES,
    "anthropic-messages": ANTHROPIC_API,
    "gemini": GEMINI_API,
}
EVENTS, REQUEST_BYTES, ROUNDS = 1000, 100_000, 7
CEILING_EVENTS_MS, CEILING_REQUEST_MS = 25.0, 8.0
MODEL = "some-model"
# The same words in every dialect; escapes and letters beyond ASCII cost, so there are some.
WORDS = 'A line of "code", a\tlist: café — and so on.\n'

type Table = dict[str, dict[str, float]]


def test_a_thousand_events_of_a_stream() -> None:
    table: Table = {up: {client: _stream_ms(up, client) for client in HABITS} for up in HABITS}
    _print(f"stream from (row) to (column), ms of CPU per {EVENTS} events", table)
    assert max(max(row.values()) for row in table.values()) <= CEILING_EVENTS_MS


def test_a_request_of_100_kb() -> None:
    table: Table = {client: {up: _request_ms(client, up) for up in HABITS} for client in HABITS}
    _print(f"request from (row) to (column), ms of CPU per {REQUEST_BYTES // 1000} kB", table)
    assert max(max(row.values()) for row in table.values()) <= CEILING_REQUEST_MS


def _stream_ms(upstream_id: str, client_id: str) -> float:
    pieces = _stream_of(upstream_id)

    def run() -> None:
        translator = reply_translator(
            dialect(client_id),
            dialect(upstream_id),
            EncodedRequest(b"{}", passed=client_id == upstream_id),
            DecodeContext(streamed=True, habits=HABITS[upstream_id], ids=IdSource("bench")),
            ReplyContext(streamed=True, model=MODEL, ids=IdSource("bench"), created_at=1),
        )
        for piece in pieces:
            translator.feed(piece)
        translator.close()
        assert translator.error is None
        assert translator.usage is not None

    return _cpu_ms(run) * EVENTS / len(pieces)


def _stream_of(dialect_id: str) -> list[bytes]:
    """A reply as that dialect streams it, a piece for each event: thinking, text, and a call's arguments."""
    events: list[Event] = [MessageStart("id", MODEL)]
    third = EVENTS // 3
    text = {"text": "x" * 12 * third}
    arguments = json.dumps(text)
    for part, said in (
        (ThinkingPart(""), ["I weigh é it. "] * third),
        (TextPart(""), ['So "it" goes\n'] * third),
        (
            ToolCallPart("call_1", "write", ""),
            [arguments[at : at + 12] for at in range(0, len(arguments), 12)],
        ),
    ):
        events += [PartStart(part), *map(PartDelta, said), PartEnd()]
    events.append(MessageEnd(FinishReason.TOOL_CALLS, usage=Usage(100, output_tokens=EVENTS)))
    said_usage = ReplyContext(
        streamed=True, model=MODEL, ids=IdSource("bench"), created_at=1, include_usage=True
    )
    encoder = dialect(dialect_id).encoder(said_usage)
    return [piece for piece in map(encoder.feed, events) if piece]


def _request_ms(client_id: str, upstream_id: str) -> float:
    body = _request_of(client_id)
    client, upstream = dialect(client_id), dialect(upstream_id)
    target = Target(
        MODEL, HABITS[upstream_id], ModelFacts(MODEL, max_output_tokens=64_000), stream=True
    )

    def run() -> None:
        inbound = Inbound(body, MODEL, path_stream=True)
        client.peek_request(inbound)
        assert translate_request(client, upstream, inbound, target).body

    return _cpu_ms(run) * REQUEST_BYTES / len(body)


def _request_of(dialect_id: str) -> bytes:
    """A coding session in that dialect, about `REQUEST_BYTES` long."""
    tools = [_tool(number) for number in range(12)]
    turns: list[dict[str, Any]] = []
    size_bytes = len(json.dumps(tools))
    while size_bytes < REQUEST_BYTES:
        number = len(turns)
        turns += [
            {"role": "user", "content": WORDS * 12},
            {
                "role": "assistant",
                "content": WORDS * 4,
                "tool_calls": [
                    {
                        "id": f"call_{number}_{each}",
                        "type": "function",
                        "function": {"name": "tool_1", "arguments": json.dumps({"path": WORDS})},
                    }
                    for each in range(2)
                ],
            },
            *(
                {"role": "tool", "tool_call_id": f"call_{number}_{each}", "content": WORDS * 16}
                for each in range(2)
            ),
        ]
        size_bytes += len(json.dumps(turns[number:]))
    chat = json.dumps(
        {"model": MODEL, "messages": turns, "tools": tools, "stream": True, "max_tokens": 4096}
    ).encode()
    if dialect_id == "openai-chat":
        return chat
    target = Target(MODEL, HABITS[dialect_id], ModelFacts(MODEL), stream=True)
    return translate_request(
        dialect("openai-chat"), dialect(dialect_id), Inbound(chat), target
    ).body


def _tool(number: int) -> dict[str, Any]:
    properties = {f"field_{it}": {"type": "string", "description": WORDS} for it in range(8)}
    parameters = {"type": "object", "properties": properties, "required": ["field_0"]}
    function = {"name": f"tool_{number}", "description": WORDS * 8, "parameters": parameters}
    return {"type": "function", "function": function}


def _cpu_ms(run: Callable[[], None]) -> float:
    """The median of several runs, after one that warms up."""
    run()
    found = []
    for _ in range(ROUNDS):
        started_s = time.process_time()
        run()
        found.append((time.process_time() - started_s) * 1000)
    return statistics.median(found)


def _print(title: str, table: Table) -> None:
    print(f"\n{title}\n{'':20}" + "".join(f"{it:>20}" for it in table))
    for name, row in table.items():
        print(f"{name:20}" + "".join(f"{value:20.2f}" for value in row.values()))
