"""Takes sealed state of other services out of a body that otherwise passes as it is."""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_contents import raws_at
from korproxy_addons.dialects.gemini.wire import ABSENT, FIELDS, NO_SIGNATURE, Fields, camel
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.payload import decode_body

_SIGNATURE: Final = "thoughtSignature"
_REQUEST: Final = "generateContentRequest"


def without_sealed(body: bytes) -> bytes:
    """`base.Dialect.without_sealed`; a body in which nothing is found stays the same bytes."""
    return _request(body, counted=True)


def _request(body: bytes, *, counted: bool) -> bytes:
    """A request; `counted`: another may stand inside it, as questions for a count have it."""
    fields = decode_body(FIELDS, body)
    changed = False
    for name, raw in fields.items():
        inside = bytes(raw)
        if SEAL not in inside:
            continue
        if counted and camel(name) == _REQUEST and inside[:1] == b"{":
            fields[name] = Raw(_request(inside, counted=False))
            changed = True
        elif name == "contents" and inside[:1] in {b"[", b"{"}:
            fields[name] = _contents(raw)
            changed = True
    return msgspec.json.encode(fields) if changed else body


def _contents(raw: Raw) -> Raw:
    kept: list[Raw] = []
    for content in raws_at(raw, "contents"):
        if SEAL not in bytes(content) or bytes(content)[:1] != b"{":
            kept.append(content)
            continue
        fields = decode_body(FIELDS, bytes(content))
        parts = fields.get("parts", ABSENT)
        if bytes(parts)[:1] not in {b"[", b"{"}:
            kept.append(content)
            continue
        left = [part for each in raws_at(parts, "parts") if (part := _part(each))]
        if left:
            fields["parts"] = Raw(msgspec.json.encode(left))
            kept.append(Raw(msgspec.json.encode(fields)))
    return Raw(msgspec.json.encode(kept))


def _part(raw: Raw) -> Raw | None:
    """The part without a sealed signature; None where nothing is left of it (T71)."""
    if SEAL not in bytes(raw) or bytes(raw)[:1] != b"{":
        return raw
    fields = decode_body(FIELDS, bytes(raw))
    names = [name for name in fields if camel(name) == _SIGNATURE and _is_sealed(fields[name])]
    if not names:
        return raw
    for name in names:
        del fields[name]
    said = {camel(name): value for name, value in fields.items()}
    if bytes(said.get("thought", Raw(b"false"))) == b"true" or not _says(said):
        return None
    if "functionCall" in said:
        # a call by another model: Gemini refuses it without a signature or this word (T77)
        fields[names[0]] = Raw(f'"{NO_SIGNATURE}"'.encode())
    return Raw(msgspec.json.encode(fields))


def _is_sealed(value: Raw) -> bool:
    return bytes(value).startswith(b'"' + SEAL)


def _says(fields: Fields) -> bool:
    return any(
        bytes(value) not in {b"null", b'""'} for name, value in fields.items() if name != "thought"
    )
