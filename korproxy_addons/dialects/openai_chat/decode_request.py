"""A Chat request to a `ChatRequest`, and the few fields that routing needs of it."""

from typing import Any, Final

from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import (
    ChatRequest,
    Continuation,
    FormatKind,
    OutputFormat,
    Reasoning,
    Sampling,
    TextPart,
    ThinkingMode,
)
from korproxy_addons.dialects.openai_chat.at_path import decode_at
from korproxy_addons.dialects.openai_chat.decode_messages import MessageReader
from korproxy_addons.dialects.openai_chat.decode_parts import decode_content
from korproxy_addons.dialects.openai_chat.decode_tools import (
    DIALECT_ID,
    decode_choice,
    decode_tools,
)
from korproxy_addons.dialects.openai_chat.wire import (
    FIELDS,
    PEEK,
    REQUEST,
    ReasoningWire,
    RequestWire,
    StreamOptions,
    ThinkingWire,
    is_set,
)
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import MODEL_MISSING
from korproxy_addons.errors.exceptions import KorProxyError

_RESPONSES: Final = "openai-responses"
_KNOWN: Final = frozenset(RequestWire.__struct_fields__)
# Objects whose unknown fields are carried one by one, as "outer.name".
_NESTED: Final = {
    "stream_options": frozenset(StreamOptions.__struct_fields__),
    "thinking": frozenset(ThinkingWire.__struct_fields__),
    "reasoning": frozenset(ReasoningWire.__struct_fields__),
}
_EFFORT_OFF: Final = "none"


def peek_request(inbound: Inbound) -> Peek:
    """See `base.Dialect`. A Responses body on Chat's path shows by `input` without `messages` (T18)."""
    wire = decode_body(PEEK, inbound.body)
    model = inbound.path_model or wire.model
    if not model:
        raise KorProxyError(MODEL_MISSING, param="model")
    foreign = is_set(wire.input) and not is_set(wire.messages)
    return Peek(
        model,
        bool(wire.stream),
        session=wire.prompt_cache_key or wire.user or "",
        body_dialect=_RESPONSES if foreign else "",
    )


def decode_request(inbound: Inbound) -> ChatRequest:
    """See `base.Dialect`."""
    wire = decode_body(REQUEST, inbound.body)
    if not wire.messages:
        raise field_invalid("messages", "a list with at least one message")
    reader = MessageReader()
    messages = tuple(reader.message(raw, place) for place, raw in enumerate(wire.messages))
    tools = decode_tools(wire)
    choice, parallel = decode_choice(wire) if tools else (None, None)
    options = wire.stream_options
    return ChatRequest(
        source=DIALECT_ID,
        model=inbound.path_model or wire.model or "",
        messages=messages,
        system=_system(wire),
        tools=tools,
        tool_choice=choice,
        parallel=parallel,
        max_output_tokens=(
            wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens
        ),
        stop=_stop(wire),
        sampling=Sampling(
            wire.temperature,
            wire.top_p,
            wire.top_k,
            wire.seed,
            wire.presence_penalty,
            wire.frequency_penalty,
            _copied(wire.logit_bias),
        ),
        reasoning=_reasoning(wire),
        output=_output(wire),
        stream=bool(wire.stream),
        stream_usage=bool(options and options.include_usage),
        choices=1 if wire.n is None else max(1, wire.n),
        logprobs=(wire.top_logprobs or 0) if wire.logprobs else None,
        cache_key=wire.prompt_cache_key or "",
        user=wire.user or wire.safety_identifier or "",
        metadata={name: _word(value) for name, value in (wire.metadata or {}).items()},
        service_tier=wire.service_tier or "",
        verbosity=wire.verbosity or "",
        modalities=tuple(word.lower() for word in wire.modalities or ()),
        continuation=Continuation(store=wire.store),
        native=_native(wire, inbound.body) | reader.native,
    )


def _system(wire: RequestWire) -> tuple[TextPart, ...]:
    """Anthropic's `system`, which clients that mix dialects send (T08, T18)."""
    parts = decode_content(wire.system, "system", 0)
    return tuple(part for part in parts if isinstance(part, TextPart))


def _stop(wire: RequestWire) -> tuple[str, ...]:
    if isinstance(wire.stop, str):  # T119
        return (wire.stop,) if wire.stop else ()
    return tuple(word for word in wire.stop or () if word)


def _reasoning(wire: RequestWire) -> Reasoning | None:
    """Reasoning settings in any of the forms that Chat servers know."""
    found: Reasoning | None = None
    if wire.reasoning is not None:
        found = _asked(wire.reasoning)
    elif wire.enable_thinking is not None or wire.thinking_budget is not None:
        found = _switched(wire.enable_thinking is not False, wire.thinking_budget)
    elif wire.thinking is not None:
        found = _switched(wire.thinking.type != "disabled", wire.thinking.budget_tokens)
    effort = wire.reasoning_effort
    if not effort or (found is not None and found.mode is ThinkingMode.DISABLED):
        return found
    return replace(found, effort=effort) if found is not None else _by_effort(effort)


def _by_effort(effort: str) -> Reasoning:
    mode = ThinkingMode.DISABLED if effort == _EFFORT_OFF else ThinkingMode.UNSET
    return Reasoning(mode, effort)


def _switched(on: bool, tokens: int | None) -> Reasoning:  # noqa: FBT001 - it is the wire's value
    if not on or tokens == 0:
        return Reasoning(ThinkingMode.DISABLED)
    if tokens is None or tokens < 0:
        return Reasoning(ThinkingMode.ADAPTIVE)
    return Reasoning(ThinkingMode.BUDGET, budget_tokens=tokens)


def _asked(wire: ReasoningWire) -> Reasoning:
    """OpenRouter's form."""
    if wire.enabled is False or wire.max_tokens is not None:
        found = _switched(wire.enabled is not False, wire.max_tokens)
    elif wire.effort:
        found = _by_effort(wire.effort)
    else:
        found = Reasoning(ThinkingMode.ADAPTIVE if wire.enabled else ThinkingMode.UNSET)
    show = None if wire.exclude is None else not wire.exclude
    return replace(found, summary=wire.summary or "", show=show)


def _output(wire: RequestWire) -> OutputFormat | None:
    asked = wire.response_format
    if asked is None or asked.type in {None, "text"}:
        return None
    if asked.type == "json_object":
        return OutputFormat(FormatKind.JSON)
    if asked.type != "json_schema" or asked.json_schema is None:
        raise field_invalid("response_format.type", '"text", "json_object" or "json_schema"')
    schema = asked.json_schema
    return OutputFormat(
        FormatKind.SCHEMA,
        _copied(schema.schema),
        schema.name or "",
        schema.description or "",
        schema.strict,
    )


def _native(wire: RequestWire, body: bytes) -> dict[str, Raw]:
    """Fields without a meaning elsewhere, by their path."""
    fields = decode_body(FIELDS, body)
    native = {name: value for name, value in fields.items() if name not in _KNOWN and is_set(value)}
    for outer, known in _NESTED.items():
        if outer in fields and is_set(fields[outer]):
            for name, value in decode_at(FIELDS, fields[outer], outer).items():
                if name not in known and is_set(value):
                    native[f"{outer}.{name}"] = value
    if wire.user and wire.safety_identifier:
        native["safety_identifier"] = fields["safety_identifier"]
    return {name: Raw(bytes(value)) for name, value in native.items()}


def _copied(raw: Raw) -> Raw | None:
    return Raw(bytes(raw)) if is_set(raw) else None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
