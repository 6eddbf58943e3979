from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    ReplyPart,
    StreamFailed,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    Citation,
    CompactionPart,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from korproxy_addons.dialects.opaque import unsealed
from korproxy_addons.dialects.openai_chat.stream_encoder import KEEP_ALIVE, StreamEncoder
from korproxy_addons.errors.kinds import Kind
from support.chat_wire import encoded, payloads

START = MessageStart("up", "up-1")
STOP = MessageEnd(FinishReason.STOP, usage=Usage(3, 1, output_tokens=2))
TEXT: list[Event] = [PartStart(TextPart("")), PartDelta("größer"), PartEnd()]
CALL = PartStart(ToolCallPart("x", "f"))


def deltas(*events: Event) -> list[dict[str, Any]]:
    """The deltas between the first chunk and the finish chunk."""
    found = payloads(encoded([START, *events, STOP], include_usage=False))
    assert found[-1] == "[DONE]"
    return [chunk["choices"][0]["delta"] for chunk in found[1:-2]]


def test_t160_t102_a_whole_stream() -> None:
    head = {
        "id": "chatcmpl-seed01",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": "m",
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**head, "choices": [choice], "usage": None}

    assert payloads(encoded([START, *TEXT, STOP])) == [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "größer"}),
        chunk({}, "stop"),
        {
            **head,
            "choices": [],
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "total_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        "[DONE]",
    ]


def test_t100_the_usage_chunk_is_for_those_who_asked() -> None:
    found = payloads(encoded([START, *TEXT, STOP], include_usage=False))
    assert all("usage" not in chunk for chunk in found[:-1])
    assert all(chunk["choices"] for chunk in found[:-1])


def test_unknown_usage_is_not_made_up() -> None:
    found = payloads(encoded([START, MessageEnd(FinishReason.STOP)]))
    assert [chunk["choices"][0]["finish_reason"] for chunk in found[:-1]] == [None, "stop"]


def test_the_service_tier_is_said_at_the_end() -> None:
    found = payloads(encoded([START, MessageEnd(FinishReason.STOP, service_tier="flex")]))
    assert found[-2]["service_tier"] == "flex"


def test_t52_t41_calls_are_numbered_from_zero_whatever_stands_between() -> None:
    events: list[Event] = [
        *TEXT,
        CALL,
        PartDelta("{}"),
        PartEnd(),
        *TEXT,
        CALL,
        PartDelta("{}"),
        PartEnd(),
    ]
    found = [delta["tool_calls"][0] for delta in deltas(*events) if "tool_calls" in delta]
    assert [call["index"] for call in found] == [0, 0, 1, 1]


def test_a_call_opens_without_arguments_and_goes_on_in_pieces() -> None:
    pieces: list[Event] = [PartDelta('{"a"'), PartDelta(":"), PartDelta("1}")]
    found = [delta["tool_calls"] for delta in deltas(CALL, *pieces, PartEnd())]
    opening = {
        "index": 0,
        "id": "x",
        "type": "function",
        "function": {"name": "f", "arguments": ""},
    }
    assert found == [
        [opening],
        [{"index": 0, "function": {"arguments": '{"a"'}}],
        [{"index": 0, "function": {"arguments": ":"}}],
        [{"index": 0, "function": {"arguments": "1}"}}],
    ]


def test_t142_a_custom_call_has_input() -> None:
    events: list[Event] = [
        PartStart(ToolCallPart("x", "f", custom=True)),
        PartDelta('a"'),
        PartDelta("b"),
        PartEnd(),
    ]
    opening = {"index": 0, "id": "x", "type": "custom", "custom": {"name": "f", "input": ""}}
    assert [delta["tool_calls"] for delta in deltas(*events)] == [
        [opening],
        [{"index": 0, "custom": {"input": 'a"'}}],
        [{"index": 0, "custom": {"input": "b"}}],
    ]


def test_t144_a_client_of_functions_gets_a_function_call() -> None:
    body = b'{"functions":[{"name":"f"}]}'
    encoder = StreamEncoder(ReplyContext(True, "m", IdSource("s"), 0, client_body=body))
    state = Opaque("google", "c2ln")
    pieces: list[Event] = [CALL, PartDelta('{"a"'), PartDelta(":1}"), PartEnd(state)]
    end = MessageEnd(FinishReason.TOOL_CALLS)
    found = payloads(b"".join(map(encoder.feed, [START, *pieces, end])))
    assert [chunk["choices"][0]["delta"] for chunk in found[1:-2]] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"a"'}},
        {"function_call": {"arguments": ":1}"}},
    ]
    assert found[-2]["choices"][0]["finish_reason"] == "function_call"


