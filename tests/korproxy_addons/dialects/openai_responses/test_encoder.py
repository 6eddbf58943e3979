import json
from typing import Any

import httpx2 as httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from openai.types.responses import Response, ResponseFunctionToolCall

from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    StreamedPart,
    StreamFailed,
)
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
from support.responses_wire import (
    CREATED_AT,
    MODEL,
    USAGE,
    USAGE_BODY,
    answer,
    asked,
    encoded,
    events_of,
    payloads,
    told,
)

TEXT: list[Event] = [PartStart(TextPart("")), PartDelta("Hi"), PartDelta(" 🙂"), PartEnd()]
GOOGLE = Opaque("google", "G")


def call(name: str = "f", call_id: str = "c1", **part: Any) -> list[Event]:
    return [PartStart(ToolCallPart(call_id, name, **part)), PartDelta('{"a":1}'), PartEnd()]


def whole(*events: Event, client_body: Any = None, **end: Any) -> dict[str, Any]:
    data = encoded(answer(*events, **end), streamed=False, client_body=client_body)
    found: dict[str, Any] = json.loads(data)
    return found


def test_a_stream_as_it_stands_on_the_wire() -> None:
    data = encoded(answer(*TEXT, usage=USAGE))
    sent = payloads(data)
    assert [each["sequence_number"] for each in sent] == list(range(len(sent)))
    assert data.startswith(b"event: response.created\ndata: {")
    assert [each["type"].removeprefix("response.") for each in sent] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    last = sent[-1]["response"]
    assert last["usage"] == USAGE_BODY
    assert last["output"][0]["content"][0]["text"] == "Hi 🙂"
    assert last["status"] == "completed"
    assert (last["created_at"], last["object"]) == (CREATED_AT, "response")


def test_every_answer_object_says_the_same_of_its_request() -> None:
    """T150, T174: one id, the model that the client named, the request's own settings."""
    body = {"input": "x", "instructions": "Be brief.", "tools": [{"type": "web_search"}]}
    data = encoded(answer(*TEXT), client_body=body)
    found = [each["response"] for each in payloads(data) if "response" in each]
    assert len(found) == 3
    assert len({each["id"] for each in found}) == 1
    assert {each["model"] for each in found} == {MODEL}
    assert all(each["instructions"] == "Be brief." for each in found)
    assert all(each["tools"] == [{"type": "web_search"}] for each in found)


def test_one_counter_numbers_all_items() -> None:
    """T53: and an item's id is the same in all its events and in the end."""
    thinking: list[Event] = [PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd()]
    events = answer(*thinking, *TEXT, *call(), *call(call_id="c2"), finish=FinishReason.TOOL_CALLS)
    sent = payloads(encoded(events))
    output = sent[-1]["response"]["output"]
    assert [item["type"] for item in output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    for each in sent:
        if "output_index" in each:
            item = output[each["output_index"]]
            assert each.get("item_id", item["id"]) == item["id"]
            if "item" in each:
                assert each["item"]["id"] == item["id"]
    assert [item.get("call_id") for item in output] == [None, None, "c1", "c2"]


def test_texts_that_follow_each_other_are_one_message() -> None:
    output = whole(*TEXT, *TEXT)["output"]
    assert [len(item["content"]) for item in output] == [2]


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        (FinishReason.STOP, "completed", None),
        (FinishReason.LENGTH, "incomplete", "max_output_tokens"),
        (FinishReason.CONTENT_FILTER, "incomplete", "content_filter"),
        (FinishReason.REFUSAL, "incomplete", "content_filter"),
    ],
)
def test_how_it_ends(finish: FinishReason, status: str, reason: str | None) -> None:
    """T110, T161"""
    last = payloads(encoded(answer(*TEXT, finish=finish)))[-1]
    assert last["type"] == f"response.{status}"
    details = last["response"]["incomplete_details"]
    assert (details and details["reason"]) == reason
    assert last["response"]["status"] == status


