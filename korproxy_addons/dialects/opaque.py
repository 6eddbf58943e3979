"""
State of one service, carried through the wire of another.

A client keeps what it sees and sends it back. A signature of Gemini that reaches a Claude client is sealed: it
looks like a signature, and on its way back its origin is known, so that it returns to Gemini and never
reaches Anthropic (T71, T75, T77). The form is valid base64, as Google's SDKs demand of signatures.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from korproxy_addons.dialects.model import Opaque

_MAGIC: Final = b"KorProxy1"  # nine bytes: its base64 form is the same whatever follows

# Occurs in every body that carries sealed state; free of the characters that base64's alphabets differ in.
SEAL: Final = b"S29yUHJveHkx"

_FORM: Final = msgspec.json.Decoder(tuple[str, str, str])


def sealed(state: Opaque) -> str:
    """The state and its origin as one base64 text."""
    content = msgspec.json.encode((state.origin, state.data, state.item_id))
    return urlsafe_b64encode(_MAGIC + content).decode()


def unsealed(text: str) -> Opaque | None:
    """What `sealed` was given, in either alphabet of base64; None if the text is not ours."""
    if not text.startswith(SEAL.decode()):
        return None
    plain = text.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        content = urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
        origin, data, item_id = _FORM.decode(content.removeprefix(_MAGIC))
    except (Base64Error, ValueError, msgspec.MsgspecError):
        return None
    return Opaque(origin, data, item_id)
