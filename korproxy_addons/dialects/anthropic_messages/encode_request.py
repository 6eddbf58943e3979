"""Writes a request of the Messages API."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.cache_markers import limit_markers
from korproxy_addons.dialects.anthropic_messages.encode_parts import Block, BlockEncoder
from korproxy_addons.dialects.anthropic_messages.encode_reasoning import (
    planned_reasoning,
    wire_sampling,
)
from korproxy_addons.dialects.anthropic_messages.encode_tools import planned_tools
from korproxy_addons.dialects.anthropic_messages.encode_turns import (
    in_tool_loop_without_thinking,
    ordered,
)
from korproxy_addons.dialects.anthropic_messages.schema_rules import strict_schema
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, json_bytes
from korproxy_addons.dialects.base import EncodedRequest, Target, native_losses
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import ChatRequest, FormatKind, OutputFormat, TextPart
from korproxy_addons.dialects.stops import shared_stops

# The model is told in words; there is no such mode (T134).
_JSON_WORDS: Final = (
    "Answer with one valid JSON object and nothing else: no other text, no code fences."
)
_TIERS: Final = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only"}
_USER_LIMIT: Final = 256
# What is lost with a field that the upstream refuses.
_FEATURES: Final = {
    "temperature": Feature.TEMPERATURE,
    "top_p": Feature.TOP_P,
    "top_k": Feature.TOP_K,
    "thinking": Feature.REASONING,
    "output_config": Feature.REASONING,
    "metadata": Feature.USER,
    "service_tier": Feature.SERVICE_TIER,
    "tool_choice": Feature.TOOL_CHOICE,
}
_NESTED: Final = ("output_config.", "metadata.")
# Everything else of a request that asks for an answer is no part of the question how long its prompt is.
_COUNTED: Final = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "cache_control",
    "context_management",
    "mcp_servers",
    "output_config",
    "speed",
)


def encode_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """The body for an upstream; see `base.Dialect`."""
    losses = Losses()
    body, encoded = _body(request, target, losses)
    for name in target.habits.refused_fields & body.keys():
        del body[name]
        losses.add(_FEATURES.get(name, Feature.NATIVE_FIELD), f"{name}: the upstream refuses it")
    return _with(encoded, body, losses)


def encode_count_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """The body that asks for the length of a prompt; see `base.Dialect`."""
    losses = Losses()
    body, encoded = _body(request, target, losses)
    return _with(encoded, {name: body[name] for name in _COUNTED if name in body}, losses)


def _with(encoded: EncodedRequest, body: dict[str, Any], losses: Losses) -> EncodedRequest:
    return EncodedRequest(
        json_bytes(body),
        losses.all(),
        encoded.names,
        encoded.custom_tools,
        encoded.answer_tool,
        encoded.stops,
    )


def _body(
    request: ChatRequest, target: Target, losses: Losses
) -> tuple[dict[str, Any], EncodedRequest]:
    habits, facts = target.habits, target.facts
    own = request.source == DIALECT_ID
    plan = planned_tools(request, habits, losses)
    system, turns = ordered(request, habits, facts, losses)
    reasoning = planned_reasoning(
        request,
        target,
        losses,
        forced=plan.forced,
        unsigned_loop=in_tool_loop_without_thinking(turns),
    )
    encoder = BlockEncoder(plan.names, losses, image_urls=habits.image_urls)
    body: dict[str, Any] = {"model": target.model, "max_tokens": reasoning.max_tokens}
    system_blocks = _system(request, system, encoder, losses)
    if system_blocks:
        body["system"] = system_blocks
    if plan.tools:
        body["tools"] = plan.tools
    if plan.choice is not None:
        body["tool_choice"] = plan.choice
    body["messages"] = [
        {"role": str(turn.role), "content": encoder.blocks(turn.parts)} for turn in turns
    ]
    if reasoning.thinking is not None:
        body["thinking"] = reasoning.thinking
    config = _output_config(request, losses, schema_output=habits.schema_output)
    if reasoning.effort:
        config["effort"] = reasoning.effort
    if config:
        body["output_config"] = config
    body |= wire_sampling(request.sampling, facts, losses, thinks=reasoning.thinks)
    deaf = "stop_sequences" in habits.refused_fields
    told, kept_stops = shared_stops(
        request.stop, 0 if deaf else habits.stop_limit, takes_blank=False
    )
    if told:
        body["stop_sequences"] = list(told)
    if request.user and (own or len(request.user) <= _USER_LIMIT):
        body["metadata"] = {"user_id": request.user}
    elif request.user:
        losses.add(Feature.USER, f"longer than {_USER_LIMIT} characters")
    if request.service_tier:
        _tier(request.service_tier, body, losses)
    if target.stream:
        body["stream"] = True
    if own:
        _add_native(body, request.native)
    else:
        _note_lost(request, losses)
    limit_markers(body, habits.cache_markers, losses)
    encoded = EncodedRequest(
        b"",
        names=plan.names,
        custom_tools=plan.custom,
        answer_tool=plan.answer_tool,
        stops=kept_stops,
    )
    return body, encoded


def _system(
    request: ChatRequest, system: Sequence[TextPart], encoder: BlockEncoder, losses: Losses
) -> list[Block]:
    blocks = [encoder.text(part) for part in system]
    if request.output is not None and request.output.kind is FormatKind.JSON:
        losses.add(Feature.SCHEMA, "JSON without a schema is asked for in words")
        blocks.append({"type": "text", "text": _JSON_WORDS})
    return blocks


def _output_config(request: ChatRequest, losses: Losses, *, schema_output: bool) -> dict[str, Any]:
    output: OutputFormat | None = request.output
    if output is None or output.kind is not FormatKind.SCHEMA or not schema_output:
        return {}
    schema = output.schema
    if request.source != DIALECT_ID or schema is None:
        schema = strict_schema(schema, losses, tool=False)
    return {"format": {"type": "json_schema", "schema": schema}}


def _tier(tier: str, body: dict[str, Any], losses: Losses) -> None:
    if tier in _TIERS:
        body["service_tier"] = _TIERS[tier]
    else:
        losses.add(Feature.SERVICE_TIER, "the upstream has no such tier")


def _add_native(body: dict[str, Any], native: dict[str, Raw]) -> None:
    for path, raw in native.items():
        prefix = next((word for word in _NESTED if path.startswith(word)), "")
        if prefix:
            body.setdefault(prefix[:-1], {})[path.removeprefix(prefix)] = raw
        elif path not in body:
            body[path] = raw


def _note_lost(request: ChatRequest, losses: Losses) -> None:
    """What the dialect has no words for, whatever the upstream."""
    sampling, kept = request.sampling, request.continuation
    media = [word for word in request.modalities if word != "text"]
    for feature, is_lost, detail in (
        (Feature.CHOICES, request.choices > 1, str(request.choices)),
        (Feature.LOGPROBS, request.logprobs is not None, ""),
        (Feature.LOGIT_BIAS, sampling.logit_bias is not None, ""),
        (Feature.SEED, sampling.seed is not None, ""),
        (
            Feature.PENALTIES,
            bool(sampling.presence_penalty or sampling.frequency_penalty),
            "",
        ),
        (Feature.VERBOSITY, bool(request.verbosity), request.verbosity),
        (Feature.MODALITIES, bool(media), ", ".join(media)),
        (Feature.METADATA, bool(request.metadata), ""),
        (Feature.CACHE_KEY, bool(request.cache_key), "the cache works without one"),
        (Feature.STORE, kept.store is True, ""),
        (Feature.CONTINUATION, bool(kept.previous_response_id or kept.conversation), ""),
    ):
        if is_lost:
            losses.add(feature, detail)
    for loss in native_losses(request.native):
        losses.add(loss.feature, loss.detail)
