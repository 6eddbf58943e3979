import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.config.habits import ANTHROPIC_API
from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.anthropic_messages import decoder as decoder_module
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.model import (
    FinishReason,
    Opaque,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.kinds import Kind
from support.anthropic_wire import (
    block_start,
    block_stop,
    call_block,
    decode_context,
    decoded,
    decoded_or_error,
    delta,
    ending,
    message_start,
    sse,
    text_block,
    told,
)
from support.cut import cut, cut_in_two

USAGE = Usage(input_tokens=10, output_tokens=7)
ANSWER = sse(
    message_start(),
    block_start(0, type="thinking", thinking="", signature=""),
    {"type": "ping"},
    delta(0, "thinking_delta", thinking="Hmm, größer? "),
    delta(0, "signature_delta", signature="c2ln"),
    block_stop(0),
    *text_block(1, "Ich schaue", " nach 🙂."),
    *call_block(2, "toolu_1", "read", "", '{"path"', ':"a.py"}'),
    *ending("tool_use"),
)


def last(events: list[Event]) -> MessageEnd:
    end = events[-1]
    assert isinstance(end, MessageEnd)
    return end


def test_a_stream_gives_its_parts_in_order() -> None:
    assert decoded(ANSWER) == [
        MessageStart("msg_up", "claude-up", Usage(input_tokens=10, output_tokens=1)),
        PartStart(ThinkingPart("")),
        KeepAlive(),
        PartDelta("Hmm, größer? "),
        PartEnd(Opaque("anthropic", "c2ln")),
        PartStart(TextPart("")),
        PartDelta("Ich schaue"),
        PartDelta(" nach 🙂."),
        PartEnd(),
        PartStart(ToolCallPart("toolu_1", "read")),
        PartDelta('{"path"'),
        PartDelta(':"a.py"}'),
        PartEnd(),
        MessageEnd(FinishReason.TOOL_CALLS, usage=USAGE),
    ]


def test_a_whole_body_says_the_same_as_its_stream() -> None:
    """T104"""
    body = {
        "id": "msg_up",
        "type": "message",
        "model": "claude-up",
        "content": [
            {"type": "thinking", "thinking": "Hmm, größer? ", "signature": "c2ln"},
            {"type": "text", "text": "Ich schaue nach 🙂."},
            {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a.py"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 7},
    }
    whole = json.dumps(body, separators=(",", ":")).encode()
    assert told(decoded(cut(whole, 7), streamed=False)) == told(decoded(ANSWER))


def test_t151_every_cut_gives_the_same_events() -> None:
    expected = decoded(ANSWER)
    for first, second in cut_in_two(ANSWER):
        assert decoded([first, second]) == expected
    for size in (1, 2, 3, 5, 64):
        assert decoded(cut(ANSWER, size)) == expected


def test_t152_line_ends_of_every_sort() -> None:
    assert decoded(ANSWER.replace(b"\n", b"\r\n")) == decoded(ANSWER)
    assert decoded(ANSWER.rstrip(b"\n")) == decoded(ANSWER)


def test_t153_the_type_inside_counts_and_the_event_name_stands_in_for_it() -> None:
    nameless = b"".join(line + b"\n\n" for line in ANSWER.split(b"\n") if line.startswith(b"data:"))
    assert decoded(nameless) == decoded(ANSWER)
    typeless = ANSWER.replace(b'{"type": "message_stop"}', b"{}")
    assert decoded(typeless) == decoded(ANSWER)


@pytest.mark.parametrize("odd", [b"event: keepalive\ndata: {}\n\n", sse({"type": "of_tomorrow"})])
def test_t154_frames_that_nobody_knows_are_signs_of_life(odd: bytes) -> None:
    begin, rest = sse(message_start()), sse(*text_block(0, "a"), *ending())
    assert decoded(begin + odd + rest).count(KeepAlive()) == 1


def test_t158_a_second_message_start_does_not_merge_blocks() -> None:
    events = decoded(
        sse(
            message_start(),
            block_start(0, type="text", text=""),
            delta(0, "text_delta", text="first"),
            message_start(),
            *text_block(0, "second"),
            *ending(),
        )
    )
    assert [e for e in events if isinstance(e, MessageStart | PartDelta | PartEnd)][1:] == [
        PartDelta("first"),
        PartEnd(complete=False),
        PartDelta("second"),
        PartEnd(),
    ]


def test_t159_the_answer_begins_with_whatever_comes_first() -> None:
    events = decoded(sse(*text_block(0, "a"), *ending()))
    assert events[0] == MessageStart()
    assert last(decoded(sse({"type": "message_stop"}))) == MessageEnd(FinishReason.STOP)


def test_t44_a_block_that_opens_inside_another_waits() -> None:
    first, second = call_block(0, "a", "one", "{", "}"), call_block(1, "b", "two", "{", "}")
    mixed = [first[0], second[0], first[1], second[1], second[2], second[3], first[2], first[3]]
    expected = decoded(sse(message_start(), *first, *second, *ending("tool_use")))
    assert decoded(sse(message_start(), *mixed, *ending("tool_use"))) == expected


def test_t44_blocks_that_wait_are_told_when_the_stream_breaks() -> None:
    first, second = call_block(0, "a", "one", "{}"), call_block(1, "b", "two", "{}")
    events = decoded(sse(message_start(), *first[:2], *second))
    assert [e for e in events if isinstance(e, PartStart | PartEnd)] == [
        PartStart(ToolCallPart("a", "one")),
        PartEnd(complete=False),
        PartStart(ToolCallPart("b", "two")),
        PartEnd(),
    ]


def test_a_number_used_again_opens_a_new_block() -> None:
    events = decoded(
        sse(
            message_start(),
            block_start(0, type="text", text=""),
            delta(0, "text_delta", text="a"),
            *call_block(0, "id", "go", "{}"),
            *ending("tool_use"),
        )
    )
    parts = [e.part for e in events if isinstance(e, PartStart)]
    assert parts == [TextPart(""), ToolCallPart("id", "go")]


def test_too_many_open_blocks_are_refused() -> None:
    opened = [block_start(index, type="text", text="") for index in range(300)]
    assert decoded_or_error([sse(message_start(), *opened)], streamed=True) == (
        UPSTREAM_INVALID_REPLY.code
    )


def test_t48_words_for_a_block_that_never_began_are_not_lost() -> None:
    events = decoded(sse(message_start(), delta(0, "text_delta", text="a"), *ending()))
    assert told(events)[1] == "a"
    error = decoded_or_error(
        [sse(message_start(), delta(0, "input_json_delta", partial_json="{"))], streamed=True
    )
    assert error == UPSTREAM_INVALID_REPLY.code


@pytest.mark.parametrize("pieces", [(), ("",), ("", "")])
def test_t50_a_call_without_arguments_gets_an_empty_object(pieces: tuple[str, ...]) -> None:
    events = decoded(sse(message_start(), *call_block(0, "a", "go", *pieces), *ending("tool_use")))
    assert events[2:4] == [PartDelta("{}"), PartEnd()]


def test_t51_the_input_of_a_block_start_is_no_beginning() -> None:
    start = block_start(0, type="tool_use", id="a", name="go", input={"x": 0})
    arguments = delta(0, "input_json_delta", partial_json='{"a":1}')
    stop = [block_stop(0), *ending("tool_use")]
    assert told(decoded(sse(message_start(), start, arguments, *stop)))[1] == '{"a":1}'
    # without a delta it is all there is
    assert json.loads(told(decoded(sse(message_start(), start, *stop)))[1]) == {"x": 0}


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_t56_a_call_cut_by_a_limit_is_not_complete(reason: str) -> None:
    events = decoded(
        sse(
            message_start(),
            *text_block(0, "done"),
            *call_block(1, "a", "go", '{"n":1'),
            *ending(reason),
        )
    )
    ends = [event for event in events if isinstance(event, PartEnd)]
    assert ends == [PartEnd(), PartEnd(complete=False)]


def test_t56_a_call_cut_before_its_arguments_gets_none() -> None:
    events = decoded(sse(message_start(), *call_block(0, "a", "go"), *ending("max_tokens")))
    assert events[2] == PartEnd(complete=False)


def test_t98_the_last_value_of_each_count_holds() -> None:
    events = decoded(
        sse(
            message_start(
                input_tokens=5,
                cache_read_input_tokens=100,
                cache_creation_input_tokens=20,
                output_tokens=1,
            ),
            *ending(input_tokens=6, output_tokens=9),
        )
    )
    assert last(events).usage == Usage(
        input_tokens=126, cached_tokens=100, cache_write_tokens=20, output_tokens=9
    )


def test_t111_a_stream_without_its_end_fails() -> None:
    for events in ([], [message_start()], [message_start(), *text_block(0, "a"), ending()[0]]):
        failed = decoded(sse(*events))[-1]
        assert isinstance(failed, StreamFailed)
        assert failed.error.code == STREAM_CUT.code


def test_t111_done_counts_as_an_end_after_a_stop_reason() -> None:
    data = sse(message_start(), *text_block(0, "a"), ending()[0]) + b"data: [DONE]\n\n"
    assert last(decoded(data)).finish is FinishReason.STOP
    early = sse(message_start(), *text_block(0, "a")) + b"data: [DONE]\n\n"
    assert isinstance(decoded(early)[-1], StreamFailed)


def test_t113_nothing_follows_the_end() -> None:
    assert decoded(ANSWER + ANSWER + b"data: [DONE]\n\n") == decoded(ANSWER)
    decoder_input = [ANSWER, ANSWER]
    assert decoded(decoder_input) == decoded(ANSWER)


def test_open_blocks_are_closed_by_the_end_of_the_message() -> None:
    unclosed = [block_start(0, type="text", text=""), delta(0, "text_delta", text="a")]
    events = decoded(sse(message_start(), *unclosed, *ending()))
    assert told(events) == told(decoded(sse(message_start(), *text_block(0, "a"), *ending())))


def test_t166_an_error_in_a_stream_ends_it() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    events = decoded(
        sse(message_start(), *text_block(0, "a"), {"type": "error", "error": error}, *ending())
    )
    failed = events[-1]
    assert isinstance(failed, StreamFailed)
    assert (failed.error.kind, failed.error.message) == (Kind.OVERLOADED, "Overloaded")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "error", "error": {"type": "api_error", "message": "no"}},
        {"error": {"type": "api_error", "message": "no"}},
        {"error": "no"},
    ],
)
def test_t166_an_error_in_the_place_of_a_body(body: dict[str, Any]) -> None:
    failed = decoded(json.dumps(body).encode(), streamed=False)[-1]
    assert isinstance(failed, StreamFailed)
    assert (failed.error.kind, failed.error.message) == (Kind.INTERNAL, "no")


