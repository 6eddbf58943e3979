"""The service's own search of the web: what its item tells, and the item for a search of another service."""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.model import Source, WebSearch
from korproxy_addons.dialects.opaque import SEAL

SEARCH_CALL: Final = "web_search_call"
SOURCES: Final = "web_search_call.action.sources"
"""What a request must ask to be included, for the pages that were found to be told."""


class _Page(Struct):
    url: str | None = None
    title: str | None = None


class _Action(Struct):
    query: str | None = None
    queries: list[str] | None = None
    url: str | None = None
    sources: list[_Page] | None = None


_ACTION: Final = msgspec.json.Decoder(_Action)


def web_search_of(action: Raw) -> WebSearch:
    """What an item's `action` tells; nothing of one that cannot be read."""
    try:
        form = _ACTION.decode(action)
    except (ValueError, RecursionError):
        return WebSearch()
    pages = [*(form.sources or ()), *([_Page(form.url)] if form.url else ())]
    return WebSearch(
        form.query or "; ".join(form.queries or ()),
        tuple(Source(page.url, page.title or "") for page in pages if page.url),
    )


def web_search_item(search: WebSearch, item_id: str) -> dict[str, Any]:
    """
    The item for a search that another service made.

    Args:
        search: Of which something is known.
        item_id: Unique in the answer. The seal in the item's id takes it out of a body before it goes to OpenAI.
    """
    action: dict[str, Any] = {"type": "search", "query": search.query}
    if search.sources:
        action["sources"] = [{"type": "url", "url": page.url} for page in search.sources]
    return {
        "id": f"ws_{SEAL.decode()}{item_id}",
        "type": SEARCH_CALL,
        "status": "completed",
        "action": action,
    }


def is_made_up(kind: str, item_id: str) -> bool:
    """Whether an item is one of those."""
    return kind == SEARCH_CALL and item_id.startswith(f"ws_{SEAL.decode()}")
