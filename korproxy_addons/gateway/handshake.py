"""The opening handshake of a WebSocket (RFC 6455, section 4.2), as pure headers in and headers out."""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

# Appended to the client's key before it is hashed; the standard's own constant.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = "13"
_KEY_BYTES = 16


def switching_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """
    The headers of the 101 that accepts an upgrade; no extension is agreed to, as compressing for a loopback only costs time.

    Args:
        headers: The request's, names in lower case.
    Raises:
        KorProxyError: UPGRADE_REQUIRED where it is no sound opening handshake.
    """
    upgrades = _words(headers.get("upgrade", ""))
    if "websocket" not in upgrades or "upgrade" not in _words(headers.get("connection", "")):
        raise KorProxyError(catalogue.UPGRADE_REQUIRED, "GET is only for a WebSocket here")
    if headers.get("sec-websocket-version", "").strip() != _VERSION:
        raise KorProxyError(catalogue.UPGRADE_REQUIRED, f"sec-websocket-version must be {_VERSION}")
    key = headers.get("sec-websocket-key", "").strip()
    if not _is_key(key):
        raise KorProxyError(catalogue.UPGRADE_REQUIRED, "sec-websocket-key is no key")
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return (
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", base64.b64encode(digest).decode()),
    )


def _words(value: str) -> list[str]:
    return [word.strip().lower() for word in value.split(",")]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("ascii", "replace"), validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False
