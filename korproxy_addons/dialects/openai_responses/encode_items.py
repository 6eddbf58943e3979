"""Turns to items of `input`."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, TypeGuard

from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
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
from korproxy_addons.dialects.openai_responses.decode_tools import SEARCH
from korproxy_addons.dialects.openai_responses.encode_content import ContentEncoder
from korproxy_addons.dialects.openai_responses.encode_tools import EncodedTools
from korproxy_addons.dialects.openai_responses.raw_items import without_nulls
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID
from korproxy_addons.dialects.payload import arguments_object, arguments_text

type Json = dict[str, Any]

# Items whose id a service that never keeps anything looks up in vain (T76).
_LOOKED_UP: Final = frozenset({"web_search_call"})
_ID_CHARACTERS: Final = 48
_SOUND_NOTE: Final = "[audio: in the message behind the results]"
_IMAGE_NOTE: Final = "[Image made by the assistant]"


class ItemEncoder:
    """
    Writes items.

    Args:
        target: The upstream.
        tools: How tools are called there.
        losses: Gets what it cannot take.
        stateful: The upstream keeps answers: ids of items mean something to it (T75, T76).
        own: The request came in this dialect.
        phases: `phase` of the assistant's messages in order, if it is known.
        message_ids: Their ids likewise.
    """

    def __init__(
        self,
        target: Target,
        tools: EncodedTools,
        losses: Losses,
        *,
        stateful: bool,
        own: bool,
        phases: Sequence[str] = (),
        message_ids: Sequence[str] = (),
    ) -> None:
        self._habits = target.habits
        self._content = ContentEncoder(target, losses)
        self._tools = tools
        self._losses = losses
        self._stateful = stateful
        self._own = own
        self._phases = phases
        self._message_ids = message_ids
        self._items: list[Any] = []
        self._parts: list[Any] = []  # content of the message that is being collected
        self._after: list[Any] = []  # items behind the turn
        self._said: list[Json] = []  # messages of the assistant
        self._custom: set[str] = set()

    def items(self, messages: Sequence[Message]) -> list[Any]:
        """The items of a conversation."""
        for message in messages:
            if message.name:
                self._losses.add(Feature.MESSAGE_NAME)
            role = self._role(message.role)
            for part in message.parts:
                self._part(part, role)
            self._flush(role)
            self._items += self._after
            self._after.clear()
        self._set_phases()
        if self._stateful and len(self._message_ids) == len(self._said):
            self._set_ids()
        return self._items

    def _role(self, role: Role) -> str:
        """`system` and `developer` mean the same; not every service knows both (T09)."""
        if role is Role.SYSTEM and not self._habits.system_role:
            return Role.DEVELOPER.value
        if role is Role.DEVELOPER and not self._habits.developer_role:
            return Role.SYSTEM.value
        return role.value

    def _part(self, part: Part, role: str) -> None:
        if isinstance(part, TextPart):
            if part.text:
                kind = "output_text" if role == Role.ASSISTANT else "input_text"
                self._parts.append(self._content.text(part, kind))
        elif isinstance(part, RefusalPart):
            self._refusal(part, role)
        elif isinstance(part, MediaPart):
            self._media(part, role)
        elif isinstance(part, UnknownPart) and not (part.item and part.origin == DIALECT_ID):
            self._parts += self._content.unknown(part)
        else:
            self._flush(role)
            self._items += self._item(part)

    def _refusal(self, part: RefusalPart, role: str) -> None:
        if not part.text:
            return
        if role == Role.ASSISTANT:
            self._parts.append({"type": "refusal", "refusal": part.text})
        else:
            self._parts.append({"type": "input_text", "text": part.text})

    def _media(self, part: MediaPart, role: str) -> None:
        if role != Role.ASSISTANT:
            self._parts += self._content.media(part)
        elif self._own and part.base64:
            self._flush(role)
            self._items.append(
                {
                    "type": "image_generation_call",
                    "id": f"ig_{sha256(part.base64.encode()).hexdigest()[:_ID_CHARACTERS]}",
                    "status": "completed",
                    "result": part.base64,
                }
            )
        else:  # the assistant's turns hold no images (T128)
            note = {"type": "input_text", "text": _IMAGE_NOTE}
            content = [note, *self._content.media(part)]
            self._after.append({"type": "message", "role": "user", "content": content})

    def _flush(self, role: str) -> None:
        if self._parts:
            message = {"type": "message", "role": role, "content": self._parts}
            self._items.append(message)
            if role == Role.ASSISTANT:
                self._said.append(message)
            self._parts = []

    def _set_phases(self) -> None:
        if len(self._phases) == len(self._said):
            for message, phase in zip(self._said, self._phases, strict=True):
                if phase:
                    message["phase"] = phase
        elif any(self._phases):
            self._losses.add(Feature.NATIVE_FIELD, "input.phase")

    def _set_ids(self) -> None:
        """
        A message keeps its id behind the reasoning it came of.

        A service that keeps answers looks for the item that it once put behind the reasoning, and refuses any
        other. Elsewhere ids say nothing, and one that the service has not made would not be found.
        """
        ids = {
            id(message): name
            for message, name in zip(self._said, self._message_ids, strict=True)
            if name
        }
        for before, item in pairwise(self._items):
            if _is_kept_reasoning(before) and id(item) in ids:
                item["id"] = ids[id(item)]

    def _item(self, part: Part) -> list[Any]:
        if isinstance(part, ToolCallPart):
            return [self._call(part)]
        if isinstance(part, ToolResultPart):
            return [self._result(part)]
        if isinstance(part, ThinkingPart):
            return self._thinking(part)
        if isinstance(part, CompactionPart):
            return self._compaction(part)
        if isinstance(part, ServerToolPart):
            return self._server(part)
        if isinstance(part, UnknownPart):
            return self._unknown(part)
        return []

    def _call(self, part: ToolCallPart) -> Json:
        head: Json = {"call_id": portable_id(part.call_id)}
        if self._stateful and part.item_id:
            head["id"] = part.item_id
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        if self._tools.searches and part.name == SEARCH:
            arguments = Raw(arguments_object(part.arguments).encode())
            kind = {"type": "tool_search_call", "execution": "client", "status": "completed"}
            return {**kind, **head, "arguments": arguments}
        head |= self._tools.called(part)
        if not part.custom:
            return {"type": "function_call", **head, "arguments": arguments_text(part.arguments)}
        if self._habits.custom_tools:
            self._custom.add(part.call_id)
            return {"type": "custom_tool_call", **head, "input": part.arguments}
        return {"type": "function_call", **head, "arguments": as_arguments(part.arguments)}

    def _result(self, part: ToolResultPart) -> Any:
        found = part.content[0] if part.content and self._tools.searches else None
        if isinstance(found, UnknownPart) and found.type == "tool_search_output":
            return without_nulls(found.raw)
        part = self._without_sound(part)
        custom = part.call_id in self._custom
        return {
            "type": "custom_tool_call_output" if custom else "function_call_output",
            "call_id": portable_id(part.call_id),
            "output": self._content.output(part),
        }

    def _without_sound(self, part: ToolResultPart) -> ToolResultPart:
        """Results hold no sound: it goes into a message behind them (T66)."""
        sounds = [piece for piece in part.content if _is_sound(piece)]
        if not sounds:
            return part
        content = [found for sound in sounds for found in self._content.media(sound)]
        self._after.append({"type": "message", "role": "user", "content": content})
        note = TextPart(_SOUND_NOTE)
        kept = tuple(note if _is_sound(piece) else piece for piece in part.content)
        return replace(part, content=kept)

    def _thinking(self, part: ThinkingPart) -> list[Any]:
        item: Json = {"type": "reasoning", "summary": []}
        if part.text and part.is_summary:
            item["summary"] = [{"type": "summary_text", "text": part.text}]
        elif part.text:
            item["content"] = [{"type": "reasoning_text", "text": part.text}]
        state = part.state
        if state is None:
            if self._habits.state_origin:  # it reads back only what it has sealed (T76)
                self._losses.add(Feature.THINKING, "without encrypted content")
                return []
            return [item] if part.text else []
        if self._stateful and state.item_id:
            item["id"] = state.item_id
        if state.data:
            item["encrypted_content"] = state.data
        elif "id" not in item:
            self._losses.add(Feature.THINKING, "without encrypted content")
            return []
        return [item]

    def _compaction(self, part: CompactionPart) -> list[Any]:
        if part.state is None:
            if not part.text:
                return []
            content = [{"type": "input_text", "text": part.text}]
            return [{"type": "message", "role": "user", "content": content}]
        item = {"type": "compaction", "encrypted_content": part.state.data}
        if self._stateful and part.state.item_id:
            item["id"] = part.state.item_id
        return [item]

    def _server(self, part: ServerToolPart) -> list[Any]:
        if part.origin != DIALECT_ID:
            self._losses.add(Feature.SERVER_TOOL_HISTORY, part.type)
            return []
        looked_up = not self._habits.stores and part.type in _LOOKED_UP
        return [without_nulls(part.raw, ("id",) if looked_up else ())]

    def _unknown(self, part: UnknownPart) -> list[Any]:
        if part.type == "item_reference" and not self._stateful:
            self._losses.add(Feature.UNKNOWN_PART, "item_reference")
            return []
        return [without_nulls(part.raw)]


def _is_kept_reasoning(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning" and "id" in item


def _is_sound(part: Part) -> TypeGuard[MediaPart]:
    return isinstance(part, MediaPart) and part.kind is MediaKind.AUDIO and bool(part.base64)
