"""Usage and stop reasons of the Messages API, in both directions; one function for streams and whole bodies (T104)."""

from typing import Any, Final

from korproxy_addons.dialects.anthropic_messages.wire import Count, WireUsage
from korproxy_addons.dialects.model import FinishReason, Usage

_FINISH: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.CONTEXT_LENGTH,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.PAUSE,
    "compaction": FinishReason.PAUSE,
}
_STOP_REASON: Final = {
    FinishReason.STOP: "end_turn",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.CONTEXT_LENGTH: "model_context_window_exceeded",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
}
_TIERS: Final = {
    "standard": "standard",
    "default": "standard",
    "priority": "priority",
    "batch": "batch",
}

# The answer was cut by a limit: its last part may be half of one (T56).
CUTS: Final = frozenset({FinishReason.LENGTH, FinishReason.CONTEXT_LENGTH})


def finish_of(stop_reason: str | None) -> FinishReason:
    """What a stop reason means; none and unknown ones are a plain stop."""
    return _FINISH.get(stop_reason or "", FinishReason.STOP)


def stop_reason_of(finish: FinishReason) -> str:
    """The stop reason for a finish; the service's filter is a refusal, too (T108)."""
    return _STOP_REASON[finish]


def service_tier_of(tier: str) -> str:
    """The tier in this dialect's words, "" if it has none for it."""
    return _TIERS.get(tier, "")


class UsageTally:
    """
    The counts of one answer: the last value of each field (T98).

    Attributes:
        service_tier: As the upstream reports it, "" before.
    """

    __slots__ = (
        "_hour",
        "_input",
        "_output",
        "_read",
        "_seen",
        "_thinking",
        "_written",
        "service_tier",
    )

    def __init__(self) -> None:
        self._seen = False
        self._input = self._read = self._written = self._hour = self._output = self._thinking = 0
        self.service_tier = ""

    def take(self, usage: WireUsage | None) -> None:
        """Take the counts of one event; what it leaves out keeps its value."""
        if usage is None:
            return
        self._seen = True
        self._input = _last(usage.input_tokens, self._input)
        self._read = _last(usage.cache_read_input_tokens, self._read)
        self._written = _last(usage.cache_creation_input_tokens, self._written)
        self._output = _last(usage.output_tokens, self._output)
        if usage.cache_creation is not None:
            self._hour = _last(usage.cache_creation.ephemeral_1h_input_tokens, self._hour)
        if usage.output_tokens_details is not None:
            self._thinking = _last(usage.output_tokens_details.thinking_tokens, self._thinking)
        self.service_tier = usage.service_tier or self.service_tier

    def usage(self) -> Usage | None:
        """The counts so far, cached tokens within the input (T96); None if there were none."""
        if not self._seen:
            return None
        return Usage(
            input_tokens=self._input + self._read + self._written,
            cached_tokens=self._read,
            cache_write_tokens=self._written,
            cache_write_1h_tokens=min(self._hour, self._written),
            output_tokens=self._output,
            reasoning_tokens=min(self._thinking, self._output),
        )


def wire_usage(usage: Usage) -> dict[str, Any]:
    """The counts on the wire, cached tokens outside of the input (T95)."""
    fields: dict[str, Any] = {
        "input_tokens": usage.uncached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
    }
    if usage.cache_write_1h_tokens:
        fields["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - usage.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    fields["output_tokens"] = usage.output_tokens
    if usage.reasoning_tokens:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return fields


def _last(value: Count, before: int) -> int:
    return before if value is None else max(0, int(value))
