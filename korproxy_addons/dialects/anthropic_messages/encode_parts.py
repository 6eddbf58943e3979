"""Parts of a conversation as content blocks of a request."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.sinks import json_text_of
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, FIELDS, OWN_ORIGIN
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.ids import ToolNames, portable_id
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.media import document_text, mime_of
from korproxy_addons.dialects.model import (
    CacheMarker,
    CompactionPart,
    MediaKind,
    MediaPart,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.payload import arguments_object, decode_payload
from korproxy_addons.errors.exceptions import KorProxyError

type Block = dict[str, Any]

_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF: Final = "application/pdf"
_LIFETIMES: Final = frozenset({"5m", "1h"})
_FEATURES: Final = {
    MediaKind.IMAGE: Feature.IMAGE,
    MediaKind.DOCUMENT: Feature.DOCUMENT,
    MediaKind.AUDIO: Feature.AUDIO,
    MediaKind.VIDEO: Feature.VIDEO,
}


class BlockEncoder:
    """
    Writes parts.

    Args:
        names: Tool names there and back.
        losses: Gets what cannot be said.
        image_urls: The upstream fetches images by itself.
    """

    __slots__ = ("_image_urls", "_losses", "_names")

    def __init__(self, names: ToolNames, losses: Losses, *, image_urls: bool) -> None:
        self._names = names
        self._losses = losses
        self._image_urls = image_urls

    def blocks(self, parts: Sequence[Part]) -> list[Block]:
        """The blocks of a turn; parts that say nothing give none."""
        found = (self._block(part) for part in parts)
        return [block for block in found if block is not None]

    def text(self, part: TextPart) -> Block:
        """A text block."""
        block: Block = {"type": "text", "text": part.text}
        citations = [one.raw for one in part.citations if one.origin == DIALECT_ID]
        if citations:
            block["citations"] = citations
        return marked(block, part.cache)

    def _block(self, part: Part) -> Block | None:
        if isinstance(part, TextPart):
            return self.text(part) if part.text.strip() else None
        if isinstance(part, ToolCallPart):
            return self._call(part)
        if isinstance(part, ToolResultPart):
            return self._result(part)
        if isinstance(part, ThinkingPart):
            return _thinking(part)
        if isinstance(part, MediaPart):
            return self._media(part)
        if isinstance(part, RefusalPart):
            return {"type": "text", "text": part.text} if part.text.strip() else None
        if isinstance(part, CompactionPart):
            state = part.state.data if part.state else ""
            return _native(Raw(json_text_of(state)))
        return _native(part.raw)

    def _call(self, part: ToolCallPart) -> Block:
        text = as_arguments(part.arguments) if part.custom else arguments_object(part.arguments)
        block: Block = {
            "type": "tool_use",
            "id": portable_id(part.call_id),
            "name": self._names.there(part.name),
            "input": Raw(json_text_of(text)),
        }
        return marked(block, part.cache)

    def _result(self, part: ToolResultPart) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": portable_id(part.call_id)}
        content: list[Block] = []
        for piece in part.content:
            if isinstance(piece, UnknownPart) and piece.origin != DIALECT_ID:
                self._losses.add(Feature.UNKNOWN_PART, piece.type)
                found = self._block(TextPart(piece.text))
            else:
                found = self._block(piece)
            content += [found] if found is not None else []
        if content:
            block["content"] = content
        if part.is_error:
            block["is_error"] = True
        return marked(block, part.cache)

    def _media(self, part: MediaPart) -> Block:
        if part.detail not in {"", "auto"}:
            self._losses.add(Feature.MEDIA_DETAIL, part.detail)
        if part.kind is MediaKind.IMAGE:
            source = self._image_source(part)
        elif part.kind is MediaKind.DOCUMENT:
            source = self._document_source(part)
        else:
            source = None
        if source is None:
            self._losses.add(_FEATURES[part.kind], f"{mime_of(part)} was left out")
            note: Block = {"type": "text", "text": f"[{part.kind}: {mime_of(part)}, left out]"}
            return marked(note, part.cache)
        block: Block = {"type": str(part.kind), "source": source}
        if part.kind is MediaKind.DOCUMENT:
            block |= {
                key: value
                for key, value in (("title", part.name), ("context", part.context))
                if value
            }
            if part.cite:
                block["citations"] = {"enabled": True}
        return marked(block, part.cache)

    def _image_source(self, part: MediaPart) -> Block | None:
        if part.base64:
            mime = mime_of(part)
            mime = "image/jpeg" if mime == "image/jpg" else mime
            return _base64(mime, part.base64) if mime in _IMAGES else None
        return self._elsewhere(part) if self._image_urls or part.file_id else None

    def _document_source(self, part: MediaPart) -> Block | None:
        if text := document_text(part):
            return {"type": "text", "media_type": "text/plain", "data": text}
        if not part.base64:
            return self._elsewhere(part)
        return _base64(_PDF, part.base64) if mime_of(part) == _PDF else None

    def _elsewhere(self, part: MediaPart) -> Block | None:
        if part.file_id and part.origin == OWN_ORIGIN:
            return {"type": "file", "file_id": part.file_id}
        if part.url.startswith(("https://", "http://")):
            return {"type": "url", "url": part.url}
        return None


def marked(block: Block, cache: CacheMarker | None) -> Block:
    """The block with its cache marker."""
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral"}
        if cache.ttl in _LIFETIMES:
            block["cache_control"]["ttl"] = cache.ttl
    return block


def _thinking(part: ThinkingPart) -> Block | None:
    if part.state is None:
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.state.data}
    return {"type": "thinking", "thinking": part.text, "signature": part.state.data}


def _native(raw: Raw) -> Block | None:
    """A block as it was, its fields apart, so that its cache marker can be seen."""
    try:
        block: Block = decode_payload(FIELDS, bytes(raw))
    except KorProxyError:
        return None
    return {
        key: value for key, value in block.items() if bytes(value) != b"null" or key == "content"
    }


def _base64(mime: str, data: str) -> Block:
    return {"type": "base64", "media_type": mime, "data": data}