def test_t176_empty_answers_are_legal() -> None:
    assert told(decoded(sse(message_start(), *ending())))[0]["finish"] is FinishReason.STOP
    for content in ("[]", "null"):
        body = f'{{"type":"message","content":{content},"stop_reason":"end_turn"}}'
        assert len(decoded(body.encode(), streamed=False)) == 2


def test_t182_null_is_nothing() -> None:
    nulled = {
        "type": "message_delta",
        "delta": {"stop_reason": None, "stop_sequence": None, "stop_details": None},
        "usage": None,
    }
    start = {"type": "message_start", "message": {"id": None, "model": None, "usage": None}}
    text = block_start(0, type="text", text=None, citations=None)
    events = decoded(sse(start, text, block_stop(0), nulled, {"type": "message_stop"}))
    assert events == [
        MessageStart(),
        PartStart(TextPart("")),
        PartEnd(),
        MessageEnd(FinishReason.STOP),
    ]


def test_t178_halves_of_an_emoji_do_not_raise() -> None:
    halves = [delta(0, "text_delta", text="\ud83d"), delta(0, "text_delta", text="\ude42")]
    events = decoded(
        sse(
            message_start(), block_start(0, type="text", text=""), *halves, block_stop(0), *ending()
        )
    )
    assert len(told(events)[1]) == 2  # joined behind the decoder


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"{}", b'{"content":5}', b"<html>", b"\xff"]
)
def test_t170_a_body_that_is_no_message(body: bytes) -> None:
    assert decoded_or_error([body], streamed=False) == UPSTREAM_INVALID_REPLY.code


