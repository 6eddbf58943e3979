import json

import pytest
from msgspec import Raw

from korproxy_addons.dialects.events import Event, PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import ToolCallPart
from korproxy_addons.dialects.openai_responses.call_slot import CallSlot
from korproxy_addons.dialects.openai_responses.wire import OutputItem
from korproxy_addons.errors.exceptions import KorProxyError

NO_RAW = Raw(b"{}")


def item(
    arguments: str = "", name: str = "f", status: str = "completed", item_id: str = ""
) -> OutputItem:
    raw = Raw(json.dumps(arguments).encode()) if arguments else Raw()
    return OutputItem(id=item_id, status=status, call_id="c1", name=name, arguments=raw)


def words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, PartDelta))


@pytest.mark.parametrize("deltas", [[], ['{"a"'], ['{"a"', ":1}"]])
def test_arguments_come_once_however_they_come(deltas: list[str]) -> None:
    """T54: as deltas, in a done event, or in the item alone."""
    slot = CallSlot("made", custom=False)
    slot.head(item())
    for text in deltas:
        slot.delta(text)
    slot.text('{"a":1}')
    slot.finish(item('{"a":1}'), NO_RAW)
    assert words(slot.queue) == '{"a":1}'
    assert slot.called


@pytest.mark.parametrize("arguments", ["", "null", '"null"', "{}"])
def test_a_call_without_arguments(arguments: str) -> None:
    """T50"""
    slot = CallSlot("made", custom=False)
    slot.finish(item(arguments), NO_RAW)
    assert words(slot.queue) == "{}"


@pytest.mark.parametrize(
    ("text", "arguments"), [("\n", "{}"), (' {"a":1}', '{"a":1}'), ("\n{} ", "{} ")]
)
def test_white_space_is_no_argument_however_it_comes(text: str, arguments: str) -> None:
    """T50"""
    for deltas in ([], [text], list(text)):
        slot = CallSlot("made", custom=False)
        slot.head(item())
        for piece in deltas:
            slot.delta(piece)
        slot.finish(item(text), NO_RAW)
        assert words(slot.queue) in {arguments, arguments.strip()}


def test_arguments_that_are_an_object_stay_text() -> None:
    """T179: nothing goes through a float."""
    slot = CallSlot("made", custom=False)
    slot.finish(
        OutputItem(call_id="c", name="f", arguments=Raw(b'{"n": 9007199254740993}')), NO_RAW
    )
    assert words(slot.queue) == '{"n": 9007199254740993}'


def test_half_a_call_stays_half() -> None:
    """T56"""
    slot = CallSlot("made", custom=False)
    slot.head(item())
    slot.delta('{"a":1')
    slot.finish(item('{"a":1', status="incomplete"), NO_RAW)
    assert slot.queue[-1] == PartEnd(complete=False)
    assert words(slot.queue) == '{"a":1'


def test_name_and_id_may_come_late_and_are_never_overwritten() -> None:
    """T43, T60: what came before is held; the item's id is not the call's."""
    slot = CallSlot("made", custom=False)
    slot.head(OutputItem(id="fc_1", call_id="", name=None))
    slot.delta("{}")
    assert slot.queue == []
    slot.head(item(item_id="fc_other"))
    slot.head(OutputItem(call_id="", name=""))
    assert slot.queue[0] == PartStart(ToolCallPart("c1", "f", item_id="fc_1"))


def test_a_call_without_an_id_gets_one() -> None:
    """T57"""
    slot = CallSlot("kpm_seed_0", custom=False)
    slot.finish(OutputItem(name="f"), NO_RAW)
    assert slot.queue[0] == PartStart(ToolCallPart("kpm_seed_0", "f"))


def test_a_call_without_a_name_is_no_answer() -> None:
    slot = CallSlot("made", custom=False)
    with pytest.raises(KorProxyError, match="KP-PROV-102"):
        slot.finish(OutputItem(call_id="c"), NO_RAW)


def test_a_custom_call_has_raw_input() -> None:
    """T139"""
    slot = CallSlot("made", custom=True)
    slot.finish(OutputItem(call_id="c", name="apply_patch", input="null"), NO_RAW)
    assert slot.queue == [
        PartStart(ToolCallPart("c", "apply_patch", custom=True)),
        PartDelta("null"),
        PartEnd(),
    ]


def test_a_call_in_a_namespace() -> None:
    slot = CallSlot("made", custom=False)
    slot.finish(OutputItem(call_id="c", name="search", namespace="github"), NO_RAW)
    assert slot.queue[0] == PartStart(ToolCallPart("c", "github__search", namespace="github"))


def test_a_wrapper_of_calls_becomes_its_calls() -> None:
    """T143"""
    uses = [
        {"recipient_name": "functions.read", "parameters": {"n": 1.0}},
        {"recipient_name": "list", "parameters": {}},
    ]
    slot = CallSlot("made", custom=False)
    slot.head(item(name="multi_tool_use.parallel"))
    slot.delta(json.dumps({"tool_uses": uses}))
    slot.finish(item(name="multi_tool_use.parallel"), NO_RAW)
    assert slot.queue == [
        PartStart(ToolCallPart("c1_0", "read")),
        PartDelta('{"n": 1.0}'),
        PartEnd(),
        PartStart(ToolCallPart("c1_1", "list")),
        PartDelta("{}"),
        PartEnd(),
    ]
    assert slot.called


def test_a_wrapper_that_wraps_nothing_is_a_call() -> None:
    """T143"""
    slot = CallSlot("made", custom=False)
    slot.finish(item('{"x":1}', name="multi_tool_use.parallel"), NO_RAW)
    assert slot.queue[0] == PartStart(ToolCallPart("c1", "multi_tool_use.parallel"))
    assert words(slot.queue) == '{"x":1}'
