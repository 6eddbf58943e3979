"""What an answer says, whatever dialect it is written in: text, reasoning, calls, end, counts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import (
    FinishReason,
    MediaPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)

type Call = tuple[str, str, str]
"""Id, name, arguments as canonical JSON (or raw input)."""

# What a client of a dialect is told where the dialect has no word of its own.
_NO_WORD = {
    FinishReason.STOP_SEQUENCE: FinishReason.STOP,
    FinishReason.CONTEXT_LENGTH: FinishReason.LENGTH,
    FinishReason.PAUSE: FinishReason.STOP,
    FinishReason.REFUSAL: FinishReason.CONTENT_FILTER,
}
_ANTHROPIC = {FinishReason.CONTENT_FILTER: FinishReason.REFUSAL}


@dataclass(frozen=True)
class Said:
    """
    One answer.

    Attributes:
        text: All words for the user, refusals among them.
        calls: Those that are whole.
        cut: A call was cut.
        usage: Input, cached, output, reasoning; None where none was stated.
        failed: The kind of the error that ended it, "" if none did.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    cut: bool = False
    media: tuple[str, ...] = ()
    finish: str = ""
    usage: tuple[int, int, int, int] | None = None
    failed: str = ""


def said(events: Sequence[Event], *, unknown: bool = True, noted: bool = False) -> Said:
    """
    What the events of an answer say.

    Args:
        events: The answer.
        unknown: With the words of unknown parts.
        noted: With a note in place of each picture or sound, as those are told who can be shown none (T128).
    """
    text: list[str] = []
    thinking: list[str] = []
    calls: list[Call] = []
    media: list[str] = []
    pieces: list[str] = []
    part: Any = None
    cut = False
    out = Said()
    for event in events:
        if isinstance(event, PartStart):
            part, pieces = event.part, []
            if isinstance(part, MediaPart):
                media.append(part.base64[:32] or part.url)
                note = f"[{part.kind}: {mime_of(part)}, cannot be shown here]"
                text += [note] if noted else []
            elif isinstance(part, UnknownPart) and unknown:
                text.append(part.text)
        elif isinstance(event, PartDelta):
            pieces.append(event.text)
        elif isinstance(event, PartEnd):
            words, pieces = "".join(pieces), []
            if isinstance(part, TextPart | RefusalPart):
                text.append(words)
            elif isinstance(part, ThinkingPart):
                thinking.append(words)
            elif isinstance(part, ToolCallPart) and not event.complete:
                cut = True
            elif isinstance(part, ToolCallPart):
                calls.append((portable_id(part.call_id), part.name, canonical(words)))
        elif isinstance(event, MessageEnd):
            out = replace(out, finish=str(event.finish), usage=counted(event.usage))
        elif isinstance(event, StreamFailed):
            text += pieces if isinstance(part, TextPart | RefusalPart) else []
            out = replace(out, failed=str(event.error.kind))
    return replace(
        out,
        text="".join(text),
        thinking="".join(thinking),
        calls=tuple(calls),
        cut=cut,
        media=tuple(media),
    )


def counted(usage: Usage | None) -> tuple[int, int, int, int] | None:
    """Input, cached, output, reasoning."""
    if usage is None:
        return None
    return (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens)


def as_told(answer: Said, dialect_id: str) -> Said:
    """
    The answer as a client of a dialect can be told it.

    Only Anthropic knows stop strings, pauses and refusals apart; it states counts always, and shows no media. Custom
    tools are OpenAI's alone: elsewhere their input is a function's.
    """
    anthropic = dialect_id == "anthropic-messages"
    finish = FinishReason(answer.finish) if answer.finish else None
    if finish is not None:
        finish = (_ANTHROPIC if anthropic else _NO_WORD).get(finish, finish)
    return replace(
        answer,
        finish=str(finish or ""),
        usage=answer.usage or ((0, 0, 0, 0) if anthropic else None),
        media=() if anthropic else answer.media,
        cut=False,
    )


def canonical(text: str) -> str:
    """JSON text in one form; text that is no JSON unchanged."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
