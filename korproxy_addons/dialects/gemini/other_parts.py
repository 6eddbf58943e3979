"""Parts that are neither words nor calls nor results: media, Google's own tools, and what is unknown."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.gemini.wire import DIALECT_ID, FIELDS, ORIGIN, Part, camel
from korproxy_addons.dialects.media import kind_of
from korproxy_addons.dialects.model import (
    MediaKind,
    MediaPart,
    ServerToolPart,
    UnknownPart,
    WebSearch,
)

SERVER_TOOLS: Final = frozenset(
    {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
)

GROUNDING: Final = "groundingMetadata"

# What stands on parts of all kinds, and makes none by itself.
_BESIDE: Final = frozenset(
    {
        "text", "thought", "thoughtSignature", "mediaResolution", "videoMetadata", "partMetadata",
        "functionCall", "functionResponse", "inlineData", "fileData",
    }
)  # fmt: skip
_OWN_FILES: Final = ("https://generativelanguage.googleapis.com/", "files/")
_RESOLUTION: Final = "MEDIA_RESOLUTION_"


class _Code(msgspec.Struct):
    language: str | None = None
    code: str | None = None
    output: str | None = None
    id: str | None = None


_CODE: Final = msgspec.json.Decoder(_Code)


def other_part(part: Part, raw: Raw) -> MediaPart | ServerToolPart | UnknownPart | None:
    """
    A part that is neither words nor a call nor a result; None for one that says nothing.

    Args:
        part: As decoded.
        raw: All of it.
    """
    media = media_part(part)
    if media is not None:
        return media
    try:
        fields = FIELDS.decode(raw)
        bytes(raw).decode()  # raw JSON is not checked when it is read
    except (ValueError, RecursionError):
        return None
    for name, value in fields.items():
        kind = camel(name)
        if kind in _BESIDE or bytes(value) == b"null":
            continue
        if kind in SERVER_TOOLS:
            words, call_id = _told(kind, value)
            return ServerToolPart(DIALECT_ID, ORIGIN, kind, call_id, raw.copy(), words)
        return UnknownPart(DIALECT_ID, kind, raw.copy())
    return None


def media_part(part: Part) -> MediaPart | None:
    """The media of a part, inside it or by address; None if it has none."""
    blob, file = part.inline_data, part.file_data
    detail = ""
    if part.media_resolution is not None and part.media_resolution.level:
        detail = part.media_resolution.level.removeprefix(_RESOLUTION).lower()
    if blob is not None and blob.data:
        mime = _mime(blob.mime_type)
        return MediaPart(
            kind_of(mime, MediaKind.DOCUMENT),
            mime=mime,
            base64=_standard(blob.data),
            name=blob.display_name or "",
            detail=detail,
        )
    if file is None or not file.file_uri:
        return None
    mime, uri = _mime(file.mime_type), file.file_uri
    own = uri.startswith(_OWN_FILES)
    return MediaPart(
        kind_of(mime, MediaKind.DOCUMENT),
        mime=mime,
        url="" if own else uri,
        file_id=uri if own else "",
        origin=ORIGIN if own else "",
        name=file.display_name or "",
        detail=detail,
    )


def media_json(part: MediaPart, mime: str) -> dict[str, Any]:
    """Media as a part on the wire; text of a document as text."""
    if part.text:
        return {"text": part.text}
    name = {"displayName": part.name} if part.name else {}
    if part.base64:
        return {"inlineData": {"mimeType": mime, "data": part.base64, **name}}
    kind = {"mimeType": mime} if part.mime else {}
    return {"fileData": {**kind, "fileUri": part.url or part.file_id, **name}}


def resolution_json(detail: str) -> dict[str, str] | None:
    """A part's `mediaResolution` for a detail that Google has a word for."""
    return {"level": _RESOLUTION + detail.upper()} if detail in {"low", "medium", "high"} else None


def search_part(search: WebSearch, origin: str) -> ServerToolPart:
    """Google's own search, which has no part on the wire: it is told of beside the parts."""
    queries = search.query.split("; ")
    raw = Raw(msgspec.json.encode({"webSearchQueries": queries}))
    return ServerToolPart(DIALECT_ID, origin, GROUNDING, "search_1", raw, search=search)


def _told(kind: str, value: Raw) -> tuple[str, str]:
    """What Google's tool did, in words for those who cannot read its JSON; and the id of its call."""
    try:
        form = _CODE.decode(value)
    except (ValueError, RecursionError):
        return "", ""
    if kind == "executableCode" and form.code:
        return f"```{(form.language or '').lower()}\n{form.code}\n```", form.id or ""
    if kind == "codeExecutionResult" and form.output:
        return f"```\n{form.output}\n```", form.id or ""
    return "", form.id or ""


def _mime(mime: str | None) -> str:
    return (mime or "").partition(";")[0].strip().lower()


def _standard(data: str) -> str:
    """Base64 in the standard alphabet: Google's SDKs also send the one for URLs, without padding."""
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)
