"""Content blocks of a request to parts."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.carried import state_of, with_thinking
from korproxy_addons.dialects.anthropic_messages.reply_blocks import citation_of
from korproxy_addons.dialects.anthropic_messages.wire import (
    BLOCK_TYPE,
    DIALECT_ID,
    OWN_ORIGIN,
    given,
    is_server_tool,
    raw_text,
)
from korproxy_addons.dialects.anthropic_messages.wire_request import (
    BLOCK,
    CITATIONS_CONFIG,
    RAWS,
    WireBlock,
    WireCache,
    WireSource,
)
from korproxy_addons.dialects.ids import restored_id
from korproxy_addons.dialects.model import (
    CacheMarker,
    Citation,
    CompactionPart,
    MediaKind,
    MediaPart,
    Opaque,
    Part,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import SEAL, unsealed
from korproxy_addons.dialects.parts import ResultContent
from korproxy_addons.dialects.payload import arguments_object, decode_body, field_invalid
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError

_MEDIA: Final = {"image": MediaKind.IMAGE, "document": MediaKind.DOCUMENT}
_KNOWN: Final = frozenset(
    {"text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result"}
)
_ANY: Final = msgspec.json.Decoder()
_WORDS_LIMIT: Final = 4000
_WORDS_DEPTH: Final = 4


def turn_parts(content: str | Sequence[Raw] | None, path: str) -> tuple[Part, ...]:
    """
    The parts of one message.

    Args:
        content: As on the wire.
        path: Where it stands ("messages[0].content").
    Raises:
        KorProxyError: FIELD_INVALID, with the field's whole path.
    """
    if content is None:
        return ()
    if isinstance(content, str):
        return (TextPart(content),) if content else ()
    parts: list[Part] = []
    for place, raw in enumerate(content):
        part = _part(raw, f"{path}[{place}]")
        if isinstance(part, ThinkingPart):
            parts = with_thinking(parts, part)
        else:
            parts.append(part)
    return tuple(parts)


def system_parts(system: str | Sequence[Raw] | None) -> tuple[TextPart, ...]:
    """
    The system text, block by block (T08).

    Raises:
        KorProxyError: FIELD_INVALID, a block is no text.
    """
    if isinstance(system, str):
        return (TextPart(system),) if system else ()
    parts = []
    for place, raw in enumerate(system or ()):
        part = _part(raw, f"system[{place}]")
        if not isinstance(part, TextPart):
            raise field_invalid(f"system[{place}].type", "expected a text block")
        parts.append(part)
    return tuple(parts)


def cache_marker(cache: WireCache | None) -> CacheMarker | None:
    """A cache marker, if there is one."""
    return None if cache is None else CacheMarker(cache.ttl or "")


def decoded_at[T](decoder: msgspec.json.Decoder[T], raw: Raw, path: str) -> T:
    """
    A value inside a request.

    Raises:
        KorProxyError: As `decode_body`, the path in front of that of the field.
    """
    try:
        return decode_body(decoder, bytes(raw))
    except KorProxyError as error:
        if error.spec is not FIELD_INVALID:
            raise
        inner = error.param or ""
        where = path + (inner if inner.startswith("[") or not inner else f".{inner}")
        what = error.detail.removeprefix(f"{inner}: ") if inner else error.detail
        raise field_invalid(where, what) from None


def _part(raw: Raw, path: str) -> Part:
    kind = decoded_at(BLOCK_TYPE, raw, path).type or ""
    if not kind:
        raise field_invalid(f"{path}.type", "expected a string")
    if kind not in _KNOWN:
        return _other(kind, raw)
    block = decoded_at(BLOCK, raw, path)
    cache = cache_marker(block.cache_control)
    if kind == "text":
        return TextPart(_needed(block.text, f"{path}.text"), _citations(block), cache)
    if kind == "thinking":
        return ThinkingPart(block.thinking or "", state_of(block.signature or ""))
    if kind == "redacted_thinking":
        return ThinkingPart("", state_of(_needed(block.data, f"{path}.data")), redacted=True)
    if kind == "tool_use":
        return ToolCallPart(
            restored_id(_filled(block.id, f"{path}.id")),
            _filled(block.name, f"{path}.name"),
            arguments_object(raw_text(block.input) if given(block.input) else ""),
            cache=cache,
        )
    if kind == "tool_result":
        return ToolResultPart(
            restored_id(_filled(block.tool_use_id, f"{path}.tool_use_id")),
            _result_content(block.content, f"{path}.content"),
            is_error=block.is_error or False,
            cache=cache,
        )
    return _media(kind, block, raw, path)


def _needed(value: str | None, path: str) -> str:
    if value is None:
        raise field_invalid(path, "expected a string")
    return value


def _filled(value: str | None, path: str) -> str:
    if not value:
        raise field_invalid(path, "expected a string that is not empty")
    return value


def _result_content(content: str | list[Raw] | None, path: str) -> tuple[ResultContent, ...]:
    if isinstance(content, str):
        return (TextPart(content),) if content else ()
    parts: list[ResultContent] = []
    for place, raw in enumerate(content or ()):
        part = _part(raw, f"{path}[{place}]")
        if isinstance(part, TextPart | MediaPart | UnknownPart):
            parts.append(part)
        else:
            kind = decoded_at(BLOCK_TYPE, raw, path).type or ""
            parts.append(UnknownPart(DIALECT_ID, kind, raw, _said(raw)))
    return tuple(parts)


def _citations(block: WireBlock) -> tuple[Citation, ...]:
    if not given(block.citations):
        return ()
    try:
        raws = decode_body(RAWS, bytes(block.citations))
    except KorProxyError:
        return ()
    found = (citation_of(raw) for raw in raws)
    # those with a sealed index are ours (`part_writers.py`): Anthropic could not read them
    return tuple(one for one in found if SEAL not in bytes(one.raw))


def _media(kind: str, block: WireBlock, raw: Raw, path: str) -> Part:
    source = block.source
    if source is None:
        raise field_invalid(f"{path}.source", "expected an object")
    if isinstance(source.content, list):  # a document cut into pieces by the client
        return UnknownPart(DIALECT_ID, kind, raw, _said(raw))
    content = _content(source)
    if content is None:
        return UnknownPart(DIALECT_ID, kind, raw, block.title or "")
    cite = False
    if kind == "document" and given(block.citations):
        config = decoded_at(CITATIONS_CONFIG, block.citations, f"{path}.citations")
        cite = config.enabled or False
    return MediaPart(
        _MEDIA[kind],
        mime=(source.media_type or "").partition(";")[0].strip().lower(),
        name=block.title or "",
        context=block.context or "",
        cite=cite,
        cache=cache_marker(block.cache_control),
        base64=content.get("base64", ""),
        url=content.get("url", ""),
        file_id=content.get("file_id", ""),
        origin=content.get("origin", ""),
        text=content.get("text", ""),
    )


def _content(source: WireSource) -> dict[str, str] | None:
    """The fields of `MediaPart` that hold a source's content; None for a source that nobody knows."""
    if source.file_id:
        return {"file_id": source.file_id, "origin": OWN_ORIGIN}
    if source.url:
        return {"url": source.url}
    if source.type == "text" and source.data is not None:
        return {"text": source.data}
    if isinstance(source.content, str):
        return {"text": source.content}
    return None if source.data is None else {"base64": source.data}


