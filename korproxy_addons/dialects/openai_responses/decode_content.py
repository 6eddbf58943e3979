"""Content of messages and of results: text, media, refusals."""

from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.media import audio_mime, media_from_url
from korproxy_addons.dialects.model import (
    CacheMarker,
    MediaKind,
    MediaPart,
    RefusalPart,
    TextPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.request_wire import (
    IMAGE_URL,
    MARKER,
    PART,
    RAWS,
    WORDS,
    PartBody,
    decode_at,
)
from korproxy_addons.dialects.openai_responses.slots import decoded_citation
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN, given

type Content = TextPart | MediaPart | RefusalPart | UnknownPart

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_IMAGES: Final = frozenset({"input_image", "image_url", "computer_screenshot"})
_FILES: Final = frozenset({"input_file", "file"})


def decoded_content(content: str | list[Raw] | None, path: str) -> tuple[Content, ...]:
    """The parts of a message's content; a string is one text, "" and null are none (T148)."""
    if not content:
        return ()
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple(_part(raw, f"{path}[{index}]") for index, raw in enumerate(content))


def decoded_output(raw: Raw, path: str) -> tuple[TextPart | MediaPart | UnknownPart, ...]:
    """What a call gave back: text, parts, or any other JSON, which is taken as text (T68)."""
    if not given(raw):
        return ()
    start = bytes(raw)[:1]
    if start == b'"':
        text = decode_at(WORDS, raw, path)
        return (TextPart(text),) if text else ()
    if start != b"[" or not _has_parts(raw):
        return (TextPart(bytes(raw).decode("utf-8", "replace")),)
    return tuple(
        TextPart(part.text) if isinstance(part, RefusalPart) else part
        for part in decoded_content(decode_at(RAWS, raw, path), path)
    )


def marker_of(*raws: Raw) -> CacheMarker | None:
    """The cache marker that a field says, this dialect's own or Anthropic's (T92)."""
    for raw in raws:
        if given(raw):
            try:
                return CacheMarker(MARKER.decode(raw).ttl or "")
            except (ValueError, RecursionError):
                return CacheMarker()
    return None


def _has_parts(raw: Raw) -> bool:
    """Whether a list is one of content parts, and not just a list that a tool gave back."""
    try:
        return all(PART.decode(part).type for part in RAWS.decode(raw))
    except (ValueError, RecursionError):
        return b'"type"' in bytes(raw)


def _part(raw: Raw, path: str) -> Content:
    part = decode_at(PART, raw, path)
    kind = part.type or ""
    if part.text is not None and (kind in _TEXTS or not kind):
        return _text(part)
    if kind == "refusal":
        return RefusalPart(part.refusal or part.text or "")
    media: MediaPart | None = None
    if kind in _IMAGES:
        media = _image(part, path)
    elif kind in _FILES:
        media = _file(part)
    elif kind == "input_audio" and part.input_audio is not None:
        sound = part.input_audio
        mime = audio_mime(sound.format) if sound.format else ""
        media = MediaPart(MediaKind.AUDIO, mime=mime, base64=sound.data or "")
    if media is not None and (media.base64 or media.url or media.file_id):
        return media
    return UnknownPart(DIALECT_ID, kind, raw.copy(), part.text or "")


def _text(part: PartBody) -> TextPart:
    return TextPart(
        part.text or "",
        citations=tuple(decoded_citation(raw.copy()) for raw in part.annotations or ()),
        cache=marker_of(part.prompt_cache_breakpoint, part.cache_control),
    )


def _image(part: PartBody, path: str) -> MediaPart:
    cache = marker_of(part.prompt_cache_breakpoint, part.cache_control)
    detail = part.detail or ""
    if not given(part.image_url):
        file_id = part.file_id or ""
        return MediaPart(
            MediaKind.IMAGE, file_id=file_id, origin=ORIGIN, detail=detail, cache=cache
        )
    found = decode_at(IMAGE_URL, part.image_url, f"{path}.image_url")
    if not isinstance(found, str):
        found, detail = found.url, detail or found.detail or ""
    return media_from_url(found, MediaKind.IMAGE, detail=detail, cache=cache)


def _file(part: PartBody) -> MediaPart:
    cache = marker_of(part.prompt_cache_breakpoint, part.cache_control)
    name = part.filename or ""
    kind = MediaKind.DOCUMENT
    detail = part.detail or ""
    if part.file_data:
        data = part.file_data
        if data[:5].lower() != "data:":  # some clients leave the head out
            return MediaPart(kind, base64=data, name=name, detail=detail, cache=cache)
        return media_from_url(data, kind, name=name, detail=detail, cache=cache)
    if part.file_url:
        return media_from_url(part.file_url, kind, name=name, detail=detail, cache=cache)
    file_id = part.file_id or ""
    return MediaPart(kind, file_id=file_id, origin=ORIGIN, name=name, detail=detail, cache=cache)
