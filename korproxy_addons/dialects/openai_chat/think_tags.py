"""Reasoning that a server leaves in the text as `<think>...</think>` (T82)."""

from enum import Enum, auto
from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"
_SPACE_LIMIT: Final = 256  # characters before the tag


class _State(Enum):
    BEFORE = auto()  # neither the tag nor a word was seen
    INSIDE = auto()
    AFTER = auto()  # line ends between the tag and the first word are dropped
    WORDS = auto()


class ThinkTags:
    """
    Splits the text of one answer into reasoning and words, however it is cut.

    Only a tag at the very beginning counts: later ones are words about tags. Holds back a piece of a tag, and the
    white space before it, at most.
    """

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._state = _State.BEFORE
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """Reasoning and words that can be told apart so far."""
        if self._state is _State.WORDS:
            return "", text
        text, self._held = self._held + text, ""
        if self._state is _State.BEFORE:
            start = text.lstrip()
            if not start.startswith(_OPEN):
                if _OPEN.startswith(start) and len(text) <= _SPACE_LIMIT:
                    self._held = text
                    return "", ""
                self._state = _State.WORDS
                return "", text
            self._state = _State.INSIDE
            text = start[len(_OPEN) :]
        if self._state is _State.INSIDE:
            reasoning, closed, rest = text.partition(_CLOSE)
            if not closed:
                kept = len(text) - _beginning(text)
                self._held = text[kept:]
                return text[:kept], ""
            self._state = _State.AFTER
            return reasoning, self._first_words(rest)
        return "", self._first_words(text)

    def close(self) -> tuple[str, str]:
        """What was held back, when the answer is over."""
        held, self._held = self._held, ""
        state, self._state = self._state, _State.WORDS
        return (held, "") if state is _State.INSIDE else ("", held)

    def _first_words(self, text: str) -> str:
        text = text.lstrip("\n")
        if text:
            self._state = _State.WORDS
        return text


def _beginning(text: str) -> int:
    """How many characters at the end of `text` may begin the closing tag."""
    for length in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-length:]):
            return length
    return 0
