from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.cache_markers import limit_markers
from korproxy_addons.dialects.losses import Losses


def block(name: str, ttl: str = "", **more: Any) -> dict[str, Any]:
    marker = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    return {"text": name, "cache_control": marker, **more}


def limited(body: dict[str, Any], limit: int = 4) -> list[str]:
    losses = Losses()
    limit_markers({"messages": [], **body}, limit, losses)
    return [str(loss) for loss in losses.all()]


def marked(body: dict[str, Any]) -> list[str]:
    places = [body.get("tools", []), body.get("system", [])]
    places += [message["content"] for message in body["messages"]]
    flat = [
        one for place in places for block in place for one in (*block.get("content", []), block)
    ]
    return [one["text"] for one in flat if "cache_control" in one]


def test_t90_the_earliest_surplus_markers_go() -> None:
    body = {
        "tools": [block("tool")],
        "system": [block("system")],
        "messages": [
            {"content": [block("result", content=[block("inner")]), {"text": "plain"}]},
            {"content": [block("a"), block("b")]},
        ],
    }
    lost = limited(body)
    assert marked(body) == ["inner", "result", "a", "b"]
    assert lost == ["cache_marker: the upstream takes 4, 2 were left out"]
    assert limited(body) == []


def test_t90_the_automatic_marker_counts() -> None:
    body = {
        "cache_control": {"type": "ephemeral"},
        "messages": [{"content": [block("a"), block("b")]}],
    }
    limited(body, limit=2)
    assert marked(body) == ["b"]


def test_an_upstream_that_takes_none_gets_none() -> None:
    body = {"system": [block("a")], "messages": []}
    limited(body, limit=0)
    assert marked(body) == []


@pytest.mark.parametrize("raw", [True, False])
def test_t91_an_hour_s_marker_stands_before_shorter_ones(raw: bool) -> None:
    late: dict[str, Any] = block("late", "1h")
    if raw:  # as it stands in a block that is kept as it was
        late["cache_control"] = Raw(b'{"type":"ephemeral","ttl":"1h"}')
    body = {"system": [block("first", "1h"), block("short")], "messages": [{"content": [late]}]}
    assert limited(body) == ["cache_marker: an hour's marker stood behind a shorter one"]
    assert body["system"][0]["cache_control"]["ttl"] == "1h"
    assert late["cache_control"] == {"type": "ephemeral"}


def test_a_marker_that_is_none_is_left_to_the_upstream() -> None:
    odd: dict[str, Any] = {"text": "odd", "cache_control": Raw(b"5")}
    assert limited({"system": [odd]}) == []
