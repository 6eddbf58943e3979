"""The canonical request to a body for an upstream of the Responses API."""

from typing import Any, Final

import msgspec

from korproxy_addons.dialects.base import EncodedRequest, Target
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    Message,
    Role,
    TextPart,
    ToolCallPart,
)
from korproxy_addons.dialects.openai_responses.decode_request import NAMESPACES, PHASES
from korproxy_addons.dialects.openai_responses.encode_items import ItemEncoder
from korproxy_addons.dialects.openai_responses.encode_settings import SettingsEncoder
from korproxy_addons.dialects.openai_responses.encode_tools import EncodedTools
from korproxy_addons.dialects.openai_responses.frames import json_bytes
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID
from korproxy_addons.dialects.order import (
    hoisted_system,
    paired_results,
    user_first,
    without_foreign_state,
)
from korproxy_addons.dialects.stops import shared_stops

type Json = dict[str, Any]

# What `instructions` says where the service wants some and the client gave none.
DEFAULT_INSTRUCTIONS: Final = "You are a helpful assistant."
_BLANK_LINE: Final = "\n\n"
_JSON_WORD: Final = "Answer in JSON."
_PHASES: Final = msgspec.json.Decoder(list[str])
# Native fields that are written elsewhere than at the top.
_PLACED: Final = frozenset({PHASES, NAMESPACES, "include"})
_BELOW: Final = ("reasoning.", "text.")
_FEATURES: Final = {
    "conversation": Feature.CONTINUATION,
    "max_output_tokens": Feature.OUTPUT_LIMIT,
    "metadata": Feature.METADATA,
    "previous_response_id": Feature.CONTINUATION,
    "prompt_cache_key": Feature.CACHE_KEY,
    "safety_identifier": Feature.USER,
    "service_tier": Feature.SERVICE_TIER,
    "store": Feature.STORE,
    "temperature": Feature.TEMPERATURE,
    "top_logprobs": Feature.LOGPROBS,
    "top_p": Feature.TOP_P,
    "user": Feature.USER,
}
# Settings that a question for a count has, too (providers.md 3f).
_COUNTED: Final = frozenset(
    {
        "model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning",
        "text", "truncation", "previous_response_id", "conversation",
    }
)  # fmt: skip


def encoded_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """See `base.Dialect.encode_request`."""
    losses = Losses()
    body, tools = _body(request, target, losses)
    if target.stream:
        body["stream"] = True
    for field in sorted(target.habits.refused_fields & body.keys()):
        del body[field]
        losses.add(_FEATURES.get(field, Feature.NATIVE_FIELD), field)
    return EncodedRequest(
        json_bytes(body),
        losses.all(),
        names=tools.names,
        custom_tools=frozenset(tools.custom),
        stops=shared_stops(request.stop, 0)[1],  # there is no field for any (T119)
    )


def encoded_count_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """See `base.Dialect.encode_count_request`: the same prompt, without what only an answer needs."""
    losses = Losses()
    body, tools = _body(request, target, losses)
    counted = {name: value for name, value in body.items() if name in _COUNTED}
    return EncodedRequest(json_bytes(counted), losses.all(), names=tools.names)


def _body(request: ChatRequest, target: Target, losses: Losses) -> tuple[Json, EncodedTools]:
    habits = target.habits
    own = request.source == DIALECT_ID
    settings = SettingsEncoder(request, target, losses)
    fields = settings.fields()
    continued = bool(fields.keys() & {"previous_response_id", "conversation"})
    messages = without_foreign_state(
        request.messages, habits.state_origin, losses, plain_thinking=not habits.state_origin
    )
    if not continued:
        messages = paired_results(messages, losses)
    system = request.system
    if habits.wants_instructions and not system:
        system, messages = hoisted_system(system, messages)
    instructions = _BLANK_LINE.join(part.text for part in system if part.text)
    if any(part.cache is not None for part in system):
        losses.add(Feature.CACHE_MARKER)
    tools = EncodedTools(request, messages, target, losses)
    phases = _PHASES.decode(request.native[PHASES]) if own and PHASES in request.native else []
    if not own and fields.get("text", {}).get("format") == {"type": "json_object"}:
        messages = _with_json_word(messages)
    items = ItemEncoder(
        target,
        tools,
        losses,
        stateful=settings.store is not False,
        own=own,
        phases=phases,
        message_ids=request.continuation.message_ids if own else (),
    ).items(messages)
    if not items and not continued and "prompt" not in request.native:
        items = ItemEncoder(target, tools, losses, stateful=False, own=own).items(user_first(()))
    if _is_prefill(messages) and not own and target.facts.prefill is not True:
        losses.add(Feature.PREFILL)
    body: Json = {"model": target.model}
    if instructions or habits.wants_instructions:
        body["instructions"] = instructions or DEFAULT_INSTRUCTIONS
    body["input"] = items
    body |= _offer(request, tools)
    body |= fields
    _add_native(request, body, losses, own=own)
    return body, tools


def _offer(request: ChatRequest, tools: EncodedTools) -> Json:
    choice = tools.choice(request.tool_choice)
    if not tools.wire:
        return {}  # and nothing about calling them (T32)
    found: Json = {"tools": tools.wire}
    if choice is not None:
        found["tool_choice"] = choice
    if request.parallel is not None:
        found["parallel_tool_calls"] = request.parallel
    return found


def _add_native(request: ChatRequest, body: Json, losses: Losses, *, own: bool) -> None:
    for name, raw in request.native.items():
        if not own:
            losses.add(Feature.NATIVE_FIELD, name)
        elif name not in _PLACED and not name.startswith(_BELOW):
            body[name] = raw


def _is_prefill(messages: tuple[Message, ...]) -> bool:
    if not messages or messages[-1].role is not Role.ASSISTANT:
        return False
    parts = messages[-1].parts
    calls = any(isinstance(part, ToolCallPart) for part in parts)
    return not calls and any(isinstance(part, TextPart) and part.text for part in parts)


def _with_json_word(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """JSON mode is refused unless a message says "JSON" (T134)."""
    for message in messages:
        for part in message.parts:
            if isinstance(part, TextPart) and "json" in part.text.lower():
                return messages
    return (Message(Role.DEVELOPER, (TextPart(_JSON_WORD),)), *messages)
