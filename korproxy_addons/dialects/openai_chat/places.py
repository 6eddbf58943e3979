"""Where in the joined texts of an answer an encoder is: parts of one kind share one field on Chat's wire."""

from typing import Final

from korproxy_addons.dialects.events import ReplyPart
from korproxy_addons.dialects.model import RefusalPart, ThinkingPart, ToolCallPart

_BETWEEN_THOUGHTS: Final = "\n\n"


class Places:
    """
    Counts what was written.

    Attributes:
        content: Characters of `content`.
        thinking: Characters of `reasoning_content`.
        start: Where the open part begins in its field.
        calls: Calls that were opened.
        refused: A refusal was opened.
        thought_last: The last part was thinking, and said something.
    """

    __slots__ = ("calls", "content", "refused", "start", "thinking", "thought_last")

    def __init__(self) -> None:
        self.content = 0  # characters of `content`
        self.thinking = 0  # characters of `reasoning_content`
        self.start = 0  # where the open part begins in its field
        self.calls = 0
        self.refused = False
        self.thought_last = False  # the last part was thinking, and said something

    def open(self, part: ReplyPart) -> str:
        """A part opens; what is to stand between it and thinking right before it."""
        thought, self.thought_last = self.thought_last, False
        if isinstance(part, ThinkingPart):
            self.start = self.thinking
            return _BETWEEN_THOUGHTS if thought else ""
        self.start = self.content
        if isinstance(part, ToolCallPart):
            self.calls += 1
        elif isinstance(part, RefusalPart):
            self.refused = True
        return ""

    def separated(self, separator: str) -> None:
        """The separator was written: the part begins behind it."""
        self.thinking += len(separator)
        self.start = self.thinking