def test_a_refusal_is_a_whole_answer() -> None:
    """T177"""
    events: list[Event] = [PartStart(RefusalPart("")), PartDelta("No."), PartEnd()]
    found = whole(*events, finish=FinishReason.REFUSAL)
    assert found["status"] == "completed"
    assert found["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]


def test_a_failure_ends_a_stream_in_the_dialects_words() -> None:
    """T161, T165: and nothing follows."""
    error = StreamFailed(ReplyError(Kind.RATE_LIMIT, "Slow.", retry_after_s=3))
    data = encoded([*answer(*TEXT[:2])[:-1], error, KeepAlive(), *answer()])
    last = payloads(data)[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {
        "code": "rate_limit_exceeded",
        "message": "Slow. Please try again in 3s.",
    }
    assert last["response"]["status"] == "failed"
    assert [each["sequence_number"] for each in payloads(data)] == list(range(len(payloads(data))))


def test_a_failure_before_the_start() -> None:
    sent = payloads(encoded([StreamFailed(ReplyError(Kind.INTERNAL, "x"))]))
    assert [each["type"] for each in sent] == ["response.failed"]


def test_a_whole_answer_that_failed_is_nothing() -> None:
    """T167: the gateway answers with a status."""
    assert (
        encoded([MessageStart(), StreamFailed(ReplyError(Kind.INTERNAL, "x"))], streamed=False)
        == b""
    )


def test_signs_of_life_are_comments() -> None:
    """T154, T155"""
    assert b": keep-alive\n\n" in encoded([MessageStart(), KeepAlive()])
    assert encoded([KeepAlive()], streamed=False) == b""


def test_an_empty_answer() -> None:
    """T176"""
    found = whole()
    assert (found["output"], found["status"], found["usage"]) == ([], "completed", None)


def test_thinking_of_another_service_goes_sealed() -> None:
    """T71, T75, T88: where clients see it and give it back."""
    state = Opaque("anthropic", "S")
    item = whole(PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(state))["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert unsealed(item["encrypted_content"]) == state
    message = asked(input=[item]).messages[0]
    assert message.parts == (ThinkingPart("hm", state, is_summary=True),)


def test_own_state_goes_as_it_is_with_its_id() -> None:
    """T75"""
    state = Opaque("openai", "E", "rs_1")
    item = whole(PartStart(ThinkingPart("")), PartEnd(state))["output"][0]
    assert (item["id"], item["encrypted_content"]) == ("rs_1", "E")


@pytest.mark.parametrize("streamed", [True, False])
def test_state_of_a_call_and_of_a_text_comes_back_with_the_client(streamed: bool) -> None:
    """T77, T79: this wire has no field for it."""
    text: list[Event] = [PartStart(TextPart("")), PartDelta("a"), PartEnd(Opaque("google", "T"))]
    calls = call(call_id="functions.f:0")
    calls[-1] = PartEnd(GOOGLE)
    events = answer(*text, *calls, finish=FinishReason.TOOL_CALLS)
    data = encoded(events, streamed=streamed)
    output = payloads(data)[-1]["response"]["output"] if streamed else json.loads(data)["output"]
    parts = asked(input=output).messages[0].parts
    assert isinstance(parts[0], TextPart)
    assert parts[0].state == Opaque("google", "T")
    assert isinstance(parts[1], ToolCallPart)
    assert (parts[1].call_id, parts[1].state) == ("functions.f:0", GOOGLE)
    assert len(parts) == 2


def test_ids_fit_everywhere() -> None:
    """T59"""
    item = whole(*call(call_id="functions.Read:0"), finish=FinishReason.TOOL_CALLS)["output"][0]
    assert item["call_id"] == "kpx_functions-2eRead-3a0"


NOTES = {
    "type": "namespace",
    "name": "notes",
    "description": "d",
    "tools": [{"type": "function", "name": "add"}],
}


def test_a_namespaced_tool_is_called_as_the_client_knows_it() -> None:
    """T34, T139: Codex finds its tool by name and namespace."""
    body = {"input": "x", "tools": [NOTES]}
    done = {"client_body": body, "finish": FinishReason.TOOL_CALLS}
    item = whole(*call("notes__add"), **done)["output"][0]
    assert (item["name"], item["namespace"]) == ("add", "notes")
    plain = whole(*call("other"), **done)["output"][0]
    assert "namespace" not in plain
    own = whole(*call("x__add", namespace="x"), finish=FinishReason.TOOL_CALLS)["output"][0]
    assert (own["name"], own["namespace"]) == ("add", "x")


def test_the_clients_own_search_is_called_as_such() -> None:
    body = {"input": "x", "tools": [{"type": "tool_search", "execution": "client"}]}
    found = whole(*call("tool_search"), client_body=body, finish=FinishReason.TOOL_CALLS)
    assert found["output"][0]["type"] == "tool_search_call"
    assert found["output"][0]["arguments"] == {"a": 1}


def test_a_custom_call_comes_back_raw() -> None:
    """T139"""
    events: list[Event] = [
        PartStart(ToolCallPart("c", "apply_patch", custom=True)),
        PartDelta("***"),
        PartEnd(),
    ]
    item = whole(*events, finish=FinishReason.TOOL_CALLS)["output"][0]
    assert (item["type"], item["input"]) == ("custom_tool_call", "***")


def one(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = whole(PartStart(part), PartEnd())["output"][0]
    return found


def test_parts_that_come_whole() -> None:
    """T128, T129, T138"""
    search = b'{"type":"web_search_call","id":"ws_1"}'
    own = ServerToolPart("openai-responses", "openai", "web_search_call", "ws_1", Raw(search))
    assert one(own) == {"type": "web_search_call", "id": "ws_1"}
    image = one(MediaPart(MediaKind.IMAGE, mime="image/png", base64="QUJD"))
    assert (image["type"], image["result"]) == ("image_generation_call", "QUJD")
    code = ServerToolPart("gemini", "google", "executableCode", "", Raw(b"{}"), text="print(1)")
    assert whole(PartStart(code), PartEnd())["output"] == []
    sound = one(MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="QUJD"))
    assert sound["content"][0]["text"] == "[audio audio/wav]"
    link = one(MediaPart(MediaKind.IMAGE, url="https://x/y.png"))
    assert link["content"][0]["text"] == "![image](https://x/y.png)"
    assert one(CompactionPart(state=Opaque("openai", "E", "cmp_1")))["id"] == "cmp_1"
    silent = ServerToolPart("anthropic-messages", "anthropic", "server_tool_use", "s", Raw(b"{}"))
    assert whole(PartStart(silent), PartEnd(), *TEXT)["output"][0]["content"][0]["text"] == "Hi 🙂"
    unknown = UnknownPart("gemini", "x", Raw(b"{}"), text="words")
    assert one(unknown)["content"][0]["text"] == "words"


def test_what_has_no_item_joins_the_message_around_it() -> None:
    sound = MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="QUJD")
    found = whole(*TEXT, PartStart(sound), PartEnd(), *TEXT)
    assert [len(item["content"]) for item in found["output"]] == [3]


def client(data: bytes, *, streamed: bool) -> openai.OpenAI:
    """The real SDK, whose every call gets these bytes."""
    kind = "text/event-stream" if streamed else "application/json"

    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": kind}, content=data, request=request)

    transport = httpx.MockTransport(reply)
    return openai.OpenAI(api_key="k", http_client=httpx.Client(transport=transport))


def full_answer() -> list[Event]:
    note = Citation("gemini", Raw(b"{}"), url="http://a", title="A", start=0, end=2)
    return answer(
        PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(Opaque("anthropic", "S")),
        *TEXT[:-1], PartCitation(note), PartEnd(), *call(), *call("g", "c2"),
        finish=FinishReason.TOOL_CALLS, usage=USAGE,
    )  # fmt: skip


def check(found: Response) -> None:
    assert found.output_text == "Hi 🙂"
    calls = [item for item in found.output if isinstance(item, ResponseFunctionToolCall)]
    assert [(each.call_id, each.name, each.arguments) for each in calls] == [
        ("c1", "f", '{"a":1}'),
        ("c2", "g", '{"a":1}'),
    ]
    assert found.usage is not None
    assert found.usage.input_tokens_details.cached_tokens == 100
    assert found.status == "completed"


def test_the_real_sdk_reads_both_forms() -> None:
    data = encoded(full_answer(), streamed=False)
    check(client(data, streamed=False).responses.create(model="m", input="x"))
    sdk = client(encoded(full_answer()), streamed=True)
    with sdk.responses.stream(model="m", input="x") as stream:
        words = [event.delta for event in stream if event.type == "response.output_text.delta"]
        check(stream.get_final_response())
    assert "".join(words) == "Hi 🙂"


WORDS = st.text(min_size=1, max_size=6)
STATES = st.none() | st.builds(Opaque, st.sampled_from(["anthropic", "google"]), WORDS)


@st.composite
def parts(draw: st.DrawFn) -> list[Event]:
    number = draw(st.integers(0, 99_999))
    shells: list[StreamedPart] = [
        TextPart(""),
        ThinkingPart("", is_summary=True),
        ToolCallPart(f"call_{number}", "f"),
        ToolCallPart(f"call_{number}", "g", custom=True),
    ]
    shell = draw(st.sampled_from(shells))
    words = draw(st.lists(WORDS, min_size=1, max_size=3))
    if isinstance(shell, ToolCallPart) and not shell.custom:
        words = ["{", *(f'"{number}": {json.dumps(word)}, ' for word in words), '"last":1}']
    state = draw(STATES) if isinstance(shell, ThinkingPart) else None
    return [PartStart(shell), *map(PartDelta, words), PartEnd(state)]


@settings(max_examples=80, deadline=None)
@given(st.lists(parts(), max_size=5), st.booleans())
def test_any_answer_comes_back_as_it_was(found: list[list[Event]], streamed: bool) -> None:
    """Invariants 1 and 4"""
    events = [event for part in found for event in part]
    called = any(isinstance(e, PartStart) and isinstance(e.part, ToolCallPart) for e in events)
    finish = FinishReason.TOOL_CALLS if called else FinishReason.STOP
    whole_answer = answer(*events, finish=finish, usage=Usage(input_tokens=1))
    again = events_of(encoded(whole_answer, streamed=streamed), streamed=streamed)
    assert told(again) == told(whole_answer)
