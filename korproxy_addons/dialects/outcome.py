"""
What an answer cost and why it ended.

The rules for all values stand in `model.py`, from which everything here is imported.
"""

from enum import StrEnum

from msgspec import Struct


class Usage(Struct, frozen=True):
    """
    Tokens of one answer; every count is >= 0.

    Attributes:
        input_tokens: The whole prompt, WITH cached, written and tool-use tokens.
        cached_tokens: Part of the input read from a cache.
        cache_write_tokens: Part of the input written to a cache (all lifetimes).
        cache_write_1h_tokens: Part of `cache_write_tokens` that is kept for an hour.
        tool_use_tokens: Part of the input that a service's own tools brought in (Gemini).
        output_tokens: The whole answer, WITH reasoning.
        reasoning_tokens: Part of the output.
        estimated: Counted by us, not stated by the upstream.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    tool_use_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    @property
    def uncached_tokens(self) -> int:
        """The input that was neither read from nor written to a cache; never below 0 (T95)."""
        return max(0, self.input_tokens - self.cached_tokens - self.cache_write_tokens)


class FinishReason(StrEnum):
    """
    Why the answer ended.

    CONTENT_FILTER is the service's filter, REFUSAL the model's own no; PAUSE asks to go on (Anthropic's
    server tools). What broke (`MALFORMED_FUNCTION_CALL`) is no reason but a `StreamFailed`.
    """

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"


def settled_finish(finish: FinishReason, *, called: bool) -> FinishReason:
    """
    The finish reason that fits the parts: calls decide between STOP and TOOL_CALLS (T105 - T107).

    Args:
        finish: What the upstream said.
        called: Whether the answer holds a call of a client's tool.
    """
    if called and finish is FinishReason.STOP:
        return FinishReason.TOOL_CALLS
    if not called and finish is FinishReason.TOOL_CALLS:
        return FinishReason.STOP
    return finish
