from typing import Any

import pytest
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_CHAT, Habits
from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import Event, PartCitation, PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.ids import IdSource, made_id
from korproxy_addons.dialects.model import Citation, MediaKind, MediaPart, Opaque, ToolCallPart
from korproxy_addons.dialects.openai_chat.decoder import ChatDecoder
from korproxy_addons.dialects.openai_chat.parts import REFUSAL, TEXT, THINKING, Parts
from korproxy_addons.dialects.openai_chat.reply_wire import CallPiece, FunctionPiece
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from support.chat_wire import DONE, PLAIN, call, calls, chunk, decoded, told, whole

IMAGE = MediaPart(MediaKind.IMAGE, base64="AA==")
GOOGLE = replace(COMPATIBLE_CHAT, state_origin="google")
TEXT_FRAMES = chunk({"role": "assistant", "content": ""}) + chunk({"content": "words"})
END = chunk({}, "stop") + DONE
SOURCE = Citation("openai-chat", b"{}", url="https://a.example")  # type: ignore[arg-type]


def piece(arguments: str, name: str = "", index: int = 0, call_id: str = "") -> CallPiece:
    return CallPiece(index, call_id, function=FunctionPiece(name, arguments))


def test_words_of_one_kind_are_one_part_until_another_comes() -> None:
    parts, out = Parts("seed"), list[Event]()
    for shell, text in ((THINKING, "a"), (THINKING, "b"), (TEXT, "c"), (REFUSAL, "d"), (TEXT, "e")):
        parts.words(shell, text, out)
    assert parts.close(out, cut=False)
    assert out == [
        *(PartStart(THINKING), PartDelta("a"), PartDelta("b"), PartEnd()),
        *(PartStart(TEXT), PartDelta("c"), PartEnd()),
        *(PartStart(REFUSAL), PartDelta("d"), PartEnd()),
        *(PartStart(TEXT), PartDelta("e"), PartEnd()),
    ]
    assert (parts.refused, parts.called) == (True, False)


def test_t44_everything_behind_an_open_call_waits_and_keeps_its_order() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece('{"a":', "f", 0, "x"), None, out)
    parts.words(TEXT, "one ", out)
    parts.citation(SOURCE, out)
    parts.words(TEXT, "two", out)
    parts.media(IMAGE, out)
    parts.call(0, 1, piece("{", "g", 1, "y"), None, out)
    assert out == [PartStart(ToolCallPart("x", "f")), PartDelta('{"a":')]
    parts.call(0, 0, piece("1}"), Opaque("google", "s"), out)
    assert out[2:] == [
        *(PartDelta("1}"), PartEnd(Opaque("google", "s"))),
        *(PartStart(TEXT), PartDelta("one "), PartCitation(SOURCE), PartDelta("two"), PartEnd()),
        *(PartStart(IMAGE), PartEnd()),
        *(PartStart(ToolCallPart("y", "g")), PartDelta("{")),
    ]


def test_text_behind_a_complete_call_is_told_at_once() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("{}", "f", 0, "x"), None, out)
    parts.words(TEXT, "now", out)
    assert out[-3:] == [PartEnd(), PartStart(TEXT), PartDelta("now")]


@pytest.mark.parametrize("cut", [True, False])
def test_only_the_last_words_are_cut(cut: bool) -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.words(THINKING, "a", out)
    parts.words(TEXT, "b", out)
    parts.close(out, cut=cut)
    assert [event.complete for event in out if isinstance(event, PartEnd)] == [True, not cut]


def test_a_call_that_is_not_known_to_be_complete_is_not_when_the_answer_was_cut() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("", "f", 0, "x"), None, out)
    parts.call(0, 1, piece("{}", "g", 1, "y"), None, out)
    parts.close(out, cut=True)
    assert [event.complete for event in out if isinstance(event, PartEnd)] == [False, True]


def test_what_follows_a_complete_call_is_dropped() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece('{"a":1}', "f", 0, "x"), None, out)
    parts.call(0, 0, piece('{"a":1}', "f", 0, "x"), None, out)
    parts.close(out, cut=False)
    assert [event.text for event in out if isinstance(event, PartDelta)] == ['{"a":1}']


def test_an_abandoned_answer_ends_its_open_part_only() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("{", "f", 0, "x"), None, out)
    parts.words(TEXT, "never told", out)
    assert parts.unfinished
    parts.abandon(out)
    parts.abandon(out)
    assert out[2:] == [PartEnd(complete=False)]


def test_a_citation_without_text_is_dropped() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.citation(SOURCE, out)
    parts.words(THINKING, "a", out)
    parts.citation(SOURCE, out)
    assert out == [PartStart(THINKING), PartDelta("a")]


def parts_of(reply: bytes, habits: Habits = PLAIN) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(decoded(reply, habits=habits))["parts"]
    return found


# --- calls as they come over the wire


