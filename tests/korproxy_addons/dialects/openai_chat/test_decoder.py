import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.config.habits import COMPATIBLE_CHAT, OPENAI_CHAT, Habits
from korproxy_addons.dialects.base import DecodeContext
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
from korproxy_addons.dialects.grammar import Grammar
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason, TextPart, Usage
from korproxy_addons.dialects.openai_chat.decoder import ChatDecoder
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from support.chat_wire import DONE, call, calls, chunk, data, decoded, told, whole
from support.cut import cut_in_two

GOOGLE = msgspec.structs.replace(COMPATIBLE_CHAT, state_origin="google")
TEXT = chunk({"role": "assistant", "content": ""}) + chunk({"content": "größer 🙂"})
END = chunk({}, "stop") + DONE


def parts(reply: bytes, habits: Habits = COMPATIBLE_CHAT) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(decoded(reply, habits=habits))["parts"]
    return found


def test_events_of_a_plain_answer() -> None:
    usage = data({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    events = decoded(TEXT + chunk({}, "stop", service_tier="flex") + usage + DONE)
    assert events == [
        MessageStart("c-1", "up-1"),
        PartStart(TextPart("")),
        PartDelta("größer 🙂"),
        PartEnd(),
        MessageEnd(FinishReason.STOP, usage=Usage(3, output_tokens=2), service_tier="flex"),
    ]


def test_t151_every_cut_gives_the_same_events() -> None:
    reply = (
        TEXT
        + calls(call("", "f", "1", index=0))
        + calls(call('{"ü":', index=0))
        + calls(call('"🙂"}', index=0), call("{}", "g", "2", index=1), finish="tool_calls")
        + data({"choices": [], "usage": {"prompt_tokens": 1}})
        + DONE
    ).replace(b"\n\n", b"\r\n\r\n")
    expected = decoded(reply)
    for first, second in cut_in_two(reply):
        decoder = ChatDecoder(DecodeContext(True, COMPATIBLE_CHAT, IdSource("seed")))
        assert [*decoder.feed(first), *decoder.feed(second), *decoder.close()] == expected
    assert decoded(reply, size=1) == expected


def test_t159_the_start_comes_once_on_the_first_chunk_of_any_kind() -> None:
    first = data({"id": "", "model": "up-1", "choices": [], "prompt_filter_results": []})
    events = decoded(first + TEXT + END)
    assert events[0] == MessageStart("", "up-1")
    assert sum(isinstance(event, MessageStart) for event in events) == 1


@pytest.mark.parametrize("reply", [DONE, data({"id": "c", "choices": []}) + DONE, END])
def test_t159_t176_an_empty_stream_is_an_empty_answer(reply: bytes) -> None:
    events = decoded(reply)
    assert [type(event) for event in events] == [MessageStart, MessageEnd]


# --- choices, text, thinking


def test_t15_two_choices_are_one_answer_if_one_was_asked_for() -> None:
    text = {"index": 0, "message": {"content": "I look."}, "finish_reason": "stop"}
    tool = {
        "index": 1,
        "message": {"content": None, "tool_calls": [call("{}", "f", "x")]},
        "finish_reason": "tool_calls",
    }
    events = decoded(json.dumps({"choices": [text, tool]}).encode(), streamed=False)
    assert told(events)["finish"] == "tool_calls"
    assert [part["kind"] for part in told(events)["parts"]] == ["Text", "ToolCall"]


def test_t122_of_several_answers_the_first_is_read() -> None:
    frames = [
        data({"choices": [{"index": index, "delta": {"content": text}}]})
        for index, text in ((0, "a"), (1, "x"), (0, "b"), (1, "y"))
    ]
    events = decoded(b"".join(frames) + END, choices=2)
    assert [part["text"] for part in told(events)["parts"]] == ["ab"]


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"content": "<think>hm</think>"},
    ],
)
def test_t82_reasoning_is_found_everywhere_and_never_doubled(delta: dict[str, Any]) -> None:
    assert parts(chunk(delta) + chunk({"content": "c"}) + END) == [
        {"kind": "Thinking", "text": "hm"},
        {"kind": "Text", "text": "c"},
    ]


def test_t82_tags_are_words_where_no_server_of_that_habit_speaks() -> None:
    assert parts(chunk({"content": "<think>a</think>"}) + END, OPENAI_CHAT)[0]["kind"] == "Text"


