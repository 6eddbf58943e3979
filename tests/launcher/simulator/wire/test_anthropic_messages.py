"""Messages answers look like recorded ones."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from launcher.simulator.compose import compose
from launcher.simulator.ids import Ids
from launcher.simulator.wire import anthropic_messages
from support.needs import needs_all_recordings
from support.wire_shape import (
    Names,
    Recording,
    framings,
    payloads,
    recordings,
    run_lengths_left_out,
)

TOOLS = [
    {"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
]
PROMPTS = {
    "text": '[[sim text="plain text that goes over several pieces"]]',
    "thinking and tool": '[[sim thinking]] [[sim tool=add args={"a":123456789012345678901234567890}]]',
    "two tools": '[[sim tool=add args={"a":1}]] [[sim tool=add args={"a":2}]]',
    "text and tool": '[[sim text="let me see" tool=add args={"a":1}]]',
    "thinking and text": '[[sim thinking="hm" text="hello"]]',
}


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    folder: Path = needs_all_recordings()
    return [
        r for r in recordings(folder, "anthropic", "anthropic") if r.status == 200 and r.request
    ]


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    turn = {"role": "user", "content": prompt}
    return {
        "model": "claude-opus-4-6",
        "max_tokens": 999,
        "messages": [turn],
        "tools": TOOLS,
        **fields,
    }


def streamed(prompt: str) -> str:
    answer = compose(anthropic_messages.read_turn(body(prompt)))
    return b"".join(anthropic_messages.stream(answer, "claude-opus-4-6", Ids())).decode()


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_streamed_names_and_their_order_are_recorded_ones(
    recorded: list[Recording], prompt: str
) -> None:
    names = Names()
    for each in recorded:
        if each.streaming:
            for payload in payloads(each.body):
                names.learn(payload, faithful=each.faithful)
    assert {k: v for p in payloads(streamed(prompt)) for k, v in names.strange(p).items()} == {}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_names_of_a_whole_answer_are_recorded_ones(recorded: list[Recording], prompt: str) -> None:
    names = Names()
    for each in recorded:
        if not each.streaming and isinstance(each.body, dict):
            names.learn(each.body, faithful=each.faithful)
    # No whole answer with thinking was recorded; its block is the one that streams open.
    names.ordered[":message.content:thinking"].add(("type", "thinking", "signature"))
    answer = compose(anthropic_messages.read_turn(body(prompt)))
    whole = anthropic_messages.whole(answer, "claude-opus-4-6", Ids())
    assert names.strange(json.loads(json.dumps(whole))) == {}


def test_the_framing_is_the_recorded_one(recorded: list[Recording]) -> None:
    real = set().union(*(framings(r.body) for r in recorded if r.streaming and r.faithful))
    assert framings(streamed(PROMPTS["text"])) <= real


def steps(stream: str) -> set[tuple[str, str]]:
    """Which event follows which, with the kinds of block and delta; pings left out, repetitions folded."""
    events = []
    for payload in payloads(stream):
        inner = payload.get("content_block") or payload.get("delta") or {}
        events.append(f"{payload['type']} {inner.get('type', '')}".strip())
    folded = run_lengths_left_out(event for event in events if event != "ping")
    return set(pairwise(("begin", *folded, "end")))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_the_order_of_events_is_a_recorded_one(recorded: list[Recording], prompt: str) -> None:
    real = set().union(*(steps(r.body) for r in recorded if r.streaming))
    assert steps(streamed(prompt)) - real == set()


def test_a_ping_follows_the_first_opened_block() -> None:
    kinds = [payload["type"] for payload in payloads(streamed(PROMPTS["text"]))]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]


def test_a_tool_without_arguments_streams_one_empty_piece() -> None:
    deltas = [
        p["delta"]
        for p in payloads(streamed("[[sim tool=add]]"))
        if p["type"] == "content_block_delta"
    ]
    assert deltas == [{"type": "input_json_delta", "partial_json": ""}]


def test_usage_counts_the_cache_apart() -> None:
    message = payloads(streamed('[[sim cached=3 text="four"]]'))[0]["message"]
    last = payloads(streamed('[[sim cached=3 text="four"]]'))[-2]["usage"]
    assert last["cache_read_input_tokens"] == message["usage"]["cache_read_input_tokens"] == 3
    assert last["input_tokens"] + 3 == anthropic_messages.input_tokens(
        body('[[sim cached=3 text="four"]]')
    )
    assert last["output_tokens"] == 1


def test_the_prompt_is_what_follows_the_last_answer() -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "42"}],
    }
    messages = [
        {"role": "user", "content": "old"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "add", "input": {}}],
        },
        {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]},
    ]
    turn = anthropic_messages.read_turn(body("", messages=messages))
    assert (turn.prompt, turn.results) == ("and now?", ("42",))


def test_an_error_inside_a_stream_repeats_its_type_as_event() -> None:
    (frame,) = anthropic_messages.error_frames({"type": "error", "error": {}})
    assert frame == b'event: error\ndata: {"type":"error","error":{}}\n\n'
