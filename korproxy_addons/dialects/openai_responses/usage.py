"""Token counts of the Responses API, one function for streams and whole bodies (T104)."""

from typing import Any

from korproxy_addons.dialects.model import Usage
from korproxy_addons.dialects.openai_responses.wire import UsageBody


def decoded_usage(body: UsageBody | None) -> Usage | None:
    """The counts, none of them negative; None if the upstream gave none."""
    if body is None or (body.input_tokens is None and body.output_tokens is None):
        return None
    read = body.input_tokens_details
    made = body.output_tokens_details
    return Usage(
        input_tokens=_count(body.input_tokens),
        cached_tokens=_count(read.cached_tokens) if read else 0,
        cache_write_tokens=_count(read.cache_write_tokens) if read else 0,
        output_tokens=_count(body.output_tokens),
        reasoning_tokens=_count(made.reasoning_tokens) if made else 0,
    )


def encoded_usage(usage: Usage | None) -> dict[str, Any] | None:
    """`usage` of an answer; the details are there even if they are 0, as strict clients want (T103)."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _count(value: float | None) -> int:
    return max(0, int(value)) if value is not None else 0
