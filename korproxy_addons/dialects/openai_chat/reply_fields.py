"""The pieces of an answer in Chat's words: calls, media, citations, usage, finish reasons."""

from typing import Any, Final

from msgspec import Struct

from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.media import data_url
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.openai_chat.legacy import FINISH as LEGACY_FINISH

_DIALECT_ID: Final = "openai-chat"
_FINISH: Final = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.LENGTH: "length",
    FinishReason.CONTEXT_LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
    FinishReason.PAUSE: "stop",  # Chat has no word for "go on please" (T114)
}


class _InputDetails(Struct, omit_defaults=True):
    cached_tokens: int
    cache_write_tokens: int = 0


class _OutputDetails(Struct):
    reasoning_tokens: int


class ReplyUsage(Struct):
    """`usage` of an answer, in OpenAI's order."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _InputDetails
    completion_tokens_details: _OutputDetails


def reply_usage(usage: Usage) -> ReplyUsage:
    """The counts: the prompt with all that was cached or written (T96), the answer with its reasoning."""
    return ReplyUsage(
        usage.input_tokens,
        usage.output_tokens,
        usage.total_tokens,
        _InputDetails(usage.cached_tokens, usage.cache_write_tokens),
        _OutputDetails(usage.reasoning_tokens),
    )


def finish_word(finish: FinishReason, *, refused: bool, called: bool, legacy: bool = False) -> str:
    """
    The word for a finish reason.

    A refusal that stands in `message.refusal` ends in "stop", as OpenAI has it; any other looks like a
    filter's (T108). Clients run calls only after "tool_calls", so no other good end is said beside calls.
    """
    word = _FINISH[finish]
    if finish is FinishReason.REFUSAL and refused:
        word = "stop"
    if called and word in {"stop", "tool_calls"}:
        return LEGACY_FINISH if legacy else "tool_calls"
    return word


def call_fields(part: ToolCallPart, arguments: str, state: Opaque | None) -> dict[str, Any]:
    """A call, or the opening of one with no arguments so far."""
    fields: dict[str, Any] = {"id": portable_id(part.call_id)}
    if part.custom:
        fields |= {"type": "custom", "custom": {"name": part.name, "input": arguments}}
    else:
        fields |= {"type": "function", "function": {"name": part.name, "arguments": arguments}}
    return fields if state is None else fields | state_fields(state)


def state_fields(state: Opaque) -> dict[str, Any]:
    """A call's state where clients of Google's Chat endpoint keep it, sealed: it may go to Google only."""
    return {"extra_content": {"google": {"thought_signature": sealed(state)}}}


def media_fields(part: MediaPart) -> dict[str, Any]:
    """
    Fields of a message for what the model made (T128): `images` as OpenRouter has it, `audio` as OpenAI has it.

    Other media have no place: {}.
    """
    if part.kind is MediaKind.AUDIO and part.base64:
        return {"audio": {"id": "", "data": part.base64, "transcript": "", "expires_at": 0}}
    if part.kind is not MediaKind.IMAGE or part.file_id:
        return {}
    return {"images": [{"type": "image_url", "image_url": {"url": data_url(part)}}]}


def annotation(citation: Citation, start: int, end: int) -> Any:
    """
    A source as an entry of `annotations`; None if it is no web page.

    Args:
        citation: Its places count from the start of its text part.
        start: Where the part begins in `content`; stands in for an unknown place.
        end: Where it ends so far, likewise.
    """
    if citation.origin == _DIALECT_ID:
        return citation.raw
    if not citation.url:
        return None
    return {
        "type": "url_citation",
        "url_citation": {
            "url": citation.url,
            "title": citation.title,
            "start_index": start + citation.start if citation.start >= 0 else start,
            "end_index": start + citation.end if citation.end >= 0 else end,
        },
    }
