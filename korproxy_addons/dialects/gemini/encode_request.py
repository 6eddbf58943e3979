"""A `ChatRequest` to a Gemini body, for an answer or for a count."""

from typing import Any, Final

import msgspec

from korproxy_addons.dialects.base import EncodedRequest, Target, native_losses
from korproxy_addons.dialects.gemini.encode_contents import ContentsWriter
from korproxy_addons.dialects.gemini.encode_settings import encode_settings, stops_of
from korproxy_addons.dialects.gemini.encode_tools import encode_tools, tool_names
from korproxy_addons.dialects.gemini.wire import DIALECT_ID, MODELS_PREFIX
from korproxy_addons.dialects.losses import Feature, Loss, Losses
from korproxy_addons.dialects.model import ChatRequest, Message, TextPart
from korproxy_addons.dialects.order import (
    hoisted_system,
    merged_turns,
    named_results,
    paired_results,
    system_as_user,
    user_first,
    without_empty_text,
    without_foreign_state,
)
from korproxy_addons.dialects.payload import encoded_text

_PLAIN_TIERS: Final = frozenset({"", "auto", "default", "standard", "standard_only"})
_GENERATION: Final = "generationConfig"
_NAMED_ELSEWHERE: Final = ("contents[", f"{_GENERATION}.", "toolConfig.functionCallingConfig.mode")


def encode_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """`base.Dialect.encode_request`. What grows with the conversation stands last (T93)."""
    losses = Losses()
    own = request.source == DIALECT_ID
    system, messages = _ordered(request, target, losses)
    names = tool_names(request.tools, messages)
    tools = encode_tools(request, target, names, losses)
    body: dict[str, Any] = {}
    texts = [{"text": part.text} for part in system if part.text]
    if texts:
        body["systemInstruction"] = {"parts": texts}
    if any(part.cache for part in system):
        losses.add(Feature.CACHE_MARKER)
    if tools.tools:
        body["tools"] = tools.tools
    config: dict[str, Any] = {}
    if tools.calling is not None:
        config["functionCallingConfig"] = tools.calling
    if tools.server_side:
        config["includeServerSideToolInvocations"] = True
    if config:
        body["toolConfig"] = config
    settings = encode_settings(request, target, losses)
    if settings:
        body[_GENERATION] = settings
    if own and request.service_tier:
        body["serviceTier"] = request.service_tier
    _add_native(body, request, own=own)
    _drop_refused(body, target, losses)
    writer = ContentsWriter(target, names, losses, own=own)
    body["contents"] = writer.contents(messages)
    _note_unsaid(request, losses, own=own)
    return EncodedRequest(
        _encoded(body),
        losses.all() + _native_losses(request, own=own),
        names=names,
        custom_tools=tools.custom,
        stops=stops_of(request, target)[1],
    )


def encode_count_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """`base.Dialect.encode_count_request`: the whole request, for tools and system text count, too (T171)."""
    encoded = encode_request(request, target)
    model = encoded_text(MODELS_PREFIX + target.model).encode()
    inner = b'{"model":%b,%b' % (model, encoded.body[1:])
    return msgspec.structs.replace(encoded, body=b'{"generateContentRequest":%b}' % inner)


def _ordered(
    request: ChatRequest, target: Target, losses: Losses
) -> tuple[tuple[TextPart, ...], tuple[Message, ...]]:
    messages = without_foreign_state(request.messages, target.habits.state_origin, losses)
    messages = named_results(messages)
    system, messages = hoisted_system(request.system, messages)
    messages = paired_results(system_as_user(messages), losses)
    return system, user_first(merged_turns(without_empty_text(messages)))


def _add_native(body: dict[str, Any], request: ChatRequest, *, own: bool) -> None:
    """The client's own fields back in their places."""
    if not own:
        return
    for path, raw in request.native.items():
        if path.startswith(_NAMED_ELSEWHERE):
            continue
        *above, name = path.split(".")
        place = body
        for step in above:
            place = place.setdefault(step, {})
        place[name] = raw


def _drop_refused(body: dict[str, Any], target: Target, losses: Losses) -> None:
    for name in sorted(target.habits.refused_fields):
        for place in (body, body.get(_GENERATION)):
            if isinstance(place, dict) and place.pop(name, None) is not None:
                losses.add(Feature.NATIVE_FIELD, name)
    if body.get(_GENERATION) == {}:
        del body[_GENERATION]


def _note_unsaid(request: ChatRequest, losses: Losses, *, own: bool) -> None:
    """What Gemini's requests have no words for."""
    said = {
        Feature.VERBOSITY: request.verbosity,
        Feature.USER: request.user,
        Feature.METADATA: request.metadata,
        Feature.CACHE_KEY: request.cache_key,
        Feature.STORE: request.continuation.store,
        Feature.CONTINUATION: (
            request.continuation.previous_response_id or request.continuation.conversation
        ),
        Feature.SERVICE_TIER: not own and request.service_tier not in _PLAIN_TIERS,
    }
    for feature, value in said.items():
        if value:
            losses.add(feature)


def _native_losses(request: ChatRequest, *, own: bool) -> tuple[Loss, ...]:
    if own:
        return native_losses(path for path in request.native if path.startswith("contents["))
    return native_losses(request.native)


def _encoded(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(body))


def _encodable(value: Any) -> Any:
    """The value with U+FFFD for half surrogates, which only another decoder's mistake can bring."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(child) for key, child in value.items()}
    return [_encodable(child) for child in value] if isinstance(value, list) else value
