"""
The typed state of one client request, from its head to its last byte.

mitmproxy's `flow.metadata` is written out with saved flows, so it holds none of this: the exchange lies beside the flow
in a weak dictionary.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from mitmproxy import http

from korproxy_addons.config.schema import Config, LocalKey
from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.tape import Tape
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.routing.plan import Plan
from korproxy_addons.routing.rules import Candidate

_TEXT = ("utf-8", "surrogateescape")
"""How mitmproxy reads the bytes of headers."""


@dataclass(slots=True)
class Attempt:
    """
    One try upstream.

    `started_at` is in Unix seconds; the `_ms` values count from the arrival of the client's request head. None of them
    is set before it happened. `usage` is what its upstream has told so far, `whole` whether its reply was read to its end.
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
    ended_ms: float | None = None
    usage: Usage | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """
    What was found of the conversation that a request goes on from.

    Attributes:
        previous: Id of the answer that it names; "" if it begins anew.
        inbound: The request with all that was said before; None if that is not known here.
        keep: The answer to it is to be kept.
    """

    previous: str
    inbound: Inbound | None
    keep: bool


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
    # The profile that the path named (`/p/<profile>`, which `path` lacks); our end and the id of the connection.
    profile: str = ""
    own: tuple[str, int] | None = None
    connection: str = ""
    _lower: tuple[object, dict[str, str]] = field(default=(None, {}), init=False, compare=False)

    @property
    def lower(self) -> dict[str, str]:
        """The headers by their names in lower case, for those who ask much; not to be changed."""
        known, lower = self._lower
        fields = self.headers.fields
        if known is not fields:
            # Once through: each look-up goes through all of them, and nobody has counted them yet.
            lower = {}
            for key, value in fields:
                name, text = key.lower().decode(*_TEXT), value.decode(*_TEXT)
                lower[name] = f"{lower[name]}, {text}" if name in lower else text
            self._lower = fields, lower
        return lower

    def __repr__(self) -> str:
        # Query, headers and body hold the client's key and its words.
        return f"ClientRequest({self.method} {self.path})"


@dataclass(slots=True, weakref_slot=True, eq=False)
class Exchange:
    """
    One client request with all that became of it.

    `seed` is of our making, letters and digits, where `id` may be the client's: ids inside replies come from it.
    `clock_started_s` is a monotonic reading, `received_at` Unix seconds. `cleared` is set by the last request hook: the
    leg sends nothing upstream for an exchange that has not passed them all. `prompt_id` is the client's own id of what a
    person asked, "" where its dialect has none. `keep_reply` has the answer kept for the next turn although the client does not
    ask for that, `owner` under a name of its own (a connection's). `local_key` is the configured key that the client has
    shown, `group` the one that the last attempt's account was chosen from, `status` what the client was given.
    `reroute` is
    the group that a limit sends it to, `delay_s` how long one makes it wait. `undecided` is true while the client is kept
    waiting under a head that cannot say yet who answers. `moved` says why its conversation left its account ("" if it did
    not), `cache_lost_tokens` what of a prompt cache that cost. `tape` is there while it is
    recorded. A client that leaves is known of before its leg has told
    the last tokens: `when_settled` waits for those.
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
    prompt_id: str = ""
    recall: Recall | None = None
    keep_reply: bool = False
    owner: str = ""
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
    plan: Plan | None = None
    profile: str = ""
    reroute: str = ""
    delay_s: float = 0.0
    kind: str = ""
    project: str = ""
    session: str = ""
    group: str = ""
    moved: str = ""
    cache_lost_tokens: int = 0
    local_key: LocalKey | None = None
    status: int | None = None
    undecided: bool = False
    tape: Tape | None = None
    leg_running: bool = False
    after_leg: list[Callable[[], None]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Exchange({self.id}, {self.client!r})"

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

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Have `callback` run when the leg has told all it knows: at once if none is running."""
        if self.leg_running:
            self.after_leg.append(callback)
        else:
            callback()

    def leg_ended(self) -> None:
        """The leg's task is over, however it ended."""
        self.leg_running = False
        callbacks, self.after_leg = self.after_leg, []
        for callback in callbacks:
            callback()

    def note(self, reason: str) -> None:
        """Add a reason to what `X-KorProxy-Why` says, once."""
        if reason not in self.why:
            self.why.append(reason)


_EXCHANGES: WeakKeyDictionary[http.HTTPFlow, Exchange] = WeakKeyDictionary()
