import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.config.habits import COMPATIBLE_RESPONSES
from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import (
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.grammar import Grammar
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason, ToolCallPart
from korproxy_addons.dialects.openai_responses import DIALECT
from korproxy_addons.errors.catalogue import STREAM_CUT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.needs import least, needs_recordings
from support.responses_wire import (
    DEFAULT,
    PLAN,
    USAGE,
    USAGE_BODY,
    added,
    call,
    created,
    delta,
    done,
    encoded,
    ended,
    events_of,
    frame,
    said,
    texts,
    told,
    whole,
)

CORPUS = Path(__file__).parents[3] / "corpus" / "openai-responses"
CASES = sorted(path.name for path in CORPUS.iterdir())
TEXT = created() + added(0, "message", content=[]) + delta(0, "Hé") + delta(0, "llo 🙂")


def reply_of(case: str) -> tuple[bytes, bool]:
    streamed = (CORPUS / case / "reply.sse").exists()
    return (CORPUS / case / ("reply.sse" if streamed else "reply.json")).read_bytes(), streamed


def test_a_text_as_it_streams() -> None:
    events = events_of(
        TEXT + done(0, "message", content=[said("Héllo 🙂")]) + ended(usage=USAGE_BODY)
    )
    assert events[0] == MessageStart("resp_up", "up-1")
    assert texts(events) == ["Héllo 🙂"]
    assert events[-1] == MessageEnd(FinishReason.STOP, usage=USAGE)


@pytest.mark.parametrize("case", CASES)
def test_the_made_up_replies(case: str) -> None:
    reply, streamed = reply_of(case)
    expected = json.loads((CORPUS / case / "events.json").read_bytes())
    found = msgspec.to_builtins(told(events_of(reply, streamed=streamed)))
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize("case", CASES)
def test_the_same_events_however_the_bytes_are_cut(case: str) -> None:
    """T151, T152, invariant 2: every offset."""
    reply, streamed = reply_of(case)
    expected = events_of(reply, streamed=streamed)
    assert events_of(reply, streamed=streamed, size=1) == expected
    for size in range(2, min(len(reply), 60)):
        assert events_of(reply, streamed=streamed, size=size) == expected


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_line_ends_comments_and_a_missing_last_line(ends: str) -> None:
    """T152"""
    stream = b"\xef\xbb\xbf: hello\n\n" + TEXT + ended()
    stream = stream.rstrip(b"\n").replace(b"\n", ends.encode())
    assert texts(events_of(stream)) == ["Héllo 🙂"]


def test_the_type_in_the_json_counts() -> None:
    """T153: without event lines, with wrong ones, and with nothing but them."""
    bare = b"".join(line + b"\n\n" for line in (TEXT + ended()).split(b"\n") if b"data:" in line)
    wrong = (TEXT + ended()).replace(b"event: response.", b"event: other.")
    named = b'event: response.output_text.delta\ndata: {"output_index":0,"delta":"x"}\n\n'
    assert texts(events_of(bare)) == texts(events_of(wrong)) == ["Héllo 🙂"]
    assert texts(events_of(created() + named + ended())) == ["x"]


def test_the_answer_is_in_the_done_events_only() -> None:
    """T147: the Codex backend's last event has an empty output."""
    stream = (
        created()
        + done(0, "reasoning", summary=[], encrypted_content="E")
        + done(1, "message", content=[said("Hi")])
        + done(2, "function_call", call_id="c1", name="f", arguments='{"a":1}')
        + ended(output=[])
    )
    found = told(events_of(stream, habits=PLAN))
    assert [(part["kind"], part["text"]) for part in found["parts"]] == [
        ("Thinking", ""),
        ("Text", "Hi"),
        ("ToolCall", '{"a":1}'),
    ]
    assert found["finish"] is FinishReason.TOOL_CALLS


def test_calls_make_the_finish_reason() -> None:
    """T107"""
    assert told(events_of(whole(call("f", "{}")), streamed=False))["finish"] == "tool_calls"


@pytest.mark.parametrize("last", ["completed", "incomplete"])
def test_a_call_that_was_never_done(last: str) -> None:
    """T56: half JSON is finished only by an answer that is whole."""
    stream = created() + added(0, "function_call", call_id="c", name="f")
    stream += delta(0, '{"a":1', "function_call_arguments")
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    found = told(events_of(stream + ended(last, **(details if last == "incomplete" else {}))))
    assert found["parts"][0].get("cut", False) is (last == "incomplete")
    assert found["finish"] == ("length" if last == "incomplete" else "tool_calls")


def test_interleaved_calls_come_apart() -> None:
    """T44"""
    stream = created()
    for index, name in enumerate("fg"):
        stream += added(index, "function_call", call_id=name, name=name)
    for index, text in ((0, '{"a"'), (1, '{"b"'), (0, ":1}"), (1, ":2}")):
        stream += delta(index, text, "function_call_arguments")
    for index, name in enumerate("fg"):
        stream += done(index, "function_call", call_id=name, name=name)
    assert texts(events_of(stream + ended())) == ['{"a":1}', '{"b":2}']


def test_a_refusal_is_words_of_its_own() -> None:
    """T177"""
    stream = created() + added(0, "message") + delta(0, "No.", "refusal")
    found = told(events_of(stream + ended()))
    assert found["parts"] == [{"kind": "Refusal", "text": "No."}]
    assert found["finish"] == "refusal"


@pytest.mark.parametrize("kind", ["reasoning_summary_text", "reasoning_text"])
def test_reasoning_in_both_forms(kind: str) -> None:
    stream = created() + added(0, "reasoning") + delta(0, "hm", kind, summary_index=0)
    stream += frame(f"response.{kind}.done", output_index=0, text="hmm", summary_index=0)
    stream += done(0, "reasoning", summary=[], encrypted_content="E") + ended()
    part = told(events_of(stream))["parts"][0]
    assert part == {"kind": "Thinking", "text": "hmm", "state": ("openai", "E")}


def test_state_is_kept_only_where_it_can_be_read() -> None:
    stream = created() + done(0, "reasoning", summary=[], encrypted_content="E") + ended()
    assert told(events_of(stream, habits=COMPATIBLE_RESPONSES))["parts"] == []


def test_a_custom_call_streams_its_input() -> None:
    """T139"""
    stream = created() + added(0, "custom_tool_call", call_id="c", name="apply_patch")
    stream += delta(0, "*** Begin", "custom_tool_call_input")
    stream += frame("response.custom_tool_call_input.done", output_index=0, input="*** Begin Patch")
    events = events_of(stream + ended())
    assert events[1] == PartStart(ToolCallPart("c", "apply_patch", custom=True, item_id="i0"))
    assert texts(events) == ["*** Begin Patch"]


@pytest.mark.parametrize(
    "data",
    [
        frame("error", code="rate_limit_exceeded", message="Slow", param=None),
        frame("error", error={"code": "rate_limit_exceeded", "message": "Slow"}),
        frame("response.failed", response={"error": {"code": "rate_limit_exceeded"}}),
        b'data: {"error":{"type":"rate_limit_exceeded","message":"Slow"}}\n\n',
        ended("completed", error={"code": "rate_limit_exceeded", "message": "Slow"}),
        ended("failed", error={"code": "rate_limit_exceeded", "message": "Slow"}),
    ],
)
def test_an_error_in_a_stream(data: bytes) -> None:
    """T165, T166: nothing after it, in whatever form it comes."""
    events = events_of(TEXT + data + ended())
    assert isinstance(events[-1], StreamFailed)
    assert events[-1].error.kind is Kind.RATE_LIMIT


def test_an_error_before_anything_else_starts_no_answer() -> None:
    events = events_of(frame("error", code="server_is_overloaded", message="Later"))
    assert len(events) == 1
    assert isinstance(events[0], StreamFailed)
    assert events[0].error.kind is Kind.OVERLOADED


def test_nothing_counts_after_the_end() -> None:
    """T113: a second answer in the same stream, as one recording has it."""
    once = events_of(TEXT + ended())
    assert events_of(TEXT + ended() + created() + TEXT + ended() + b"data: [DONE]\n\n") == once


def test_a_stream_without_its_last_event_failed() -> None:
    """T111, T161: whatever was said."""
    found = told(events_of(TEXT + done(0, "message", content=[said("Héllo 🙂")])))
    assert found["parts"] == [{"kind": "Text", "text": "Héllo 🙂"}]
    assert found["error"] == (STREAM_CUT.kind, STREAM_CUT.code)
    assert told(events_of(TEXT))["parts"][0]["cut"]
    assert isinstance(events_of(b"")[0], StreamFailed)


def test_done_ends_a_stream_whose_items_are_done() -> None:
    """T111"""
    item = done(0, "message", content=[said("Héllo 🙂")])
    assert told(events_of(TEXT + item + b"data: [DONE]\n\n"))["finish"] == "stop"
    assert "error" in told(events_of(TEXT + b"data: [DONE]\n\n"))


def test_signs_of_life_are_passed_on_and_known_steps_are_not() -> None:
    """T154"""
    alive = frame("keepalive") + frame("codex.rate_limits", plan_type="plus")
    steps = frame("response.content_part.added", output_index=0, part=said(""))
    events = events_of(created() + alive + steps + ended())
    assert events.count(KeepAlive()) == 2


def test_an_unknown_event_may_look_any_way() -> None:
    strange = frame("response.new.thing", delta={"x": 1}, output_index="first")
    assert texts(events_of(TEXT + strange + ended())) == ["Héllo 🙂"]
    with pytest.raises(KorProxyError, match="KP-PROV-102"):
        events_of(TEXT + frame("response.output_text.delta", delta={"x": 1}))


def test_an_emoji_cut_in_two_deltas() -> None:
    """T178: a half is a stand-in here, and joined by the translator."""
    halves = delta(0, "@").replace(b"@", b"\\ud83d") + delta(0, "@").replace(b"@", b"\\ude00")
    found = "".join(texts(events_of(created() + added(0, "message") + halves + ended())))
    assert [0x10F800 <= ord(character) < 0x110000 for character in found] == [True, True]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[1]", b'{"status":"queued","output":[]}']
)
def test_a_body_that_is_no_answer(body: bytes) -> None:
    with pytest.raises(KorProxyError, match="KP-PROV-102"):
        events_of(body, streamed=False)


