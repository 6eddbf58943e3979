"""Google's words for why an answer ended."""

from typing import Final

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.errors.kinds import Kind

UNSPECIFIED: Final = "FINISH_REASON_UNSPECIFIED"

# A word that is not here is taken for a filter: that is what new ones have been (T109).
FILTERS: Final = frozenset(
    {
        "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
        "JAILBREAK", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER",
        "NO_IMAGE",
    }
)  # fmt: skip

# The answer is no answer: these come with empty or half content (T62).
BROKEN: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE", "OTHER",
    }
)  # fmt: skip

_PLAIN: Final = {"STOP": FinishReason.STOP, "MAX_TOKENS": FinishReason.LENGTH}

_WORDS: Final = {
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTEXT_LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.REFUSAL: "SAFETY",
}


def finish_of(word: str) -> FinishReason:
    """The reason for a word of Google's that is none of `BROKEN`."""
    return _PLAIN.get(word, FinishReason.CONTENT_FILTER)


def word_of(finish: FinishReason, reason: str) -> str:
    """Google's word for a reason; a filter's own word where it is one of Google's."""
    if finish is FinishReason.CONTENT_FILTER and reason in FILTERS:
        return reason
    return _WORDS.get(finish, "STOP")


def broken_error(word: str, message: str) -> ReplyError:
    """The error for one of `BROKEN`, with what Google says about it."""
    said = f": {message}" if message else ""
    return ReplyError(Kind.INTERNAL, f"The model's answer cannot be used ({word}){said}", word)
