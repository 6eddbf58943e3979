import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

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
from korproxy_addons.dialects.gemini.encoder import frame, signature_of
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
from korproxy_addons.errors.kinds import Kind
from support.gemini_sdk import needs_sdk, sdk_client
from support.gemini_wire import SIGNED, decoded, encoded, joined

USAGE = Usage(input_tokens=12, cached_tokens=5, output_tokens=9, reasoning_tokens=4)
START = MessageStart("up", "upstream-model", Usage(input_tokens=12))


def text(words_: str, state: Opaque | None = None, *, complete: bool = True) -> list[Event]:
    return [PartStart(TextPart("")), PartDelta(words_), PartEnd(state, complete)]


def call(
    name: str, arguments: str, state: Opaque | None = None, call_id: str = "c1"
) -> list[Event]:
    return [PartStart(ToolCallPart(call_id, name)), PartDelta(arguments), PartEnd(state)]


def answer(
    *parts: list[Event], finish: FinishReason = FinishReason.STOP, **fields: Any
) -> list[Event]:
    middle = [event for part in parts for event in part]
    return [START, *middle, MessageEnd(finish, usage=USAGE, **fields)]


def chunks(events: list[Event]) -> list[dict[str, Any]]:
    data = encoded(events)
    frames = data.split(b"\r\n\r\n")
    assert frames.pop() == b""
    assert all(each.startswith(b"data: ") and b"\n" not in each for each in frames)
    return [json.loads(each[6:]) for each in frames]


def body(events: list[Event]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encoded(events, streamed=False))
    return made


