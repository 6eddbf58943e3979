"""
An answer in no one's dialect: the events between a decoder and an encoder.

Order (the table is in `grammar.py`):

    MessageStart (part | KeepAlive)* MessageEnd
    part = PartStart (PartDelta | PartCitation | KeepAlive)* PartEnd

`StreamFailed` may stand anywhere and ends everything. One part is open at a time: a decoder that meets
interleaved calls holds the later one back until the earlier is complete (T44).

One answer has one choice. A decoder whose request asked for one choice merges what an upstream spread
over several (T15); `n > 1` crosses no border between dialects (`Feature.CHOICES`) and is passed through
between equal ones.

Only text, refusals, thinking and calls come in deltas; what a delta is follows from the open part.
Every other part comes whole in its PartStart, with PartEnd right after it.
"""

from msgspec import Struct

from korproxy_addons.dialects.model import (
    Citation,
    CompactionPart,
    FinishReason,
    MediaPart,
    Opaque,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from korproxy_addons.errors.catalogue import CONTEXT_TOO_LONG
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind

type StreamedPart = TextPart | RefusalPart | ThinkingPart | ToolCallPart
type WholePart = MediaPart | ServerToolPart | CompactionPart | UnknownPart
type ReplyPart = StreamedPart | WholePart


class ReplyError(Struct, frozen=True):
    """
    What went wrong, in no dialect's words.

    Attributes:
        kind: Family; a dialect maps it to its envelope's own word.
        message: For the person; never with a credential or an upstream's URL in it.
        code: The upstream's own word (`rate_limit_exceeded`) or a KP code; "" if none.
        param: Request field at fault, else "".
        retry_after_s: Seconds until a new try makes sense, where known.
        context_overflow: The prompt is too long. Agents compact when they read their own dialect's
            words for this, so every dialect says it in those (T168).
    """

    kind: Kind
    message: str
    code: str = ""
    param: str = ""
    retry_after_s: float | None = None
    context_overflow: bool = False


def reply_error(error: KorProxyError) -> ReplyError:
    """An exception of ours as dialects say it."""
    return ReplyError(
        error.spec.kind,
        error.message(),
        code=error.spec.code,
        param=error.param or "",
        retry_after_s=error.retry_after_s,
        context_overflow=error.spec is CONTEXT_TOO_LONG,
    )


class MessageStart(Struct, frozen=True):
    """
    The upstream has begun to answer; on the first chunk of any kind, exactly once.

    Attributes:
        id: The upstream's id of the answer, "" if it gave none. Clients get an id of ours.
        model: The upstream's name of the model, "" if it gave none.
        usage: What is known now (Anthropic: the input), else None.
    """

    id: str = ""
    model: str = ""
    usage: Usage | None = None


class PartStart(Struct, frozen=True):
    """
    A part opens.

    For text, refusals, thinking and calls `part` is an empty shell (text and arguments "") whose content
    comes in deltas and whose state comes with PartEnd; id and name of a call are final. Other parts
    are whole.
    """

    part: ReplyPart


class PartDelta(Struct, frozen=True):
    """More of the open part: of its text, or of a call's arguments. Never empty."""

    text: str


class PartCitation(Struct, frozen=True):
    """A source of the open text part."""

    citation: Citation


class PartEnd(Struct, frozen=True):
    """
    The open part closes.

    Attributes:
        state: What its maker wants back: a thinking part's signature or encrypted content, a call's
            or text's thought signature.
        complete: False if the answer was cut inside this part (limit, lost connection). A complete
            call of a function has had at least one delta: for no arguments that is "{}" (T50).
    """

    state: Opaque | None = None
    complete: bool = True


class KeepAlive(Struct, frozen=True):
    """The upstream said that it is alive. An encoder answers with its own form or with nothing."""


class MessageEnd(Struct, frozen=True):
    """
    The answer is whole, as far as it goes.

    Attributes:
        finish: Already settled by `model.settled_finish`.
        stop_sequence: The stop string that fired, else "".
        usage: The final counts; None if the upstream never gave any.
        reason: The upstream's own word for a filter or refusal ("SAFETY", "cyber_policy"), else "".
        explanation: What the service says about it, in words, else "".
        service_tier: As the upstream reports it, else "".
    """

    finish: FinishReason
    stop_sequence: str = ""
    usage: Usage | None = None
    reason: str = ""
    explanation: str = ""
    service_tier: str = ""


class StreamFailed(Struct, frozen=True):
    """The answer broke off. Nothing follows."""

    error: ReplyError


type Event = (
    MessageStart
    | PartStart
    | PartDelta
    | PartCitation
    | PartEnd
    | KeepAlive
    | MessageEnd
    | StreamFailed
)
