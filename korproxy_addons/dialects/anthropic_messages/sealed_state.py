"""Takes out of a body, before it passes to Anthropic, what only other services could read (T71)."""

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.web_search import is_made_up
from korproxy_addons.dialects.anthropic_messages.wire import (
    BLOCK_TYPE,
    FIELDS,
    given,
    json_bytes,
)
from korproxy_addons.dialects.anthropic_messages.wire_request import RAWS
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.payload import decode_body
from korproxy_addons.errors.exceptions import KorProxyError

_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_CLEARS_THINKING = "clear_thinking_"


def without_sealed(body: bytes) -> bytes:
    """
    The body without sealed state; see `base.Dialect`.

    If the current turn then has calls that do not begin with thinking, thinking by budget is turned off for
    this request, and context edits that need it: Anthropic refuses both otherwise (T71, T123). A body
    that is no request of this dialect is returned as it is; its upstream will say so.
    """
    try:
        fields = decode_body(FIELDS, body)
        turns = [
            decode_body(FIELDS, bytes(raw)) for raw in decode_body(RAWS, bytes(fields["messages"]))
        ]
        kept = [turn for turn in (_unsealed_turn(turn) for turn in turns) if turn is not None]
        _without_idle_thinking(fields, kept)
    except (KorProxyError, KeyError):
        return body
    fields["messages"] = Raw(json_bytes(kept))
    return json_bytes(fields)


def _unsealed_turn(turn: dict[str, Raw]) -> dict[str, Raw] | None:
    """The turn without sealed blocks and citations; None if nothing is left of it."""
    content = turn.get("content", Raw(b"null"))
    if SEAL not in bytes(content) or not bytes(content).lstrip().startswith(b"["):
        return turn
    blocks = decode_body(RAWS, bytes(content))
    kept = [_unsealed_block(block) for block in blocks if not _is_ours(block)]
    return {**turn, "content": Raw(json_bytes(kept))} if kept else None


def _is_ours(block: Raw) -> bool:
    """Whether a block is thinking that carries another service's state, or such a service's search."""
    data = bytes(block)
    if SEAL not in data:
        return False
    kind = decode_body(BLOCK_TYPE, data).type or ""
    if kind not in _THOUGHTS:
        return is_made_up(kind, data)
    fields = decode_body(FIELDS, data)
    state = bytes(fields.get("signature", fields.get("data", Raw(b""))))
    return state.lstrip(b'"').startswith(SEAL)


def _unsealed_block(block: Raw) -> Raw:
    """A text block without the citations that other services gave."""
    data = bytes(block)
    if SEAL not in data or decode_body(BLOCK_TYPE, data).type != "text":
        return block
    fields = decode_body(FIELDS, data)
    if not given(fields.get("citations", Raw(b""))):
        return block
    citations = decode_body(RAWS, bytes(fields["citations"]))
    kept = [citation for citation in citations if SEAL not in bytes(citation)]
    del fields["citations"]
    return Raw(json_bytes({**fields, "citations": kept} if kept else fields))


def _without_idle_thinking(fields: dict[str, Raw], turns: list[dict[str, Raw]]) -> None:
    thinking = fields.get("thinking", Raw(b"null"))
    if not given(thinking) or decode_body(BLOCK_TYPE, bytes(thinking)).type != "enabled":
        return
    if not _in_loop_without_thinking(turns):
        return
    del fields["thinking"]
    management = fields.get("context_management", Raw(b"null"))
    if not given(management):
        return
    inside = decode_body(FIELDS, bytes(management))
    edits = decode_body(RAWS, bytes(inside.get("edits", Raw(b"[]"))))
    kept = [
        edit
        for edit in edits
        if not (decode_body(BLOCK_TYPE, bytes(edit)).type or "").startswith(_CLEARS_THINKING)
    ]
    if len(kept) == len(edits):
        return
    if kept:
        fields["context_management"] = Raw(json_bytes({**inside, "edits": kept}))
    else:
        del fields["context_management"]


def _in_loop_without_thinking(turns: list[dict[str, Raw]]) -> bool:
    """As `encode_turns.in_tool_loop_without_thinking`, on the wire."""
    first = ""
    called = False
    for turn in reversed(turns):
        kinds = _kinds(turn)
        if turn.get("role") == Raw(b'"assistant"'):
            first = kinds[0] if kinds else ""
            called = called or "tool_use" in kinds
        elif "tool_result" not in kinds:
            break
    return called and first not in _THOUGHTS


def _kinds(turn: dict[str, Raw]) -> list[str]:
    content = bytes(turn.get("content", b"null"))
    if not content.lstrip().startswith(b"["):
        return ["text"]
    return [decode_body(BLOCK_TYPE, bytes(raw)).type or "" for raw in decode_body(RAWS, content)]