def parts(events: list[Event]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(events)["candidates"][0]["content"]["parts"]
    return found


FULL = answer(
    [PartStart(ThinkingPart("")), PartDelta("Plan"), PartDelta("…"), PartEnd(SIGNED)],
    text("Hällo 😀\u2028"),
    call("read", '{"a": 1.0,\n"b":12345678901234567890}', SIGNED),
    text("signed", SIGNED),
    call("list", "{}", None, "c2"),
    finish=FinishReason.TOOL_CALLS,
    service_tier="standard",
)


def test_a_stream_goes_out_part_by_part() -> None:
    found = chunks(FULL)
    assert [each["candidates"][0]["content"]["parts"][0] for each in found] == [
        {"text": "Plan", "thought": True},
        {"text": "…", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": SIGNED.data},
        {"text": "Hällo 😀\u2028"},
        {
            "functionCall": {
                "id": "c1",
                "name": "read",
                "args": {"a": 1.0, "b": 12345678901234567890},
            },
            "thoughtSignature": SIGNED.data,
        },
        {"text": "signed"},
        {"text": "", "thoughtSignature": SIGNED.data},
        {"functionCall": {"id": "c2", "name": "list", "args": {}}},
        {"text": ""},
    ]
    assert {each["modelVersion"] for each in found} == {"gemini-for-me"}  # T174
    assert len({each["responseId"] for each in found}) == 1
    assert [each["candidates"][0].get("finishReason") for each in found[:-1]] == [None] * 8
    last = found[-1]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"] == {
        "promptTokenCount": 12,
        "candidatesTokenCount": 5,
        "totalTokenCount": 21,
        "cachedContentTokenCount": 5,
        "thoughtsTokenCount": 4,
        "serviceTier": "standard",
    }


@pytest.mark.parametrize(("streamed", "sse"), [(True, True), (True, False), (False, True)])
def test_what_is_written_reads_back(streamed: bool, sse: bool) -> None:
    events = decoded(encoded(FULL, streamed=streamed, sse=sse), streamed=streamed and sse)
    blank = " " if streamed and sse else "\n"  # a frame holds no line end
    assert joined(events) == [
        PartDelta(each.text.replace("\n", blank)) if isinstance(each, PartDelta) else each
        for each in joined(FULL)
    ]


def test_an_array_is_one_json_value_that_grows() -> None:
    data = encoded(FULL, sse=False)
    assert data.startswith(b"[{")
    assert json.loads(data) == chunks(FULL)
    empty = encoded([START, MessageEnd(FinishReason.STOP)], sse=False)
    assert len(json.loads(empty)) == 1


def test_the_sdk_reads_a_stream_and_a_body() -> None:
    types = needs_sdk()
    client = sdk_client(encoded(FULL), "text/event-stream")
    streamed = list(client.models.generate_content_stream(model="m", contents="hi"))
    client = sdk_client(encoded(FULL, streamed=False), "application/json")
    whole = client.models.generate_content(model="m", contents="hi")
    for found in ([part for each in streamed for part in each.parts or []], whole.parts or []):
        assert "".join(part.text or "" for part in found if part.thought) == "Plan…"
        spoken = [part.text or "" for part in found if not part.thought]
        assert "".join(spoken) == "Hällo 😀\u2028signed"
        called = [part.function_call for part in found if part.function_call]
        assert [(each.id, each.name) for each in called] == [("c1", "read"), ("c2", "list")]
        assert called[0].args == {"a": 1.0, "b": 12345678901234567890}
    for each in (streamed[-1], whole):
        assert each.usage_metadata is not None
        assert each.usage_metadata.thoughts_token_count == 4
        assert each.candidates is not None
        assert each.candidates[0].finish_reason is types.FinishReason.STOP


def test_t178_line_ends_in_json_do_not_end_a_frame() -> None:
    assert frame(b'{"a":\r\n1}') == b'data: {"a":  1}\r\n\r\n'


def test_comments_never_go_to_geminis_clients() -> None:
    """T154, T155"""
    with_pings = [START, KeepAlive(), *text("a"), KeepAlive(), MessageEnd(FinishReason.STOP)]
    assert b":" not in {line[:1] for line in encoded(with_pings).split(b"\r\n")}
    assert encoded([KeepAlive()]) == b""


def test_t71_state_of_others_is_sealed_and_its_own_is_not() -> None:
    foreign = Opaque("anthropic", "sig", "item")
    assert signature_of(SIGNED) == SIGNED.data
    assert unsealed(signature_of(foreign)) == foreign
    assert signature_of(None) == ""
    thought: list[Event] = [PartStart(ThinkingPart("", redacted=True)), PartEnd(foreign)]
    (part,) = parts(answer(thought))
    assert part["thought"] is True
    assert unsealed(part["thoughtSignature"]) == foreign
    read = needs_sdk().Part.model_validate(part)
    assert read.model_dump(mode="json", by_alias=True)["thoughtSignature"]


def test_t77_the_first_call_of_another_model_carries_googles_word() -> None:
    found = parts(
        answer(call("a", "{}"), call("b", "{}", None, "c2"), finish=FinishReason.TOOL_CALLS)
    )
    assert [each.get("thoughtSignature") for each in found] == [
        "skip_thought_signature_validator",
        None,
    ]
    signed = needs_sdk().Part.model_validate(found[0])
    replayed = signed.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert replayed["thoughtSignature"] == found[0]["thoughtSignature"]


def test_t59_ids_of_others_are_made_portable() -> None:
    (part,) = parts(answer(call("a", "{}", None, "functions.a:0"), finish=FinishReason.TOOL_CALLS))
    assert part["functionCall"]["id"] == "kpx_functions-2ea-3a0"


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("null", {}),
        ('"{\\"a\\":1}"', {"a": 1}),
        ("[1]", {"value": [1]}),
        ("{x", {"text": "{x"}),
    ],
)
def test_t50_t61_arguments_are_always_an_object(arguments: str, args: dict[str, Any]) -> None:
    deltas: list[Event] = [PartDelta(arguments)] if arguments else []
    called: list[Event] = [PartStart(ToolCallPart("c", "f")), *deltas, PartEnd()]
    (part,) = parts(answer(called, finish=FinishReason.TOOL_CALLS))
    assert part["functionCall"]["args"] == args


def test_a_custom_call_is_an_object_with_its_input() -> None:
    called: list[Event] = [
        PartStart(ToolCallPart("c", "f", custom=True)),
        PartDelta("a\n"),
        PartEnd(),
    ]
    (part,) = parts(answer(called, finish=FinishReason.TOOL_CALLS))
    assert part["functionCall"]["args"] == {"input": "a\n"}


