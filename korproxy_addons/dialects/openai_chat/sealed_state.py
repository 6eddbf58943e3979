"""Takes sealed state of other services out of a Chat body that passes unchanged."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.openai_chat.wire import FIELDS
from korproxy_addons.dialects.payload import decode_body
from korproxy_addons.errors.exceptions import KorProxyError

_ITEMS: Final = msgspec.json.Decoder(list[Raw])
_ENCODER: Final = msgspec.json.Encoder()
_DETAILS: Final = "reasoning_details"
_CALLS: Final = "tool_calls"
_EXTRA: Final = "extra_content"


def without_sealed(body: bytes) -> bytes:
    """
    See `base.Dialect`.

    Only messages that carry a seal are written anew. Reasoning in words stays: on this wire it never had state of
    its own, and servers that want it back want it from every turn (T81).
    """
    try:
        read = decode_body(FIELDS, body)
        messages: list[Any] = [*decode_body(_ITEMS, bytes(read["messages"]))]
        for place, raw in enumerate(messages):
            if SEAL in bytes(raw):
                messages[place] = _message(raw)
    except (KorProxyError, KeyError):
        return body  # the upstream will say what is wrong with it
    return _ENCODER.encode({**read, "messages": messages})


def _message(raw: Raw) -> dict[str, Any]:
    read = decode_body(FIELDS, bytes(raw))
    fields: dict[str, Any] = {**read}
    if _DETAILS in fields:
        details = [
            detail
            for detail in decode_body(_ITEMS, bytes(fields[_DETAILS]))
            if SEAL not in bytes(detail)
        ]
        if details:
            fields[_DETAILS] = details
        else:
            del fields[_DETAILS]
    if _CALLS in fields:
        fields[_CALLS] = [_call(call) for call in decode_body(_ITEMS, bytes(fields[_CALLS]))]
    return fields


def _call(raw: Raw) -> Any:
    if SEAL not in bytes(raw):
        return raw
    fields = decode_body(FIELDS, bytes(raw))
    if _EXTRA in fields and SEAL in bytes(fields[_EXTRA]):
        del fields[_EXTRA]
    return fields
