"""What both roads of reading an answer share: its blocks, its counts, its end."""

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.errors import reported_error
from korproxy_addons.dialects.anthropic_messages.reply_blocks import (
    CallBlock,
    ReplyBlock,
    TextBlock,
    ThinkingBlock,
    reply_block,
)
from korproxy_addons.dialects.anthropic_messages.usage import CUTS, UsageTally, finish_of
from korproxy_addons.dialects.anthropic_messages.wire import WireDelta, WireMessage, WireReplyBlock
from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import Event, MessageEnd, MessageStart, StreamFailed
from korproxy_addons.dialects.ids import made_id
from korproxy_addons.dialects.model import settled_finish
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


class Answer:
    """What both roads know of one answer: its blocks, its counts, its end."""

    __slots__ = (
        "_calls",
        "_closing",
        "_context",
        "_stop",
        "called",
        "over",
        "started",
        "stop_reason",
        "tally",
    )

    def __init__(self, context: DecodeContext) -> None:
        self._context = context
        self._calls = 0
        self._closing: ReplyBlock | None = None  # closed on the wire, its end not told yet
        self._stop = WireDelta()
        self.called = False
        self.over = False
        self.started = False
        self.stop_reason = ""
        self.tally = UsageTally()

    def begin(self, message: WireMessage | None) -> list[Event]:
        """The start of the answer, once (T158, T159)."""
        if message is not None:
            self.tally.take(message.usage)
        if self.started:
            return []
        self.started = True
        if message is None:
            return [MessageStart()]
        return [MessageStart(message.id or "", message.model or "", self.tally.usage())]

    def block(self, raw: Raw) -> ReplyBlock:
        """The reader of the next block."""
        self._calls += 1
        call_id = made_id(self._context.ids.seed, self._calls)
        block = reply_block(raw, self._context.habits.state_origin, call_id)
        self.called = self.called or isinstance(block, CallBlock)
        return block

    def implied(self, delta: WireDelta) -> ReplyBlock:
        """
        The reader of a block whose start was never sent.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, it is one of a call: without a name it means nothing.
        """
        if delta.thinking or delta.signature:
            return ThinkingBlock(WireReplyBlock(), self._context.habits.state_origin)
        if delta.partial_json:
            raise KorProxyError(
                UPSTREAM_INVALID_REPLY, "arguments came for a block that is not open"
            )
        return TextBlock(WireReplyBlock())

    def close(self, block: ReplyBlock) -> list[Event]:
        """A block's end came on the wire; that of the one before is told."""
        events = self.settle()
        self._closing = block
        return events

    def settle(self, *, cut: bool = False) -> list[Event]:
        """The end of the part that is closed on the wire, if there is one."""
        block, self._closing = self._closing, None
        return block.end(complete=not cut) if block is not None else []

    def stop(self, stop: WireDelta) -> list[Event]:
        """Why the answer ends; said again, the last one counts."""
        if stop.stop_reason:
            self.stop_reason = stop.stop_reason
            self._stop = stop
            return self.settle(cut=finish_of(stop.stop_reason) in CUTS)
        return []

    def end(self) -> list[Event]:
        """The end of the whole answer."""
        self.over = True
        details = self._stop.stop_details
        finish = settled_finish(finish_of(self.stop_reason), called=self.called)
        return [
            *self.begin(None),
            *self.settle(),
            MessageEnd(
                finish,
                stop_sequence=self._stop.stop_sequence or "",
                usage=self.tally.usage(),
                reason=(details.category if details else None) or "",
                explanation=(details.explanation if details else None) or "",
                service_tier=self.tally.service_tier,
            ),
        ]

    def failed(self, error: Raw) -> list[Event]:
        """The upstream reported an error in the answer's place (T166)."""
        self.over = True
        return [StreamFailed(reported_error(bytes(error)))]
