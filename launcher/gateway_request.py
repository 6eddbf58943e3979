"""One request to a gateway, and its whole answer with its timings."""

import http.client
import time
from dataclasses import dataclass, field

from korproxy_addons.recording.replay import Replay
from launcher.borrowed_gateway import BorrowedGateway

LIMIT_S = 600.0
MOST_BYTES = 64 * 1024 * 1024
_AT_ONCE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReply:
    """
    What came back.

    Attributes:
        status: None if nothing did.
        headers: Names in lower case.
        body: As far as it came.
        broken: Why it is not whole, in words; "" if it is.
        first_byte_ms: From the request sent to the first byte of the body; None if none came.
        total_ms: To its end.
    """

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    broken: str = ""
    first_byte_ms: float | None = None
    total_ms: float = 0.0

    @property
    def request_id(self) -> str:
        """Correlation id; "" if there is none."""
        return self.headers.get("x-korproxy-request-id", "")

    @property
    def code(self) -> str:
        """KorProxy's error code; "" if it had nothing to say."""
        return self.headers.get("x-korproxy-error", "")

    @property
    def account(self) -> str:
        """The account that answered, by its name for people."""
        return self.headers.get("x-korproxy-account", "")

    @property
    def content_type(self) -> str:
        """As the head says."""
        return self.headers.get("content-type", "")


def send(
    gateway: BorrowedGateway, replay: Replay, local_key: str | None, limit_s: float = LIMIT_S
) -> GatewayReply:
    """
    Send a request, and read its answer to the end.

    Args:
        gateway: Whom to ask.
        replay: What to ask.
        local_key: A key of the gateway's own, where it wants one.
        limit_s: For the whole answer.
    """
    return _Sending(gateway, limit_s).run(replay, local_key)


class _Sending:
    def __init__(self, gateway: BorrowedGateway, limit_s: float) -> None:
        self._connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=limit_s)
        self._limit_s = limit_s
        self._started = time.monotonic()
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._first_byte_ms: float | None = None

    def run(self, replay: Replay, local_key: str | None) -> GatewayReply:
        broken = ""
        try:
            self._ask(replay, local_key)
        except TimeoutError:
            broken = f"no whole answer within {self._limit_s:g} s"
        except (OSError, http.client.HTTPException) as error:
            broken = f"the gateway's answer broke off: {type(error).__name__}"
        finally:
            self._connection.close()
        return GatewayReply(
            status=self._status,
            headers=self._headers,
            body=b"".join(self._parts),
            broken=broken,
            first_byte_ms=self._first_byte_ms,
            total_ms=self._elapsed_ms(),
        )

    def _ask(self, replay: Replay, local_key: str | None) -> None:
        self._connection.putrequest(replay.method, replay.target, skip_accept_encoding=True)
        body = replay.body.encode("utf-8", "surrogatepass")
        own = [("x-korproxy-key", local_key)] if local_key else []
        if body:
            own.append(("content-length", str(len(body))))
        for name, value in (*replay.headers, *own):
            self._connection.putheader(name, value)
        self._connection.endheaders(body or None)
        reply = self._connection.getresponse()
        self._status = reply.status
        self._headers = {name.lower(): value for name, value in reply.getheaders()}
        length = 0
        while part := self._read(reply):
            if self._first_byte_ms is None:
                self._first_byte_ms = self._elapsed_ms()
            self._parts.append(part)
            length += len(part)
            if length > MOST_BYTES:
                raise http.client.HTTPException
        if reply.length:
            raise http.client.IncompleteRead(b"", reply.length)

    def _read(self, reply: http.client.HTTPResponse) -> bytes:
        left_s = self._limit_s - (time.monotonic() - self._started)
        if left_s <= 0:
            raise TimeoutError
        if self._connection.sock is not None:
            self._connection.sock.settimeout(left_s)
        return reply.read1(_AT_ONCE_BYTES)

    def _elapsed_ms(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)
