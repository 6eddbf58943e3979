"""A client's body without the state of other services that it carries, for a service of this dialect's own."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.opaque import SEAL, unsealed
from korproxy_addons.dialects.openai_responses.carried import compaction_of
from korproxy_addons.dialects.openai_responses.frames import json_bytes
from korproxy_addons.dialects.openai_responses.request_wire import FIELDS, RAWS
from korproxy_addons.dialects.openai_responses.web_search import is_made_up
from korproxy_addons.dialects.openai_responses.whole_items import COMPACTIONS


class _Sealed(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    encrypted_content: str | None = None


_SEALED: Final = msgspec.json.Decoder(_Sealed)


def without_sealed_state(body: bytes) -> bytes:
    """
    The body without items that carry a seal; a compaction in words becomes a message (T71, T76).

    A body that is not as expected is returned as it is: whoever gets it will say so.
    """
    try:
        fields = FIELDS.decode(body)
        items = RAWS.decode(fields["input"])
    except (ValueError, RecursionError, KeyError):
        return body
    kept = [found for item in items if (found := _kept(item)) is not None]
    return json_bytes({**fields, "input": kept})


def _kept(item: Raw) -> Raw | dict[str, Any] | None:
    if SEAL not in bytes(item):
        return item
    try:
        found = _SEALED.decode(item)
    except (ValueError, RecursionError):
        return item
    if is_made_up(found.type or "", found.id or ""):
        return None
    content = found.encrypted_content or ""
    if unsealed(content) is None:
        return item
    if found.type in COMPACTIONS and (words := compaction_of(content, "").text):
        part = {"type": "input_text", "text": words}
        return {"type": "message", "role": "user", "content": [part]}
    return None
