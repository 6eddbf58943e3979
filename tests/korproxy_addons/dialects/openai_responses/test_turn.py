import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import KeepAlive, MessageStart, PartDelta, StreamFailed
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.openai_responses.slots import MessageSlot, ReasoningSlot
from korproxy_addons.dialects.openai_responses.turn import Turn, decoded_item, failure_of
from korproxy_addons.dialects.openai_responses.wire import RESPONSE, ResponseBody, StreamEvent
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.responses_wire import DEFAULT, call, message, texts, told


def turn() -> Turn:
    return Turn(DecodeContext(True, DEFAULT, IdSource("seed")))


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def test_items_that_interleave_come_one_after_the_other() -> None:
    """T44"""
    found = turn()
    for index in (0, 1):
        found.added(index, raw({"type": "message", "id": f"m{index}"}))
    for index, text in ((0, "a"), (1, "x"), (0, "b"), (1, "y")):
        slot = found.found(StreamEvent(output_index=index), MessageSlot)
        assert slot is not None
        slot.delta(0, text)
    early = found.taken()
    assert [event.text for event in early if isinstance(event, PartDelta)] == ["a", "b"]
    found.end(ResponseBody(status="completed"))
    assert texts([*early, *found.taken()]) == ["ab", "xy"]


def test_items_are_found_by_place_not_by_id() -> None:
    """T55"""
    found = turn()
    found.added(0, raw({"type": "message", "id": "first"}))
    assert found.found(StreamEvent(output_index=0, item_id="other"), MessageSlot) is not None
    by_id = turn()
    by_id.added(None, raw({"type": "message", "id": "first"}))
    assert by_id.found(StreamEvent(item_id="first"), MessageSlot) is not None
    assert by_id.found(StreamEvent(), MessageSlot) is not None


def test_an_event_of_another_sort_is_not_taken_for_the_item() -> None:
    found = turn()
    found.added(0, raw({"type": "message"}))
    assert found.found(StreamEvent(output_index=0), ReasoningSlot) is None


def test_text_without_its_items_start_is_not_lost() -> None:
    found = turn()
    slot = found.found(StreamEvent(output_index=3), ReasoningSlot)
    assert slot is not None
    slot.delta(0, "hm", summary=True)
    assert next(type(event) for event in found.taken()) is MessageStart


def test_an_item_at_a_place_that_is_done_is_another_one() -> None:
    """T158"""
    found = turn()
    for text in ("one", "two"):
        found.added(0, raw({"type": "message"}))
        found.finished(0, raw(message(text)))
    found.end(ResponseBody())
    assert texts(found.taken()) == ["one", "two"]


def test_the_last_event_repeats_the_items_and_they_count_once() -> None:
    """T147"""
    found = turn()
    found.finished(None, raw(message("Hi", id="m1")))
    found.finished(None, raw(call("f", "{}", id="f1")))
    output = [raw(message("Hi", id="m1")), raw(call("f", "{}", id="f1"))]
    found.end(ResponseBody(status="completed", output=output))
    assert [part["kind"] for part in told(found.taken())["parts"]] == ["Text", "ToolCall"]


def test_items_that_only_the_last_event_knows() -> None:
    found = turn()
    found.end(ResponseBody(status="completed", output=[raw(message("Hi"))]))
    assert texts(found.taken()) == ["Hi"]


def test_a_sign_of_life_keeps_its_place() -> None:
    found = turn()
    found.start()
    found.keep_alive()
    assert found.taken() == [MessageStart(), KeepAlive()]


def test_items_of_unknown_types_may_look_any_way() -> None:
    item = decoded_item(raw({"type": "program", "id": "p", "content": 5}))
    assert (item.type, item.id, item.content) == ("program", "p", None)
    with pytest.raises(KorProxyError, match="KP-PROV-102"):
        decoded_item(raw({"type": "message", "content": 5}))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"code": "server_error", "message": "x"}}, Kind.INTERNAL),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded"}}, Kind.RATE_LIMIT),
        ({"detail": "Unsupported"}, Kind.INTERNAL),
    ],
)
def test_an_error_inside_a_200(body: dict[str, Any], kind: Kind) -> None:
    """T166"""
    data = json.dumps(body).encode()
    failure = failure_of(RESPONSE.decode(data), data)
    assert isinstance(failure, StreamFailed)
    assert failure.error.kind is kind


def test_no_error_is_none() -> None:
    assert failure_of(RESPONSE.decode(b'{"error":null,"output":[]}'), b"") is None


def test_an_answer_that_is_not_there_yet() -> None:
    with pytest.raises(KorProxyError, match="queued"):
        failure_of(ResponseBody(status="queued"), b"")
