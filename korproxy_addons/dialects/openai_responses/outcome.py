"""How an answer of the Responses API ended: `status` and `incomplete_details`, read and written (T110)."""

from typing import Final, NamedTuple

from korproxy_addons.dialects.model import FinishReason, settled_finish

COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"
# Statuses under which an answer is not there (yet): it was asked for in the background, or stopped.
UNFINISHED: Final = frozenset({"queued", "in_progress", "cancelled"})
_FILTER: Final = "content_filter"
_LIMIT: Final = "max_output_tokens"


class Ending(NamedTuple):
    """The words of an end: event and status without "response.", and the reason if it is incomplete."""

    status: str
    reason: str | None


def decoded_finish(status: str, reason: str, *, called: bool, refused: bool) -> FinishReason:
    """
    The finish reason.

    Args:
        status: Of the answer; anything but "incomplete" is a whole one.
        reason: `incomplete_details.reason`.
        called: The answer has a call of a client's tool.
        refused: It has a refusal.
    """
    if status == INCOMPLETE:
        return FinishReason.CONTENT_FILTER if reason == _FILTER else FinishReason.LENGTH
    if refused and not called:
        return FinishReason.REFUSAL
    return settled_finish(FinishReason.STOP, called=called)


def encoded_finish(finish: FinishReason, *, refused: bool) -> Ending:
    """The end for a finish reason; a refusal that the client can read is a whole answer (T177)."""
    match finish:
        case FinishReason.LENGTH | FinishReason.CONTEXT_LENGTH:
            return Ending(INCOMPLETE, _LIMIT)
        case FinishReason.CONTENT_FILTER:
            return Ending(INCOMPLETE, _FILTER)
        case FinishReason.REFUSAL if not refused:
            return Ending(INCOMPLETE, _FILTER)
    return Ending(COMPLETED, None)
