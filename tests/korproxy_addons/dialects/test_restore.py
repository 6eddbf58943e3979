from korproxy_addons.dialects.base import EncodedRequest
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import ToolNames
from korproxy_addons.dialects.model import FinishReason, Opaque, TextPart, ToolCallPart
from korproxy_addons.dialects.restore import Restorer

CALLS = MessageEnd(FinishReason.TOOL_CALLS)


def restored(encoded: EncodedRequest, events: list[Event]) -> list[Event]:
    restorer = Restorer(encoded)
    found = [out for event in events for out in restorer.feed(event)]
    assert violation(found) == ""
    return found


def a_call(name: str, *pieces: str) -> list[Event]:
    return [PartStart(ToolCallPart("c1", name)), *map(PartDelta, pieces), PartEnd()]


def test_what_nothing_was_done_to_is_left_alone() -> None:
    events = [MessageStart(), *a_call("f", '{"a"', ":1}"), CALLS]
    assert events == restored(EncodedRequest(b""), events)


def test_tool_names_are_the_clients_again() -> None:
    """T29."""
    names = ToolNames(["a.b"])
    found = restored(
        EncodedRequest(b"", names=names), [MessageStart(), *a_call(names.there("a.b"), "{}"), CALLS]
    )
    assert PartStart(ToolCallPart("c1", "a.b")) == found[1]


def test_a_function_that_stood_in_for_a_custom_tool_is_one_again() -> None:
    """T139, T140; two calls after each other don't mix."""
    names = ToolNames(["my.patch"])
    upstream = names.there("my.patch")
    encoded = EncodedRequest(b"", names=names, custom_tools=frozenset({upstream}))
    events = [
        MessageStart(),
        *a_call(upstream, '{"in', 'put":"a\\', 'n"}'),
        *a_call("f", "{}"),
        CALLS,
    ]
    shell = PartStart(ToolCallPart("c1", "my.patch", custom=True))
    assert [shell, PartDelta("a"), PartDelta("\n"), PartEnd()] == restored(encoded, events)[1:5]
    assert a_call("f", "{}") == restored(encoded, events)[5:8]


def test_a_custom_call_that_was_cut_is_not_repaired() -> None:
    """T56."""
    encoded = EncodedRequest(b"", custom_tools=frozenset({"p"}))
    cut: list[Event] = [*a_call("p", '{"input":"ab\\u12')[:-1], PartEnd(complete=False)]
    found = restored(encoded, [MessageStart(), *cut, MessageEnd(FinishReason.LENGTH)])
    assert [PartDelta("ab"), PartEnd(complete=False)] == found[2:4]


def test_the_input_of_a_forced_answer_tool_is_the_text() -> None:
    """T130: and the answer has ended, not asked for a tool."""
    found = restored(
        EncodedRequest(b"", answer_tool="answer"),
        [MessageStart(), *a_call("answer", '{"x":', "1}"), CALLS],
    )
    assert [PartStart(TextPart("")), PartDelta('{"x":'), PartDelta("1}"), PartEnd()] == found[1:5]
    assert MessageEnd(FinishReason.STOP) == found[5]


def test_a_real_call_beside_the_answer_tool_stays_a_call() -> None:
    encoded = EncodedRequest(b"", answer_tool="answer")
    events = [MessageStart(), *a_call("answer", "{}"), *a_call("f", "{}"), CALLS]
    assert restored(encoded, events)[-1] == CALLS


def test_the_state_of_an_answer_tool_is_not_the_texts() -> None:
    encoded = EncodedRequest(b"", answer_tool="answer")
    call: list[Event] = [*a_call("answer", "{}")[:-1], PartEnd(Opaque("google", "c2ln"))]
    assert PartEnd() == restored(encoded, [MessageStart(), *call, CALLS])[3]


def test_halves_of_an_emoji_meet_across_deltas() -> None:
    """T178."""
    high, low = chr(0x10F800 + 0x3D), chr(0x10F800 + 0x600)
    events: list[Event] = [
        MessageStart(), PartStart(TextPart("")), PartDelta("a" + high), PartDelta(low), PartDelta(high),
        PartEnd(), MessageEnd(FinishReason.STOP),
    ]  # fmt: skip
    assert [PartDelta("a"), PartDelta("😀"), PartDelta("\ufffd"), PartEnd()] == restored(
        EncodedRequest(b""), events
    )[2:6]


WRAPPED = (
    '{"tool_uses":[{"recipient_name":"functions.a_b","parameters":{"n":1.0}},'
    '{"recipient_name":"p","parameters":{"input":"raw"}}]}'
)


def test_t143_a_call_that_wraps_calls_becomes_those_with_the_clients_names_and_kinds() -> None:
    names = ToolNames(["a.b", "p"])
    wrapped = WRAPPED.replace("a_b", names.there("a.b"))
    encoded = EncodedRequest(b"", names=names, custom_tools=frozenset({"p"}))
    signed: list[Event] = a_call("multi_tool_use.parallel", wrapped[:9], wrapped[9:])
    signed[-1] = PartEnd(Opaque("google", "c2ln"))
    found = restored(encoded, [MessageStart(), *signed, CALLS])
    assert found[1:-1] == [
        PartStart(ToolCallPart("c1_0", "a.b")),
        PartDelta('{"n":1.0}'),
        PartEnd(Opaque("google", "c2ln")),
        PartStart(ToolCallPart("c1_1", "p", custom=True)),
        PartDelta("raw"),
        PartEnd(),
    ]
    assert found[-1] == CALLS


def test_t143_a_wrapper_that_wraps_nothing_is_cut_or_is_the_clients_own_stays_what_it_is() -> None:
    name = "multi_tool_use.parallel"
    odd = [MessageStart(), *a_call(name, '{"x":', "1}"), CALLS]
    assert restored(EncodedRequest(b""), odd) == odd
    cut: list[Event] = [*a_call(name, WRAPPED)[:-1], PartEnd(complete=False)]
    events = [MessageStart(), *cut, MessageEnd(FinishReason.LENGTH)]
    assert restored(EncodedRequest(b""), events) == events
    own = [MessageStart(), *a_call(name, WRAPPED), CALLS]
    names = ToolNames([name], legal="a-zA-Z0-9_.-")
    assert restored(EncodedRequest(b"", names=names), own) == own
