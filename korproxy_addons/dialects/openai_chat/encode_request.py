"""
A `ChatRequest` to a request for a Chat upstream.

Fields that OpenAI alone has go to OpenAI, and to a compatible server only if its client, who speaks Chat, said them: it may
refuse what it does not know (T123).
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from korproxy_addons.config.habits import Thinking
from korproxy_addons.dialects.base import EncodedRequest, Target
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    Role,
    ToolCallPart,
)
from korproxy_addons.dialects.openai_chat.decode_messages import NATIVE_PREFIX
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID
from korproxy_addons.dialects.openai_chat.encode_messages import MessageWriter
from korproxy_addons.dialects.openai_chat.encode_output import encode_output
from korproxy_addons.dialects.openai_chat.encode_parts import OPENAI
from korproxy_addons.dialects.openai_chat.encode_reasoning import reasoning_fields
from korproxy_addons.dialects.openai_chat.encode_tools import ToolWriter, tool_names
from korproxy_addons.dialects.stops import shared_stops
from korproxy_addons.errors.catalogue import CANNOT_TRANSLATE
from korproxy_addons.errors.exceptions import KorProxyError

_ENCODER: Final = msgspec.json.Encoder()
_USER_LIMIT: Final = 64
_OFF: Final = "none"
# Wire fields to what is lost without them.
_FEATURES: Final = {
    "temperature": Feature.TEMPERATURE,
    "top_p": Feature.TOP_P,
    "top_k": Feature.TOP_K,
    "seed": Feature.SEED,
    "presence_penalty": Feature.PENALTIES,
    "frequency_penalty": Feature.PENALTIES,
    "logit_bias": Feature.LOGIT_BIAS,
    "logprobs": Feature.LOGPROBS,
    "top_logprobs": Feature.LOGPROBS,
    "max_tokens": Feature.OUTPUT_LIMIT,
    "max_completion_tokens": Feature.OUTPUT_LIMIT,
    "n": Feature.CHOICES,
    "response_format": Feature.OUTPUT_FORMAT,
    "reasoning_effort": Feature.REASONING,
    "verbosity": Feature.VERBOSITY,
    "modalities": Feature.MODALITIES,
    "service_tier": Feature.SERVICE_TIER,
    "metadata": Feature.METADATA,
    "user": Feature.USER,
    "prompt_cache_key": Feature.CACHE_KEY,
    "store": Feature.STORE,
    "tool_choice": Feature.TOOL_CHOICE,
    "parallel_tool_calls": Feature.PARALLEL,
}
# Fields that OpenAI's reasoning models refuse, and the value that means the same as nothing: without it nothing is lost.
_REASONER_REFUSES: Final = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": None,
    "logprobs": None,
    "top_logprobs": None,
}


def encode_request(request: ChatRequest, target: Target) -> EncodedRequest:
    """See `base.Dialect`."""
    return _RequestWriter(request, target).encoded()


class _RequestWriter:
    """One request on its way to one upstream."""

    __slots__ = (
        "_body",
        "_habits",
        "_kept_stops",
        "_losses",
        "_own",
        "_request",
        "_said",
        "_target",
    )

    def __init__(self, request: ChatRequest, target: Target) -> None:
        self._request = request
        self._target = target
        self._habits = target.habits
        self._losses = Losses()
        self._kept_stops: tuple[str, ...] = ()
        self._own = request.source == DIALECT_ID
        # OpenAI's own fields: known there, and to a server whose client says them by itself
        self._said = self._own or target.habits.state_origin == OPENAI
        self._body: dict[str, Any] = {"model": target.model}

    def encoded(self) -> EncodedRequest:
        request, body, losses = self._request, self._body, self._losses
        names = tool_names(request)
        tools = ToolWriter(request, self._habits, names, losses)
        tool_fields = tools.fields()
        output = encode_output(
            request,
            self._habits,
            losses,
            own=self._own,
            with_tools="tools" in tool_fields,
        )
        writer = MessageWriter(request, self._target, names, losses)
        body["messages"] = writer.messages(output.words)
        if not body["messages"]:
            raise KorProxyError(
                CANNOT_TRANSLATE, "messages: there is nothing to send", param="messages"
            )
        self._prefill()
        body |= tool_fields | output.fields
        self._limits()
        body |= reasoning_fields(request.reasoning, self._target, losses, own=self._own)
        self._sampling()
        self._openai()
        self._stream()
        self._native()
        self._refused()
        return EncodedRequest(
            _ENCODER.encode(body),
            losses.all(),
            names,
            frozenset(tools.custom),
            output.answer_tool,
            self._kept_stops,
        )

    @property
    def _reasons(self) -> bool:
        """Whether it is one of OpenAI's reasoning models."""
        thinking = self._target.facts.thinking
        return thinking is Thinking.EFFORT and self._habits.state_origin == OPENAI

    def _prefill(self) -> None:
        last = self._request.messages[-1] if self._request.messages else None
        if self._own or last is None or last.role is not Role.ASSISTANT:
            return
        if self._target.facts.prefill is not True and not any(
            isinstance(part, ToolCallPart) for part in last.parts
        ):
            self._losses.add(Feature.PREFILL, "the model answers anew")

    def _limits(self) -> None:
        request, body, habits = self._request, self._body, self._habits
        limit, most = request.max_output_tokens, self._target.facts.max_output_tokens
        if limit is not None:
            body[habits.limit_field] = limit if most is None else min(limit, most)
        # a server that refuses `stop`, and OpenAI's reasoning models, are told none (T116, T119)
        deaf = "stop" in habits.refused_fields or self._reasons
        told, self._kept_stops = shared_stops(request.stop, 0 if deaf else habits.stop_limit)
        if told:
            body["stop"] = list(told)
        if request.choices > 1:
            if self._own:
                body["n"] = request.choices
            else:
                self._losses.add(Feature.CHOICES, str(request.choices))

    def _sampling(self) -> None:
        sampling, body, losses = self._request.sampling, self._body, self._losses
        if sampling.temperature is not None:
            body["temperature"] = sampling.temperature
        if sampling.top_p is not None:
            body["top_p"] = sampling.top_p
        if sampling.top_k is not None:
            if self._own:
                body["top_k"] = sampling.top_k
            else:
                losses.add(Feature.TOP_K)
        for name, value in (
            ("seed", sampling.seed),
            ("presence_penalty", sampling.presence_penalty),
            ("frequency_penalty", sampling.frequency_penalty),
        ):
            if value is None:
                continue
            if self._habits.seed_and_penalties:
                body[name] = value
            else:
                losses.add(_FEATURES[name], name)
        if sampling.logit_bias is not None:
            body["logit_bias"] = sampling.logit_bias
        if self._request.logprobs is not None and not self._own:
            # An answer's probabilities cross no border between dialects, so they are not asked for.
            losses.add(Feature.LOGPROBS)
        elif self._request.logprobs is not None:
            body["logprobs"] = True
            if self._request.logprobs:
                body["top_logprobs"] = self._request.logprobs
        self._reasoner()

    def _reasoner(self) -> None:
        """OpenAI's reasoning models refuse sampling, unless reasoning is off (T116)."""
        if not self._reasons or self._body.get("reasoning_effort") == _OFF:
            return
        for name, usual in _REASONER_REFUSES.items():
            value = self._body.pop(name, None)
            if value is not None and value != usual:
                self._losses.add(_FEATURES[name], "the model reasons")

    def _openai(self) -> None:
        """Fields that only OpenAI has."""
        request, body, losses = self._request, self._body, self._losses
        continuation = request.continuation
        if continuation.previous_response_id or continuation.conversation:
            losses.add(Feature.CONTINUATION)
        if continuation.store is not None and self._said:
            body["store"] = continuation.store
        elif continuation.store:
            losses.add(Feature.STORE)
        if request.modalities and request.modalities != ("text",):
            if self._own:
                body["modalities"] = list(request.modalities)
            else:
                losses.add(Feature.MODALITIES, " ".join(request.modalities))
        if request.metadata:
            if self._own or (self._said and continuation.store):
                body["metadata"] = request.metadata
            else:
                losses.add(Feature.METADATA)
        for name, value in (
            ("service_tier", request.service_tier),
            ("verbosity", request.verbosity),
        ):
            if value and self._said:
                body[name] = value
            elif value:
                losses.add(_FEATURES[name])
        self._who()

    def _who(self) -> None:
        """The person and the conversation, as opaque words; another tool's own ids are hashed."""
        request, body = self._request, self._body
        if self._own:
            if request.user:
                body["user"] = request.user
            if request.cache_key:
                body["prompt_cache_key"] = request.cache_key
            return
        if request.user:
            self._losses.add(Feature.USER)
        if not self._said:
            if request.cache_key:
                self._losses.add(Feature.CACHE_KEY)
            return
        key = request.cache_key or request.user  # stable per conversation (T94)
        if key:
            fits = request.cache_key and len(key) <= _USER_LIMIT
            body["prompt_cache_key"] = key if fits else sha256(key.encode()).hexdigest()[:32]

    def _stream(self) -> None:
        if not self._target.stream:
            return
        self._body["stream"] = True
        if self._habits.stream_usage:  # always: the ledger needs it (T100)
            self._body["stream_options"] = {"include_usage": True}

    def _native(self) -> None:
        """Fields of Chat that have no meaning elsewhere; those inside messages have lost their place."""
        for path, value in self._request.native.items():
            outer, dot, name = path.partition(".")
            inside = self._body.get(outer) if dot else None
            if not self._own or path.startswith(NATIVE_PREFIX) or (dot and inside is None):
                self._losses.add(Feature.NATIVE_FIELD, path)
            elif inside is not None:
                inside[name] = value
            else:
                self._body[path] = value

    def _refused(self) -> None:
        for name in self._habits.refused_fields & self._body.keys():
            del self._body[name]
            self._losses.add(_FEATURES.get(name, Feature.NATIVE_FIELD), name)
