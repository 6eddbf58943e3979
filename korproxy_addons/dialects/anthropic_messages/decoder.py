"""
Reads an answer of the Messages API: streamed or whole, the same events from both (T104).

A stream's blocks come one after another; should two ever be open at once, the later is held back (T44). The end of
a part is told when the next thing comes: only the stop reason says whether the last one is complete (T56).
"""

from collections.abc import Iterator
from typing import Final

from korproxy_addons.dialects.anthropic_messages.answer import Answer
from korproxy_addons.dialects.anthropic_messages.reply_blocks import ReplyBlock
from korproxy_addons.dialects.anthropic_messages.usage import CUTS, finish_of
from korproxy_addons.dialects.anthropic_messages.wire import (
    EVENT,
    MESSAGE,
    WireDelta,
    WireEvent,
    given,
)
from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.body import BODY_LIMIT_BYTES, Body
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    PartDelta,
    StreamFailed,
    reply_error,
)
from korproxy_addons.dialects.model import Usage
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, Frame, SseParser
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

# Blocks that may be held back at once: what no service does must not fill the memory.
_OPEN_LIMIT: Final = 256


class StreamDecoder:
    """Reads a stream of server-sent events."""

    __slots__ = ("_answer", "_held", "_held_characters", "_open", "_parser")

    def __init__(self, context: DecodeContext) -> None:
        self._parser = SseParser()
        self._answer = Answer(context)
        self._open: dict[int, ReplyBlock] = {}  # in the order they began; the first is being told
        # Events of those that wait; None: the block has ended.
        self._held: dict[int, list[Event | None]] = {}
        self._held_characters = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._answer.over:
            return
        for frame in self._parser.feed(data):
            yield from self._take(frame)
            if self._is_over():
                return

    def told(self) -> Usage | None:
        return self._answer.tally.usage()

    def close(self) -> Iterator[Event]:
        answer = self._answer
        if answer.over:
            return
        for frame in self._parser.close():
            yield from self._take(frame)
            if self._is_over():
                return
        yield from answer.settle()
        yield from self._close_open(complete=False)
        answer.over = True
        yield StreamFailed(reply_error(KorProxyError(STREAM_CUT, "the last event never came")))

    def _is_over(self) -> bool:
        return self._answer.over

    def _take(self, frame: Frame) -> list[Event]:
        if frame.data == DONE:
            return self._finish() if self._answer.stop_reason else []
        event = decode_payload(EVENT, frame.data)
        kind = event.type or frame.event  # the type inside counts (T153)
        if kind == "content_block_delta":
            return self._delta(event)
        if kind == "content_block_start":
            return self._start(event)
        if kind == "content_block_stop":
            return self._stop(event)
        if kind == "message_start":
            return self._close_open(complete=False) + self._answer.begin(event.message)
        if kind == "message_delta":
            return self._message_delta(event)
        if kind == "message_stop":
            return self._finish()
        if kind == "error" or given(event.error):
            return self._answer.failed(event.error)
        return [KeepAlive()]  # ping, and what nobody knows: the upstream is alive (T154)

    def _start(self, event: WireEvent) -> list[Event]:
        answer = self._answer
        index = event.index or 0
        begun = answer.begin(None)
        if index in self._open:  # never closed, and its number is used again
            begun += self._close_open(complete=True)
        if len(self._open) >= _OPEN_LIMIT:
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "too many blocks are open at once")
        if not given(event.content_block):
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "a block starts without content_block")
        return begun + self._opened(index, answer.block(event.content_block))

    def _opened(self, index: int, block: ReplyBlock) -> list[Event]:
        if self._open:
            self._open[index] = block
            self._held[index] = list(block.start())
            return []
        self._open[index] = block
        return self._answer.settle() + block.start()

    def _delta(self, event: WireEvent) -> list[Event]:
        delta = event.delta
        if delta is None:
            return []
        index = event.index or 0
        block = self._open.get(index)
        if block is None:
            block = self._answer.implied(delta)
            begun = self._answer.begin(None) + self._opened(index, block)
            return begun + self._told(index, block.delta(delta))
        events = block.delta(delta)
        return events if len(self._open) == 1 else self._told(index, events)

    def _told(self, index: int, events: list[Event]) -> list[Event]:
        """The events, or nothing while their block has to wait."""
        held = self._held.get(index)
        if held is None:
            return events
        self._held_characters += sum(len(e.text) for e in events if isinstance(e, PartDelta))
        if self._held_characters > BODY_LIMIT_BYTES:
            raise KorProxyError(
                UPSTREAM_INVALID_REPLY, "too much came for blocks that have to wait"
            )
        held += events
        return []

    def _stop(self, event: WireEvent) -> list[Event]:
        index = event.index or 0
        if index not in self._open:
            return []
        held = self._held.get(index)
        if held is not None:
            held.append(None)
            return []
        return self._close(index)

    def _close(self, index: int) -> list[Event]:
        """Close the block that is told, and tell those that waited for it."""
        events = self._answer.close(self._open.pop(index))
        while self._open:
            index = next(iter(self._open))
            waiting = self._held.pop(index)
            events += self._answer.settle()
            events += [event for event in waiting if event is not None]
            if None not in waiting:
                break
            events += self._answer.close(self._open.pop(index))
        return events

    def _close_open(self, *, complete: bool) -> list[Event]:
        """Close whatever is open: the answer ends, breaks off or begins anew (T158)."""
        events: list[Event] = []
        while self._open:
            index = next(iter(self._open))
            block = self._open.pop(index)
            waiting = self._held.pop(index, [])
            events += self._answer.close(block)
            events += [event for event in waiting if event is not None]
            events += self._answer.settle(cut=not (complete or None in waiting))
        return events

    def _message_delta(self, event: WireEvent) -> list[Event]:
        self._answer.tally.take(event.usage)
        begun = self._answer.begin(None)
        return begun if event.delta is None else begun + self._answer.stop(event.delta)

    def _finish(self) -> list[Event]:
        complete = finish_of(self._answer.stop_reason) not in CUTS
        return self._answer.begin(None) + self._close_open(complete=complete) + self._answer.end()


class WholeDecoder:
    """Reads one JSON body."""

    __slots__ = ("_answer", "_body")

    def __init__(self, context: DecodeContext) -> None:
        self._body = Body()
        self._answer = Answer(context)

    def feed(self, data: bytes) -> Iterator[Event]:
        self._body.feed(data)
        return iter(())

    def told(self) -> Usage | None:
        return self._answer.tally.usage()

    def close(self) -> Iterator[Event]:
        answer = self._answer
        if answer.over:
            return
        answer.over = True
        message = decode_payload(MESSAGE, self._body.close())
        if message.type == "error" or given(message.error):
            yield from answer.failed(message.error)
            return
        if message.content is None and message.type != "message":
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "it is no message")
        yield from answer.begin(message)
        for raw in message.content or ():
            block = answer.block(raw)
            yield from answer.settle()
            yield from block.start()
            answer.close(block)
        yield from answer.stop(
            WireDelta(
                stop_reason=message.stop_reason,
                stop_sequence=message.stop_sequence,
                stop_details=message.stop_details,
            )
        )
        yield from answer.end()


def make_decoder(context: DecodeContext) -> StreamDecoder | WholeDecoder:
    """A reader of one reply."""
    return StreamDecoder(context) if context.streamed else WholeDecoder(context)
