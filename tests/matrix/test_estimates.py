"""The local estimate of a prompt against what the recorded replies state (T171)."""

from collections import defaultdict
from functools import cache
from statistics import median

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.estimate import estimated_tokens
from korproxy_addons.dialects.events import MessageEnd
from korproxy_addons.dialects.model import (
    ChatRequest,
    HostedTool,
    MediaPart,
    ServerToolPart,
    ToolResultPart,
)
from korproxy_addons.io.tokenizers import text_counter
from matrix.cases import DIALECTS, Case, all_cases
from matrix.heard import parts_of
from matrix.table import ESTIMATES
from matrix.test_replies import decoded, is_queued
from support.needs import least

FEW, SOME = (
    10,
    100,
)  # of fewer prompts a median says nothing; of those of an unknown set more are needed
# What their replies count is not in the request: a cache that was made before, a reply that a cassette doctored.
_ELSEWHERE = frozenset(
    {
        "gemini/002-rig-cached-content-matrix-use-streaming-2",
        "anthropic/031-ruby_llm-chat-count-tokens-with-anthropic-claude-haiku-4-5-counts-request",
    }
)


def stated(case: Case) -> int:
    """The input that the reply states, without what the service's own tools brought in; 0 for none."""
    if case.counts:
        return dialect(case.dialect).read_count(case.reply)
    if not case.answered or is_queued(case):
        return 0
    end = decoded(case)[-1]
    usage = end.usage if isinstance(end, MessageEnd) else None
    return usage.input_tokens - usage.tool_use_tokens if usage else 0


def kind_of(request: ChatRequest) -> str:
    """What the request is made of: "text" (and tools), "media", or "other" that only the service can count."""
    parts = list(parts_of(request))
    inner = [it for part in parts if isinstance(part, ToolResultPart) for it in part.content]
    state = request.continuation
    if (
        state.previous_response_id
        or state.conversation
        or any(isinstance(tool, HostedTool) for tool in request.tools)
        or any(isinstance(part, ServerToolPart) for part in parts)
    ):
        return "other"
    media = [it for it in [*parts, *inner] if isinstance(it, MediaPart) and not it.text]
    if any(not it.base64 for it in media):
        return "other"  # a file that only the service has
    return "media" if media else "text"


@cache
def errors() -> dict[tuple[str, str], list[float]]:
    """By dialect and kind: how far each estimate is from what was stated, as a part of it."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for case in all_cases():
        if case.inbound is None or case.status != 200 or case.name in _ELSEWHERE:
            continue
        known = stated(case)
        if not known or case.name.startswith("corpus"):
            continue
        request = dialect(case.dialect).decode_request(case.inbound)
        guess = estimated_tokens(request, request.model, text_counter(request.model))
        found[case.dialect, kind_of(request)].append(abs(guess - known) / known)
    return found


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_t171_the_median_error_of_text_and_tools_is_at_most_a_tenth(dialect_id: str) -> None:
    found = errors()
    for kind in ("text", "media"):
        wrong = found[dialect_id, kind]
        if wrong:
            ESTIMATES[dialect_id, kind] = (len(wrong), median(wrong), max(wrong))
    text = found[dialect_id, "text"]
    assert len(text) >= least(20)
    if len(text) >= (least(FEW) or SOME):
        assert median(text) <= 0.10