def test_t56_a_call_cut_before_its_arguments_has_none() -> None:
    found = deltas(CALL, PartEnd(complete=False))
    assert [delta["tool_calls"][0]["function"]["arguments"] for delta in found] == [""]


def test_t77_state_of_a_whole_call_stands_in_its_opening() -> None:
    state = Opaque("google", "c2ln")
    first, second = deltas(CALL, PartDelta("{}"), PartEnd(state))
    extra = first["tool_calls"][0]["extra_content"]["google"]["thought_signature"]
    assert unsealed(extra) == state
    assert second["tool_calls"][0] == {"index": 0, "function": {"arguments": "{}"}}


def test_state_of_a_call_that_is_long_open_comes_late() -> None:
    found = deltas(CALL, PartDelta("{"), PartDelta("}"), PartEnd(Opaque("google", "c2ln")))
    assert "extra_content" not in found[0]["tool_calls"][0]
    assert set(found[-1]["tool_calls"][0]) == {"index", "extra_content"}


def test_t89_thinking_is_reasoning_content_and_never_content() -> None:
    events: list[Event] = [PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(), *TEXT]
    assert deltas(*events) == [{"reasoning_content": "hm"}, {"content": "größer"}]


def test_thoughts_behind_each_other_are_kept_apart_and_their_state_names_its_place() -> None:
    state = Opaque("anthropic", "c2ln")
    thought: list[Event] = [PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(state)]
    hidden: list[Event] = [PartStart(ThinkingPart("", redacted=True)), PartEnd(state)]
    found = deltas(*thought, *hidden, *thought)
    assert "".join(delta.get("reasoning_content", "") for delta in found) == "hm\n\nhm"
    details = [delta["reasoning_details"][0] for delta in found if "reasoning_details" in delta]
    assert [detail["id"] for detail in details] == ["kor-0-2", "kor-2-2-redacted", "kor-4-6"]
    assert {unsealed(detail["data"]) for detail in details} == {state}


def test_refusals_and_media() -> None:
    image = MediaPart(MediaKind.IMAGE, "image/png", base64="AA==")
    events: list[Event] = [
        PartStart(RefusalPart("")),
        PartDelta("no"),
        PartEnd(),
        PartStart(image),
        PartEnd(),
    ]
    assert [list(delta) for delta in deltas(*events)] == [["refusal"], ["images"]]


def test_what_has_no_place_is_left_out_but_for_its_words() -> None:
    raw = Raw(b"{}")
    whole: list[ReplyPart] = [
        ServerToolPart("anthropic-messages", "anthropic", "server_tool_use", "s", raw, "searched"),
        CompactionPart("short"),
        UnknownPart("gemini", "new", raw, "words"),
        UnknownPart("gemini", "new", raw),
    ]
    events: list[Event] = [event for part in whole for event in (PartStart(part), PartEnd())]
    assert deltas(*events) == [{"content": "words"}]


def test_sources_are_counted_in_the_whole_text() -> None:
    page = Citation("gemini", Raw(b"{}"), url="https://a.example", title="A", start=0, end=6)
    none = Citation("gemini", Raw(b"{}"))
    cited: list[Event] = [*TEXT[:2], PartCitation(page), PartCitation(none), PartEnd()]
    found = [delta["annotations"] for delta in deltas(*TEXT, *cited) if "annotations" in delta]
    assert [(each[0]["url_citation"]["start_index"], len(each)) for each in found] == [(6, 1)]


@pytest.mark.parametrize("events", [[], [START], [START, *TEXT[:2]], [START, CALL, PartDelta("{")]])
def test_t165_a_failure_ends_the_stream_at_any_point(events: list[Event]) -> None:
    good = encoded(events)
    failed = encoded([*events, StreamFailed(ReplyError(Kind.OVERLOADED, "m")), STOP, KeepAlive()])
    assert failed.startswith(good)
    error = {"message": "m", "type": "server_error", "param": None, "code": None}
    assert payloads(failed[len(good) :]) == [{"error": error}]


def test_t155_keep_alives_are_comments() -> None:
    assert encoded([KeepAlive(), START, KeepAlive()]).count(KEEP_ALIVE) == 2
    assert KEEP_ALIVE.startswith(b": ")
    assert KEEP_ALIVE.endswith(b"\n\n")


def test_every_call_gives_whole_frames_and_nothing_after_the_end() -> None:
    context = ReplyContext(True, "m", IdSource("seed"), 0)
    encoder = StreamEncoder(context)
    events: list[Event] = [START, *TEXT, CALL, PartDelta("{"), PartDelta("}"), PartEnd(), STOP]
    given = [encoder.feed(event) for event in events]
    assert all(piece == b"" or piece.endswith(b"\n\n") for piece in given)
    assert [encoder.feed(event) for event in (START, STOP, KeepAlive())] == [b"", b"", b""]
