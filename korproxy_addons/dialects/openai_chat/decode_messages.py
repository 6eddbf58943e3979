"""The messages of a Chat request."""

from itertools import islice
from typing import Final

from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.ids import made_id, restored_id
from korproxy_addons.dialects.model import (
    CacheMarker,
    MediaPart,
    Message,
    Part,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.at_path import decode_at
from korproxy_addons.dialects.openai_chat.decode_parts import (
    arguments_of,
    decode_content,
    decode_result,
    state_of,
)
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID, cache_marker
from korproxy_addons.dialects.openai_chat.reasoning_details import thinking_of
from korproxy_addons.dialects.openai_chat.wire import (
    FIELDS,
    MESSAGE,
    TEXT_OR_PARTS,
    CallWire,
    MessageWire,
    is_set,
)
from korproxy_addons.dialects.payload import field_invalid

_GOOGLE: Final = "google"
_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_GUESS_LIMIT: Final = 256  # open calls that are looked at for a result without an id
_RESULTS: Final = frozenset({"tool", "function"})
_KNOWN: Final = frozenset(MessageWire.__struct_fields__)
NATIVE_PREFIX: Final = "messages[]."


class MessageReader:
    """
    Reads messages in order; remembers the calls, which results refer to.

    Attributes:
        native: Fields of messages that are known nowhere, by "messages[].name".
    """

    __slots__ = ("_custom", "_open", "native")

    def __init__(self) -> None:
        self._open: dict[str, str] = {}  # names of calls without a result so far, by id
        self._custom: set[str] = set()
        self.native: dict[str, Raw] = {}

    def message(self, raw: Raw, place: int) -> Message:
        """
        One message.

        Raises:
            KorProxyError: FIELD_INVALID.
        """
        path = f"messages[{place}]"
        wire = decode_at(MESSAGE, raw, path)
        for name, value in decode_at(FIELDS, raw, path).items():
            if name not in _KNOWN and is_set(value):
                self.native[NATIVE_PREFIX + name] = Raw(bytes(value))
        if wire.role in _RESULTS:
            return Message(Role.USER, (self._result(wire, place, path),))
        role = _ROLES.get(wire.role)
        if role is None:
            known = ", ".join((*_ROLES, "tool"))
            raise field_invalid(f"{path}.role", f"one of {known}")
        parts = decode_content(wire.content, f"{path}.content", place)
        if role is Role.ASSISTANT:
            parts = self._assistant(wire, parts, place, path)
        marker = cache_marker(wire.cache_control)
        if marker is not None and parts:
            parts = (*parts[:-1], _marked(parts[-1], marker))
        for part in parts:
            if isinstance(part, ToolResultPart):
                self._open.pop(part.call_id, None)
            elif isinstance(part, ToolCallPart):
                self._open[part.call_id] = part.name
        return Message(role, parts, wire.name or "")

    def _assistant(
        self, wire: MessageWire, content: tuple[Part, ...], place: int, path: str
    ) -> tuple[Part, ...]:
        text = wire.reasoning_content or wire.reasoning or ""
        parts: list[Part] = [*thinking_of(text, wire.reasoning_details or []), *content]
        if wire.refusal:
            parts.append(RefusalPart(wire.refusal))
        if is_set(wire.images):
            images = decode_at(TEXT_OR_PARTS, wire.images, f"{path}.images")
            parts += decode_content(images, f"{path}.images", place)
        if is_set(wire.audio):
            parts.append(UnknownPart(DIALECT_ID, "audio", Raw(bytes(wire.audio))))
        for number, call in enumerate(wire.tool_calls or ()):
            parts.append(self._call(call, (place, number), f"{path}.tool_calls[{number}]"))
        if wire.function_call is not None:  # legacy (T144)
            legacy = CallWire(function=wire.function_call)
            parts.append(self._call(legacy, (place, 0), path))
        return tuple(parts)

    def _call(self, call: CallWire, ids: tuple[int, int], path: str) -> ToolCallPart:
        custom = call.custom is not None
        body = call.custom or call.function
        kind = "custom" if custom else "function"
        if body is None or not body.name:
            raise field_invalid(f"{path}.{kind}.name", "the name of a tool")
        call_id = restored_id(call.id) if call.id else made_id(*ids)
        if custom:
            self._custom.add(call_id)
        extra = call.extra_content.google if call.extra_content else None
        return ToolCallPart(
            call_id,
            body.name,
            (body.input or "") if custom else arguments_of(body.arguments, f"{path}.function"),
            custom=custom,
            state=state_of(extra.thought_signature, _GOOGLE) if extra else None,
        )

    def _result(self, wire: MessageWire, place: int, path: str) -> ToolResultPart:
        call_id = restored_id(wire.tool_call_id) if wire.tool_call_id else self._guessed(wire)
        call_id = call_id or made_id(place)
        self._open.pop(call_id, None)
        return ToolResultPart(
            call_id,
            decode_result(wire.content, f"{path}.content"),
            name=wire.name or "",
            custom=call_id in self._custom,
            cache=cache_marker(wire.cache_control),
        )

    def _guessed(self, wire: MessageWire) -> str:
        """The call that a result without an id answers: the first open one, of its name if it says one."""
        for call_id, name in islice(self._open.items(), _GUESS_LIMIT):
            if not wire.name or name == wire.name:
                return call_id
        return ""


def _marked(part: Part, marker: CacheMarker) -> Part:
    if isinstance(part, TextPart | MediaPart | ToolCallPart | ToolResultPart):
        return replace(part, cache=part.cache or marker)
    return part
