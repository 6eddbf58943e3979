"""Writes a whole Chat answer; what has no place in it is said in `stream_encoder.py`."""

from typing import Any, Final

import msgspec

from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyPart,
    StreamFailed,
)
from korproxy_addons.dialects.model import (
    MediaPart,
    Opaque,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.legacy import is_legacy
from korproxy_addons.dialects.openai_chat.places import Places
from korproxy_addons.dialects.openai_chat.reasoning_details import detail_of
from korproxy_addons.dialects.openai_chat.reply_fields import (
    annotation,
    call_fields,
    finish_word,
    media_fields,
    reply_usage,
)

_CODED: Final = msgspec.json.Encoder()


class WholeEncoder:
    """Collects the answer, and gives it at its end."""

    __slots__ = (
        "_annotations",
        "_calls",
        "_content",
        "_context",
        "_details",
        "_images",
        "_legacy",
        "_over",
        "_part",
        "_pieces",
        "_places",
        "_refusal",
        "_separator",
        "_thinking",
    )

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._over = False
        self._legacy = is_legacy(context.client_body)
        self._places = Places()
        self._part: ReplyPart | None = None
        self._separator = ""
        self._pieces: list[str] = []  # of the open call
        self._content: list[str] = []
        self._thinking: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._details: list[dict[str, str]] = []
        self._annotations: list[Any] = []
        self._images: dict[str, Any] = {}

    def feed(self, event: Event) -> bytes:
        if self._over:
            return b""
        match event:
            case PartStart():
                self._part_start(event.part)
            case PartDelta():
                self._delta(event.text)
            case PartEnd():
                self._part_end(event.state)
            case PartCitation():
                found = annotation(event.citation, self._places.start, self._places.content)
                if found is not None:
                    self._annotations.append(found)
            case MessageEnd():
                self._over = True
                return self._body(event)
            case StreamFailed():
                self._over = True
            case _:
                pass
        return b""

    def _part_start(self, part: ReplyPart) -> None:
        self._part = part
        self._separator = self._places.open(part)
        if isinstance(part, MediaPart):
            for name, value in media_fields(part).items():
                if isinstance(value, list):
                    self._images.setdefault(name, []).extend(value)
                else:
                    self._images[name] = value
        elif isinstance(part, UnknownPart) and part.text:
            self._places.content += len(part.text)
            self._content.append(part.text)

    def _delta(self, text: str) -> None:
        part, places = self._part, self._places
        if isinstance(part, TextPart):
            places.content += len(text)
            self._content.append(text)
        elif isinstance(part, ToolCallPart):
            self._pieces.append(text)
        elif isinstance(part, ThinkingPart):
            if self._separator:
                self._thinking.append(self._separator)
                places.separated(self._separator)
                self._separator = ""
            places.thinking += len(text)
            self._thinking.append(text)
        else:
            self._refusal.append(text)

    def _part_end(self, state: Opaque | None) -> None:
        part, places = self._part, self._places
        self._part = None
        if isinstance(part, ToolCallPart):
            self._calls.append(call_fields(part, "".join(self._pieces), state))
            self._pieces.clear()
        elif isinstance(part, ThinkingPart):
            places.thought_last = places.thinking > places.start or bool(self._separator)
            if state is not None:
                self._details.append(detail_of(part, state, places.start, places.thinking))

    def _body(self, event: MessageEnd) -> bytes:
        context, places = self._context, self._places
        content = "".join(self._content)
        silent = bool(self._calls or self._refusal)  # then null stands for no text (T14)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": content if content or not silent else None,
            "refusal": "".join(self._refusal) or None,
        }
        if self._thinking:
            message["reasoning_content"] = "".join(self._thinking)
        if self._details:
            message["reasoning_details"] = self._details
        if self._calls and self._legacy:
            message["function_call"] = self._calls[0]["function"]
        elif self._calls:
            message["tool_calls"] = self._calls
        if self._annotations:
            message["annotations"] = self._annotations
        message.update(self._images)
        body: dict[str, Any] = {
            "id": context.ids.make("chatcmpl-"),
            "object": "chat.completion",
            "created": context.created_at,
            "model": context.model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": finish_word(
                        event.finish,
                        refused=places.refused,
                        called=bool(self._calls),
                        legacy=self._legacy,
                    ),
                }
            ],
        }
        if event.usage is not None:
            body["usage"] = reply_usage(event.usage)
        if event.service_tier:
            body["service_tier"] = event.service_tier
        return _CODED.encode(body)
