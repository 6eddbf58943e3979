"""Searches of the web: what Anthropic's blocks tell, and the blocks for a search of another service."""

import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.anthropic_messages.web_search import (
    is_made_up,
    web_search_blocks,
    web_search_of,
)
from korproxy_addons.dialects.model import Source, WebSearch
from korproxy_addons.dialects.opaque import SEAL

FOUND = WebSearch("bridge", (Source("https://a.example", "A"), Source("https://b.example")))


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "server_tool_use", "name": "web_search", "input": {"query": "q"}},
            WebSearch("q"),
        ),
        ({"type": "server_tool_use", "name": "web_search", "input": {}}, WebSearch()),
        ({"type": "server_tool_use", "name": "web_fetch", "input": {"url": "u"}}, None),
        (
            {"type": "web_search_tool_result", "content": [{"url": "https://a", "title": "A"}, {}]},
            WebSearch("", (Source("https://a", "A"),)),
        ),
        ({"type": "web_search_tool_result", "content": {"type": "error"}}, None),
        ({"type": "mcp_tool_use"}, None),
    ],
)
def test_what_a_block_tells(block: dict[str, Any], expected: WebSearch | None) -> None:
    assert web_search_of(block["type"], raw(block)) == expected


def test_blocks_of_ours_are_read_as_what_they_say_and_belong_together() -> None:
    call, asked, result = web_search_blocks(FOUND, "ws/1")
    assert web_search_of(call["type"], raw({**call, "input": json.loads(asked)})) == WebSearch(
        "bridge"
    )
    again = web_search_of(result["type"], raw(result))
    assert again is not None
    assert [it.title for it in again.sources] == ["A", "https://b.example"]
    assert call["id"] == result["tool_use_id"]
    assert call["id"].startswith("srvtoolu_")


@pytest.mark.parametrize("found", [FOUND, WebSearch("bridge")])
def test_t137_blocks_of_ours_never_go_to_anthropic(found: WebSearch) -> None:
    """Both go, so that neither is left alone; the service's own stay."""
    call, asked, result = web_search_blocks(found, "1")
    theirs = {"type": "server_tool_use", "id": "srvtoolu_01A", "name": "web_search", "input": {}}
    text = {"type": "text", "text": "so"}
    content = [{**call, "input": json.loads(asked)}, result, theirs, text]
    assert is_made_up(call["type"], json.dumps(call).encode())
    assert not is_made_up("server_tool_use", json.dumps(theirs).encode())
    body = json.dumps({"messages": [{"role": "assistant", "content": content}]}).encode()
    assert SEAL in body
    sent = json.loads(dialect("anthropic-messages").without_sealed(body))
    assert sent["messages"][0]["content"] == [theirs, text]