def test_t56_half_a_call_is_left_out() -> None:
    half: list[Event] = [
        PartStart(ToolCallPart("c", "f")),
        PartDelta('{"a":1'),
        PartEnd(complete=False),
    ]
    made = body(answer(text("x"), half, finish=FinishReason.LENGTH))
    assert made["candidates"][0]["content"]["parts"] == [{"text": "x"}]
    assert made["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_t177_a_refusal_is_text_that_ends_with_safety() -> None:
    refusal: list[Event] = [PartStart(RefusalPart("")), PartDelta("No."), PartEnd()]
    for finish in (FinishReason.STOP, FinishReason.REFUSAL):
        made = body(answer(refusal, finish=finish, explanation="Policy."))
        assert made["candidates"][0]["content"]["parts"] == [{"text": "No."}]
        assert made["candidates"][0]["finishReason"] == "SAFETY"
        assert made["candidates"][0]["finishMessage"] == "Policy."


def test_t176_an_empty_answer_is_one() -> None:
    made = body([START, MessageEnd(FinishReason.STOP)])
    assert made["candidates"][0] == {
        "content": {"role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    assert "usageMetadata" not in made
    silent: list[Event] = [PartStart(TextPart("")), PartEnd()]
    assert body([START, *silent, MessageEnd(FinishReason.STOP)])["candidates"] == made["candidates"]
    assert len(chunks([START, MessageEnd(FinishReason.STOP)])) == 1


def test_t114_a_pause_is_a_stop() -> None:
    assert (
        body(answer(text("a"), finish=FinishReason.PAUSE))["candidates"][0]["finishReason"]
        == "STOP"
    )


def whole(part: Any) -> list[Event]:
    return [PartStart(part), PartEnd()]


def test_parts_that_come_whole() -> None:
    made = parts(
        answer(
            whole(MediaPart(MediaKind.IMAGE, base64="iVBORw0KGgo=")),
            whole(MediaPart(MediaKind.IMAGE, mime="image/png", url="https://a.example/x.png")),
            whole(ServerToolPart("gemini", "google", "toolCall", "s", Raw(b'{"toolCall":{}}'))),
            whole(ServerToolPart("anthropic-messages", "anthropic", "x", "s", Raw(b"{}"), "found")),
            whole(UnknownPart("openai-chat", "x", Raw(b"{}"))),
            whole(CompactionPart("earlier")),
        )
    )
    assert made == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/x.png"}},
        {"toolCall": {}},
    ]


def test_citations_become_grounding() -> None:
    source = Citation("anthropic-messages", Raw(b"{}"), "https://a.example", "A", "Käse", 2, 6)
    cited: list[Event] = [
        PartStart(TextPart("")),
        PartDelta("é Käse"),
        PartCitation(source),
        PartEnd(),
    ]
    expected = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {
                "segment": {"startIndex": 3, "endIndex": 8, "text": "Käse"},
                "groundingChunkIndices": [0],
            }
        ],
    }
    streamed = [each["candidates"][0].get("groundingMetadata") for each in chunks(answer(cited))]
    assert [each for each in streamed if each] == [expected]
    grounding = body(answer(text("before"), cited))["candidates"][0]["groundingMetadata"]
    assert grounding["groundingSupports"][0]["segment"]["partIndex"] == 1
    wordless: list[Event] = [PartStart(TextPart("")), PartCitation(source), PartEnd()]
    made = body(answer(wordless, text("after"), cited))["candidates"][0]
    indices = [
        each["segment"]["partIndex"] for each in made["groundingMetadata"]["groundingSupports"]
    ]
    assert [made["content"]["parts"][index]["text"] for index in indices] == ["", "é Käse"]


@pytest.mark.parametrize("before", [[], [START], [START, PartStart(TextPart("")), PartDelta("a")]])
def test_t165_a_failure_ends_the_stream_in_geminis_words(before: list[Event]) -> None:
    error = ReplyError(Kind.OVERLOADED, "Busy.", retry_after_s=2)
    events: list[Event] = [*before, StreamFailed(error), MessageEnd(FinishReason.STOP)]
    last = chunks(events)[-1]
    assert last["error"]["code"] == 503
    assert last["error"]["status"] == "UNAVAILABLE"
    array = json.loads(encoded(events, sse=False))
    assert array[-1] == last
    assert encoded(events, streamed=False) == b""


def test_nothing_follows_the_end() -> None:
    events = answer(text("a"))
    assert encoded([*events, *text("b")]) == encoded(events)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["text", "thinking", "call"]),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_random_answers_come_back(drawn: list[tuple[str, str, bool]], streamed: bool) -> None:
    events: list[Event] = [START]
    called = False
    for number, (kind, content, signed) in enumerate(drawn):
        state = SIGNED if signed else None
        if kind == "call":
            called = True
            arguments = json.dumps({"a": content})
            events += call("f", arguments, state, f"id{number}")
            continue
        shell = TextPart("") if kind == "text" else ThinkingPart("")
        previous = drawn[number - 1][0] if number else ""
        if previous == kind and not drawn[number - 1][2]:
            events += call(
                "between", "{}", None, f"id{number}b"
            )  # unsigned neighbours are one part
            called = True
        events += [PartStart(shell), PartDelta(content), PartEnd(state)]
    finish = FinishReason.TOOL_CALLS if called else FinishReason.STOP
    events.append(MessageEnd(finish, usage=USAGE))
    data = encoded(events, streamed=streamed)
    assert joined(decoded(data, streamed=streamed)) == joined(events)


def test_half_surrogates_cannot_break_it() -> None:
    """T178: only a decoder's mistake brings them."""
    broken = answer(text("a\ud83d"), call("f\ud83d", "{}"), finish=FinishReason.TOOL_CALLS)
    assert parts(broken)[0] == {"text": "a\ufffd"}
    assert chunks(broken)
