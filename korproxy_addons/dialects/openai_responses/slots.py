"""
Items of an answer while they stream: each slot turns what is said of its item into events.

Items may interleave on the wire, events may not: every slot writes into its own queue, and `turn.py` empties the
queues one after the other (T44). What `done` events and whole items repeat is compared by length, so that text that
never came in deltas is given, and nothing is given twice (T54).
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.events import Event, PartCitation, PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import (
    Citation,
    RefusalPart,
    TextPart,
    ThinkingPart,
)
from korproxy_addons.dialects.openai_responses.carried import reply_state
from korproxy_addons.dialects.openai_responses.outcome import INCOMPLETE
from korproxy_addons.dialects.openai_responses.wire import (
    ANNOTATION,
    DIALECT_ID,
    Annotation,
    ContentPart,
    OutputItem,
)

_BLANK_LINE: Final = "\n\n"


class Slot:
    """
    One item.

    Attributes:
        queue: Its events that have not been taken.
        done: Nothing more comes.
        called, refused: It held a call of a client's tool, a refusal.
    """

    __slots__ = ("called", "done", "queue", "refused")

    def __init__(self) -> None:
        self.queue: list[Event] = []
        self.done = False
        self.called = False
        self.refused = False

    def finish(self, item: OutputItem, raw: Raw) -> None:
        """The whole item: what was missing, and the end."""
        raise NotImplementedError

    def cut(self, *, complete: bool) -> None:
        """The answer is over and the item was never said to be."""
        raise NotImplementedError


class MessageSlot(Slot):
    """Text and refusals. A part stays open until the next one or the item's end: sources may follow it."""

    __slots__ = ("_noted", "_open", "_sent")

    def __init__(self) -> None:
        super().__init__()
        self._open = -1
        self._sent: dict[int, int] = {}
        self._noted: dict[int, int] = {}

    def delta(self, index: int, text: str, *, refusal: bool = False) -> None:
        """More of content part `index`."""
        if not text:
            return
        if index != self._open:
            self._opened(index, refusal=refusal)
        self._sent[index] += len(text)
        self.queue.append(PartDelta(text))

    def annotation(self, index: int, raw: Raw) -> None:
        """A source of the open text part; those of a part without text wait for its end."""
        if index == self._open:
            self._noted[index] = self._noted.get(index, 0) + 1
            self.queue.append(PartCitation(decoded_citation(raw)))

    def part(self, index: int, part: ContentPart) -> None:
        """The whole of content part `index`."""
        refusal = part.refusal if part.type == "refusal" else None
        text = part.text if refusal is None else refusal
        self.text(index, text or "", refusal=refusal is not None)
        for raw in (part.annotations or ())[self._noted.get(index, 0) :]:
            self.annotation(index, raw)

    def text(self, index: int, text: str, *, refusal: bool = False) -> None:
        """The whole text of content part `index`."""
        sent = self._sent.get(index, 0)
        if len(text) > sent:
            self.delta(index, text[sent:], refusal=refusal)

    def finish(self, item: OutputItem, raw: Raw) -> None:  # noqa: ARG002 - all of it is in the item
        parts = item.content or ()
        for index, part in zip(_places(self._sent, len(parts)), parts, strict=True):
            self.part(index, part)
        self.cut(complete=item.status != INCOMPLETE)

    def cut(self, *, complete: bool) -> None:
        if self._open >= 0:
            self.queue.append(PartEnd(complete=complete))
            self._open = -1
        self.done = True

    def _opened(self, index: int, *, refusal: bool) -> None:
        if self._open >= 0:
            self.queue.append(PartEnd())
        self._open = index
        self._sent.setdefault(index, 0)
        self.refused = self.refused or refusal
        self.queue.append(PartStart(RefusalPart("") if refusal else TextPart("")))


class ReasoningSlot(Slot):
    """
    Reasoning. Several summary parts are one text, a blank line between them (T74).

    Services send a summary, the thing itself, or both with the same text: the sort that comes first counts.
    """

    __slots__ = ("_index", "_opened", "_origin", "_sent", "_summary")

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin
        self._opened = False
        self._summary = True
        self._index = -1
        self._sent: dict[int, int] = {}

    def delta(self, index: int, text: str, *, summary: bool) -> None:
        """More of summary or content part `index`."""
        if not text:
            return
        if not self._opened:
            self._open(summary=summary)
        elif summary != self._summary:
            return
        self._sent[index] = self._sent.get(index, 0) + len(text)
        if index != self._index:
            if self._index >= 0:
                text = _BLANK_LINE + text
            self._index = index
        self.queue.append(PartDelta(text))

    def text(self, index: int, text: str, *, summary: bool) -> None:
        """The whole text of a part."""
        sent = self._sent.get(index, 0)
        if len(text) > sent and (not self._opened or summary == self._summary):
            self.delta(index, text[sent:], summary=summary)

    def finish(self, item: OutputItem, raw: Raw) -> None:  # noqa: ARG002 - all of it is in the item
        for summary, parts in ((True, item.summary or ()), (False, item.content or ())):
            for index, part in zip(_places(self._sent, len(parts)), parts, strict=True):
                self.text(index, part.text or "", summary=summary)
        state = reply_state(item.encrypted_content or "", item.id or "", self._origin)
        if state is not None and not self._opened:
            self._open(summary=True)
        if self._opened:
            self.queue.append(PartEnd(state, complete=item.status != INCOMPLETE))
        self.done = True

    def cut(self, *, complete: bool) -> None:
        if self._opened:
            self.queue.append(PartEnd(complete=complete))
        self.done = True

    def _open(self, *, summary: bool) -> None:
        self._opened = True
        self._summary = summary
        self.queue.append(PartStart(ThinkingPart("", is_summary=summary)))


def decoded_citation(raw: Raw) -> Citation:
    """A source in no one's dialect; its wire form stays with it."""
    try:
        found = ANNOTATION.decode(raw)
    except (ValueError, RecursionError):
        found = Annotation()
    return Citation(
        DIALECT_ID,
        raw,
        url=found.url or "",
        title=found.title or found.filename or "",
        start=-1 if found.start_index is None else found.start_index,
        end=-1 if found.end_index is None else found.end_index,
    )


def _places(seen: Collection[int], count: int) -> Sequence[int]:
    """
    Under which index the events spoke of each of a whole item's parts.

    Some servers count on from the item before, so that events say 1 of the only part (vLLM).
    """
    if not seen or max(seen) < count:
        return range(count)
    known = list(seen)[:count]
    return [*known, *range(max(seen) + 1, max(seen) + 1 + count - len(known))]
