"""Compaction for Codex where the upstream has no such service: a summary by the model, in the item the client expects."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound, ReplyContext
from korproxy_addons.dialects.events import (
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.events import ReplyError as Failed
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    ChoiceMode,
    FinishReason,
    HostedTool,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolChoice,
    Usage,
)
from korproxy_addons.dialects.openai_responses.compaction import (
    ASKED,
    KEPT_BYTES,
    LEAD,
    SummaryEncoder,
    kept_messages,
    summary_request,
    wants_compaction,
)
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind

RESPONSES = dialect("openai-responses")
TRIGGER = {"type": "compaction_trigger"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
TOOLS = [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}]


def said(text: str, role: str = "user") -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def wire(*items: Any, **fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": list(items), **fields}).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (wire(said("hi"), TRIGGER), True),
        (wire(TRIGGER, said("hi")), False),
        (wire(said('"compaction_trigger"')), False),
        (wire(), False),
        (b'{"input":"compaction_trigger"', False),
        (b'{"input":["compaction_trigger"]}', False),
    ],
)
def test_a_last_item_asks_for_a_compaction(body: bytes, expected: bool) -> None:
    assert wants_compaction(body) is expected


@given(st.binary(max_size=60))
def test_no_bytes_break_the_look_for_it(body: bytes) -> None:
    wants_compaction(body + b'"compaction_trigger"')
    kept_messages(body)


def test_the_model_is_asked_for_a_summary_of_the_same_conversation() -> None:
    """Tools stay, since the history calls them, but none may be called now."""
    body = wire(
        said("hi"),
        CALL,
        TRIGGER,
        instructions="Be brief.",
        tools=TOOLS,
        tool_choice="required",
        text={"format": {"type": "json_object"}},
        max_output_tokens=5,
        previous_response_id="resp_1",
    )
    before = RESPONSES.decode_request(Inbound(body))
    request = summary_request(before)
    assert request.messages[:-1] == before.messages
    assert request.messages[-1].role is Role.USER
    assert request.messages[-1].parts == (TextPart(ASKED),)
    assert request.system == before.system
    assert request.tool_choice == ToolChoice(ChoiceMode.NONE)
    assert not any(isinstance(tool, HostedTool) for tool in request.tools)
    assert [tool.name for tool in request.tools] == ["f"]
    assert (request.output, request.max_output_tokens) == (None, None)
    assert request.continuation.previous_response_id == ""


def test_without_tools_there_is_no_choice_of_them() -> None:
    assert summary_request(RESPONSES.decode_request(Inbound(wire(said("hi"))))).tool_choice is None


def test_the_users_own_words_stay_as_far_as_they_fit() -> None:
    long = said("x" * (KEPT_BYTES // 2))
    body = wire(said("old"), long, said("no", "assistant"), CALL, said("dev", "developer"), long)
    assert [json.loads(bytes(it)) for it in kept_messages(body)] == [long]
    assert [json.loads(bytes(it)) for it in kept_messages(wire(said("a"), said("b")))] == [
        said("a"),
        said("b"),
    ]
    assert [json.loads(bytes(it)) for it in kept_messages(b'{"input":"a"}')] == [said("a")]


# --- the answer

EVENTS = (
    MessageStart("id", "model"),
    PartStart(ThinkingPart("")),
    PartDelta("hm"),
    PartEnd(),
    PartStart(TextPart("")),
    PartDelta(" All"),
    PartDelta(" done. "),
    PartEnd(),
    PartStart(ToolCallPart("c", "f")),
    PartDelta("{}"),
    PartEnd(),
    MessageEnd(FinishReason.TOOL_CALLS, usage=Usage(input_tokens=9, output_tokens=3)),
)


def encoder(*, as_item: bool, streamed: bool = False, body: bytes = b"{}") -> SummaryEncoder:
    context = ReplyContext(streamed, "m", IdSource("seed"), 7, client_body=body)
    return SummaryEncoder(context, as_item=as_item)


def summary_of(item: dict[str, Any]) -> Any:
    """What a client's next request says, when it sends the item back."""
    request = RESPONSES.decode_request(Inbound(wire(item, said("go on"))))
    return request.messages[0]


def test_the_path_of_its_own_answers_with_the_new_history() -> None:
    one = encoder(as_item=False, body=wire(said("do it"), CALL))
    out = [one.feed(event) for event in EVENTS]
    assert set(out[:-1]) == {b""}
    body = json.loads(out[-1])
    assert (body["object"], body["created_at"]) == ("response.compaction", 7)
    assert body["output"][:-1] == [said("do it")]
    assert body["usage"]["input_tokens"] == 9
    item = body["output"][-1]
    assert (item["type"], item["id"][:4]) == ("compaction", "cmp_")
    back = summary_of(item)
    assert (back.role, back.parts) == (Role.USER, (TextPart(LEAD + "All done."),))


@pytest.mark.parametrize("streamed", [True, False])
def test_a_trigger_is_answered_with_one_item(streamed: bool) -> None:
    one = encoder(as_item=True, streamed=streamed)
    out = b"".join(one.feed(event) for event in EVENTS)
    if streamed:
        frames = [json.loads(line[6:]) for line in out.split(b"\n") if line.startswith(b"data: ")]
        (item,) = (f["item"] for f in frames if f["type"] == "response.output_item.done")
        answer = frames[-1]["response"]
        assert frames[-1]["type"] == "response.completed"
    else:
        answer = json.loads(out)
        (item,) = answer["output"]
    assert answer["status"] == "completed"
    assert item["type"] == "compaction"
    assert summary_of(item).parts == (TextPart(LEAD + "All done."),)


@pytest.mark.parametrize("as_item", [True, False])
def test_an_answer_without_words_is_no_summary(as_item: bool) -> None:
    one = encoder(as_item=as_item)
    with pytest.raises(KorProxyError) as refused:
        one.feed(MessageEnd(FinishReason.STOP))
    assert refused.value.spec is catalogue.UPSTREAM_INVALID_REPLY


def test_a_failure_is_told_in_the_stream() -> None:
    one = encoder(as_item=True, streamed=True)
    one.feed(EVENTS[0])
    assert b"response.failed" in one.feed(StreamFailed(Failed(Kind.INTERNAL, "broke")))
    assert encoder(as_item=False).feed(StreamFailed(Failed(Kind.INTERNAL, "broke"))) == b""
