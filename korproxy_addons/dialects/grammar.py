"""
The legal order of events, as a table, and its checker.

Tests check every sequence with it. In the running gateway `translate.py` turns a violation into a
`StreamFailed`, so that a decoder's mistake ends in the client's error words, not in a broken stream.
"""

from enum import IntEnum

from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.model import (
    FinishReason,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)


class State(IntEnum):
    """Where in an answer we are. CALL is an open function call without arguments so far."""

    BEFORE = 0
    BETWEEN = 1
    TEXT = 2
    WORDS = 3
    CALL = 4
    CALL_FED = 5
    WHOLE = 6
    OVER = 7


class GrammarError(ValueError):
    """An event came where it may not, or in a form it may not have."""


# (state, event type) to the state after it. PartStart stands for all parts: `_opened` says which
# state its part opens.
TABLE: dict[tuple[State, type[Event]], State] = {
    (State.BEFORE, MessageStart): State.BETWEEN,
    (State.BETWEEN, PartStart): State.TEXT,
    (State.BETWEEN, MessageEnd): State.OVER,
    (State.TEXT, PartDelta): State.TEXT,
    (State.TEXT, PartCitation): State.TEXT,
    (State.TEXT, PartEnd): State.BETWEEN,
    (State.WORDS, PartDelta): State.WORDS,
    (State.WORDS, PartEnd): State.BETWEEN,
    (State.CALL, PartDelta): State.CALL_FED,
    (State.CALL, PartEnd): State.BETWEEN,
    (State.CALL_FED, PartDelta): State.CALL_FED,
    (State.CALL_FED, PartEnd): State.BETWEEN,
    (State.WHOLE, PartEnd): State.BETWEEN,
    **{(state, KeepAlive): state for state in State if state is not State.OVER},
    **{(state, StreamFailed): State.OVER for state in State if state is not State.OVER},
}


class Grammar:
    """
    Checks one answer, event by event.

    Attributes:
        state: Where the answer is; OVER after its end or failure.
        called: A call of a client's tool was seen.
    """

    __slots__ = ("called", "state")

    def __init__(self) -> None:
        self.state = State.BEFORE
        self.called = False

    def check(self, event: Event) -> None:
        """
        Take the next event.

        Raises:
            GrammarError: It may not come here; the checker keeps its state.
        """
        following = TABLE.get((self.state, type(event)))
        if following is None:
            raise GrammarError(f"{type(event).__name__} in state {self.state.name}")
        if isinstance(event, PartDelta):
            if not event.text:
                raise GrammarError("an empty PartDelta")
        elif isinstance(event, PartStart):
            following = self._opened(event)
        elif isinstance(event, PartEnd):
            if self.state is State.CALL and event.complete:
                raise GrammarError("a complete call without arguments")
        elif isinstance(event, MessageEnd):
            self._check_finish(event.finish)
        self.state = following

    def check_end(self) -> None:
        """
        The events are over.

        Raises:
            GrammarError: Neither MessageEnd nor StreamFailed came.
        """
        if self.state is not State.OVER:
            raise GrammarError(f"the events stop in state {self.state.name}")

    def _opened(self, event: PartStart) -> State:
        part = event.part
        if isinstance(part, ToolCallPart):
            if not part.call_id or not part.name:
                raise GrammarError("a call without id or name")
            if part.arguments or part.state:
                raise GrammarError("a call that opens with content")
            self.called = True
            return State.CALL_FED if part.custom else State.CALL
        if isinstance(part, TextPart | RefusalPart | ThinkingPart):
            if part.text or (not isinstance(part, RefusalPart) and part.state):
                raise GrammarError(f"a {type(part).__name__} that opens with content")
            return State.TEXT if isinstance(part, TextPart) else State.WORDS
        return State.WHOLE

    def _check_finish(self, finish: FinishReason) -> None:
        if self.called and finish is FinishReason.STOP:
            raise GrammarError("the answer has calls, and its finish reason is stop")
        if not self.called and finish is FinishReason.TOOL_CALLS:
            raise GrammarError("the finish reason is tool_calls, and there are no calls")


def violation(events: list[Event]) -> str:
    """What is wrong with a whole sequence of events, "" if nothing is."""
    grammar = Grammar()
    try:
        for event in events:
            grammar.check(event)
        grammar.check_end()
    except GrammarError as error:
        return str(error)
    return ""
