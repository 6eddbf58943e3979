import pytest
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.request_wire import (
    MESSAGE,
    TEXT,
    TOOL_FIELDS,
    decode_at,
    rest_of,
)
from korproxy_addons.errors.exceptions import KorProxyError


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"role":5}', "input[3].role"),
        (b'{"content":{}}', "input[3].content"),
        (b"[]", "input[3]"),
    ],
)
def test_a_mistake_names_its_whole_path(raw: bytes, path: str) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        decode_at(MESSAGE, raw, "input[3]")
    assert found.value.param == path
    assert found.value.detail.startswith(f"{path}: Expected ")


def test_a_mistake_inside_a_list() -> None:
    with pytest.raises(KorProxyError) as found:
        decode_at(TEXT, b'{"format":{"strict":"yes"}}', "text")
    assert found.value.param == "text.format.strict"


def test_half_an_emoji_is_replaced() -> None:
    """T178"""
    assert decode_at(MESSAGE, b'{"content":"a\\ud83d"}', "x").content == "a\ufffd"


def test_unknown_fields_are_kept_by_their_path_and_nulls_are_not() -> None:
    """T182"""
    raw = Raw(b'{"name":"f","defer_loading":true,"strict":null,"other":null}')
    assert rest_of(raw, TOOL_FIELDS, "") == {"defer_loading": Raw(b"true")}
    assert rest_of(raw, TOOL_FIELDS, "a") == {"a.defer_loading": Raw(b"true")}
