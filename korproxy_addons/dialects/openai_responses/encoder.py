"""Writes answers of the Responses API, as a stream or as one body."""

from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyPart,
    StreamFailed,
    WholePart,
)
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.media import data_url
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.carried import (
    MADE_ID,
    call_carrier,
    compaction_carrier,
    encrypted,
    media_carrier,
    text_carrier,
)
from korproxy_addons.dialects.openai_responses.echo import Echo
from korproxy_addons.dialects.openai_responses.errors import failure_fields
from korproxy_addons.dialects.openai_responses.frames import Frames, json_bytes
from korproxy_addons.dialects.openai_responses.item_writers import (
    CallWriter,
    ItemWriter,
    MessageWriter,
    RawWriter,
    ReasoningWriter,
    SearchWriter,
    carrier_item,
    own_id,
)
from korproxy_addons.dialects.openai_responses.namespace import bare
from korproxy_addons.dialects.openai_responses.outcome import encoded_finish
from korproxy_addons.dialects.openai_responses.usage import encoded_usage
from korproxy_addons.dialects.openai_responses.web_search import web_search_item
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN
from korproxy_addons.dialects.sse import comment_bytes

KEEP_ALIVE: Final = comment_bytes("keep-alive")
_RUNNING: Final = "in_progress"


class ReplyEncoder:
    """
    Events to an answer. One counter numbers all items (T53); a message stays open for the next text.

    Args:
        context: How the client wants its answer.
    """

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._ids = context.ids
        self._frames = Frames(streamed=context.streamed)
        self._echo = Echo(context.client_body)
        self._id = self._ids.make("resp_")
        self._items: list[Raw] = []
        self._message: MessageWriter | None = None
        self._open: ItemWriter | None = None
        self._part: ReplyPart | None = None
        self._refused = False
        self._over = False

    def feed(self, event: Event) -> bytes:
        if self._over:
            return b""
        if type(event) is PartDelta:
            if self._open is not None:
                self._open.delta(event.text)
        elif isinstance(event, PartStart):
            self._start(event.part)
        elif isinstance(event, PartEnd):
            self._end(event)
        elif isinstance(event, PartCitation):
            if self._message is not None:
                self._message.citation(event.citation)
        elif isinstance(event, MessageStart):
            self._begin()
        elif isinstance(event, KeepAlive):
            self._frames.raw(KEEP_ALIVE)
        elif isinstance(event, MessageEnd):
            return self._finish(event)
        elif isinstance(event, StreamFailed):
            return self._fail(event)
        return self._frames.taken()

    def _begin(self) -> None:
        for kind in ("response.created", "response.in_progress"):
            self._frames.event(kind, {"response": self._answer(_RUNNING)})

    def _start(self, part: ReplyPart) -> None:
        self._part = part
        if isinstance(part, TextPart | RefusalPart):
            self._refused = self._refused or isinstance(part, RefusalPart)
            self._text(refusal=isinstance(part, RefusalPart))
            return
        if isinstance(part, ThinkingPart):
            self._close_message()
            thinking = ReasoningWriter(self._frames, len(self._items), self._ids.make(MADE_ID))
            thinking.start()
            self._open = thinking
        elif isinstance(part, ToolCallPart):
            self._close_message()
            self._open = self._call(part)
        else:
            self._whole(part)

    def _end(self, event: PartEnd) -> None:
        writer, part = self._open, self._part
        self._open = self._part = None
        if isinstance(writer, MessageWriter):
            writer.end(complete=event.complete)
            if event.state is not None:
                self._carry(text_carrier(event.state))
        elif isinstance(writer, ReasoningWriter):
            own = "" if self._context.streamed else own_id(event.state, ORIGIN)
            self._items.append(writer.end(encrypted(event.state), own))
        elif isinstance(writer, CallWriter | SearchWriter):
            self._items.append(writer.end(complete=event.complete))
            if event.state is not None and isinstance(part, ToolCallPart):
                self._carry(call_carrier(part.call_id, event.state))

    def _finish(self, event: MessageEnd) -> bytes:
        self._close_message()
        ending = encoded_finish(event.finish, refused=self._refused)
        answer = self._answer(ending.status)
        if ending.reason is not None:
            answer["incomplete_details"] = {"reason": ending.reason}
        if event.service_tier:
            answer["service_tier"] = event.service_tier
        answer["usage"] = encoded_usage(event.usage)
        self._over = True
        if not self._context.streamed:
            return json_bytes(answer)
        self._frames.event(f"response.{ending.status}", {"response": answer})
        return self._frames.taken()

    def _fail(self, event: StreamFailed) -> bytes:
        answer = {**self._answer("failed"), "error": failure_fields(event.error)}
        self._frames.event("response.failed", {"response": answer})
        self._over = True
        return self._frames.taken()

    def _answer(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._context.created_at,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._context.model,
            "output": self._items,
            **self._echo.settings,
            "usage": None,
        }

    def _text(self, *, refusal: bool) -> None:
        if self._message is None:
            message_id = self._ids.make("msg_")
            self._message = MessageWriter(self._frames, len(self._items), message_id)
        self._message.start(refusal=refusal)
        self._open = self._message

    def _close_message(self) -> None:
        if self._message is not None:
            self._items.append(self._message.close())
            self._message = None

    def _call(self, part: ToolCallPart) -> CallWriter | SearchWriter:
        index = len(self._items)
        call_id = portable_id(part.call_id)
        if self._echo.is_search(part.name):
            return SearchWriter(self._frames, index, self._ids.make("tsc_"), call_id)
        namespace, name = self._echo.place(part.name)
        if part.namespace:
            namespace, name = part.namespace, bare(part.namespace, part.name)
        head = {"call_id": call_id, "name": name}
        if namespace:
            head["namespace"] = namespace
        item_id = part.item_id or self._ids.make("ctc_" if part.custom else "fc_")
        return CallWriter(self._frames, index, item_id, head, custom=part.custom)

    def _whole(self, part: WholePart) -> None:
        item: dict[str, Any] | Raw
        if isinstance(part, MediaPart) and part.kind is MediaKind.IMAGE and part.base64:
            item = {
                "id": self._ids.make("ig_"),
                "type": "image_generation_call",
                "status": "completed",
                "result": part.base64,
            }
        elif isinstance(part, CompactionPart):
            own = own_id(part.state, ORIGIN)
            item = {
                "id": own or self._ids.make("cmp_"),
                "type": "compaction",
                "encrypted_content": compaction_carrier(part),
            }
        elif not isinstance(part, MediaPart) and part.origin == DIALECT_ID:
            item = part.raw
        elif isinstance(part, ServerToolPart) and part.search is not None:
            if not part.search.query:
                return  # what another service's search found is told with the search
            item = web_search_item(part.search, self._ids.make(""))
        else:
            self._say(_words(part))
            return
        self._close_message()
        writer = RawWriter(self._frames, len(self._items), "")
        self._items.append(writer.item(item))
        if isinstance(part, MediaPart) and part.state is not None:
            self._carry(media_carrier(part.state))

    def _say(self, words: str) -> None:
        """What has no item here, as text."""
        if words:
            self._text(refusal=False)
            message = self._message
            if message is not None:
                message.delta(words)
                message.end(complete=True)
        self._open = None

    def _carry(self, content: str) -> None:
        self._close_message()
        writer = RawWriter(self._frames, len(self._items), "")
        self._items.append(writer.item(carrier_item(self._ids.make(MADE_ID), content)))


def _words(part: WholePart) -> str:
    if isinstance(part, MediaPart):
        if part.url:
            return f"![{part.kind}]({data_url(part)})"
        return part.text or f"[{part.kind} {part.mime}]".replace(" ]", "]")
    # another service's own tools are not the answer: only unknown parts say their words (T129)
    return part.text if isinstance(part, UnknownPart) else ""