def test_a_decoder_that_is_over_says_nothing_more() -> None:
    decoder = DIALECT.decoder(decode_context())
    assert len(list(decoder.feed(ANSWER))) > 1
    assert list(decoder.feed(ANSWER)) == []
    assert list(decoder.close()) == []
    assert list(decoder.close()) == []


def pieces_of(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300), streamed=st.booleans())
def test_garbage_gives_events_or_our_error(data: bytes, streamed: bool) -> None:
    decoded_or_error([data], streamed=streamed)


WORDS = st.sampled_from(
    ["text_delta", "input_json_delta", "thinking_delta", "signature_delta", "of_tomorrow"]
)
BLOCKS = st.sampled_from(
    [
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "i", "name": "n", "input": {}},
        {"type": "server_tool_use", "id": "i", "name": "n", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "i", "content": []},
        {"type": "of_tomorrow"},
        {},
    ]
)
INDEX = st.integers(0, 2)
DELTAS = st.fixed_dictionaries(
    {"type": WORDS},
    optional={
        "text": st.text(max_size=3),
        "partial_json": st.sampled_from(["", "{", '{"a":1}', "1", "}"]),
        "thinking": st.text(max_size=3),
        "signature": st.text(max_size=3),
    },
)
EVENTS = st.one_of(
    st.just(message_start()),
    st.just({"type": "ping"}),
    st.builds(lambda index, block: block_start(index, **block), INDEX, BLOCKS),
    st.builds(
        lambda index, d: {"type": "content_block_delta", "index": index, "delta": d}, INDEX, DELTAS
    ),
    st.builds(block_stop, INDEX),
    st.sampled_from(ending("tool_use") + ending("max_tokens")),
    st.just({"type": "error", "error": {"type": "api_error", "message": "m"}}),
)


