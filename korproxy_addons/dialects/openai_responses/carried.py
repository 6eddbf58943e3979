"""
State of other services on this dialect's wire: in the `encrypted_content` of reasoning items, sealed.

Clients keep reasoning items and send them back. State of thinking goes on its own item, state of a call or of text
on an empty item behind it, which says in its seal whose it is (T77). A reasoning item of ours without any state carries an
empty seal: one without `encrypted_content` is refused by a service that keeps nothing (T76), and only what is sealed is
taken out before a body passes to it.
"""

from typing import Final

from msgspec.structs import replace

from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaPart,
    Opaque,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from korproxy_addons.dialects.opaque import sealed, unsealed
from korproxy_addons.dialects.openai_responses.wire import ORIGIN

MADE_ID: Final = "rs_kp"  # begins the ids of reasoning items that we make up
_OF_CALL: Final = "call:"
_OF_TEXT: Final = "text:"
_OF_MEDIA: Final = "media:"
_WORDS: Final = "words"  # a compaction that is text and no state


def encrypted(state: Opaque | None) -> str:
    """`encrypted_content` for the state of a thinking part."""
    if state is not None and state.origin == ORIGIN:
        return state.data
    return sealed(state or Opaque("", ""))


def call_carrier(call_id: str, state: Opaque) -> str:
    """`encrypted_content` of the item behind a call."""
    return sealed(Opaque(state.origin, state.data, _OF_CALL + call_id))


def text_carrier(state: Opaque) -> str:
    """`encrypted_content` of the item behind a text."""
    return sealed(Opaque(state.origin, state.data, _OF_TEXT))


def media_carrier(state: Opaque) -> str:
    """`encrypted_content` of the item behind a picture that the model made."""
    return sealed(Opaque(state.origin, state.data, _OF_MEDIA))


def compaction_carrier(part: CompactionPart) -> str:
    """`encrypted_content` of a compaction item, which has no place for words."""
    if part.state is None:
        return sealed(Opaque("", part.text, _WORDS))
    return part.state.data if part.state.origin == ORIGIN else sealed(part.state)


def state_of(content: str, item_id: str) -> Opaque | None:
    """
    The state that a client sent back; None if there is none.

    Args:
        content: `encrypted_content`, or "".
        item_id: The item's id, which must travel with this service's own state (T75).
    """
    found = unsealed(content)
    if found is not None:
        return found if found.origin else None
    item_id = "" if item_id.startswith(MADE_ID) else item_id
    return Opaque(ORIGIN, content, item_id) if content or item_id else None


def reply_state(content: str, item_id: str, origin: str) -> Opaque | None:
    """
    The state in an upstream's answer; sealed state (the upstream is a KorProxy) keeps its own origin.

    Args:
        content: `encrypted_content`, or "".
        item_id: The item's id.
        origin: `Habits.state_origin`; "" keeps none of the upstream's own.
    """
    found = unsealed(content)
    if found is not None:
        return found if found.origin else None
    return Opaque(origin, content, item_id) if content and origin else None


def compaction_of(content: str, item_id: str, origin: str = ORIGIN) -> CompactionPart:
    """A compaction that a client sent back, or that an upstream with that state made."""
    found = unsealed(content)
    if found is not None and not found.origin:
        return CompactionPart(text=found.data)
    return CompactionPart(state=found or Opaque(origin, content, item_id))


def taken_home(parts: list[Part], thinking: ThinkingPart) -> bool:
    """
    Put state that an empty reasoning item only carries back on its part, in `parts`.

    Returns:
        False if the item is thinking of its own.
    """
    state = thinking.state
    if state is None or thinking.text:
        return False
    plain = Opaque(state.origin, state.data)
    if state.item_id == _OF_TEXT:
        for place in range(len(parts) - 1, -1, -1):
            part = parts[place]
            if isinstance(part, TextPart):
                parts[place] = replace(part, state=plain)
                return True
        parts.append(TextPart("", state=plain))
        return True
    if state.item_id == _OF_MEDIA:
        for place in range(len(parts) - 1, -1, -1):
            part = parts[place]
            if isinstance(part, MediaPart):
                parts[place] = replace(part, state=plain)
                return True
        return True
    if state.item_id.startswith(_OF_CALL):
        call_id = portable_id(state.item_id.removeprefix(_OF_CALL))  # long ids come back shortened
        for place, part in enumerate(parts):
            if isinstance(part, ToolCallPart) and portable_id(part.call_id) == call_id:
                parts[place] = replace(part, state=plain)
        return True
    return False
