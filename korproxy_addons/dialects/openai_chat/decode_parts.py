"""Parts of a Chat message's content: Chat's own, and those of Anthropic and Responses that clients mix in (T18)."""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.ids import made_id, restored_id
from korproxy_addons.dialects.media import audio_mime, media_from_url, sniffed_mime
from korproxy_addons.dialects.model import (
    CacheMarker,
    MediaKind,
    MediaPart,
    Opaque,
    Part,
    RefusalPart,
    ResultContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import unsealed
from korproxy_addons.dialects.openai_chat.at_path import decode_at
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID, cache_marker
from korproxy_addons.dialects.openai_chat.wire import (
    PART,
    TEXT_OR_PARTS,
    FileWire,
    PartWire,
    SourceWire,
    is_set,
    is_text,
)
from korproxy_addons.dialects.payload import arguments_text, field_invalid

OPENAI: Final = "openai"  # the service that `file_id` on this wire belongs to
_ANTHROPIC: Final = "anthropic"
_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_PDF: Final = "application/pdf"
_STRING: Final = msgspec.json.Decoder(str)


def decode_content(content: str | list[Raw] | None, path: str, place: int) -> tuple[Part, ...]:
    """
    The parts of a `content`; () for an absent, null or empty one.

    Args:
        content: As on the wire.
        path: Where it stands.
        place: The message's number, for ids of calls that have none.
    Raises:
        KorProxyError: FIELD_INVALID.
    """
    if not content:
        return ()
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple(
        _part(raw, f"{path}[{number}]", (place, number)) for number, raw in enumerate(content)
    )


def decode_result(content: str | list[Raw] | None, path: str) -> tuple[ResultContent, ...]:
    """The content of a tool's result (T68)."""
    return tuple(
        part if isinstance(part, TextPart | MediaPart | UnknownPart) else _as_result(part)
        for part in decode_content(content, path, 0)
    )


def arguments_of(raw: Raw, path: str) -> str:
    """A call's arguments, which some servers' clients send as an object instead of its text."""
    if not is_set(raw):
        return "{}"
    text = bytes(raw)
    return arguments_text(decode_at(_STRING, raw, path)) if text[:1] == b'"' else text.decode()


def state_of(text: str | None, origin: str) -> Opaque | None:
    """State that stands at a place of `origin`'s, unless it is sealed state of another service."""
    if not text:
        return None
    return unsealed(text) or Opaque(origin, text)


def _part(raw: Raw, path: str, ids: tuple[int, int]) -> Part:
    if is_text(raw):
        return TextPart(decode_at(_STRING, raw, path))
    wire = decode_at(PART, raw, path)
    kind = wire.type or ("text" if wire.text is not None else "")
    marker = cache_marker(wire.cache_control)
    if kind in _TEXTS:
        return TextPart(wire.text or "", cache=marker)
    if kind == "refusal":
        return RefusalPart(wire.refusal or wire.text or "")
    found = _media(wire, kind, marker, path) or _block(wire, kind, path, ids)
    if found is not None:
        return found
    return UnknownPart(DIALECT_ID, kind, Raw(bytes(raw)), wire.text or "")


def _media(wire: PartWire, kind: str, marker: CacheMarker | None, path: str) -> MediaPart | None:
    if kind in {"image_url", "input_image", "video_url", "input_video"}:
        sort = MediaKind.VIDEO if "video" in kind else MediaKind.IMAGE
        place = wire.image_url or wire.video_url
        if place is None and wire.file_id:
            return MediaPart(
                sort, file_id=wire.file_id, origin=OPENAI, detail=wire.detail or "", cache=marker
            )
        url = place if isinstance(place, str) else place.url if place else ""
        if not url:
            raise field_invalid(f"{path}.{kind}", "a URL")
        detail = (None if isinstance(place, str) or place is None else place.detail) or wire.detail
        return media_from_url(url, sort, detail=detail or "", cache=marker)
    if kind == "input_audio":
        audio = wire.input_audio
        if audio is None:
            raise field_invalid(f"{path}.input_audio", "an object")
        mime = audio_mime(audio.format) if audio.format else sniffed_mime(audio.data)
        return MediaPart(
            MediaKind.AUDIO, mime=mime, base64=audio.data.rpartition(",")[2], cache=marker
        )
    if kind in {"file", "input_file"}:
        file = wire.file or FileWire(wire.file_data, wire.file_id, wire.filename)
        return _file(file, wire.file_url, marker, path)
    if kind in {"image", "document"} and wire.source is not None:
        return _source(wire, wire.source, kind, marker, path)
    return None


def _file(file: FileWire, url: str | None, marker: CacheMarker | None, path: str) -> MediaPart:
    name = file.filename or ""
    data = file.file_data or ""
    if data[:5].lower() == "data:" or url:
        return media_from_url(data or url or "", MediaKind.DOCUMENT, name=name, cache=marker)
    if data:
        mime = sniffed_mime(data) or _PDF
        return MediaPart(MediaKind.DOCUMENT, mime=mime, base64=data, name=name, cache=marker)
    if file.file_id:
        return MediaPart(
            MediaKind.DOCUMENT, file_id=file.file_id, origin=OPENAI, name=name, cache=marker
        )
    raise field_invalid(f"{path}.file", "file_data or file_id")


def _source(
    wire: PartWire, source: SourceWire, kind: str, marker: CacheMarker | None, path: str
) -> MediaPart:
    """An image or document in Anthropic's form."""
    sort = MediaKind.IMAGE if kind == "image" else MediaKind.DOCUMENT
    name, context = wire.title or "", wire.context or ""
    mime = (source.media_type or "").lower()
    if source.url:
        return media_from_url(source.url, sort, name=name, cache=marker)
    if source.file_id:
        return MediaPart(
            sort, mime, file_id=source.file_id, origin=_ANTHROPIC, name=name, cache=marker
        )
    if source.data and source.type == "text":
        return MediaPart(sort, mime, text=source.data, name=name, context=context, cache=marker)
    if source.data:
        mime = mime or sniffed_mime(source.data)
        return MediaPart(sort, mime, source.data, name=name, context=context, cache=marker)
    raise field_invalid(f"{path}.source", "data, url or file_id")


def _block(wire: PartWire, kind: str, path: str, ids: tuple[int, int]) -> Part | None:
    """Thinking, calls and results in Anthropic's form; thinking in Mistral's."""
    if kind == "thinking":
        return ThinkingPart(_thinking(wire.thinking, path), state_of(wire.signature, _ANTHROPIC))
    if kind == "redacted_thinking":
        return ThinkingPart("", state_of(wire.data, _ANTHROPIC), redacted=True)
    if kind == "tool_use":
        if not wire.name:
            raise field_invalid(f"{path}.name", "the name of a tool")
        call_id = restored_id(wire.id) if wire.id else made_id(*ids)
        arguments = arguments_of(wire.input, f"{path}.input")
        marker = cache_marker(wire.cache_control)
        return ToolCallPart(call_id, wire.name, arguments, cache=marker)
    if kind == "tool_result":
        if not wire.tool_use_id:
            raise field_invalid(f"{path}.tool_use_id", "the id of a call")
        content = (
            decode_at(TEXT_OR_PARTS, wire.content, f"{path}.content")
            if is_set(wire.content)
            else None
        )
        return ToolResultPart(
            restored_id(wire.tool_use_id),
            decode_result(content, f"{path}.content"),
            is_error=bool(wire.is_error),
            cache=cache_marker(wire.cache_control),
        )
    return None


def _thinking(raw: Raw, path: str) -> str:
    if not is_set(raw):
        return ""
    content = decode_at(TEXT_OR_PARTS, raw, f"{path}.thinking")
    parts = decode_content(content, f"{path}.thinking", 0)
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def _as_result(part: Part) -> ResultContent:
    """What no result can hold, as its words."""
    text = part.text if isinstance(part, RefusalPart | ThinkingPart) else ""
    return TextPart(text)