def _other(kind: str, raw: Raw) -> Part:
    if is_server_tool(kind):
        fields = decoded_at(_LOOSE, raw, kind)
        call_id = next(
            (v for k in ("tool_use_id", "id") if isinstance(v := fields.get(k), str)), ""
        )
        # a call says nothing by itself; its result does
        text = _said(raw) if kind.endswith("_tool_result") else ""
        return ServerToolPart(DIALECT_ID, OWN_ORIGIN, kind, call_id, raw, text)
    if kind == "compaction":
        fields = decoded_at(_LOOSE, raw, kind)
        content = fields.get("content")
        # without blanks, which get lost on the way: the state is the same however often it has gone round
        state = raw_text(Raw(msgspec.json.format(bytes(raw), indent=-1)))
        return CompactionPart(
            content if isinstance(content, str) else "", Opaque(OWN_ORIGIN, state)
        )
    return UnknownPart(DIALECT_ID, kind, raw, _said(raw))


def _said(raw: Raw) -> str:
    """What a block of a type without meaning elsewhere says in words: titles, addresses, texts, output."""
    try:
        value = decode_body(_ANY, bytes(raw))
    except KorProxyError:
        return ""
    words: list[str] = []
    _collect(value, words, 0)
    return "\n".join(words)[:_WORDS_LIMIT]


def _collect(value: Any, words: list[str], depth: int) -> None:
    if depth > _WORDS_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            _collect(item, words, depth + 1)
    elif isinstance(value, dict):
        for key in _SAYING:
            inner = value.get(key)
            if isinstance(inner, str):
                words += [inner] if inner and unsealed(inner) is None else []
            elif inner is not None:
                _collect(inner, words, depth + 1)


_LOOSE: Final = msgspec.json.Decoder(dict[str, Any])
# Fields that hold words for people, in the order in which they are told.
_SAYING: Final = (
    "title",
    "url",
    "text",
    "stdout",
    "stderr",
    "error_code",
    "tool_name",
    "source",
    "content",
)
