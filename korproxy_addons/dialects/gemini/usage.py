"""Gemini's counts, in and out; one function for streams and whole replies (T104)."""

from typing import Any, Final

from korproxy_addons.dialects.gemini.wire import Count, UsageMetadata
from korproxy_addons.dialects.model import Usage

_LONGEST: Final = 18  # digits of a 64-bit count


def usage_of(counts: UsageMetadata) -> Usage | None:
    """
    Canonical usage, or None if the chunk counts nothing (some carry only the kind of traffic).

    The prompt comes with cached tokens and without those of Google's own tools, the answer without thoughts (T97);
    with them only where the total says so, as that of the first thinking models did.
    """
    prompt = _first(counts.prompt_token_count, counts.snake_prompt_token_count)
    answer = _first(counts.candidates_token_count, counts.snake_candidates_token_count)
    thoughts = _first(counts.thoughts_token_count, counts.snake_thoughts_token_count)
    tools = _first(counts.tool_use_prompt_token_count, counts.snake_tool_use_prompt_token_count)
    total = _first(counts.total_token_count, counts.snake_total_token_count)
    if prompt is None and answer is None and thoughts is None and total is None:
        return None
    cached = _first(counts.cached_content_token_count, counts.snake_cached_content_token_count)
    reasoning = thoughts or 0
    asked = (prompt or 0) + (tools or 0)
    output = (answer or 0) + reasoning
    if answer and reasoning <= answer and total == asked + answer:
        output = answer
    return Usage(
        input_tokens=asked,
        cached_tokens=cached or 0,
        tool_use_tokens=tools or 0,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )


def counts_of(usage: Usage, service_tier: str) -> dict[str, Any]:
    """`usageMetadata` for a usage; counts of 0 that Google leaves out are left out."""
    prompt = max(0, usage.input_tokens - usage.tool_use_tokens)
    answer = max(0, usage.output_tokens - usage.reasoning_tokens)
    counts: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": answer,
        "totalTokenCount": prompt + usage.tool_use_tokens + answer + usage.reasoning_tokens,
    }
    if usage.cached_tokens:
        counts["cachedContentTokenCount"] = usage.cached_tokens
    if usage.tool_use_tokens:
        counts["toolUsePromptTokenCount"] = usage.tool_use_tokens
    if usage.reasoning_tokens:
        counts["thoughtsTokenCount"] = usage.reasoning_tokens
    if service_tier:
        counts["serviceTier"] = service_tier
    return counts


def _first(value: Count, snake: Count) -> int | None:
    value = snake if value is None else value
    if isinstance(value, str):  # protobuf writes long integers as strings
        value = (
            int(value) if value.isascii() and value.isdigit() and len(value) <= _LONGEST else None
        )
    return None if value is None else max(0, int(value))
