import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyPart,
)
from korproxy_addons.dialects.model import (
    Citation,
    CompactionPart,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import SEAL, unsealed
from support.anthropic_wire import encoded, events_of

OWN = Opaque("anthropic", "c2ln")
FOREIGN = Opaque("google", "Z29vZ2xl")


def stream(*events: Event) -> list[dict[str, Any]]:
    """The events of the blocks alone."""
    around = [MessageStart(), *events, MessageEnd(FinishReason.STOP)]
    return events_of(encoded(around))[1:-2]


def whole(*events: Event) -> list[dict[str, Any]]:
    """The content of a whole body."""
    around = [MessageStart(), *events, MessageEnd(FinishReason.STOP)]
    content: list[dict[str, Any]] = json.loads(encoded(around, streamed=False))["content"]
    return content


def part(shell: ReplyPart, *texts: str, state: Opaque | None = None) -> list[Event]:
    return [PartStart(shell), *(PartDelta(text) for text in texts), PartEnd(state)]


def deltas(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["delta"] for event in events if event["type"] == "content_block_delta"]


@pytest.mark.parametrize("shell", [TextPart(""), ThinkingPart("")])
def test_t12_a_part_without_words_gives_no_block(shell: ReplyPart) -> None:
    assert stream(*part(shell)) == []
    assert whole(*part(shell)) == []


def test_t73_the_signature_comes_last() -> None:
    events = stream(*part(ThinkingPart(""), "Hm", ", so.", state=OWN))
    assert [event["type"] for event in events] == [
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
    ]
    assert deltas(events)[-1] == {"type": "signature_delta", "signature": "c2ln"}
    assert whole(*part(ThinkingPart(""), "Hm", state=OWN)) == [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    ]


def test_t72_thinking_with_a_signature_alone_stays() -> None:
    assert whole(*part(ThinkingPart(""), state=OWN)) == [
        {"type": "thinking", "thinking": "", "signature": "c2ln"}
    ]
    hidden = whole(*part(ThinkingPart("", redacted=True), state=OWN))
    assert hidden == [{"type": "redacted_thinking", "data": "c2ln"}]
    assert whole(*part(ThinkingPart("", redacted=True))) == []


def test_t74_foreign_state_without_words_is_kept_as_a_signature() -> None:
    (block,) = whole(*part(ThinkingPart(""), state=FOREIGN))
    assert unsealed(block["signature"]) == FOREIGN


def test_t71_thinking_without_state_says_so_in_its_signature() -> None:
    (block,) = whole(*part(ThinkingPart(""), "Hm"))
    assert unsealed(block["signature"]) == Opaque("", "")
    assert SEAL in block["signature"].encode()


@pytest.mark.parametrize("pieces", [(), ("{}",), ("{", "}")])
def test_t49_a_call_has_at_least_one_delta(pieces: tuple[str, ...]) -> None:
    events = stream(*part(ToolCallPart("a", "go"), *pieces))
    assert events[0]["content_block"] == {"type": "tool_use", "id": "a", "name": "go", "input": {}}
    assert "".join(delta["partial_json"] for delta in deltas(events)) == "{}"


def test_arguments_stream_as_they_come() -> None:
    pieces = ('{"a"', ":1", "}")
    events = stream(*part(ToolCallPart("a", "go"), *pieces))
    assert [delta["partial_json"] for delta in deltas(events)] == list(pieces)


@pytest.mark.parametrize(
    ("pieces", "value"),
    [
        (("[1", ",2]"), {"value": [1, 2]}),
        (('"{\\"a\\"', ':1}"'), {"a": 1}),
        (("no json",), {"text": "no json"}),
        ((" ", '{"a":1}'), {"a": 1}),
        (("null",), {}),
    ],
)
def test_t61_arguments_that_are_no_object_become_one(
    pieces: tuple[str, ...], value: dict[str, Any]
) -> None:
    call = part(ToolCallPart("a", "go"), *pieces)
    joined = "".join(delta["partial_json"] for delta in deltas(stream(*call)))
    assert json.loads(joined) == value
    assert whole(*call)[0]["input"] == value


def test_t56_half_a_call_is_not_repaired() -> None:
    cut: list[Event] = [
        PartStart(ToolCallPart("a", "go")),
        PartDelta("[1"),
        PartEnd(complete=False),
    ]
    assert deltas(stream(*cut)) == [{"type": "input_json_delta", "partial_json": "[1"}]
    nothing: list[Event] = [PartStart(ToolCallPart("a", "go")), PartEnd(complete=False)]
    assert deltas(stream(*nothing)) == []


def test_the_input_of_a_custom_tool_goes_under_input() -> None:
    call = part(ToolCallPart("a", "patch", custom=True), '*** "Begin"', "\n")
    assert whole(*call)[0]["input"] == {"input": '*** "Begin"\n'}
    joined = "".join(delta["partial_json"] for delta in deltas(stream(*call)))
    assert json.loads(joined) == {"input": '*** "Begin"\n'}


def test_t77_the_state_of_a_call_follows_on_a_block_of_its_own() -> None:
    call, carrier = whole(*part(ToolCallPart("a", "go"), "{}", state=FOREIGN))
    assert call["type"] == "tool_use"
    assert (carrier["type"], carrier["thinking"]) == ("thinking", "")
    assert unsealed(carrier["signature"]) == Opaque("google", "Z29vZ2xl", "call:a")


def test_t79_the_state_of_a_text_is_kept_even_without_the_text() -> None:
    assert len(whole(*part(TextPart(""), "Hi", state=FOREIGN))) == 2
    (carrier,) = whole(*part(TextPart(""), state=FOREIGN))
    assert unsealed(carrier["signature"]) == Opaque("google", "Z29vZ2xl", "text:")


def test_own_citations_stay_as_they_are() -> None:
    raw = Raw(b'{"type":"page_location","cited_text":"x"}')
    cited: list[Event] = [
        PartStart(TextPart("")),
        PartCitation(Citation("anthropic-messages", raw)),
        PartDelta("Hi"),
        PartEnd(),
    ]
    assert whole(*cited)[0]["citations"] == [{"type": "page_location", "cited_text": "x"}]
    assert deltas(stream(*cited))[0]["citation"] == {"type": "page_location", "cited_text": "x"}


def test_foreign_citations_are_said_in_own_words_and_can_be_told_apart() -> None:
    citation = Citation("openai-responses", Raw(b"{}"), url="https://a.example", title="A")
    cited: list[Event] = [
        PartStart(TextPart("")),
        PartDelta("Hi"),
        PartCitation(citation),
        PartCitation(Citation("gemini", Raw(b"{}"))),  # nothing to say about it
        PartEnd(),
    ]
    (found,) = whole(*cited)[0]["citations"]
    assert found["type"] == "web_search_result_location"
    assert (found["url"], found["title"]) == ("https://a.example", "A")
    assert SEAL in found["encrypted_index"].encode()


def test_t137_own_server_tools_go_back_as_they_were_with_their_input_in_a_delta() -> None:
    raw = Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}}')
    use = PartStart(ServerToolPart("anthropic-messages", "anthropic", "server_tool_use", "s", raw))
    events = stream(use, PartEnd())
    assert events[0]["content_block"]["input"] == {}
    assert json.loads(deltas(events)[0]["partial_json"]) == {"query": "q"}
    assert whole(use, PartEnd()) == [json.loads(bytes(raw))]


