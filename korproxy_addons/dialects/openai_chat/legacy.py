"""Functions as they were before tools (T144): one call per answer, without an id, in a field of its own."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.openai_chat.wire import is_set

FINISH: Final = "function_call"
_MARK: Final = b'"functions"'


class _Offer(Struct):
    functions: Raw = Raw()
    tools: Raw = Raw()


_OFFER: Final = msgspec.json.Decoder(_Offer)


def is_legacy(client_body: bytes) -> bool:
    """Whether a client offered functions and no tools: it looks for `function_call` in the answer."""
    if _MARK not in client_body:
        return False
    try:
        offer = _OFFER.decode(client_body)
    except (ValueError, RecursionError):
        return False
    return is_set(offer.functions) and not is_set(offer.tools)
