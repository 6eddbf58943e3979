"""Searches of the web: what a Responses item tells, and the item for a search of another service."""

import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.model import Source, WebSearch
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.openai_responses.web_search import (
    is_made_up,
    web_search_item,
    web_search_of,
)

FOUND = WebSearch("bridge", (Source("https://a.example", "A"), Source("https://b.example")))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"type": "search", "query": "q"}, WebSearch("q")),
        ({"type": "search", "queries": ["a", "b"]}, WebSearch("a; b")),
        (
            {"type": "search", "query": "q", "sources": [{"type": "url", "url": "https://a"}, {}]},
            WebSearch("q", (Source("https://a"),)),
        ),
        ({"type": "open_page", "url": "https://a"}, WebSearch("", (Source("https://a"),))),
        ({"query": 7}, WebSearch()),
        (None, WebSearch()),
    ],
)
def test_what_an_item_tells(action: Any, expected: WebSearch) -> None:
    assert web_search_of(Raw(json.dumps(action).encode())) == expected


def test_an_item_of_ours_is_read_as_what_it_says() -> None:
    item = web_search_item(FOUND, "1")
    assert (item["type"], item["status"]) == ("web_search_call", "completed")
    again = web_search_of(Raw(json.dumps(item["action"]).encode()))
    assert (again.query, [it.url for it in again.sources]) == (
        "bridge",
        ["https://a.example", "https://b.example"],
    )


def test_t137_an_item_of_ours_never_goes_to_openai() -> None:
    item = web_search_item(FOUND, "1")
    assert is_made_up(item["type"], item["id"])
    assert not is_made_up("web_search_call", "ws_68f0")
    theirs = {**item, "id": "ws_68f0"}
    body = json.dumps({"model": "m", "input": [item, theirs]}).encode()
    assert SEAL in body
    sent = json.loads(dialect("openai-responses").without_sealed(body))
    assert sent["input"] == [theirs]
