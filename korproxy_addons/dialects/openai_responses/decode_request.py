"""A client's request to the canonical one."""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import (
    ChatRequest,
    Continuation,
    FormatKind,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.decode_items import Items
from korproxy_addons.dialects.openai_responses.decode_tools import Toolbox, decoded_choice
from korproxy_addons.dialects.openai_responses.request_wire import (
    CONVERSATION,
    PEEK,
    REASONING,
    REQUEST,
    SETTINGS,
    TEXT,
    FormatBody,
    RequestBody,
    decode_at,
    rest_of,
)
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, given
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import MODEL_MISSING, NOT_UTF8
from korproxy_addons.errors.exceptions import KorProxyError

ENCRYPTED: Final = "reasoning.encrypted_content"
LOGPROBS: Final = "message.output_text.logprobs"
PHASES: Final = "input.phase"  # native: `phase` of the assistant's messages, in order
NAMESPACES: Final = "tools.namespaces"  # native: descriptions of namespaces, by name
_REASONING_FIELDS: Final = frozenset({"effort", "summary", "generate_summary"})
_TEXT_FIELDS: Final = frozenset({"format", "verbosity"})
_DISABLED: Final = "none"


def peeked(inbound: Inbound) -> Peek:
    """Model, stream and session; a Chat body is recognised by its `messages` (T18)."""
    body = decode_body(PEEK, inbound.body)
    model = body.model or inbound.path_model
    if not model:
        raise KorProxyError(MODEL_MISSING, param="model")
    is_chat = given(body.messages) and not given(body.input)
    return Peek(
        model,
        stream=bool(body.stream),
        session=body.prompt_cache_key or "",
        body_dialect="openai-chat" if is_chat else "",
    )


def decoded_request(inbound: Inbound) -> ChatRequest:
    """The whole request; see `base.Dialect.decode_request`."""
    if not inbound.body.isascii():
        _check_utf8(inbound.body)
    body = decode_body(REQUEST, inbound.body)
    model = body.model or inbound.path_model
    if not model:
        raise KorProxyError(MODEL_MISSING, param="model")
    native = rest_of(Raw(inbound.body), SETTINGS, "")
    toolbox = Toolbox()
    toolbox.add(body.tools or (), "tools")
    items = Items(toolbox)
    messages = _messages(body, items, native)
    tools = toolbox.tools()
    choice = _choice(body, native) if tools else None
    if toolbox.namespaces:
        native[NAMESPACES] = Raw(msgspec.json.encode(toolbox.namespaces))
    verbosity, output = _text(body.text, native)
    include = body.include or []
    others = [word for word in include if word not in {ENCRYPTED, LOGPROBS}]
    if others:
        native["include"] = Raw(msgspec.json.encode(others))
    return ChatRequest(
        DIALECT_ID,
        model,
        messages,
        system=(TextPart(body.instructions),) if body.instructions else (),
        tools=tools,
        tool_choice=choice,
        parallel=body.parallel_tool_calls if tools else None,
        max_output_tokens=body.max_output_tokens,
        sampling=Sampling(temperature=body.temperature, top_p=body.top_p),
        reasoning=_reasoning(body.reasoning, native),
        output=output,
        stream=bool(body.stream),
        stream_usage=True,
        logprobs=0 if LOGPROBS in include and body.top_logprobs is None else body.top_logprobs,
        cache_key=body.prompt_cache_key or "",
        user=body.user or body.safety_identifier or "",
        metadata=body.metadata or {},
        service_tier=body.service_tier or "",
        verbosity=verbosity,
        continuation=Continuation(
            body.previous_response_id or "",
            _conversation(body.conversation),
            body.store,
            sealed=ENCRYPTED in include,
            message_ids=tuple(items.message_ids) if any(items.message_ids) else (),
        ),
        native=native,
    )


def _check_utf8(body: bytes) -> None:
    """Pieces of a body stay raw, and raw JSON is not checked when it is read."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise KorProxyError(NOT_UTF8, f"byte {error.start}") from None


def _messages(body: RequestBody, items: Items, native: dict[str, Raw]) -> tuple[Message, ...]:
    if body.input is None:
        if not (body.previous_response_id or given(body.conversation) or given(body.prompt)):
            raise field_invalid("input", "a text or a list of items")
        return ()
    if isinstance(body.input, str):
        return (Message(Role.USER, (TextPart(body.input),)),)
    for index, raw in enumerate(body.input):
        items.add(raw, f"input[{index}]")
    if any(items.phases):
        native[PHASES] = Raw(msgspec.json.encode(items.phases))
    messages = items.messages()
    if body.input and not (messages or body.previous_response_id or given(body.conversation)):
        return (Message(Role.USER, (TextPart(""),)),)  # OpenAI answers even that
    return messages


def _choice(body: RequestBody, native: dict[str, Raw]) -> ToolChoice | None:
    choice = decoded_choice(body.tool_choice)
    if choice is not None and choice.hosted_type == "mcp":
        native["tool_choice"] = body.tool_choice.copy()  # it names a server, too
    return choice


def _reasoning(raw: Raw, native: dict[str, Raw]) -> Reasoning | None:
    if not given(raw):
        return None
    body = decode_at(REASONING, raw, "reasoning")
    native.update(rest_of(raw, _REASONING_FIELDS, "reasoning"))
    effort = body.effort or ""
    summary = body.summary or body.generate_summary or ""
    if not effort and not summary:
        return None
    mode = ThinkingMode.DISABLED if effort == _DISABLED else ThinkingMode.UNSET
    return Reasoning(mode, effort=effort, summary=summary, show=True if summary else None)


def _text(raw: Raw, native: dict[str, Raw]) -> tuple[str, OutputFormat | None]:
    if not given(raw):
        return "", None
    body = decode_at(TEXT, raw, "text")
    native.update(rest_of(raw, _TEXT_FIELDS, "text"))
    return body.verbosity or "", _format(body.format)


def _format(body: FormatBody | None) -> OutputFormat | None:
    match body.type if body else None:
        case "json_object":
            return OutputFormat(FormatKind.JSON)
        case "json_schema" if body is not None:
            return OutputFormat(
                FormatKind.SCHEMA,
                body.schema.copy() if given(body.schema) else Raw(b"{}"),
                body.name or "",
                body.description or "",
                body.strict,
            )
        case None | "text":
            return None
    raise field_invalid("text.format.type", '"text", "json_object" or "json_schema"')


def _conversation(raw: Raw) -> str:
    if not given(raw):
        return ""
    found = decode_at(CONVERSATION, raw, "conversation")
    return found if isinstance(found, str) else found.id or ""
