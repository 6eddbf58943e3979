"""Settings of a request for an upstream: reasoning, form of the answer, sampling, who asks."""

from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.config.habits import Thinking
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.effort import nearest_effort, wanted_effort
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    FormatKind,
    HostedKind,
    HostedTool,
    OutputFormat,
    Reasoning,
    Role,
    TextPart,
    ThinkingMode,
)
from korproxy_addons.dialects.openai_responses.decode_request import ENCRYPTED, LOGPROBS
from korproxy_addons.dialects.openai_responses.web_search import SOURCES
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN
from korproxy_addons.dialects.schema import is_closed, object_schema

type Json = dict[str, Any]

_AUTO: Final = "auto"
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")  # the API's own words
_LEAST_OUTPUT: Final = 16  # the API refuses less
_HOTTEST: Final = 2.0
_ID_LIMIT: Final = 64
_KEY_CHARACTERS: Final = 32
_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority"})
_PLAN_TIERS: Final = frozenset({"priority"})
_THINKS: Final = frozenset({ThinkingMode.BUDGET, ThinkingMode.ADAPTIVE})
_NAME: Final = "answer"
_WORDS: Final = msgspec.json.Decoder(list[str])


class SettingsEncoder:
    """
    Writes everything but turns and tools.

    Args:
        request: The request.
        target: The upstream.
        losses: Gets what it cannot take.
    """

    def __init__(self, request: ChatRequest, target: Target, losses: Losses) -> None:
        self._request = request
        self._target = target
        self._habits = target.habits
        self._losses = losses
        self._own = request.source == DIALECT_ID
        self._openai = target.habits.state_origin == ORIGIN
        self._plan = self._openai and not target.habits.stores

    @property
    def store(self) -> bool | None:
        """
        `store`. Other dialects' services keep nothing, so nothing is kept for their clients either.

        None: the client of this dialect said nothing, and the service's default holds.
        """
        if not self._habits.stores or not self._own:
            return False
        return self._request.continuation.store

    def fields(self) -> Json:
        """The fields, without those that are empty."""
        request = self._request
        found: Json = {
            "reasoning": self._reasoning(request.reasoning),
            "text": self._text(),
            "include": self._include(),
            "store": self.store,
            "prompt_cache_key": self._cache_key(),
            "max_output_tokens": self._output_limit(),
            **self._sampling(),
            "metadata": request.metadata,
            "service_tier": self._tier(),
            **self._user(),
            **self._continuation(),
        }
        self._note_losses()
        return {name: value for name, value in found.items() if value not in (None, "", {}, [])}

    def _native(self, prefix: str) -> dict[str, Raw]:
        """Own fields below a top-level one."""
        if not self._own:
            return {}
        return {
            path.removeprefix(prefix): raw
            for path, raw in self._request.native.items()
            if path.startswith(prefix)
        }

    def _reasoning(self, reasoning: Reasoning | None) -> Json:
        found: Json = {}
        facts = self._target.facts
        if reasoning is not None and facts.thinking is Thinking.NONE and not self._own:
            if reasoning.mode is not ThinkingMode.DISABLED:
                self._losses.add(Feature.REASONING, "the model does not reason")
        elif reasoning is not None:
            effort = wanted_effort(reasoning)
            if effort and effort != _AUTO:
                known = facts.efforts or (() if self._own else _EFFORTS)
                found["effort"] = nearest_effort(effort, known)
            if summary := self._summary(reasoning):
                found["summary"] = summary
        return found | self._native("reasoning.")

    def _summary(self, reasoning: Reasoning) -> str:
        """What the client can see of reasoning is its summary, which has to be asked for (T88)."""
        if self._own or reasoning.summary:
            return reasoning.summary
        if reasoning.show is False or reasoning.mode is ThinkingMode.DISABLED:
            return ""
        shown = reasoning.show or reasoning.mode in _THINKS or self._plan
        return _AUTO if shown and self._openai else ""

    def _include(self) -> list[str]:
        include = list(_WORDS.decode(self._native("include").get("", Raw(b"[]"))))
        reasons = self._openai and self._target.facts.thinking is not Thinking.NONE
        asked = self._own and self._request.continuation.sealed
        if asked or (self.store is False and reasons):
            include.append(ENCRYPTED)
        searches = any(
            isinstance(tool, HostedTool) and tool.kind is HostedKind.WEB_SEARCH
            for tool in self._request.tools
        )
        if searches and self._openai and not self._own and not self._plan:
            include.append(SOURCES)
        if self._own and self._request.logprobs is not None:
            include.append(LOGPROBS)
        return include

    def _text(self) -> Json:
        found: Json = {}
        output = self._request.output
        if output is not None and (form := self._format(output)) is not None:
            found["format"] = form
        if self._request.verbosity:
            if self._own or self._openai:
                found["verbosity"] = self._request.verbosity
            else:
                self._losses.add(Feature.VERBOSITY)
        return found | self._native("text.")

    def _format(self, output: OutputFormat) -> Json | None:
        schema = output.kind is FormatKind.SCHEMA
        if schema and self._habits.schema_output:
            found: Json = {
                "type": "json_schema",
                "name": output.name or _NAME,
                "schema": output.schema if self._own else object_schema(output.schema),
            }
            if output.description:
                found["description"] = output.description
            strict = output.strict
            if strict and not self._own and not is_closed(object_schema(output.schema)):
                self._losses.add(Feature.STRICT, "text.format")
                strict = False
            if strict is not None:
                found["strict"] = strict
            return found
        if not self._habits.json_output:
            self._losses.add(Feature.OUTPUT_FORMAT)
            return None
        if schema:
            self._losses.add(Feature.SCHEMA, "text.format")
        return {"type": "json_object"}

    def _output_limit(self) -> int | None:
        limit = self._request.max_output_tokens
        if limit is None:
            return None
        if not self._own and limit < _LEAST_OUTPUT:
            self._losses.add(Feature.OUTPUT_LIMIT, f"{limit} became {_LEAST_OUTPUT}")
            limit = _LEAST_OUTPUT
        most = self._target.facts.max_output_tokens
        return limit if most is None else min(limit, most)

    def _sampling(self) -> Json:
        sampling = self._request.sampling
        reasons = self._openai and self._target.facts.thinking is Thinking.EFFORT
        if reasons and not self._own:  # such models refuse both (T116)
            if sampling.temperature is not None:
                self._losses.add(Feature.TEMPERATURE)
            if sampling.top_p is not None:
                self._losses.add(Feature.TOP_P)
            return {}
        heat = sampling.temperature
        return {
            "temperature": None if heat is None else min(heat, _HOTTEST),
            "top_p": sampling.top_p,
            "top_logprobs": self._request.logprobs or None if self._own else None,
        }

    def _tier(self) -> str:
        tier = self._request.service_tier
        known = _PLAN_TIERS if self._plan else _TIERS
        if not tier or tier in known or (self._own and not self._plan):
            return tier
        if tier != _AUTO:  # which is what happens anyway
            self._losses.add(Feature.SERVICE_TIER, tier if tier in _TIERS else "")
        return ""

    def _user(self) -> Json:
        """Who asks, as OpenAI calls it today; other servers know the older name."""
        user = self._request.user
        if len(user) > _ID_LIMIT:
            user = sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
        return {"safety_identifier" if self._openai else "user": user}

    def _cache_key(self) -> str:
        """The client's key, else one that stays the same over a conversation (T94)."""
        request = self._request
        if request.cache_key or self._own or not self._openai:
            return request.cache_key
        first = next((turn for turn in request.messages if turn.role is Role.USER), None)
        words = [part.text for part in request.system]
        words += [part.text for part in first.parts if isinstance(part, TextPart)] if first else []
        digest = sha256(request.user.encode("utf-8", "surrogatepass"))
        for word in words:
            digest.update(b"\0" + word.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:_KEY_CHARACTERS]

    def _continuation(self) -> Json:
        state = self._request.continuation
        if self._habits.stores:
            return {
                "previous_response_id": state.previous_response_id,
                "conversation": state.conversation,
            }
        if state.previous_response_id:
            self._losses.add(Feature.CONTINUATION, "previous_response_id")
        if state.conversation:
            self._losses.add(Feature.CONTINUATION, "conversation")
        return {}

    def _note_losses(self) -> None:
        request, sampling = self._request, self._request.sampling
        lost = {
            Feature.CHOICES: request.choices > 1,
            Feature.STORE: request.continuation.store is True and self.store is False,
            Feature.LOGPROBS: request.logprobs is not None and not self._own,
            Feature.LOGIT_BIAS: sampling.logit_bias is not None,
            Feature.SEED: sampling.seed is not None,
            Feature.PENALTIES: bool(sampling.presence_penalty or sampling.frequency_penalty),
            Feature.TOP_K: sampling.top_k is not None,
            Feature.MODALITIES: bool(set(request.modalities) - {"text"}),
        }
        for feature, is_lost in lost.items():
            if is_lost:
                self._losses.add(feature)