def test_t42_a_missing_index_is_a_new_call_for_each_id() -> None:
    reply = calls(call('{"a":1}', "f", "x"), call('{"b":2}', "g", "y"), finish="tool_calls") + DONE
    assert parts_of(reply) == [
        {"kind": "ToolCall", "text": '{"a":1}', "call_id": "x", "name": "f"},
        {"kind": "ToolCall", "text": '{"b":2}', "call_id": "y", "name": "g"},
    ]


def test_t42_pieces_without_index_and_id_belong_to_the_last_call() -> None:
    reply = calls(call("", "f", "x")) + calls(call('{"a"')) + calls(call(":1}"), finish="stop")
    assert [part["text"] for part in parts_of(reply + DONE)] == ['{"a":1}']


def test_t42_pieces_without_index_and_id_belong_to_the_call_at_their_place() -> None:
    both = calls(call("", "f", "x"), call("", "g", "y"))
    reply = both + calls(call('{"a"'), call('{"b"')) + calls(call(":1}"), call(":2}")) + END
    assert [part["text"] for part in parts_of(reply)] == ['{"a":1}', '{"b":2}']


def test_t42_a_new_id_at_a_used_index_is_a_new_call() -> None:
    reply = (
        calls(call('{"a":1}', "f", "x", index=0))
        + calls(call('{"b"', "f", "y", index=0))
        + calls(call(":2}", index=0))
        + END
    )
    assert [(part["call_id"], part["text"]) for part in parts_of(reply)] == [
        ("x", '{"a":1}'),
        ("y", '{"b":2}'),
    ]


def test_t42_a_new_name_at_a_used_index_is_a_new_call() -> None:
    reply = calls(call("{}", "f", index=0)) + calls(call("{}", "g", index=0)) + END
    assert [(part["name"], part["call_id"]) for part in parts_of(reply)] == [
        ("f", made_id("seed", 0)),
        ("g", made_id("seed", 1)),
    ]


def test_t42_the_same_function_again_at_a_used_index_is_a_new_call() -> None:
    reply = calls(call('{"a":1}', "f", index=0)) + calls(call('{"a":2}', "f", index=0)) + END
    assert [part["text"] for part in parts_of(reply)] == ['{"a":1}', '{"a":2}']


def test_t43_empty_ids_and_names_never_replace_known_ones() -> None:
    reply = (
        calls(call("", "f", "x", index=0))
        + calls(call('{"a":', "", "", index=0))
        + calls({"index": 0, "id": None, "function": {"name": None, "arguments": "1}"}})
        + END
    )
    assert parts_of(reply) == [{"kind": "ToolCall", "text": '{"a":1}', "call_id": "x", "name": "f"}]


def test_t43_a_name_may_come_late_and_id_and_name_on_every_chunk() -> None:
    late = calls(call('{"a"', call_id="x", index=0)) + calls(call(":1", "f", index=0))
    reply = late + calls(call("}", "f", "x", index=0)) + END
    assert parts_of(reply) == [{"kind": "ToolCall", "text": '{"a":1}', "call_id": "x", "name": "f"}]


def test_t44_interleaved_calls_come_one_after_the_other() -> None:
    reply = (
        calls(call("", "f", "x", index=0), call("", "g", "y", index=1))
        + calls(call('{"b":', index=1))
        + calls(call('{"a":', index=0), call("2", index=1))
        + calls(call("1}", index=0))
        + calls(call("}", index=1))
        + END
    )
    assert [part["text"] for part in parts_of(reply)] == ['{"a":1}', '{"b":2}']


def test_t44_a_call_goes_on_as_soon_as_the_earlier_one_is_complete() -> None:
    decoder = ChatDecoder(DecodeContext(True, COMPATIBLE_CHAT, IdSource("seed")))
    for frame in (
        calls(call("", "f", "x", index=0)),
        calls(call('{"a":1}', index=0)),
    ):
        list(decoder.feed(frame))
    opened = list(decoder.feed(calls(call('{"b', "g", "y", index=1))))
    assert opened == [PartEnd(), PartStart(ToolCallPart("y", "g")), PartDelta('{"b')]


def test_t44_text_between_pieces_of_a_call_comes_after_it() -> None:
    reply = (
        calls(call('{"a":', "f", "x", index=0))
        + chunk({"content": "meanwhile"})
        + calls(call("1}", index=0))
        + END
    )
    assert [part["text"] for part in parts_of(reply)] == ['{"a":1}', "meanwhile"]


def test_t45_arguments_in_the_opening_chunk_count() -> None:
    assert parts_of(calls(call('{"a":1}', "f", "x", index=0)) + END)[0]["text"] == '{"a":1}'


def test_t46_usage_on_every_chunk_ends_nothing() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    pieces = [call('{"a"', "f", "x", index=0), call(":1}", index=0)]
    reply = b"".join(chunk({"tool_calls": [piece]}, usage=usage) for piece in pieces)
    assert parts_of(reply + END)[0]["text"] == '{"a":1}'


