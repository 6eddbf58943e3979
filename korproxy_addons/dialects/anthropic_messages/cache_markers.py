"""Keeps cache markers within what the Messages API takes (T90, T91)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.encode_parts import Block
from korproxy_addons.dialects.losses import Feature, Losses

_HOUR = "1h"


def limit_markers(body: Mapping[str, Any], limit: int, losses: Losses) -> None:
    """
    Take out surplus markers, the earliest first, and longer lifetimes behind shorter ones.

    Args:
        body: The request; its blocks are changed.
        limit: The most markers that the upstream takes.
        losses: Gets CACHE_MARKER.
    """
    blocks = list(_marked_blocks(body))
    automatic = 1 if "cache_control" in body else 0  # the upstream places one more by itself
    surplus = max(0, len(blocks) + automatic - limit)
    for block in blocks[:surplus]:
        del block["cache_control"]
    if surplus:
        losses.add(Feature.CACHE_MARKER, f"the upstream takes {limit}, {surplus} were left out")
    shorter = False
    for block in blocks[surplus:]:
        marker = block["cache_control"]
        if isinstance(marker, Raw):
            marker = msgspec.json.decode(marker)
        if not isinstance(marker, dict):
            continue
        if marker.get("ttl") != _HOUR:
            shorter = True
        elif shorter:
            block["cache_control"] = {"type": "ephemeral"}
            losses.add(Feature.CACHE_MARKER, "an hour's marker stood behind a shorter one")


def _marked_blocks(body: Mapping[str, Any]) -> Iterator[Block]:
    """Every block with a marker, in the order in which the upstream reads them."""
    yield from _marked(body.get("tools", []))
    yield from _marked(body.get("system", []))
    for message in body["messages"]:
        yield from _marked(message["content"])


def _marked(blocks: list[Block]) -> Iterator[Block]:
    for block in blocks:
        inner = block.get("content")
        if isinstance(inner, list):
            yield from _marked(inner)
        if "cache_control" in block:
            yield block
