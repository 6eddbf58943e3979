"""Requests that provider code asks for without sending them itself, and their replies."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request of a generator such as a project discovery.

    Attributes:
        method: HTTP method.
        url: Absolute URL on the account's own origin.
        headers: Without the credential, which the driver adds.
        body: Bytes to send; empty for none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        # A login's request carries secrets in any of the other parts.
        return f"Request({self.method} {self.url.partition('?')[0]})"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the generator goes on; the driver sends None back."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
