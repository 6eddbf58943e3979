"""How an answer ended and what it cost: the one reading that decoder and usage tap share (T104)."""

from math import isfinite
from typing import Any, Final

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage, settled_finish
from korproxy_addons.dialects.openai_chat.errors import reported_error
from korproxy_addons.dialects.openai_chat.reply_wire import Choice, Chunk, UsageWire
from korproxy_addons.errors.catalogue import UPSTREAM_ERROR
from korproxy_addons.errors.kinds import Kind

# The words of OpenAI first, then those that compatible servers pass on from elsewhere.
_FINISH: Final = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.CONTEXT_LENGTH,
    "model_context_window_exceeded": FinishReason.CONTEXT_LENGTH,
    "refusal": FinishReason.REFUSAL,
    "sensitive": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
}
# The service gave up (DeepSeek, GLM, OpenRouter): not an end (T165).
_BROKEN: Final = frozenset({"error", "network_error", "insufficient_system_resource", "abort"})
_SOFT: Final = frozenset({FinishReason.STOP, FinishReason.TOOL_CALLS})


class UsageReader:
    """
    The last value of each count.

    Services send usage once, cumulatively on every chunk, or twice with the cache count only in the second (T101).
    """

    __slots__ = ("_cached", "_input", "_output", "_reasoning", "_seen", "_total", "_written")

    def __init__(self) -> None:
        self._seen = False
        self._input = 0
        self._output = 0
        self._total = 0
        self._cached = 0
        self._written = 0
        self._reasoning = 0

    def take(self, wire: UsageWire) -> None:
        """Read one `usage`."""
        self._seen = True
        read = wire.prompt_tokens_details
        made = wire.completion_tokens_details
        self._input = _last(self._input, wire.prompt_tokens, wire.input_tokens)
        self._output = _last(self._output, wire.completion_tokens, wire.output_tokens)
        self._total = _last(self._total, wire.total_tokens)
        self._cached = _last(
            self._cached,
            read.cached_tokens if read else None,
            wire.prompt_cache_hit_tokens,
            wire.cached_tokens,
            wire.cache_read_input_tokens,
        )
        self._written = _last(
            self._written,
            read.cache_write_tokens if read else None,
            read.cache_creation_input_tokens if read else None,
            wire.cache_creation_input_tokens,
        )
        self._reasoning = _last(
            self._reasoning, made.reasoning_tokens if made else None, wire.reasoning_tokens
        )

    def usage(self) -> Usage | None:
        """The counts so far, None if there were none."""
        if not self._seen:
            return None
        output = self._output
        # xAI states the answer without its reasoning; only the total tells (seen 2026-03).
        if self._reasoning and self._total == self._input + output + self._reasoning:
            output += self._reasoning
        return Usage(
            input_tokens=self._input,
            cached_tokens=self._cached,
            cache_write_tokens=self._written,
            output_tokens=output,
            reasoning_tokens=self._reasoning,
        )


class Outcome:
    """
    What the chunks say of the answer as a whole.

    Attributes:
        finish: The last finish reason that says more than "stop" (T113), None before any.
        error: An error in place of an answer, None if there is none (T166).
        native_reason: The model's own word for its end (OpenRouter), "" if none.
        service_tier: As reported, else "".
        done: `[DONE]` was seen.
    """

    __slots__ = ("done", "error", "finish", "native_reason", "service_tier", "usage")

    def __init__(self) -> None:
        self.usage = UsageReader()
        self.finish: FinishReason | None = None
        self.error: ReplyError | None = None
        self.native_reason = ""
        self.service_tier = ""
        self.done = False

    def take(self, chunk: Chunk) -> None:
        """Read all of a chunk but its choices."""
        if chunk.usage is not None:
            self.usage.take(chunk.usage)
        elif chunk.x_groq is not None and chunk.x_groq.usage is not None:
            self.usage.take(chunk.x_groq.usage)
        if chunk.service_tier:
            self.service_tier = chunk.service_tier
        if self.error is None and (chunk.error or not chunk.choices):
            self.error = _error_of(chunk)

    def take_choice(self, choice: Choice) -> None:
        """Read the end that a choice reports."""
        if choice.usage is not None:
            self.usage.take(choice.usage)
        if choice.error and self.error is None:
            self.error = reported_error(choice.error)
        word = choice.finish_reason
        if not word:  # "" is not an end (T160)
            return
        if choice.native_finish_reason:
            self.native_reason = choice.native_finish_reason
        word = word.lower()
        if word in _BROKEN:
            if self.error is None:
                self.error = ReplyError(
                    Kind.INTERNAL,
                    f"{UPSTREAM_ERROR.title}: it broke the answer off ({word}).",
                    code=word,
                )
            return
        finish = _FINISH.get(word, FinishReason.STOP)
        if self.finish is None or (self.finish in _SOFT and finish is not FinishReason.STOP):
            self.finish = finish

    def settled(self, *, called: bool, refused: bool) -> FinishReason:
        """The finish reason that fits the parts (T106); STOP if none was reported (T111)."""
        finish = settled_finish(self.finish or FinishReason.STOP, called=called)
        if refused and finish is FinishReason.STOP:
            return FinishReason.REFUSAL
        return finish


def _error_of(chunk: Chunk) -> ReplyError | None:
    """The error that a chunk without choices may be."""
    if chunk.error:
        return reported_error(chunk.error)
    if chunk.choices is not None or chunk.usage is not None:
        return None
    text = chunk.msg or chunk.detail or (chunk.message if chunk.code else None)
    code = chunk.error_code or chunk.code or chunk.status
    if text or chunk.error_code:
        return reported_error({"message": text, "code": code})
    return None


def _last(known: int, *values: Any) -> int:
    """The first value that is a count, else what is known; never below 0."""
    for value in values:
        if value is not None and isfinite(value):
            return max(0, int(value))
    return known