def test_t82_tags_that_stay_open_end_at_a_call() -> None:
    reply = chunk({"content": "<think>a </th"}) + calls(call("{}", "f", "x", index=0)) + END
    assert [part["text"] for part in parts(reply)] == ["a </th", "{}"]


def test_t177_a_refusal_is_shown_and_is_the_reason() -> None:
    reply = chunk({"refusal": ""}) + chunk({"refusal": "I can"}) + chunk({"refusal": "not."}) + END
    out = told(decoded(reply))
    assert out["parts"] == [{"kind": "Refusal", "text": "I cannot."}]
    assert out["finish"] == "refusal"


def test_citations_belong_to_their_text() -> None:
    url = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3}
    annotation = {"type": "url_citation", "url_citation": url}
    out = told(
        decoded(
            whole({"content": "Yes", "annotations": [annotation, 5, {"type": "x"}]}), streamed=False
        )
    )
    assert out["parts"] == [{"kind": "Text", "text": "Yes", "cited": ["https://a.example", ""]}]


def test_t128_images_are_media() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    found = parts(chunk({"content": "See:", "images": [image]}) + chunk({"content": "!"}) + END)
    assert [part["kind"] for part in found] == ["Text", "Media", "Text"]
    assert (found[1]["mime"], found[1]["base64"]) == ("image/png", "iVBORw0KGgo=")


def test_spoken_answers_are_words_and_one_file() -> None:
    reply = chunk({"audio": {"data": "SUQz", "transcript": "Hel"}})
    reply += chunk({"audio": {"data": "AAAA", "transcript": "lo"}}) + END
    found = parts(reply)
    assert [part["kind"] for part in found] == ["Text", "Media"]
    assert found[0]["text"] == "Hello"
    assert (found[1]["base64"], found[1]["mime"]) == ("SUQzAAAA", "audio/mpeg")


# --- ends


def test_t101_usage_may_come_after_the_end_and_be_null_before() -> None:
    reply = chunk({"content": "a"}, usage=None) + chunk({}, "stop", usage=None)
    usage = data({"choices": [], "usage": {"prompt_tokens": 5}})
    assert decoded(reply + usage + DONE)[-1] == MessageEnd(FinishReason.STOP, usage=Usage(5))


@pytest.mark.parametrize("sign", [DONE, b"data:[DONE]\n\n", b"data: [DONE]"])
def test_t111_done_is_an_end_also_without_a_reason(sign: bytes) -> None:
    assert told(decoded(TEXT + sign))["finish"] == "stop"


def test_t111_a_reason_is_an_end_also_without_done() -> None:
    assert told(decoded(TEXT + chunk({}, "length")))["finish"] == "length"


def test_t111_a_stream_that_stops_is_an_error_and_its_part_is_cut() -> None:
    events = decoded(TEXT)
    assert events[-2] == PartEnd(complete=False)
    assert told(events)["error"] == ["internal", STREAM_CUT.code]


def test_t111_half_a_frame_at_the_end_is_a_cut() -> None:
    events = decoded(TEXT + chunk({"content": "more"})[:-20])
    assert told(events)["error"] == ["internal", STREAM_CUT.code]
    assert told(events)["parts"] == [{"kind": "Text", "text": "größer 🙂", "cut": True}]


def test_t111_no_bytes_at_all_are_an_error() -> None:
    assert [type(event) for event in decoded(b"")] == [StreamFailed]


def test_t113_two_ends_and_chunks_behind_done_give_one_end() -> None:
    events = decoded(TEXT + chunk({}, "stop") + END + TEXT + END)
    assert sum(isinstance(event, MessageEnd) for event in events) == 1
    assert told(events)["parts"] == [{"kind": "Text", "text": "größer 🙂"}]


def test_t160_text_in_the_finish_chunk_counts() -> None:
    assert parts(chunk({"content": "last"}, "stop") + DONE)[0]["text"] == "last"


def test_the_last_part_of_a_filtered_answer_is_cut() -> None:
    choice = {"delta": {"content": "Well"}, "finish_reason": "content_filter"}
    events = decoded(data({"choices": [{**choice, "native_finish_reason": "SAFETY"}]}) + DONE)
    assert events[-2] == PartEnd(complete=False)
    assert events[-1] == MessageEnd(FinishReason.CONTENT_FILTER, reason="SAFETY")


