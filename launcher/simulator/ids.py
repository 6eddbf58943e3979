"""Ids that repeat: the n-th id of a run is always the same text."""

import hashlib


class Ids:
    """
    Makes ids from a counter.

    Every id has the prefix and the length of the real service's ids, and differs from every other id of this run.
    """

    def __init__(self) -> None:
        self._made = 0

    def make(self, prefix: str, length: int = 24) -> str:
        """The next id: `prefix` and `length` hexadecimal digits (at most 64)."""
        self._made += 1
        digits = hashlib.sha256(f"{prefix}{self._made}".encode()).hexdigest()
        return prefix + digits[:length]


def seal(purpose: str, content: str) -> str:
    """
    A deterministic stand-in for a signature over `content`.

    The same purpose and content give the same seal, so a contract can tell its own seals from foreign ones
    without keeping them. It has 64 characters of the base64 alphabet.
    """
    return hashlib.sha256(f"{purpose}\0{content}".encode("utf-8", "surrogatepass")).hexdigest()
