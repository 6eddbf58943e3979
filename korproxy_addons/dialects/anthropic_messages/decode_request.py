"""Reads a request of the Messages API."""

from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.decode_parts import system_parts, turn_parts
from korproxy_addons.dialects.anthropic_messages.decode_tools import decoded_choice, decoded_tools
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, FIELDS, given
from korproxy_addons.dialects.anthropic_messages.wire_request import (
    KNOWN_FIELDS,
    PEEK,
    REQUEST,
    WireFormat,
    WireRequest,
)
from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import (
    ChatRequest,
    FormatKind,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    ThinkingMode,
)
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import MODEL_MISSING, NOT_UTF8
from korproxy_addons.errors.exceptions import KorProxyError

_ROLES: Final = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,  # inside `messages`: newer clients (T07)
    "developer": Role.DEVELOPER,
}
_MODES: Final = {
    "enabled": ThinkingMode.BUDGET,
    "adaptive": ThinkingMode.ADAPTIVE,
    "auto": ThinkingMode.ADAPTIVE,
    "disabled": ThinkingMode.DISABLED,
}
# Objects of which some fields are known: the others are kept under their dotted path.
_NESTED: Final = {
    "output_config": frozenset({"effort", "format"}),
    "metadata": frozenset({"user_id"}),
}


def peek_request(inbound: Inbound) -> Peek:
    """Model and stream; see `base.Dialect`."""
    request = decode_body(PEEK, inbound.body)
    if not request.model:
        raise KorProxyError(MODEL_MISSING, param="model")
    session = (request.metadata.user_id if request.metadata else None) or ""
    return Peek(request.model, request.stream or False, session)


def decode_request(inbound: Inbound) -> ChatRequest:
    """The whole request; see `base.Dialect`."""
    body = inbound.body
    _check_utf8(body)
    wire = decode_body(REQUEST, body)
    fields = decode_body(FIELDS, body)
    tools = decoded_tools(wire.tools)
    choice, parallel = decoded_choice(wire.tool_choice, tools)
    return ChatRequest(
        source=DIALECT_ID,
        model=wire.model or "",
        messages=_messages(wire),
        system=system_parts(wire.system),
        tools=tools,
        tool_choice=choice,
        parallel=parallel,
        max_output_tokens=wire.max_tokens,
        stop=tuple(wire.stop_sequences or ()),
        sampling=Sampling(wire.temperature, wire.top_p, wire.top_k),
        reasoning=_reasoning(wire),
        output=_output(wire),
        stream=wire.stream or False,
        stream_usage=True,
        user=(wire.metadata.user_id if wire.metadata else None) or "",
        service_tier=wire.service_tier or "",
        native=_native(wire, fields),
    )


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise KorProxyError(NOT_UTF8, f"byte {error.start}") from None


def _messages(wire: WireRequest) -> tuple[Message, ...]:
    messages = []
    for place, turn in enumerate(wire.messages):
        role = _ROLES.get(turn.role)
        if role is None:
            raise field_invalid(f"messages[{place}].role", "expected user, assistant or system")
        parts = turn_parts(turn.content, f"messages[{place}].content")
        messages.append(Message(role, parts))
    return tuple(messages)


def _reasoning(wire: WireRequest) -> Reasoning | None:
    effort = (wire.output_config.effort if wire.output_config else None) or ""
    thinking = wire.thinking
    mode = _MODES.get(thinking.type or "") if thinking is not None else None
    if thinking is None or mode is None:
        return Reasoning(effort=effort) if effort else None
    if mode is ThinkingMode.DISABLED:
        return Reasoning(mode, effort)
    budget = thinking.budget_tokens
    if mode is ThinkingMode.BUDGET and budget is None:
        mode = ThinkingMode.ADAPTIVE
    # A client that turns thinking on shows it; an explicit wish is told apart from the default by `summary`.
    return Reasoning(
        mode,
        effort,
        budget if mode is ThinkingMode.BUDGET else None,
        summary="auto" if thinking.display == "summarized" else "",
        show=thinking.display != "omitted",
    )


def _output(wire: WireRequest) -> OutputFormat | None:
    form: WireFormat | None = wire.output_config.format if wire.output_config else None
    form = form or wire.output_format
    if form is None or form.type != "json_schema":
        return None
    return OutputFormat(FormatKind.SCHEMA, form.schema if given(form.schema) else None)


def _native(wire: WireRequest, fields: dict[str, Raw]) -> dict[str, Raw]:
    native = {name: raw for name, raw in fields.items() if name not in KNOWN_FIELDS and given(raw)}
    for name, known in _NESTED.items():
        raw = fields.get(name)
        if raw is not None and given(raw):
            inner = decode_body(FIELDS, bytes(raw))
            native |= {
                f"{name}.{key}": value
                for key, value in inner.items()
                if key not in known and given(value)
            }
    if wire.thinking is not None and (wire.thinking.type or "") not in _MODES:
        native["thinking"] = fields["thinking"]
    return native
