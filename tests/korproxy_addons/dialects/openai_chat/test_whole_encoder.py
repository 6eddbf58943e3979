import json
from typing import Any

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
    StreamFailed,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from korproxy_addons.dialects.openai_chat.whole_encoder import WholeEncoder
from korproxy_addons.errors.kinds import Kind
from support.chat_wire import encoded

START = MessageStart("up", "up-1")
STOP = MessageEnd(FinishReason.STOP)


def said(*parts: tuple[Any, str]) -> list[Event]:
    events: list[Event] = []
    for part, text in parts:
        events.append(PartStart(part))
        if text:
            events.append(PartDelta(text))
        events.append(PartEnd())
    return events


def message(*events: Event, end: MessageEnd = STOP) -> dict[str, Any]:
    body = json.loads(encoded([START, *events, end], streamed=False))
    found: dict[str, Any] = body["choices"][0]["message"]
    return found


def test_a_whole_answer() -> None:
    end = MessageEnd(FinishReason.STOP, usage=Usage(3, output_tokens=2), service_tier="flex")
    body = json.loads(encoded([START, *said((TextPart(""), "größer")), end], streamed=False))
    assert body == {
        "id": "chatcmpl-seed01",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "größer", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "service_tier": "flex",
    }


def test_t176_an_empty_answer_is_an_empty_text() -> None:
    assert message()["content"] == ""


def test_t14_calls_alone_have_no_content() -> None:
    call = PartStart(ToolCallPart("x", "f"))
    found = message(call, PartDelta('{"a"'), PartDelta(":1}"), PartEnd())
    assert found["content"] is None
    function = {"name": "f", "arguments": '{"a":1}'}
    assert found["tool_calls"] == [{"id": "x", "type": "function", "function": function}]
    beside = message(*said((TextPart(""), "I look."), (ToolCallPart("x", "f"), "{}")))
    assert beside["content"] == "I look."


def test_t144_a_client_of_functions_gets_a_function_call() -> None:
    body = b'{"functions":[{"name":"f"}]}'
    encoder = WholeEncoder(ReplyContext(False, "m", IdSource("s"), 0, client_body=body))
    end = MessageEnd(FinishReason.TOOL_CALLS)
    events = [START, *said((ToolCallPart("x", "f"), "{}")), end]
    choice = json.loads(b"".join(map(encoder.feed, events)))["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_t107_calls_end_in_tool_calls() -> None:
    events = [START, *said((ToolCallPart("x", "f"), "{}")), MessageEnd(FinishReason.TOOL_CALLS)]
    assert (
        json.loads(encoded(events, streamed=False))["choices"][0]["finish_reason"] == "tool_calls"
    )


def test_t177_a_refusal_stands_in_its_own_field() -> None:
    end = MessageEnd(FinishReason.REFUSAL)
    found = message(*said((RefusalPart(""), "no")), end=end)
    assert (found["refusal"], found["content"]) == ("no", None)


def test_thinking_state_sources_and_media() -> None:
    state = Opaque("anthropic", "c2ln")
    page = Citation("gemini", Raw(b"{}"), url="https://a.example", title="A", start=0, end=1)
    first = MediaPart(MediaKind.IMAGE, "image/png", base64="AA==")
    found = message(
        *(PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(state)),
        *(PartStart(ThinkingPart("")), PartDelta("so"), PartEnd()),
        *(PartStart(TextPart("")), PartDelta("a"), PartCitation(page), PartEnd()),
        *said((first, ""), (first, ""), (MediaPart(MediaKind.AUDIO, base64="BB=="), "")),
        *said((UnknownPart("gemini", "new", Raw(b"{}"), " and words"), "")),
    )
    assert found["reasoning_content"] == "hm\n\nso"
    assert [detail["id"] for detail in found["reasoning_details"]] == ["kor-0-2"]
    assert found["content"] == "a and words"
    assert [entry["url_citation"]["url"] for entry in found["annotations"]] == ["https://a.example"]
    assert len(found["images"]) == 2
    assert found["audio"]["data"] == "BB=="


def test_nothing_is_given_before_the_end_or_after_a_failure() -> None:
    encoder = WholeEncoder(ReplyContext(False, "m", IdSource("seed"), 0))
    assert [encoder.feed(event) for event in (START, KeepAlive(), *said((TextPart(""), "a")))] == [
        b""
    ] * 5
    assert encoder.feed(STOP)
    assert encoder.feed(STOP) == b""
    failing = WholeEncoder(ReplyContext(False, "m", IdSource("seed"), 0))
    error = StreamFailed(ReplyError(Kind.INTERNAL, "m"))
    assert [failing.feed(event) for event in (START, error, STOP)] == [b"", b"", b""]