@settings(max_examples=300, deadline=None)
@given(events=st.lists(EVENTS, max_size=14), sizes=st.lists(st.integers(1, 40), max_size=6))
def test_events_in_any_order_obey_the_grammar_however_they_are_cut(
    events: list[dict[str, Any]], sizes: list[int]
) -> None:
    """`decoded` checks the grammar."""
    data = sse(*events)
    whole = decoded_or_error([data], streamed=True)
    assert decoded_or_error(pieces_of(data, sizes), streamed=True) == whole


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(ANSWER) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_gives_events_or_our_error(place: int, byte: int) -> None:
    decoded_or_error([ANSWER[:place] + bytes([byte]) + ANSWER[place + 1 :]], streamed=True)


@settings(max_examples=100, deadline=None)
@given(end=st.integers(0, len(ANSWER) - 4))
def test_a_stream_cut_anywhere_never_ends_well(end: int) -> None:
    cut_short = decoded_or_error([ANSWER[:end]], streamed=True)
    if isinstance(cut_short, list):
        assert isinstance(cut_short[-1], StreamFailed)


def test_state_is_dropped_where_it_has_no_reader() -> None:
    from korproxy_addons.config.habits import COMPATIBLE_ANTHROPIC

    assert ANTHROPIC_API.state_origin
    events = decoded(ANSWER, habits=COMPATIBLE_ANTHROPIC)
    assert all(event.state is None for event in events if isinstance(event, PartEnd))


def test_t44_a_block_is_told_live_once_its_turn_has_come() -> None:
    first, second = call_block(0, "a", "one", "{}"), call_block(1, "b", "two", "{", "}")
    mixed = [first[0], second[0], second[1], first[1], first[2], second[2], second[3]]
    expected = decoded(sse(message_start(), *first, *second, *ending("tool_use")))
    assert decoded(sse(message_start(), *mixed, *ending("tool_use"))) == expected


def test_t180_what_has_to_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_module, "BODY_LIMIT_BYTES", 10)
    opened = [block_start(0, type="text", text=""), block_start(1, type="text", text="")]
    words = [delta(1, "text_delta", text="123456"), delta(1, "text_delta", text="123456")]
    error = decoded_or_error([sse(message_start(), *opened, *words)], streamed=True)
    assert error == UPSTREAM_INVALID_REPLY.code


def test_a_whole_decoder_ends_once() -> None:
    decoder = DIALECT.decoder(decode_context(streamed=False))
    assert list(decoder.feed(b'{"type":"message"}')) == []
    assert len(list(decoder.close())) == 2
    assert list(decoder.close()) == []


def test_stray_events_say_nothing() -> None:
    stray = [block_stop(5), {"type": "content_block_delta", "index": 0}, {"type": "message_delta"}]
    assert told(decoded(sse(message_start(), *stray, *ending()))) == told(
        decoded(sse(message_start(), *ending()))
    )
    nameless = decoded_or_error([sse({"type": "content_block_start", "index": 0})], streamed=True)
    assert nameless == UPSTREAM_INVALID_REPLY.code
