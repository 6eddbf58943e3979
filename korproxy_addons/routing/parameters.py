"""
What a rule sets in a request: in a request of no one's dialect, and in a body that passes as it is.

In a body that passes, only what has to differ is changed. How a target wants a setting said, and what has to go with it
(a model that thinks takes no temperature), its dialect's encoder knows: the request is encoded with and without the
settings, and what differs between the two is carried over to the client's own bytes.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.base import Dialect, Inbound, Target
from korproxy_addons.dialects.losses import Loss
from korproxy_addons.dialects.model import (
    ChatRequest,
    Message,
    Reasoning,
    Role,
    TextPart,
    ThinkingMode,
)
from korproxy_addons.dialects.payload import decode_body
from korproxy_addons.providers.outgoing import Operation

# Other spellings of a field, which would contradict the one that is set.
_SPELLINGS: Final = (
    ("max_tokens", "max_completion_tokens"),
    ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget"),
    ("generationConfig", "generation_config"),
    ("maxOutputTokens", "max_output_tokens"),
    ("topP", "top_p"),
    ("thinkingConfig", "thinking_config"),
    ("thinkingBudget", "thinking_budget", "thinkingLevel", "thinking_level"),
)
_OF_COMPLETIONS: Final = ("max_tokens", "temperature", "top_p")
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_ASKED: Final = (Message(Role.USER, (TextPart("x"),)),)


def with_parameters(request: ChatRequest, parameters: Mapping[str, Any]) -> ChatRequest:
    """
    The request with a rule's settings.

    Args:
        request: As the client meant it.
        parameters: By the names of `config.profiles.Parameters`; only those that are set.
    """
    if "max_tokens" in parameters:
        request = replace(request, max_output_tokens=parameters["max_tokens"])
    sampling = {name: parameters[name] for name in ("temperature", "top_p") if name in parameters}
    if sampling:
        request = replace(request, sampling=replace(request.sampling, **sampling))
    if "effort" in parameters:
        effort = str(parameters["effort"])
        mode = ThinkingMode.DISABLED if effort == "none" else ThinkingMode.UNSET
        word = "" if effort == "none" else effort
        return _thinking(request, mode=mode, effort=word, budget_tokens=None)
    budget_tokens = parameters.get("thinking_budget")
    if budget_tokens is not None:
        mode = ThinkingMode.BUDGET if budget_tokens else ThinkingMode.DISABLED
        return _thinking(request, mode=mode, effort="", budget_tokens=budget_tokens or None)
    return request


def _thinking(request: ChatRequest, **said: Any) -> ChatRequest:
    return replace(request, reasoning=replace(request.reasoning or Reasoning(), **said))


def passing_with_parameters(
    operation: Operation,
    dialect: Dialect,
    inbound: Inbound,
    target: Target,
    parameters: Mapping[str, Any],
) -> tuple[Inbound, tuple[Loss, ...]]:
    """
    A request that passes to an upstream of its own dialect, with a rule's settings.

    Args:
        operation: What it asks for; only answers and plain completions have settings.
        dialect: Of the body, and of the upstream.
        inbound: The client's request.
        target: The upstream.
        parameters: As for `with_parameters`.
    Returns:
        (The request, all other fields as they came; what the target has no words for.)
    Raises:
        KorProxyError: What is wrong with the client's request.
    """
    if parameters and operation is Operation.COMPLETIONS:
        return _completion(inbound, parameters), ()
    if not parameters or operation is not Operation.GENERATE:
        return inbound, ()
    # What was said makes no difference to the settings, and may be long.
    plain = replace(dialect.decode_request(inbound), messages=_ASKED, system=())
    before = dialect.encode_request(plain, target)
    after = dialect.encode_request(with_parameters(plain, parameters), target)
    changed = _carried_over(
        inbound.body, msgspec.json.decode(before.body), msgspec.json.decode(after.body)
    )
    losses = tuple(it for it in after.losses if it not in before.losses)
    return replace(inbound, body=changed), losses


def _completion(inbound: Inbound, parameters: Mapping[str, Any]) -> Inbound:
    fields = decode_body(_FIELDS, inbound.body)
    for name in _OF_COMPLETIONS:
        if name in parameters:
            fields[name] = Raw(msgspec.json.encode(parameters[name]))
    return replace(inbound, body=msgspec.json.encode(fields))


def _carried_over(body: bytes, before: dict[str, Any], after: dict[str, Any]) -> bytes:
    """`body` with what differs between `before` and `after`; all other fields keep their bytes."""
    fields = decode_body(_FIELDS, body)
    anew: set[str] = set()
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        spelt = _spelt(name, fields)
        there = fields.get(spelt)
        if isinstance(new, dict) and there is not None and bytes(memoryview(there)[:1]) == b"{":
            inner = _carried_over(bytes(there), old if isinstance(old, dict) else {}, new)
            fields[spelt] = Raw(inner)
        else:
            anew.update(_spellings(name))
    for name in anew:
        fields.pop(name, None)
    for name, value in after.items():
        if name in anew:
            fields[name] = Raw(msgspec.json.encode(value))
    return msgspec.json.encode(fields)


def _spellings(name: str) -> tuple[str, ...]:
    return next((it for it in _SPELLINGS if name in it), (name,))


def _spelt(name: str, fields: Mapping[str, Raw]) -> str:
    """The name under which a body has an object's field; a plain value is set under the target's own name."""
    if name in fields or name not in ("generationConfig", "thinkingConfig"):
        return name
    return next((it for it in _spellings(name) if it in fields), name)
