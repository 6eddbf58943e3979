import msgspec
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.raw_items import without_nulls


def test_an_object_without_its_nulls_and_what_is_dropped() -> None:
    """T69"""
    raw = Raw(b'{"type":"x","id":"1","call_id":null,"n":9007199254740993}')
    out = msgspec.json.encode(without_nulls(raw, ("id",)))
    assert out == b'{"type":"x","n":9007199254740993}'


def test_what_needs_no_change_keeps_its_bytes() -> None:
    raw = Raw(b'{ "type": "x" }')
    assert without_nulls(raw) is raw
    assert without_nulls(Raw(b"[1, null]")) == Raw(b"[1, null]")
