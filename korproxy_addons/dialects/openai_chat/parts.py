"""
The parts of one answer, brought into the order that the grammar wants: one open at a time.

A Chat stream may interleave fragments of several calls and text (T44, T47). The first part is passed on as it comes;
later ones wait until it is complete. Text and thinking are complete as soon as another part begins, a call when
its JSON is; what cannot be known to be complete is so at the end of the answer.
"""

from collections import deque
from typing import Final

from korproxy_addons.dialects.events import (
    Event,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
    reply_error,
)
from korproxy_addons.dialects.ids import made_id
from korproxy_addons.dialects.model import (
    Citation,
    MediaPart,
    Opaque,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from korproxy_addons.dialects.openai_chat.json_end import JsonEnd
from korproxy_addons.dialects.openai_chat.reply_wire import CallPiece
from korproxy_addons.dialects.payload import arguments_text
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

type Words = TextPart | RefusalPart | ThinkingPart

TEXT: Final = TextPart("")
REFUSAL: Final = RefusalPart("")
THINKING: Final = ThinkingPart("")

_NAMELESS: Final = reply_error(KorProxyError(UPSTREAM_INVALID_REPLY, "a tool call has no name"))


class _WordsSlot:
    """Text, a refusal or thinking. `waiting` is what could not be passed on yet."""

    __slots__ = ("shell", "waiting")

    def __init__(self, shell: Words) -> None:
        self.shell = shell
        self.waiting: list[str | Citation] = []


class _CallSlot:
    """A call; `waiting` are arguments that could not be passed on yet."""

    __slots__ = ("custom", "end", "held", "name", "number", "state", "waiting", "wire_id")

    def __init__(self, number: int) -> None:
        self.number = number
        self.wire_id = ""
        self.name = ""
        self.custom = False
        self.state: Opaque | None = None
        self.end = JsonEnd()
        self.held: list[str] = []  # what came before any bracket: it may stand for nothing (T50)
        self.waiting: list[str] = []

    def take(self, piece: CallPiece) -> str:
        """The part of its arguments that may be passed on."""
        if piece.id:
            self.wire_id = piece.id  # never an empty one over it (T43)
        if piece.custom is not None:
            self.custom = True
            self.name = self.name or piece.custom.name or ""
            return piece.custom.input or ""
        if piece.function is None:
            return ""
        self.name = self.name or piece.function.name or ""
        text = piece.function.arguments
        if not text:
            return ""
        text = text[: self.end.feed(text)]
        if not self.end.started:
            self.held.append(text)
            return ""
        if self.held:
            text = "".join((*self.held, text))
            self.held.clear()
        return text

    def rest(self, *, cut: bool) -> str:
        """What is to be passed on when the answer is over."""
        if self.custom or self.end.started:
            return ""
        held = "".join(self.held)
        return held if cut else arguments_text(held)

    def is_other(self, piece: CallPiece) -> bool:
        """Whether the piece, at this call's index, begins another call (T42)."""
        if piece.id and self.wire_id:
            return piece.id != self.wire_id
        body = piece.function or piece.custom
        if body is None or not body.name or not self.name:
            return False
        if body.name != self.name:
            return True
        arguments = piece.function.arguments if piece.function else None
        return self.end.complete and bool(arguments and arguments.strip())


class Parts:
    """
    Collects pieces, gives events.

    Args:
        seed: For ids of calls that come without one.

    Attributes:
        called: A call was passed on.
        refused: A refusal was.
    """

    __slots__ = ("_calls", "_ids", "_keys", "_open", "_seed", "_slots", "called", "refused")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._slots: deque[_WordsSlot | _CallSlot | MediaPart] = deque()
        self._open = False  # the first slot's PartStart was given
        self._calls: dict[int, list[_CallSlot]] = {}  # by choice
        self._keys: dict[tuple[int, int | str], _CallSlot] = {}  # by choice and index or id
        self._ids: set[str] = set()
        self.called = False
        self.refused = False

    @property
    def unfinished(self) -> bool:
        """Whether a call's arguments have begun and are not complete."""
        return any(
            isinstance(slot, _CallSlot) and slot.end.started and not slot.end.complete
            for slot in self._slots
        )

    def words(self, shell: Words, text: str, out: list[Event]) -> None:
        """More of a text, refusal or thinking; `text` is not empty."""
        slot = self._slots[-1] if self._slots else None
        if not isinstance(slot, _WordsSlot) or slot.shell is not shell:
            slot = _WordsSlot(shell)
            self._slots.append(slot)
            self._advance(out)
        if slot is self._slots[0]:
            if not self._open:
                self._start(out)
            out.append(PartDelta(text))
        else:
            slot.waiting.append(text)

    def citation(self, citation: Citation, out: list[Event]) -> None:
        """A source of the last text; without any text it is dropped."""
        for slot in reversed(self._slots):
            if isinstance(slot, _WordsSlot) and slot.shell is TEXT:
                if slot is self._slots[0] and self._open:
                    out.append(PartCitation(citation))
                else:
                    slot.waiting.append(citation)
                return

    def media(self, part: MediaPart, out: list[Event]) -> None:
        """A whole part."""
        self._slots.append(part)
        self._advance(out)
        if self._slots and self._slots[0] is part:
            self._slots.popleft()
            out += (PartStart(part), PartEnd())

    def call(
        self, choice: int, position: int, piece: CallPiece, state: Opaque | None, out: list[Event]
    ) -> None:
        """
        A piece of a call.

        Args:
            choice: Index of the choice that it stands in.
            position: Its place in the list, -1 if it is alone; stands in for a missing index (T42).
            piece: As on the wire.
            state: What its maker wants back.
            out: Gets the events.
        """
        slot = self._known(choice, position, piece)
        if slot is None:
            slot = self._added(choice, piece)
            self._slots.append(slot)
            self._advance(out)
        if state is not None:
            slot.state = state
        text = slot.take(piece)
        if slot is not (self._slots[0] if self._slots else None):
            if text:
                slot.waiting.append(text)
            return
        if not self._open:
            if text:
                slot.waiting.append(text)
            if slot.name:
                self._start(out)
        elif text:
            out.append(PartDelta(text))
        if slot.end.complete and len(self._slots) > 1:
            self._advance(out)

    def close(self, out: list[Event], *, cut: bool) -> bool:
        """
        The answer is over: all that waits, and the ends of all parts.

        Args:
            out: Gets the events.
            cut: The last part may be unfinished (limit, filter).
        Returns:
            False if a call cannot be given for lack of a name; `out` then ends in StreamFailed.
        """
        while self._slots:
            slot = self._slots[0]
            last = len(self._slots) == 1
            if isinstance(slot, MediaPart):
                out += (PartStart(slot), PartEnd())
            elif isinstance(slot, _CallSlot) and not slot.name:
                if not cut and (slot.wire_id or slot.held or slot.waiting):
                    out.append(StreamFailed(_NAMELESS))
                    return False
            else:
                if not self._open:
                    self._start(out)
                self._end(slot, out, cut=cut, last=last)
            self._slots.popleft()
            self._open = False
        return True

    def abandon(self, out: list[Event]) -> None:
        """The connection was lost: the open part ends unfinished, what waits is lost."""
        if self._open:
            out.append(PartEnd(complete=False))
            self._open = False
        self._slots.clear()

    def _known(self, choice: int, position: int, piece: CallPiece) -> _CallSlot | None:
        calls = self._calls.get(choice)
        if not calls:
            return None
        slot: _CallSlot | None
        if piece.index is not None:
            slot = self._keys.get((choice, piece.index))
        elif piece.id:
            slot = self._keys.get((choice, piece.id))
        else:
            body = piece.function or piece.custom
            if body is not None and body.name and calls[-1].name:
                return None
            slot = calls[min(position, len(calls) - 1)]
        return None if slot is None or slot.is_other(piece) else slot

    def _added(self, choice: int, piece: CallPiece) -> _CallSlot:
        number = sum(map(len, self._calls.values()))
        slot = _CallSlot(number)
        self._calls.setdefault(choice, []).append(slot)
        for key in (piece.index, piece.id or None):
            if key is not None:
                self._keys[choice, key] = slot
        return slot

    def _advance(self, out: list[Event]) -> None:
        """Close parts that are complete, now that another one follows, and pass on what waited."""
        while len(self._slots) > 1:
            slot = self._slots[0]
            if isinstance(slot, MediaPart):
                out += (PartStart(slot), PartEnd())
            elif isinstance(slot, _CallSlot) and not (slot.name and slot.end.complete):
                break
            else:
                if not self._open:
                    self._start(out)
                self._end(slot, out, cut=False, last=False)
            self._slots.popleft()
            self._open = False
        slot = self._slots[0]
        named = isinstance(slot, _CallSlot) and bool(slot.name)
        if not self._open and (named or (isinstance(slot, _WordsSlot) and slot.waiting)):
            self._start(out)

    def _start(self, out: list[Event]) -> None:
        """Open the first slot and pass on what waited in it."""
        slot = self._slots[0]
        self._open = True
        if isinstance(slot, _CallSlot):
            self.called = True
            out.append(PartStart(ToolCallPart(self._id(slot), slot.name, custom=slot.custom)))
        elif isinstance(slot, _WordsSlot):
            self.refused = self.refused or slot.shell is REFUSAL
            out.append(PartStart(slot.shell))
        else:
            raise TypeError("media has no start of its own")
        text: list[str] = []
        for piece in slot.waiting:
            if isinstance(piece, str):
                text.append(piece)
            else:
                if text:
                    out.append(PartDelta("".join(text)))
                    text = []
                out.append(PartCitation(piece))
        if text:
            out.append(PartDelta("".join(text)))
        slot.waiting.clear()

    def _end(
        self, slot: _WordsSlot | _CallSlot, out: list[Event], *, cut: bool, last: bool
    ) -> None:
        if isinstance(slot, _WordsSlot):
            out.append(PartEnd(complete=not (cut and last)))
            return
        complete = not cut or slot.end.complete or (slot.custom and not last)
        rest = slot.rest(cut=cut)
        if rest:
            out.append(PartDelta(rest))
        out.append(PartEnd(slot.state, complete))

    def _id(self, slot: _CallSlot) -> str:
        call_id = slot.wire_id
        if not call_id or call_id in self._ids:
            call_id = made_id(self._seed, slot.number)
        self._ids.add(call_id)
        return call_id
