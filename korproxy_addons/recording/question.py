"""What a recorded request asks for, in no one's dialect: so that two of different dialects can be compared."""

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import fields

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.errors.exceptions import KorProxyError

type Json = dict[str, Any]

# Where it came from is no part of what it asks for; whether usage is told follows from the dialect.
_NOT_ASKED = frozenset(("source", "system", "messages", "stream_usage"))

_CAPITAL = re.compile("(?<!^)(?=[A-Z])")


def asked_in(dialect_id: str, body: str, *, model: str, streamed: bool) -> Json | None:
    """
    What a request asks for, as one JSON value; None if it cannot be read as a request of its dialect.

    `conversation` is a flat list: dialects put the same parts into messages in different ways.

    Args:
        dialect_id: Dialect of the request.
        body: Its JSON.
        model: Model that it names, where the dialect has it in the path.
        streamed: Whether a stream is asked for, where the dialect has that in the path.
    """
    inbound = Inbound(body.encode("utf-8", "replace"), path_model=model, path_stream=streamed)
    try:
        request = dialect(dialect_id).decode_request(inbound)
    except (KeyError, KorProxyError):
        return None
    asked = {name: it for name, it in _plain(request).items() if name not in _NOT_ASKED}
    return {**asked, "conversation": list(_conversation(request))}


def out_of_envelope(value: Any) -> Any:
    """The request in Code Assist's envelope; any other value as it is."""
    if isinstance(value, dict) and "contents" not in value:
        inner = value.get("request")
        if isinstance(inner, dict) and "contents" in inner:
            return inner
    return value


def _conversation(request: ChatRequest) -> Iterator[Json]:
    for text in request.system:
        yield {"role": "system", **_part(text)}
    for message in request.messages:
        for part in message.parts:
            name = {"speaker": message.name} if message.name else {}
            yield {"role": str(message.role), **name, **_part(part)}


def _part(part: Struct) -> Json:
    kind = _CAPITAL.sub("_", type(part).__name__.removesuffix("Part")).lower()
    said: Json = _plain(part)
    return said if kind == "text" else {"kind": kind, **said}


def _plain(value: Any) -> Any:
    """A value as JSON has it; of structs, only what is said."""
    match value:
        case Raw():
            return _read(bytes(value))
        case Struct():
            said = ((it.name, getattr(value, it.name), it.default) for it in fields(value))
            return {
                name: _plain(it)
                for name, it, default in said
                if it != default and it not in ((), {}, None)
            }
        case dict():
            return {name: _plain(it) for name, it in value.items()}
        case list() | tuple() | frozenset():
            return [_plain(it) for it in value]
        case str():
            return str(value)
        case _:
            return value


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")
