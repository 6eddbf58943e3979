"""
Writes a streamed Chat answer.

Thinking goes as `reasoning_content` (T89), its state sealed in `reasoning_details`, a call's state sealed where
Google's Chat endpoint has it. Calls and results of a service's own tools, compactions, a text's own state (Gemini)
and explanations of a filter have no place in an answer and are left out, here and in `whole_encoder.py`.
"""

from typing import Any, Final

import msgspec

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
)
from korproxy_addons.dialects.model import (
    Citation,
    MediaPart,
    Opaque,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.errors import error_frame
from korproxy_addons.dialects.openai_chat.legacy import is_legacy
from korproxy_addons.dialects.openai_chat.places import Places
from korproxy_addons.dialects.openai_chat.reasoning_details import detail_of
from korproxy_addons.dialects.openai_chat.reply_fields import (
    annotation,
    call_fields,
    finish_word,
    media_fields,
    reply_usage,
    state_fields,
)
from korproxy_addons.dialects.sse import DONE, comment_bytes, frame_bytes, in_one_line

KEEP_ALIVE: Final = comment_bytes("keep-alive")
_DONE_FRAME: Final = frame_bytes(DONE)
_CODED: Final = msgspec.json.Encoder()
_ENTRY: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class StreamEncoder:
    """One chunk per event, but a call's opening waits for the second piece of its arguments or its end."""

    __slots__ = (
        "_cited",
        "_context",
        "_first",
        "_head",
        "_legacy",
        "_listed",
        "_over",
        "_part",
        "_places",
        "_separator",
        "_tail",
    )

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._over = False
        self._legacy = is_legacy(context.client_body)
        self._places = Places()
        self._listed: dict[str, int] = {}  # entries of each list that were sent
        self._cited: list[Any] = []  # sources that go together in one chunk
        self._part: ReplyPart | None = None
        # A call that is not yet open on the wire: the first piece of its arguments. Gemini's state comes with
        # the call's end, and clients look for it in the opening chunk (T77).
        self._first: str | None = None
        self._separator = ""
        self._head = b""
        # OpenAI has "usage":null in every other chunk where usage was asked for
        self._tail = b',"usage":null}\n\n' if context.include_usage else b"}\n\n"

    def feed(self, event: Event) -> bytes:
        if self._over:
            return b""
        if self._cited and not isinstance(event, PartCitation | StreamFailed):
            cited, self._cited = self._cited, []
            return self._list("annotations", cited) + self.feed(event)
        match event:
            case PartDelta():
                return self._delta(event.text)
            case PartStart():
                return self._part_start(event.part)
            case PartEnd():
                return self._part_end(event.state)
            case KeepAlive():
                return KEEP_ALIVE
            case PartCitation():
                return self._citation(event.citation)
            case MessageStart():
                return self._start()
            case MessageEnd():
                self._over = True
                return self._end(event)
            case StreamFailed():
                self._over = True
                return error_frame(event.error)

    def _start(self) -> bytes:
        context = self._context
        self._head = b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,' % (
            _CODED.encode(context.ids.make("chatcmpl-")),
            context.created_at,
            _CODED.encode(context.model),
        )
        return self._chunk(b'{"role":"assistant","content":""}')

    def _chunk(self, delta: bytes, finish: bytes = b"null") -> bytes:
        return b'%b"choices":[{"index":0,"delta":%b,"finish_reason":%b}]%b' % (
            self._head,
            delta,
            finish,
            self._tail,
        )

    def _fields(self, fields: dict[str, Any]) -> bytes:
        return self._chunk(_CODED.encode(fields))

    def _part_start(self, part: ReplyPart) -> bytes:
        self._part = part
        self._separator = self._places.open(part)
        if isinstance(part, ToolCallPart):
            self._first = ""
        elif isinstance(part, MediaPart):
            found = media_fields(part)
            images = found.get("images")
            return self._list("images", images) if images else self._fields(found)
        elif isinstance(part, UnknownPart) and part.text:
            self._places.content += len(part.text)
            return self._fields({"content": part.text})
        return b""

    def _delta(self, text: str) -> bytes:
        part = self._part
        if isinstance(part, TextPart):
            self._places.content += len(text)
            return self._chunk(b'{"content":%b}' % _CODED.encode(text))
        if isinstance(part, ToolCallPart):
            if self._first is None:
                return self._piece(part, text)
            if not self._first:
                self._first = text
                return b""
            return self._opened(part) + self._piece(part, text)
        if isinstance(part, ThinkingPart):
            separator = self._apart()
            self._places.thinking += len(text)
            return separator + self._chunk(b'{"reasoning_content":%b}' % _CODED.encode(text))
        return self._chunk(b'{"refusal":%b}' % _CODED.encode(text))

    def _apart(self) -> bytes:
        """The separator before a thinking part that has words, once."""
        separator, self._separator = self._separator, ""
        if not separator:
            return b""
        self._places.separated(separator)
        return self._chunk(b'{"reasoning_content":%b}' % _CODED.encode(separator))

    def _opened(self, part: ToolCallPart, state: Opaque | None = None) -> bytes:
        """The opening of a call, and the first piece of its arguments."""
        first, self._first = self._first, None
        if self._legacy:
            opening = self._fields({"function_call": {"name": part.name, "arguments": ""}})
        else:
            fields = {"index": self._places.calls - 1, **call_fields(part, "", state)}
            opening = self._fields({"tool_calls": [fields]})
        return opening + self._piece(part, first) if first else opening

    def _piece(self, part: ToolCallPart, text: str) -> bytes:
        if self._legacy:
            return self._chunk(b'{"function_call":{"arguments":%b}}' % _CODED.encode(text))
        return self._chunk(
            (
                b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'
                if part.custom
                else b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
            )
            % (self._places.calls - 1, _CODED.encode(text))
        )

    def _part_end(self, state: Opaque | None) -> bytes:
        part, self._part = self._part, None
        places = self._places
        if isinstance(part, ToolCallPart):
            if self._first is not None:
                return self._opened(part, state)
            if state is None or self._legacy:
                return b""
            return self._fields(
                {"tool_calls": [{"index": places.calls - 1, **state_fields(state)}]}
            )
        if not isinstance(part, ThinkingPart):
            return b""
        places.thought_last = places.thinking > places.start or bool(self._separator)
        if state is None:
            return b""
        detail = detail_of(part, state, places.start, places.thinking)
        return self._list("reasoning_details", [detail])

    def _citation(self, citation: Citation) -> bytes:
        found = annotation(citation, self._places.start, self._places.content)
        if found is not None:
            self._cited.append(found)
        return b""

    def _list(self, name: str, entries: list[Any]) -> bytes:
        """More entries of a list; after the first chunk with it numbered, for OpenAI's SDK joins them by `index`."""
        number = self._listed.get(name, 0)
        self._listed[name] = number + len(entries)
        if number:
            fields = (_ENTRY.decode(_CODED.encode(entry)) for entry in entries)
            entries = [{**each, "index": at} for at, each in enumerate(fields, number)]
        return self._chunk(in_one_line(_CODED.encode({name: entries})))

    def _end(self, event: MessageEnd) -> bytes:
        places = self._places
        word = finish_word(
            event.finish,
            refused=places.refused,
            called=places.calls > 0,
            legacy=self._legacy,
        )
        tier = event.service_tier
        head = self._head
        if tier:
            self._head = head + b'"service_tier":%b,' % _CODED.encode(tier)
        out = self._chunk(b"{}", b'"%b"' % word.encode())
        if self._context.include_usage and event.usage is not None:
            usage = _CODED.encode(reply_usage(event.usage))
            out += b'%b"choices":[],"usage":%b}\n\n' % (head, usage)
        return out + _DONE_FRAME
