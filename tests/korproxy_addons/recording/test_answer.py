"""What a recorded reply says, in every dialect and either form."""

import json

import pytest

from korproxy_addons.dialects import DIALECTS, dialect
from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason, TextPart, ToolCallPart, Usage
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording import answer
from korproxy_addons.recording.answer import EVENT_STREAM, Answer, Call, answer_in, payloads_in

JSON = "application/json; charset=utf-8"
EVENTS: list[Event] = [
    MessageStart(id="m", model="up-1"),
    PartStart(TextPart("")),
    PartDelta("Hello "),
    PartDelta("Zoë"),
    PartEnd(),
    PartStart(ToolCallPart("call_1", "read")),
    PartDelta('{"path": '),
    PartDelta('"a"}'),
    PartEnd(),
    PartStart(ToolCallPart("call_2", "list")),
    PartDelta("{}"),
    PartEnd(),
    MessageEnd(FinishReason.TOOL_CALLS, usage=Usage(input_tokens=7, output_tokens=5)),
]
CALLS: tuple[tuple[str, dict[str, str]], ...] = (("read", {"path": "a"}), ("list", {}))


def written(dialect_id: str, *, streamed: bool = True, sse: bool = True) -> bytes:
    """The events in the words of a dialect."""
    context = ReplyContext(
        streamed=streamed,
        model="up-1",
        ids=IdSource("s"),
        created_at=1,
        include_usage=True,
        sse=sse,
    )
    encoder = dialect(dialect_id).encoder(context)
    return b"".join(encoder.feed(it) for it in EVENTS)


def assert_heard(answer: Answer) -> None:
    assert answer.text == "Hello Zoë"
    assert tuple((it.name, json.loads(it.arguments)) for it in answer.calls) == CALLS
    assert answer.finish == "tool_calls"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 5)
    assert (answer.model, answer.error, answer.empty) == ("up-1", "", False)


@pytest.mark.parametrize("dialect_id", DIALECTS)
@pytest.mark.parametrize("content_type", [EVENT_STREAM, "text/plain", ""])
def test_a_streamed_reply_is_put_together(dialect_id: str, content_type: str) -> None:
    """Also where its head does not say that it is a stream."""
    body = written(dialect_id)
    found = answer_in(dialect_id, 200, content_type, body)
    assert_heard(found)
    assert found.events == len(payloads_in(content_type, body) or ())
    assert found.events > 2


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_a_whole_reply_says_the_same(dialect_id: str) -> None:
    found = answer_in(dialect_id, 200, JSON, written(dialect_id, streamed=False))
    assert_heard(found)
    assert found.events == 0


def test_a_stream_as_one_array_is_a_stream() -> None:
    body = written("gemini", sse=False)
    assert body.startswith(b"[")
    found = answer_in("gemini", 200, JSON, body)
    assert_heard(found)
    assert found.events > 1


def test_gemini_in_its_envelope() -> None:
    """As Code Assist sends it: each event's payload lies in `response`."""
    body = b"".join(
        b'data: {"response": %b}\n\n' % it.data
        for it in payloads_in(EVENT_STREAM, written("gemini")) or ()
    )
    assert_heard(answer_in("gemini", 200, EVENT_STREAM, body))
    whole = b'{"response": %b}' % written("gemini", streamed=False)
    assert_heard(answer_in("gemini", 200, JSON, whole))


def test_a_stream_that_breaks_off_says_what_it_said_until_then() -> None:
    body = written("anthropic-messages").split(b"event: content_block_stop")[0]
    found = answer_in("anthropic-messages", 200, EVENT_STREAM, body)
    assert found.text == "Hello Zoë"
    assert found.finish == ""
    assert found.error


def test_an_error_is_what_its_message_says() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded, sorry"}}'
    found = answer_in("anthropic-messages", 529, JSON, body)
    assert found == Answer(error="Overloaded, sorry")
    assert found.empty


def test_what_is_no_reply_says_so() -> None:
    found = answer_in("openai-chat", 200, JSON, b"<html>")
    assert found.empty
    assert found.error
    assert answer_in("nobodys-dialect", 200, JSON, b"{}") == Answer()


def test_thinking_and_other_parts_stand_apart() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "Aye"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"a": 1}},
    ]
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2},
    }  # fmt: skip
    found = answer_in("anthropic-messages", 200, JSON, json.dumps(body).encode())
    assert (found.thinking, found.text) == ("Hm.", "Aye")
    assert found.calls == (Call("read", '{"a": 1}'),)
    assert found.others == ("server_tool_use",)


@pytest.mark.parametrize("body", [b"{}", b"[oops", b"", b"12", b"[" * 5000])
def test_one_body_has_no_events(body: bytes) -> None:
    assert payloads_in(JSON, body) is None


def test_a_picture_and_what_nobody_knows_are_named_by_their_sort() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}},
        {"somethingNew": {"a": 1}},
        {"text": "Look"},
    ]
    body = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    found = answer_in("gemini", 200, JSON, json.dumps(body).encode())
    assert found.text == "Look"
    assert found.others == ("image", "unknown")


def test_an_event_beyond_all_bounds_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(_data: bytes) -> tuple[object, ...]:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "too long")

    monkeypatch.setattr(answer, "frames_in", too_long)
    assert payloads_in(EVENT_STREAM, b"data: {}\n\n") is None
