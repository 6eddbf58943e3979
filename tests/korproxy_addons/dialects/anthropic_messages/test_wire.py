import msgspec
import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.wire import (
    EVENT,
    given,
    is_server_tool,
    json_bytes,
    json_text,
    raw_text,
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tool_use", False),
        ("tool_result", False),
        ("text", False),
        ("server_tool_use", True),
        ("mcp_tool_use", True),
        ("web_search_tool_result", True),
        ("bash_code_execution_tool_result", True),
    ],
)
def test_server_tools_are_known_by_their_ending(kind: str, expected: bool) -> None:
    assert is_server_tool(kind) is expected


def test_t182_null_and_nothing_are_both_not_given() -> None:
    assert not given(Raw(b""))
    assert not given(Raw(b"null"))
    assert given(Raw(b"{}"))
    assert not given(EVENT.decode(b'{"type":"ping","error":null}').error)


def test_json_keeps_order_and_has_no_blanks() -> None:
    assert json_bytes({"b": 1, "a": Raw(b"[1]")}) == b'{"b":1,"a":[1]}'


def test_t178_text_with_half_a_pair_can_be_written() -> None:
    assert msgspec.json.decode(json_text("a\ud83db")) == "a\ufffdb"
    assert msgspec.json.decode(json_text("\u2028\x00")) == "\u2028\x00"


def test_the_text_of_raw_json_never_raises() -> None:
    assert raw_text(Raw(b'"\xff"')) == '"\ufffd"'