def test_t166_an_error_in_the_stream_ends_it() -> None:
    events = decoded(
        TEXT + b"event: error\n" + data({"error": {"message": "m", "code": "tool_use_failed"}})
    )
    assert told(events)["error"] == ["internal", "tool_use_failed"]
    assert not any(isinstance(event, PartEnd) for event in events)


def test_t166_an_error_in_words_is_one_too() -> None:
    events = decoded(b"event: error\ndata: overloaded\n\n")
    assert isinstance(events[-1], StreamFailed)
    assert events[-1].error.message == "overloaded"


def test_t166_an_error_as_the_whole_body_is_one() -> None:
    events = decoded(b'{"status":"435","msg":"no such model","body":null}', streamed=False)
    assert told(events) == {"parts": [], "error": ["not_found", "435"]}


def test_t154_keep_alives_of_all_kinds_are_said_as_such() -> None:
    odd = b": comment\n\nevent: keepalive\ndata: now\n\n" + data({"type": "ping"}) + b"data:\n\n"
    events = decoded(odd + TEXT + END)
    assert events[:2] == [KeepAlive(), KeepAlive()]
    assert isinstance(events[2], MessageStart)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"choices":[]}', b"{}", b'{"choices":null}']
)
def test_a_whole_body_without_an_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(KorProxyError) as caught:
        decoded(body, streamed=False)
    assert caught.value.spec is UPSTREAM_INVALID_REPLY


@pytest.mark.parametrize("content", ["", None, []])
def test_t176_an_empty_whole_answer_is_legal(content: object) -> None:
    assert told(decoded(whole({"content": content}), streamed=False))["parts"] == []


def test_a_whole_answer_without_a_reason_is_whole() -> None:
    assert told(decoded(whole({"content": "a"}, None), streamed=False))["finish"] == "stop"


# --- everything

PIECES = st.sampled_from(
    [
        TEXT, END, DONE, chunk({}, "length"), chunk({"reasoning_content": "r"}), chunk({"refusal": "no"}),
        calls(call('{"a"', "f", "x", index=0)), calls(call(":1}", index=0)), calls(call("{}", "g", index=1)),
        calls(call("{}")), calls({"index": 0}), chunk({"content": "<think>"}), chunk({"content": "</think>"}),
        data({"choices": [], "usage": {"prompt_tokens": 4}}), data({"error": {"message": "m"}}),
        data({"choices": [{"index": 1, "delta": {"tool_calls": [call("{", "h", index=0)]}}]}),
        chunk({"images": ["data:image/png;base64,AA=="]}), chunk({"annotations": [{"type": "x"}]}),
        chunk({"function_call": {"name": "f"}}), b"data: {\n\n", b"event: error\ndata: x\n\n", b"\r\n: c\r\n",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=12), st.integers(1, 60), st.booleans())
def test_whatever_comes_gives_legal_events_or_an_error_of_ours(
    pieces: list[bytes], size: int, streamed: bool
) -> None:
    reply = b"".join(pieces)
    decoder = ChatDecoder(DecodeContext(streamed, COMPATIBLE_CHAT, IdSource("seed")))
    grammar = Grammar()
    events: list[Event] = []
    try:
        for start in range(0, len(reply), size):
            for event in decoder.feed(reply[start : start + size]):
                grammar.check(event)
                events.append(event)
        for event in decoder.close():
            grammar.check(event)
            events.append(event)
    except KorProxyError:
        assert list(decoder.feed(TEXT)) == []
        assert list(decoder.close()) == []
    else:
        grammar.check_end()


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=12), st.data())
def test_a_broken_off_stream_never_ends_well_without_a_sign_of_its_end(
    pieces: list[bytes], draw: st.DataObject
) -> None:
    reply = b"".join(pieces)
    cut_at = draw.draw(st.integers(0, len(reply)))
    decoder = ChatDecoder(DecodeContext(True, COMPATIBLE_CHAT, IdSource("seed")))
    try:
        events = [*decoder.feed(reply[:cut_at]), *decoder.close()]
    except KorProxyError:
        return
    ended = b"[DONE]" in reply[:cut_at] or b'"finish_reason": "' in reply[:cut_at]
    assert ended or isinstance(events[-1], StreamFailed)
