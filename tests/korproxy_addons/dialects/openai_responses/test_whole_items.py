from msgspec import Raw

from korproxy_addons.dialects.events import PartEnd, PartStart
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Opaque,
    ServerToolPart,
    WebSearch,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.openai_responses.whole_items import WholeSlot
from korproxy_addons.dialects.openai_responses.wire import OutputItem


def part_of(item: OutputItem, origin: str = "openai", raw: bytes = b"{}") -> object:
    slot = WholeSlot(origin)
    slot.finish(item, Raw(raw))
    assert slot.done
    assert not slot.called
    if not slot.queue:
        return None
    start, end = slot.queue
    assert isinstance(start, PartStart)
    assert end == PartEnd()
    return start.part


def test_a_tool_of_the_service_is_no_call_of_the_client() -> None:
    """T138"""
    raw = b'{"type":"web_search_call","id":"ws_1"}'
    assert part_of(OutputItem("web_search_call", "ws_1"), raw=raw) == ServerToolPart(
        "openai-responses", "openai", "web_search_call", "ws_1", Raw(raw), search=WebSearch()
    )


def test_a_made_image() -> None:
    """T128"""
    found = part_of(OutputItem("image_generation_call", result="iVBORw0KGgoAAAANSUhEUg=="))
    assert found == MediaPart(MediaKind.IMAGE, mime="image/png", base64="iVBORw0KGgoAAAANSUhEUg==")


def test_a_compaction_is_state() -> None:
    item = OutputItem("compaction", "cmp_1", encrypted_content="E")
    assert part_of(item) == CompactionPart(state=Opaque("openai", "E", "cmp_1"))
    assert part_of(item, origin="") is None


def test_a_compaction_in_words_comes_back_as_words() -> None:
    item = OutputItem("compaction", encrypted_content=sealed(Opaque("", "so far", "words")))
    assert part_of(item) == CompactionPart(text="so far")


def test_half_of_such_an_item_is_nothing() -> None:
    slot = WholeSlot("openai")
    slot.cut(complete=False)
    assert (slot.done, slot.queue) == (True, [])
