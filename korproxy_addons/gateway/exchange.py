"""
The typed state of one client request, from its head to its last byte.

mitmproxy's `flow.metadata` is written out with saved flows, so it holds none of this: the exchange lies beside the flow
in a weak dictionary.
"""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from mitmproxy import http

from korproxy_addons.config.schema import Config
from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.routing.rules import Candidate


@dataclass(slots=True)
class Attempt:
    """
    One try upstream.

    `started_at` is in Unix seconds; the `_ms` values count from the arrival of the client's request head. None of them
    is set before it happened.
    """

    number: int
    account_id: str
    account_label: str
    provider: str
    access: str
    dialect: str
    model: str
    url: str
    started_at: float
    sent_ms: float | None = None
    first_byte_ms: float | None = None
    status: int | None = None
    error_code: str | None = None
    connection_reused: bool | None = None


@dataclass(slots=True)
class ClientRequest:
    """What the client sent, as it sent it; the flow may be rewritten to show what went upstream."""

    method: str
    path: str
    query: str
    headers: http.Headers
    http_version: str
    peer: tuple[str, int] | None
    body: bytes = b""


@dataclass(slots=True)
class Exchange:
    """
    One client request with all that became of it.

    `seed` is of our making, letters and digits, where `id` may be the client's: ids inside replies come from it.
    `clock_started_s` is a monotonic reading, `received_at` Unix seconds. `cleared` is set by the last request hook: the
    leg sends nothing upstream for an exchange that has not passed them all.
    """

    id: str
    seed: str
    config: Config
    client: ClientRequest
    received_at: float
    clock_started_s: float
    dialect: str = "openai-chat"
    wanted: Wanted | None = None
    inbound: Inbound | None = None
    peek: Peek | None = None
    tool: str = ""
    own_login: bool = False
    candidates: tuple[Candidate, ...] = ()
    attempts: list[Attempt] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    error: KorProxyError | None = None
    stream_error: str = ""
    usage: Usage | None = None
    finish: str | None = None
    bytes_out: int = 0
    first_byte_ms: float | None = None
    cleared: bool = False
    counted: bool = False
    finished: bool = False

    @staticmethod
    def of(flow: http.HTTPFlow) -> "Exchange | None":
        """The exchange of a flow; None for a flow the entrance never saw."""
        return _EXCHANGES.get(flow)

    def bind(self, flow: http.HTTPFlow) -> None:
        """Make this the exchange of `flow`."""
        _EXCHANGES[flow] = self

    @property
    def model(self) -> str | None:
        """The model as the client named it."""
        if self.peek is not None:
            return self.peek.model
        return self.wanted.path_model if self.wanted is not None else None

    @property
    def account_label(self) -> str:
        """The label of the account that answered or was tried last; empty before the first attempt."""
        return self.attempts[-1].account_label if self.attempts else ""

    def note(self, reason: str) -> None:
        """Add a reason to what `X-KorProxy-Why` says, once."""
        if reason not in self.why:
            self.why.append(reason)


_EXCHANGES: WeakKeyDictionary[http.HTTPFlow, Exchange] = WeakKeyDictionary()
