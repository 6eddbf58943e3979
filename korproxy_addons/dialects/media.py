"""Media between the dialects: data URLs, media types, file names (T124, T126)."""

import re
from base64 import b64decode, b64encode
from binascii import a2b_base64
from typing import Final
from urllib.parse import unquote_to_bytes

from korproxy_addons.dialects.model import CacheMarker, MediaKind, MediaPart

_SNIFF_CHARACTERS: Final = 64
_WEBP_MARK: Final = slice(8, 12)
# First bytes to media type, longest first where one begins another.
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)
_AUDIO_FORMATS: Final = {
    "mp3": "audio/mpeg",
    "mpeg": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "pcm16": "audio/pcm",
}
_EXTENSIONS: Final = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/html": "html",
    "text/csv": "csv",
    "application/json": "json",
    "image/jpeg": "jpg",
    "audio/mpeg": "mp3",
}
_TEXTS: Final = frozenset({"application/json", "application/xml", "application/javascript"})
_NOT_BASE64: Final = re.compile(r"[\s]+")


def media_from_url(
    url: str,
    kind: MediaKind,
    *,
    name: str = "",
    detail: str = "",
    cache: CacheMarker | None = None,
) -> MediaPart:
    """
    The part for a URL: a data URL becomes its content, any other stays a URL.

    The media type of a data URL is sniffed where it is absent; the kind follows the type where the two
    contradict each other (a PDF in `image_url`).
    """
    if url[:5].lower() != "data:":
        return MediaPart(kind, url=url, name=name, detail=detail, cache=cache)
    head, _, content = url[5:].partition(",")
    words = [word.strip() for word in head.split(";")]
    if "base64" in (word.lower() for word in words[1:]) or words[0].lower() == "base64":
        data = _NOT_BASE64.sub("", content)
        if "%" in data:
            data = unquote_to_bytes(data).decode("ascii", "ignore")
    else:
        data = b64encode(unquote_to_bytes(content)).decode()
    mime = words[0].lower() if "/" in words[0] else sniffed_mime(data)
    return MediaPart(
        kind_of(mime, kind), mime=mime, base64=data, name=name, detail=detail, cache=cache
    )


def data_url(part: MediaPart) -> str:
    """
    A data URL of the part's content, or its URL.

    Raises:
        ValueError: The part has neither (a file id).
    """
    if part.url:
        return part.url
    if part.text:
        return f"data:{part.mime or 'text/plain'};base64,{b64encode(part.text.encode()).decode()}"
    if not part.base64:
        raise ValueError("no content and no URL")
    return f"data:{mime_of(part)};base64,{part.base64}"


def mime_of(part: MediaPart) -> str:
    """The part's media type: stated, else sniffed, else the usual one of its kind."""
    if part.mime:
        return part.mime
    if part.text:
        return "text/plain"
    return (
        sniffed_mime(part.base64)
        or {
            MediaKind.IMAGE: "image/png",
            MediaKind.DOCUMENT: "application/pdf",
            MediaKind.AUDIO: "audio/wav",
            MediaKind.VIDEO: "video/mp4",
        }[part.kind]
    )


def sniffed_mime(base64: str) -> str:
    """The media type that the content's first bytes show, "" if they show none."""
    head = base64[:_SNIFF_CHARACTERS]
    try:
        data = a2b_base64(head[: len(head) // 4 * 4])
    except ValueError:
        return ""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[_WEBP_MARK], "")
    return "video/mp4" if data[4:8] == b"ftyp" else ""


def kind_of(mime: str, otherwise: MediaKind) -> MediaKind:
    """The kind of a media type; `otherwise` for "" and for types that say nothing."""
    family = mime.partition("/")[0]
    if family in {"image", "audio", "video"}:
        return MediaKind(family)
    if family == "text" or mime in {"application/pdf", "application/json"}:
        return MediaKind.DOCUMENT
    return otherwise


def audio_mime(audio_format: str) -> str:
    """The media type of an OpenAI audio format ("wav", "mp3")."""
    return _AUDIO_FORMATS.get(audio_format.lower(), f"audio/{audio_format.lower()}")


def audio_format(mime: str) -> str:
    """The OpenAI audio format of a media type, "" if there is none."""
    plain = {"audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/mp3": "audio/mpeg"}
    mime = plain.get(mime, mime)
    return next((name for name, known in _AUDIO_FORMATS.items() if known == mime), "")


def file_name(part: MediaPart) -> str:
    """The part's name, or one made of kind and media type: always the same for the same part."""
    if part.name:
        return part.name
    mime = mime_of(part)
    return f"{part.kind}.{_EXTENSIONS.get(mime, mime.partition('/')[2] or 'bin')}"


def document_text(part: MediaPart) -> str:
    """The words of a document that is text, however it is packed; "" where it is none, or cannot be read."""
    if part.text or part.kind is not MediaKind.DOCUMENT or not part.base64:
        return part.text
    mime = mime_of(part)
    if not (mime.startswith("text/") or mime in _TEXTS):
        return ""
    try:
        return b64decode(part.base64).decode()
    except ValueError:
        return ""
