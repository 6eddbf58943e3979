"""
State of other services on this dialect's wire: what only a signature can carry.

A client of this dialect keeps thinking blocks and sends them back. Everything that another service wants to see again
therefore goes as a signature, sealed (`opaque.py`): that of thinking on its own block, that of a call or a text on an
empty thinking block behind it, which says in its id whose it is. A thinking block without any state carries an empty
seal, for Anthropic refuses unsigned ones, and only sealed ones are taken out before a body passes to it (T71).
"""

from typing import Final

from msgspec.structs import replace

from korproxy_addons.dialects.anthropic_messages.wire import OWN_ORIGIN
from korproxy_addons.dialects.model import (
    CompactionPart,
    Opaque,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from korproxy_addons.dialects.opaque import sealed, unsealed

_OF_CALL: Final = "call:"
_OF_TEXT: Final = "text:"
_OF_COMPACTION: Final = "compaction:"

# Stands where this dialect's wire must have state and there is none.
EMPTY_SEAL: Final = sealed(Opaque("", ""))


def wire_state(state: Opaque | None) -> str:
    """The signature of a thinking block."""
    if state is None:
        return EMPTY_SEAL
    return state.data if state.origin == OWN_ORIGIN else sealed(state)


def state_of(signature: str) -> Opaque | None:
    """The state in a signature that a client sent back; None for an empty seal."""
    if not signature:
        return None
    found = unsealed(signature)
    if found is None:
        return Opaque(OWN_ORIGIN, signature)
    return found if found.origin else None


def call_carrier(call_id: str, state: Opaque) -> str:
    """The signature of the empty block behind a call."""
    return sealed(Opaque(state.origin, state.data, _OF_CALL + call_id))


def text_carrier(state: Opaque) -> str:
    """The signature of the empty block behind a text."""
    return sealed(Opaque(state.origin, state.data, _OF_TEXT))


def compaction_carrier(state: Opaque) -> str:
    """The signature of the empty block that stands for a compaction without text."""
    return sealed(Opaque(state.origin, state.data, _OF_COMPACTION + state.item_id))


def with_thinking(parts: list[Part], thinking: ThinkingPart) -> list[Part]:
    """The parts of a turn with the next thinking block; what a block only carries goes to its owner."""
    state = thinking.state
    if state is None or thinking.text or state.origin == OWN_ORIGIN:
        return [*parts, thinking]
    plain = Opaque(state.origin, state.data)
    if state.item_id.startswith(_OF_COMPACTION):
        item_id = state.item_id.removeprefix(_OF_COMPACTION)
        return [*parts, CompactionPart(state=Opaque(state.origin, state.data, item_id))]
    if state.item_id == _OF_TEXT:
        last = parts[-1] if parts else None
        if isinstance(last, TextPart) and last.state is None:
            return [*parts[:-1], replace(last, state=plain)]
        return [*parts, TextPart("", state=plain)]
    if state.item_id.startswith(_OF_CALL):
        call_id = state.item_id.removeprefix(_OF_CALL)
        return [
            replace(part, state=plain)
            if isinstance(part, ToolCallPart) and part.call_id == call_id
            else part
            for part in parts
        ]
    return [*parts, thinking]
