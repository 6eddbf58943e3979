"""A Gemini body to a `ChatRequest`, and the look ahead that routing needs."""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.gemini.decode_contents import ContentsReader, raws_at
from korproxy_addons.dialects.gemini.decode_settings import decode_settings
from korproxy_addons.dialects.gemini.decode_tools import (
    decode_tool_choice,
    decode_tools,
    fields_at,
    native_choice,
    text_at,
)
from korproxy_addons.dialects.gemini.wire import (
    ABSENT,
    DIALECT_ID,
    FIELDS,
    MODELS_PREFIX,
    Fields,
    camel,
)
from korproxy_addons.dialects.model import ChatRequest, Message, Role, TextPart
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import MODEL_MISSING, NOT_UTF8
from korproxy_addons.errors.exceptions import KorProxyError

# The body of a question for a count may hold the request under this name (T172).
_COUNTED: Final = "generateContentRequest"

_KNOWN: Final = frozenset(
    {
        "contents", "generationConfig", "model", "serviceTier", "sessionId", "systemInstruction",
        "toolConfig", "tools",
    }
)  # fmt: skip


class _Peeked(msgspec.Struct, rename="camel"):
    model: str | None = None
    session_id: str | None = None
    snake_session_id: str | None = msgspec.field(default=None, name="session_id")
    generate_content_request: "_Peeked | None" = None
    snake_request: "_Peeked | None" = msgspec.field(default=None, name="generate_content_request")


_PEEK: Final = msgspec.json.Decoder(_Peeked)
_TEXT: Final = msgspec.json.Decoder(str)


def peek_request(inbound: Inbound) -> Peek:
    """`base.Dialect.peek_request`: the model stands in the path, else in the body."""
    _check_utf8(inbound.body)
    peeked = decode_body(_PEEK, inbound.body)
    inner = peeked.generate_content_request or peeked.snake_request or peeked
    model = _model(inbound.path_model or inner.model or peeked.model or "")
    return Peek(
        model,
        stream=bool(inbound.path_stream),
        session=peeked.session_id or peeked.snake_session_id or "",
    )


def decode_request(inbound: Inbound) -> ChatRequest:
    """`base.Dialect.decode_request`, for requests for an answer and for a count."""
    _check_utf8(inbound.body)
    fields = _fields(inbound.body)
    tool_config = fields_at(fields["toolConfig"], "toolConfig") if "toolConfig" in fields else {}
    tools = decode_tools(fields.get("tools", ABSENT))
    settings = decode_settings(fields.get("generationConfig"))
    reader = ContentsReader()
    messages = reader.messages(raws_at(fields.get("contents", ABSENT), "contents"), "contents")
    system, spoken = _system(fields.get("systemInstruction"))
    native = {name: raw for name, raw in fields.items() if name not in _KNOWN}
    return ChatRequest(
        source=DIALECT_ID,
        model=_model(inbound.path_model or text_at(fields, "model", "")),
        messages=(*spoken, *messages),
        system=system,
        tools=tools,
        tool_choice=decode_tool_choice(tool_config) if tools else None,
        max_output_tokens=settings.max_output_tokens,
        stop=settings.stop,
        sampling=settings.sampling,
        reasoning=settings.reasoning,
        output=settings.output,
        stream=bool(inbound.path_stream),
        stream_usage=True,
        choices=settings.choices,
        logprobs=settings.logprobs,
        service_tier=text_at(fields, "serviceTier", "").lower(),
        modalities=settings.modalities,
        native={**native, **native_choice(tool_config), **settings.native, **reader.native},
    )


def _check_utf8(body: bytes) -> None:
    """Pieces of a body stay raw, and raw JSON is not checked when it is read."""
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise KorProxyError(NOT_UTF8, f"byte {error.start}") from None


def _fields(body: bytes) -> Fields:
    """The request's fields by their camelCase names; those of the inner request of a count."""
    fields = {
        camel(name): raw for name, raw in decode_body(FIELDS, body).items() if bytes(raw) != b"null"
    }
    if _COUNTED in fields:
        return fields_at(fields[_COUNTED], _COUNTED)
    return fields


def _model(name: str) -> str:
    model = name.removeprefix(MODELS_PREFIX)
    if not model:
        raise KorProxyError(MODEL_MISSING, param="model")
    return model


def _system(raw: Raw | None) -> tuple[tuple[TextPart, ...], tuple[Message, ...]]:
    """The system text; one with other things than text becomes a system message."""
    if raw is None:
        return (), ()
    if bytes(raw)[:1] == b'"':
        return (TextPart(decode_body(_TEXT, bytes(raw))),), ()
    if bytes(raw)[:1] != b"{":
        raise field_invalid("systemInstruction", "expected a content with parts")
    fields = {**fields_at(raw, "systemInstruction"), "role": Raw(b'"system"')}
    content = Raw(msgspec.json.encode(fields))
    messages = ContentsReader().content(content, "systemInstruction")
    parts = [part for message in messages for part in message.parts]
    texts = [part for part in parts if isinstance(part, TextPart)]
    if len(texts) == len(parts):
        return tuple(texts), ()
    return (), tuple(Message(Role.SYSTEM, message.parts) for message in messages)
