"""The service's own search of the web: what its blocks tell, and the blocks for a search of another service."""

import re
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.anthropic_messages.carried import EMPTY_SEAL
from korproxy_addons.dialects.model import Source, WebSearch
from korproxy_addons.dialects.opaque import SEAL

CALL: Final = "server_tool_use"
RESULT: Final = "web_search_tool_result"
_NAME: Final = "web_search"
_MADE_ID: Final = "srvtoolu_" + SEAL.decode()
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9_]")


class _Input(Struct):
    query: str | None = None


class _Call(Struct):
    name: str | None = None
    input: _Input | None = None


class _Page(Struct):
    url: str | None = None
    title: str | None = None


class _Result(Struct):
    content: list[_Page] | None = None


_CALL: Final = msgspec.json.Decoder(_Call)
_RESULT: Final = msgspec.json.Decoder(_Result)


def web_search_of(kind: str, raw: Raw) -> WebSearch | None:
    """What a block tells of a search; None if it is about something else, or cannot be read."""
    try:
        if kind == CALL:
            call = _CALL.decode(raw)
            if call.name != _NAME:
                return None
            return WebSearch((call.input.query or "") if call.input is not None else "")
        if kind == RESULT:
            pages = _RESULT.decode(raw).content or ()
            return WebSearch("", tuple(Source(it.url, it.title or "") for it in pages if it.url))
    except (ValueError, RecursionError):
        return None
    return None


def web_search_blocks(
    search: WebSearch, call_id: str
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """
    The blocks for a search that another service made.

    Args:
        search: What is known of it.
        call_id: Unique in the answer. With the seal in front it is the blocks' id, which takes both out of a body again before
            it goes to Anthropic.
    Returns:
        The call without its input, the input as JSON, the result.
    """
    block_id = _MADE_ID + _ILLEGAL.sub("_", call_id)[:40]
    call: dict[str, Any] = {"type": CALL, "id": block_id, "name": _NAME, "input": {}}
    found = [
        {
            "type": "web_search_result",
            "url": page.url,
            "title": page.title or page.url,
            "encrypted_content": EMPTY_SEAL,
            "page_age": None,
        }
        for page in search.sources
    ]
    asked = msgspec.json.encode({"query": search.query}).decode()
    return call, asked, {"type": RESULT, "tool_use_id": block_id, "content": found}


def is_made_up(kind: str, data: bytes) -> bool:
    """Whether a block is one of those."""
    return kind in {CALL, RESULT} and _MADE_ID.encode() in data