def test_t47_no_calls_are_no_calls_and_text_beside_and_behind_calls_counts() -> None:
    both = chunk({"content": "a", "tool_calls": [call("{}", "f", "x", index=0)]})
    reply = chunk({"content": "0", "tool_calls": []}) + both + chunk({"content": "b"}) + END
    assert [(part["kind"], part["text"]) for part in parts_of(reply)] == [
        ("Text", "0a"),
        ("ToolCall", "{}"),
        ("Text", "b"),
    ]


def test_t47_a_placeholder_is_no_call() -> None:
    events = decoded(chunk({"tool_calls": [call("", "", "", index=0)]}) + TEXT_FRAMES + END)
    assert told(events)["finish"] == "stop"
    assert [part["kind"] for part in told(events)["parts"]] == ["Text"]


def test_t48_the_first_delta_after_a_change_counts() -> None:
    reply = (
        chunk({"reasoning_content": "t"})
        + chunk({"content": "c"})
        + calls(call('{"a":1}', "f", "x", index=0))
        + END
    )
    assert [part["text"] for part in parts_of(reply)] == ["t", "c", '{"a":1}']


@pytest.mark.parametrize("arguments", [[], [""], ["", ""], ["null"], ["nu", "ll"], ['""'], [" "]])
def test_t50_no_arguments_are_an_empty_object(arguments: list[str]) -> None:
    pieces = b"".join(calls(call(piece, index=0)) for piece in arguments)
    assert parts_of(calls(call("", "f", "x", index=0)) + pieces + END)[0]["text"] == "{}"
    message = {"tool_calls": [call("".join(arguments), "f", "x")]}
    assert told(decoded(whole(message), streamed=False))["parts"][0]["text"] == "{}"


def test_t56_a_call_cut_by_the_limit_is_not_complete() -> None:
    first = calls(call("{}", "f", "x", index=0))
    reply = first + calls(call('{"a":1', "g", "y", index=1)) + chunk({}, "length") + DONE
    assert [("cut" in part, part["text"]) for part in parts_of(reply)] == [
        (False, "{}"),
        (True, '{"a":1'),
    ]


def test_t56_a_call_without_arguments_cut_by_the_limit_gets_none() -> None:
    reply = calls(call("", "f", "x", index=0)) + chunk({}, "length") + DONE
    assert parts_of(reply) == [
        {"kind": "ToolCall", "text": "", "call_id": "x", "name": "f", "cut": True}
    ]


def test_t56_half_a_call_and_done_without_a_reason_is_a_cut() -> None:
    events = decoded(calls(call('{"a":1', "f", "x", index=0)) + DONE)
    assert told(events)["error"] == ["internal", STREAM_CUT.code]
    assert told(events)["parts"][0]["cut"]


def test_t57_calls_without_ids_get_the_same_ones_streamed_and_whole() -> None:
    streamed = parts_of(calls(call("{}", "f", index=0)) + calls(call("{}", "f", index=1)) + END)
    message = {"tool_calls": [call("{}", "f"), call("{}", "f")]}
    assert told(decoded(whole(message), streamed=False))["parts"] == streamed
    assert streamed[0]["call_id"] == made_id("seed", 0) != streamed[1]["call_id"]


def test_two_calls_never_share_an_id() -> None:
    found = parts_of(calls(call("{}", "f", "x", index=0), call("{}", "g", "x", index=1)) + END)
    assert [part["call_id"] for part in found] == ["x", made_id("seed", 1)]


def test_t142_custom_calls_carry_raw_text() -> None:
    opening = {"index": 0, "id": "x", "type": "custom", "custom": {"name": "patch", "input": ""}}
    pieces = [{"index": 0, "custom": {"input": text}} for text in ("*** Begin", ' "x')]
    reply = calls(opening) + b"".join(calls(piece) for piece in pieces) + END
    expected = {"kind": "ToolCall", "text": '*** Begin "x', "call_id": "x", "name": "patch"}
    assert parts_of(reply) == [{**expected, "custom": True}]


def test_t144_legacy_function_calls_are_calls() -> None:
    first = chunk({"function_call": {"name": "f", "arguments": ""}})
    reply = first + chunk({"function_call": {"arguments": '{"a":1}'}}) + chunk({}, "function_call")
    events = decoded(reply + DONE)
    assert told(events)["finish"] == "tool_calls"
    assert told(events)["parts"] == [
        {"kind": "ToolCall", "text": '{"a":1}', "call_id": made_id("seed", 0), "name": "f"}
    ]


def test_a_call_without_a_name_is_an_error() -> None:
    events = decoded(calls(call('{"a":1}', call_id="x", index=0)) + END)
    assert told(events)["error"] == ["internal", UPSTREAM_INVALID_REPLY.code]


def test_state_of_a_call_is_kept_for_its_maker_only() -> None:
    piece = call("{}", "f", "x", index=0)
    piece["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    assert parts_of(calls(piece) + END, GOOGLE)[0]["state"] == "c2ln"
    assert "state" not in parts_of(calls(piece) + END)[0]