def test_an_empty_answer_is_an_answer() -> None:
    """T176"""
    assert events_of(whole(), streamed=False)[-1] == MessageEnd(FinishReason.STOP)
    assert told(events_of(created() + ended()))["parts"] == []


def recorded() -> list[Any]:
    folder = needs_recordings() / "openai_responses"
    found = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return [exchange for exchange in found if exchange["response"]["status"] < 400]


def test_every_recorded_reply() -> None:
    """
    Decodes, obeys the grammar however it is cut, and is the same after a stream and after a body of ours; the tap
    agrees (T104, T147, invariants 1 and 2).
    """
    seen = 0
    for exchange in recorded():
        body = exchange["response"]["body"]
        streamed = isinstance(body, str)
        reply = body.encode() if streamed else json.dumps(body).encode()
        if not streamed and body["status"] == "queued":
            with pytest.raises(KorProxyError, match="queued"):
                events_of(reply, streamed=False)
            continue
        seen += 1
        events = events_of(reply, streamed=streamed)
        assert isinstance(events[-1], MessageEnd), exchange["source_path"]
        if streamed:
            assert events_of(reply, size=1 if len(reply) < 30_000 else 7) == events
        tap = DIALECT.usage_tap(streamed=streamed)
        tap.feed(reply)
        tap.close()
        assert (tap.usage, tap.finish) == (events[-1].usage, events[-1].finish)
        assert tap.ended
        for as_stream in (True, False):
            again = encoded(events, streamed=as_stream)
            assert told(events_of(again, streamed=as_stream)) == told(events)
    assert seen >= least(50)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_reply_gives_events_or_our_error(data: st.DataObject) -> None:
    """Invariant 12: cut anywhere, or with bytes changed, nothing but events and KorProxyError comes."""
    case = data.draw(st.sampled_from(CASES))
    reply, streamed = reply_of(case)
    damaged = bytearray(reply[: data.draw(st.integers(0, len(reply)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place] = data.draw(st.integers(0, 255))
    _read(bytes(damaged), streamed=streamed)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_events_or_our_error(garbage: bytes, streamed: bool) -> None:
    _read(garbage, streamed=streamed)


KINDS = (
    "response.output_item.added", "response.output_item.done", "response.output_text.delta",
    "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.refusal.delta",
    "response.content_part.done", "response.completed", "response.output_text.annotation.added",
)  # fmt: skip
VALUES = st.sampled_from(["x", "", '{"a":1}', None, 0, 1])
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "function_call", "web_search_call"])},
    optional={
        "id": VALUES, "call_id": VALUES, "name": VALUES, "arguments": VALUES,
        "content": st.just([{"type": "output_text", "text": "hello"}]),
        "encrypted_content": VALUES,
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)},
            optional={
                "output_index": st.integers(0, 2), "item_id": VALUES, "delta": VALUES, "text": VALUES,
                "content_index": st.integers(0, 1), "arguments": VALUES, "item": ITEMS,
                "part": st.just({"type": "output_text", "text": "whole"}),
                "annotation": st.just({"type": "url_citation"}),
                "response": st.fixed_dictionaries({"output": st.lists(ITEMS, max_size=2)}),
            },
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_events_in_any_order_obey_the_grammar(frames: list[dict[str, Any]]) -> None:
    _read(b"".join(frame(each.pop("type"), **each) for each in frames), streamed=True)


def _read(reply: bytes, *, streamed: bool) -> None:
    decoder = DIALECT.decoder(DecodeContext(streamed, DEFAULT, IdSource("seed")))
    grammar = Grammar()
    try:
        for event in decoder.feed(reply):
            grammar.check(event)
        for event in decoder.close():
            grammar.check(event)
    except KorProxyError as error:
        assert error.spec.code == "KP-PROV-102"  # noqa: PT017 - allowed, not awaited
        return
    grammar.check_end()


def test_deltas_are_not_joined_or_held() -> None:
    decoder = DIALECT.decoder(DecodeContext(True, DEFAULT, IdSource("seed")))
    list(decoder.feed(TEXT))
    assert list(decoder.feed(delta(0, "!"))) == [PartDelta("!")]