def test_t138_a_foreign_search_is_no_call_of_the_client() -> None:
    search = ServerToolPart("openai-responses", "openai", "web_search_call", "", Raw(b"{}"))
    around: list[Event] = [
        MessageStart(),
        PartStart(search),
        PartEnd(),
        MessageEnd(FinishReason.STOP),
    ]
    body = json.loads(encoded(around, streamed=False))
    assert (body["content"], body["stop_reason"]) == ([], "end_turn")


@pytest.mark.parametrize(
    ("media", "text"),
    [
        (
            MediaPart(MediaKind.IMAGE, "image/png", base64="AAAA"),
            "[image: image/png, cannot be shown here]",
        ),
        (MediaPart(MediaKind.IMAGE, url="https://a.example/b.png"), "https://a.example/b.png"),
    ],
)
def test_t128_media_in_an_answer_becomes_a_note(media: MediaPart, text: str) -> None:
    assert whole(PartStart(media), PartEnd()) == [{"type": "text", "text": text}]


def test_t129_a_foreign_part_is_its_words_or_nothing() -> None:
    said = UnknownPart("gemini", "executableCode", Raw(b"{}"), "print(1)")
    mute = UnknownPart("gemini", "executableCode", Raw(b"{}"))
    assert whole(PartStart(said), PartEnd(), PartStart(mute), PartEnd()) == [
        {"type": "text", "text": "print(1)"}
    ]


def test_a_compaction_goes_back_to_its_maker_and_is_text_or_sealed_else() -> None:
    own = '{"type":"compaction","content":"so far","encrypted_content":"x"}'
    parts = [
        CompactionPart("so far", Opaque("anthropic", own)),
        CompactionPart("", Opaque("openai", "blob", "cmp_1")),
        CompactionPart("in words"),
    ]
    first, second, third = whole(*(e for p in parts for e in (PartStart(p), PartEnd())))
    assert first == json.loads(own)
    assert unsealed(second["signature"]) == Opaque("openai", "blob", "compaction:cmp_1")
    assert third == {"type": "text", "text": "in words"}


def test_citations_belong_to_text_alone() -> None:
    citation = Citation("anthropic-messages", Raw(b"{}"))
    cited: list[Event] = [
        PartStart(ThinkingPart("")),
        PartCitation(citation),
        PartDelta("a"),
        PartEnd(),
    ]
    assert whole(*cited)[0].keys() == {"type", "thinking", "signature"}


def test_a_native_block_that_cannot_be_read_is_left_out() -> None:
    broken = UnknownPart("anthropic-messages", "odd", Raw(b"5"))
    assert stream(PartStart(broken), PartDelta("not expected"), PartEnd()) == []
