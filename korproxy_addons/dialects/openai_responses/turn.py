"""One answer: its items by their places, and their events in order."""

from msgspec import Raw

from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import Event, KeepAlive, MessageEnd, MessageStart, StreamFailed
from korproxy_addons.dialects.ids import made_id
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.dialects.openai_responses.call_slot import CallSlot
from korproxy_addons.dialects.openai_responses.errors import decoded_error
from korproxy_addons.dialects.openai_responses.outcome import (
    INCOMPLETE,
    UNFINISHED,
    decoded_finish,
)
from korproxy_addons.dialects.openai_responses.slots import MessageSlot, ReasoningSlot, Slot
from korproxy_addons.dialects.openai_responses.usage import decoded_usage
from korproxy_addons.dialects.openai_responses.whole_items import WholeSlot
from korproxy_addons.dialects.openai_responses.wire import (
    ITEM,
    ITEM_HEAD,
    ItemHead,
    OutputItem,
    ResponseBody,
    StreamEvent,
    given,
)
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_KNOWN = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})


class Turn:
    """
    What an answer consists of, whether it streams or comes whole.

    Items are found by `output_index`, not by id: some services change ids from event to event (T55).

    Args:
        context: How the upstream answers.
    """

    def __init__(self, context: DecodeContext) -> None:
        self._over = False
        self._origin = context.habits.state_origin
        self._seed = context.ids.seed
        self._started = False
        self._out: list[Event] = []
        self._slots: dict[int, Slot] = {}
        self._by_id: dict[str, Slot] = {}
        self._order: list[Slot] = []
        self._at = 0  # the first slot in `_order` that is not done

    def over(self) -> bool:
        """The end or the failure is there; nothing more counts."""
        return self._over

    def taken(self) -> list[Event]:
        """The events so far, in order."""
        out, self._out = self._out, []
        while self._at < len(self._order):
            slot = self._order[self._at]
            out += slot.queue
            slot.queue.clear()
            if not slot.done:
                break
            self._at += 1
        return out

    @property
    def whole(self) -> bool:
        """There is an item, and every item is done."""
        return bool(self._order) and all(slot.done for slot in self._order)

    def start(self, answer: ResponseBody | None = None) -> None:
        """The answer begins, if it has not yet."""
        if not self._started:
            self._started = True
            first = answer or ResponseBody()
            self._out.append(MessageStart(first.id or "", first.model or ""))

    def found[S: Slot](self, event: StreamEvent, sort: type[S]) -> S | None:
        """The slot that an event speaks of; None if it is of another sort, or done."""
        slot: Slot | None
        if event.output_index is not None:
            slot = self._slots.get(event.output_index)
        elif event.item_id:
            slot = self._by_id.get(event.item_id)
        else:
            slot = self._order[-1] if self._order else None
        if slot is None:
            slot = self._missed(event, sort)
        return slot if isinstance(slot, sort) and not slot.done else None

    def added(self, index: int | None, raw: Raw) -> None:
        """An item begins. One at a place whose item is done is another item (T158)."""
        item = decoded_item(raw)
        slot = self._slots.get(index) if index is not None else None
        if slot is None or slot.done:
            slot = self._put(self._slot_for(item.type or ""), index, item.id)
        if isinstance(slot, CallSlot):
            slot.head(item)

    def finished(self, index: int | None, raw: Raw) -> None:
        """An item is done; it may never have been added (T147)."""
        item = decoded_item(raw)
        slot = self._slots.get(index) if index is not None else self._by_id.get(item.id or "")
        if slot is None:
            slot = self._put(self._slot_for(item.type or ""), index, item.id)
        if not slot.done:
            slot.finish(item, raw)

    def end(self, answer: ResponseBody) -> None:
        """The last word: what the items lack, and the end or the failure."""
        self.start(answer)
        status = answer.status or ""
        for index, raw in enumerate(answer.output or ()):
            self._complete(index, raw)
        for slot in self._order:
            if not slot.done:
                slot.cut(complete=status != INCOMPLETE)
        reason = (answer.incomplete_details.reason if answer.incomplete_details else "") or ""
        finish = decoded_finish(
            status,
            reason,
            called=any(slot.called for slot in self._order),
            refused=any(slot.refused for slot in self._order),
        )
        self._close(
            MessageEnd(
                finish,
                usage=decoded_usage(answer.usage),
                reason=reason if finish is FinishReason.CONTENT_FILTER else "",
                service_tier=answer.service_tier or "",
            )
        )

    def keep_alive(self) -> None:
        """A sign of life; in its place between the events of the open item."""
        self._out = [*self.taken(), KeepAlive()]

    def fail(self, failure: StreamFailed) -> None:
        """The answer broke off."""
        for slot in self._order:
            if not slot.done:
                slot.cut(complete=False)
        self._close(failure)

    def _close(self, last: Event) -> None:
        self._out = [*self.taken(), last]
        self._over = True

    def _complete(self, index: int, raw: Raw) -> None:
        """An item of the last event's `output`, which repeats the streamed ones, or holds them all."""
        slot = self._slots.get(index)
        if slot is None:
            head = decoded_head(raw)
            if (head.id or "") in self._by_id or (head.call_id or "") in self._by_id:
                return
            self.finished(index, raw)
        elif not slot.done:
            slot.finish(decoded_item(raw), raw)

    def _put(self, slot: Slot, index: int | None, item_id: str | None) -> Slot:
        self.start()
        self._order.append(slot)
        self._slots[len(self._slots) if index is None else index] = slot
        if item_id:
            self._by_id[item_id] = slot
        return slot

    def _missed[S: Slot](self, event: StreamEvent, sort: type[S]) -> Slot | None:
        """A slot for text that comes without its item's start; a call needs a name and waits for it."""
        slot: Slot
        if sort is MessageSlot:
            slot = MessageSlot()
        elif sort is ReasoningSlot:
            slot = ReasoningSlot(self._origin)
        else:
            return None
        return self._put(slot, event.output_index, event.item_id)

    def _slot_for(self, kind: str) -> Slot:
        match kind:
            case "message":
                return MessageSlot()
            case "reasoning":
                return ReasoningSlot(self._origin)
            case "function_call" | "custom_tool_call":
                made = made_id(self._seed, len(self._order))
                return CallSlot(made, custom=kind == "custom_tool_call")
        return WholeSlot(self._origin)


def decoded_item(raw: Raw) -> OutputItem:
    """An item; of a type that is not known only its head is read, whatever else it holds."""
    try:
        return decode_payload(ITEM, raw)
    except KorProxyError:
        head = decoded_head(raw)
        if head.type in _KNOWN:
            raise
        return OutputItem(type=head.type, id=head.id, call_id=head.call_id)


def decoded_head(raw: Raw) -> ItemHead:
    """Type and ids of an item."""
    return decode_payload(ITEM_HEAD, raw)


def failure_of(answer: ResponseBody, raw: bytes) -> StreamFailed | None:
    """The error that an answer reports inside a 200 (T166), or None."""
    if (
        given(answer.error)
        or answer.status == "failed"
        or (given(answer.detail) and answer.output is None)
    ):
        return StreamFailed(decoded_error(0, raw))
    if answer.status in UNFINISHED:
        text = f"the service says that the answer is {answer.status}"
        raise KorProxyError(UPSTREAM_INVALID_REPLY, text)
    return None
