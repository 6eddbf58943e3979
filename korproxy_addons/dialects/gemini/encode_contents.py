"""Messages to `contents`."""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from korproxy_addons.config.habits import Thinking
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.gemini.generation import generation_of
from korproxy_addons.dialects.gemini.other_parts import media_json, resolution_json
from korproxy_addons.dialects.gemini.wire import DIALECT_ID, NO_SIGNATURE, ORIGIN
from korproxy_addons.dialects.ids import ToolNames, is_made_id
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.order import result_text
from korproxy_addons.dialects.payload import arguments_object

type WirePart = dict[str, Any] | Raw

_MEDIA_FEATURES: Final = {
    MediaKind.IMAGE: Feature.IMAGE,
    MediaKind.DOCUMENT: Feature.DOCUMENT,
    MediaKind.AUDIO: Feature.AUDIO,
    MediaKind.VIDEO: Feature.VIDEO,
}
_VIDEO_HOSTS: Final = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
# Google reads every number as a double, which holds 15 digits.
_LONG_NUMBER: Final = re.compile(r"\d[\d.]{15}")


class ContentsWriter:
    """
    Writes one request's conversation, which `order.py` has brought into Gemini's order.

    Args:
        target: The upstream.
        names: The tool names of the request.
        own: The request came in this dialect: what its client wrote, Google knows.
        losses: Gets what is left out.
    """

    def __init__(self, target: Target, names: ToolNames, losses: Losses, *, own: bool) -> None:
        self._habits = target.habits
        self._inputs = target.facts.inputs
        self._signs = _wants_signatures(target)
        self._names = names
        self._own = own
        self._losses = losses

    def contents(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        """The contents; a message of which nothing is left is left out."""
        found: list[dict[str, Any]] = []
        for message in messages:
            if message.name:
                self._losses.add(Feature.MESSAGE_NAME)
            parts = self._parts(message)
            if parts:
                role = "model" if message.role is Role.ASSISTANT else "user"
                found.append({"role": role, "parts": parts})
        if not found or found[0]["role"] == "model":  # what was said first could not be said (T10)
            found.insert(0, {"role": "user", "parts": [{"text": "."}]})
        return found

    def _parts(self, message: Message) -> list[WirePart]:
        results: list[WirePart] = []
        beside: list[WirePart] = []  # media of results for models that take none inside (T66)
        rest: list[WirePart] = []
        unsigned = self._signs
        for part in message.parts:
            if isinstance(part, ToolResultPart):
                results.append(self._result(part, beside))
            elif isinstance(part, ToolCallPart):
                rest.append(self._call(part, first=unsigned))
                unsigned = False
            else:
                rest += self._plain(part)
        return [*results, *beside, *rest]

    def _plain(self, part: Part) -> list[WirePart]:
        if isinstance(part, MediaPart):
            return self._media(part)
        if isinstance(part, ThinkingPart):
            return self._thinking(part)
        if isinstance(part, ServerToolPart | UnknownPart):
            return self._raw(part)
        if isinstance(part, TextPart):
            self._marked(part.cache is not None)
            return [_signed({"text": part.text}, part.state)]
        if isinstance(part, RefusalPart | CompactionPart) and part.text:
            return [{"text": part.text}]
        return []

    def _thinking(self, part: ThinkingPart) -> list[WirePart]:
        """A thought has a text, even an empty one (T80); one that nobody signed only its own client sends."""
        if part.state is None and not self._own:
            self._losses.add(Feature.THINKING, "reasoning of earlier turns")
            return []
        return [_signed({"text": part.text, "thought": True}, part.state)]

    def _raw(self, part: ServerToolPart | UnknownPart) -> list[WirePart]:
        if part.origin == DIALECT_ID:
            return [part.raw]
        if part.text:
            return [{"text": part.text}]
        self._losses.add(Feature.UNKNOWN_PART, part.type)
        return []

    def _call(self, part: ToolCallPart, *, first: bool) -> dict[str, Any]:
        self._marked(part.cache is not None)
        arguments = (
            as_arguments(part.arguments) if part.custom else arguments_object(part.arguments)
        )
        call: dict[str, Any] = {
            **self._id(part.call_id),
            "name": self._names.there(part.name),
            "args": Raw(arguments.encode("utf-8", "replace")),
        }
        if part.state is None and first:
            # the first call of a step is signed, and only that (T77, T78)
            return {"functionCall": call, "thoughtSignature": NO_SIGNATURE}
        return _signed({"functionCall": call}, part.state)

    def _result(self, part: ToolResultPart, beside: list[WirePart]) -> dict[str, Any]:
        self._marked(part.cache is not None)
        inside: list[WirePart] = []
        notes: list[str] = []
        for piece in part.content:
            if isinstance(piece, MediaPart):
                for each in self._media(piece):
                    if isinstance(each, dict) and "text" in each:
                        notes.append(str(each["text"]))
                    elif self._habits.result_media:
                        inside.append(each)
                    else:
                        beside.append(each)
            elif isinstance(piece, UnknownPart):
                notes.append(piece.text)
                if not piece.text:
                    self._losses.add(Feature.UNKNOWN_PART, piece.type)
        text = "\n".join(line for line in (result_text(part), *notes) if line)
        response: dict[str, Any] = {
            **self._id(part.call_id),
            "name": self._names.there(part.name or "function"),
            "response": response_json(text, is_error=part.is_error),
        }
        if inside:
            response["parts"] = inside
        return {"functionResponse": response}

    def _media(self, part: MediaPart) -> list[WirePart]:
        self._marked(part.cache is not None)
        if part.cite:
            self._losses.add(Feature.CITATIONS, "citations from documents")
        context: list[WirePart] = [{"text": part.context}] if part.context else []
        if part.text:
            head = f"{part.name}\n\n" if part.name else ""
            return [*context, {"text": head + part.text}]
        unknown = bool(self._inputs) and part.kind not in self._inputs
        if unknown or not self._can_reach(part):
            self._losses.add(_MEDIA_FEATURES[part.kind], "by address" if not unknown else "")
            address = f" {part.url}" if part.url else ""
            return [*context, {"text": f"[{part.kind}{address}]"}]
        wire = media_json(part, mime_of(part))
        resolution = resolution_json(part.detail) if self._own else None
        if resolution is not None:
            wire["mediaResolution"] = resolution
        elif part.detail not in {"", "auto"}:
            self._losses.add(Feature.MEDIA_DETAIL, part.detail)
        return [*context, _signed(wire, part.state)]

    def _can_reach(self, part: MediaPart) -> bool:
        """Whether Google can get the content: it is here, or stored there, or an address it takes (T125)."""
        if part.base64:
            return True
        if part.file_id:
            return part.origin == ORIGIN and (self._own or self._habits.state_origin == ORIGIN)
        url = urlsplit(part.url) if _is_url(part.url) else None
        if url is None:
            return False
        video = part.kind in {MediaKind.VIDEO, MediaKind.DOCUMENT} and url.hostname in _VIDEO_HOSTS
        return self._own or self._habits.image_urls or url.scheme == "gs" or video

    def _id(self, call_id: str) -> dict[str, str]:
        """The id, on call and result alike; none where Gemini gave none, or takes none (T58)."""
        return {"id": call_id} if self._habits.call_ids and not is_made_id(call_id) else {}

    def _marked(self, marked: bool) -> None:  # noqa: FBT001 - reads as a sentence
        if marked:
            self._losses.add(Feature.CACHE_MARKER)


def response_json(text: str, *, is_error: bool) -> dict[str, Any] | Raw:
    """
    A result's object (T63): the text of an object as it is, any other under `output` or `error`.

    An object with a number that a double cannot hold stays text (T179), and so does one that would be
    read as wrapped text.
    """
    if is_error:
        return {"error": text}
    if text[:1] == "{":
        try:
            fields = _OBJECT.decode(text)
        except (ValueError, RecursionError):
            return {"output": text}
        if (
            fields
            and fields.keys() not in ({"output"}, {"error"})
            and not _LONG_NUMBER.search(text)
        ):
            return Raw(text.encode("utf-8", "replace"))
    return {"output": text}


def _signed(part: dict[str, Any], state: Opaque | None) -> dict[str, Any]:
    return part if state is None else {**part, "thoughtSignature": state.data}


def _is_url(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return bool(url)


def _wants_signatures(target: Target) -> bool:
    """Whether calls without a signature are refused: so do Google's models since Gemini 3, whoever relays them."""
    if target.facts.thinking is not Thinking.UNKNOWN:
        return target.facts.thinking is Thinking.LEVEL
    generation = generation_of(target.model)
    if generation is None:
        return target.habits.state_origin == ORIGIN
    return generation >= 3
