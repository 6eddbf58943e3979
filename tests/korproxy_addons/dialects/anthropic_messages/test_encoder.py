import json
from typing import Any

import pytest

from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    StreamFailed,
)
from korproxy_addons.dialects.model import (
    FinishReason,
    RefusalPart,
    TextPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.errors.kinds import Kind
from support.anthropic_wire import MODEL, encoded, events_of, reply_context

USAGE = Usage(
    input_tokens=130,
    cached_tokens=100,
    cache_write_tokens=20,
    cache_write_1h_tokens=5,
    output_tokens=9,
    reasoning_tokens=4,
)
TEXT: list[Event] = [PartStart(TextPart("")), PartDelta("Hi"), PartDelta(" 🙂"), PartEnd()]


def answer(*events: Event, finish: FinishReason = FinishReason.STOP, **end: Any) -> list[Event]:
    return [MessageStart("up", "upstream-model"), *events, MessageEnd(finish, **end)]


def test_a_stream_as_it_stands_on_the_wire() -> None:
    data = encoded(answer(*TEXT, usage=Usage(input_tokens=3, output_tokens=2)))
    assert events_of(data) == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_seed01",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {
                    "input_tokens": 0,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "output_tokens": 0,
                },
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hi"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": " 🙂"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {
                "input_tokens": 3,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 2,
            },
        },
        {"type": "message_stop"},
    ]


def test_a_whole_body_as_it_stands_on_the_wire() -> None:
    events = answer(*TEXT, usage=USAGE, service_tier="default")
    assert json.loads(encoded(events, streamed=False)) == {
        "id": "msg_seed01",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Hi 🙂"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
            "service_tier": "standard",
        },
    }


def test_whole_only_the_end_gives_bytes() -> None:
    encoder = DIALECT.encoder(reply_context(streamed=False))
    events = answer(*TEXT, KeepAlive())
    assert [encoder.feed(event) for event in events[:-1]] == [b""] * (len(events) - 1)
    assert encoder.feed(events[-1]).startswith(b"{")


def test_t99_an_estimate_stands_first_and_the_truth_last() -> None:
    events = events_of(encoded(answer(usage=USAGE), input_tokens=120))
    assert events[0]["message"]["usage"]["input_tokens"] == 120
    assert events[-2]["usage"]["input_tokens"] == 10
    # no truth ever came: the estimate stays
    silent = events_of(encoded(answer(), input_tokens=120))
    assert (silent[-2]["usage"]["input_tokens"], silent[-2]["usage"]["output_tokens"]) == (120, 0)


def test_t99_what_the_upstream_says_at_first_wins_over_the_estimate() -> None:
    events: list[Event] = [MessageStart(usage=Usage(input_tokens=8)), MessageEnd(FinishReason.STOP)]
    assert events_of(encoded(events, input_tokens=120))[0]["message"]["usage"]["input_tokens"] == 8


@pytest.mark.parametrize("finish", [FinishReason.CONTENT_FILTER, FinishReason.REFUSAL])
def test_t108_what_was_filtered_is_a_refusal(finish: FinishReason) -> None:
    events = events_of(encoded(answer(finish=finish, reason="SAFETY", explanation="No.")))
    assert events[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": "SAFETY", "explanation": "No."},
    }


def test_t177_a_refusal_in_words_is_text_and_a_refusal() -> None:
    said: list[Event] = [PartStart(RefusalPart("")), PartDelta("I can't."), PartEnd()]
    body = json.loads(encoded(answer(*said), streamed=False))
    assert body["content"] == [{"type": "text", "text": "I can't."}]
    assert body["stop_reason"] == "refusal"


def test_a_stop_string_is_named() -> None:
    events = answer(finish=FinishReason.STOP_SEQUENCE, stop_sequence="END")
    body = json.loads(encoded(events, streamed=False))
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END")


def test_t155_a_keep_alive_is_a_ping_between_frames() -> None:
    assert encoded([KeepAlive()]) == DIALECT.keep_alive()
    assert events_of(DIALECT.keep_alive()) == [{"type": "ping"}]
    assert encoded([KeepAlive()], streamed=False) == b""


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_t165_a_failure_ends_the_stream_with_an_error_and_nothing_else(before: int) -> None:
    encoder = DIALECT.encoder(reply_context())
    events: list[Event] = [MessageStart(), PartStart(TextPart("")), PartDelta("a")]
    for event in events[:before]:
        encoder.feed(event)
    error = encoder.feed(StreamFailed(ReplyError(Kind.OVERLOADED, "too busy")))
    assert events_of(error) == [
        {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}
    ]
    after: list[Event] = [PartDelta("b"), PartEnd(), MessageEnd(FinishReason.STOP), KeepAlive()]
    for late in after:
        assert encoder.feed(late) == b""


def test_t165_a_failed_whole_answer_has_no_body() -> None:
    failed = StreamFailed(ReplyError(Kind.INTERNAL, "broken"))
    assert encoded([MessageStart(), *TEXT, failed], streamed=False) == b""


def test_t59_ids_are_made_to_fit_in_streams_and_bodies() -> None:
    call: list[Event] = [
        PartStart(ToolCallPart("functions.read:0", "read")),
        PartDelta("{}"),
        PartEnd(),
    ]
    events = answer(*call, finish=FinishReason.TOOL_CALLS)
    streamed = events_of(encoded(events))[1]["content_block"]["id"]
    whole = json.loads(encoded(events, streamed=False))["content"][0]["id"]
    assert streamed == whole == "kpx_functions-2eread-3a0"


def test_t174_the_client_reads_its_own_name_of_the_model() -> None:
    assert b"upstream-model" not in encoded(answer(*TEXT))


def test_t178_half_a_pair_does_not_raise() -> None:
    said: list[Event] = [PartStart(TextPart("")), PartDelta("a\ud83d"), PartEnd()]
    for streamed in (True, False):
        assert "a\ufffd".encode() in encoded(answer(*said), streamed=streamed)


def test_nothing_follows_the_end() -> None:
    encoder = DIALECT.encoder(reply_context())
    for event in answer(*TEXT):
        encoder.feed(event)
    assert encoder.feed(KeepAlive()) == b""
    assert encoder.feed(MessageEnd(FinishReason.STOP)) == b""


def test_words_without_a_part_are_not_written() -> None:
    assert encoded([MessageStart(), PartDelta("lost")], streamed=False) == b""
    assert DIALECT.encoder(reply_context()).feed(PartDelta("lost")) == b""
