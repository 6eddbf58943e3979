"""Collects a body that comes in pieces, within a limit."""

from typing import Final

from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024


class Body:
    """
    A whole reply, for decoders and taps that are not streamed.

    Args:
        limit_bytes: The longest body.
    """

    __slots__ = ("_bytes", "_limit", "_pieces")

    def __init__(self, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """
        Take the next piece.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, the body is longer than the limit.
        """
        self._bytes += len(data)
        if self._bytes > self._limit:
            self._pieces.clear()
            raise KorProxyError(UPSTREAM_INVALID_REPLY, f"it is longer than {self._limit} bytes")
        self._pieces.append(data)

    def close(self) -> bytes:
        """All of it."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
