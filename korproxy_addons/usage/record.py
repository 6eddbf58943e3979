"""
One finished exchange as the ledger keeps it: who asked whom, how it went, what it used. Never what was said.

A row is made from values alone; `gateway/exchange_record.py` takes them from an exchange.
"""

from msgspec import Struct, json, structs

from korproxy_addons.routing.tools import OWN_REQUESTS as _OWN_REQUESTS

type Value = str | int | float | None

OWN_REQUESTS = _OWN_REQUESTS
"""Tool of the requests that KorProxy's own commands make: its tests, and what is replayed."""


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """
    One try upstream.

    Attributes:
        account: Id of the account.
        provider: Id of its provider.
        access: Id of the way in.
        dialect: Dialect it was asked in.
        model: The upstream's name of the model.
        status: HTTP status of its reply; None if none came.
        code: Why it failed; "" if it did not.
        sent_ms: From the client's request head until the attempt left; None if it never did.
        first_byte_ms: Until the first byte of its reply's body.
        ended_ms: Until it was over.
        reused: Whether it went over a connection that was open already.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens: As `Usage` has them.
        cost_usd: By the price list; None where there is no price, or nothing to price.
        incomplete: The upstream may have used more than it has told.
    """

    account: str
    provider: str
    access: str
    dialect: str
    model: str
    status: int | None = None
    code: str = ""
    sent_ms: float | None = None
    first_byte_ms: float | None = None
    ended_ms: float | None = None
    reused: bool | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    incomplete: bool = False


class ExchangeRecord(Struct, frozen=True, kw_only=True):
    """
    One client request and what became of it.

    Attributes:
        id: Of our own making, unique; sorts by time.
        request_id: The correlation id; the client may have chosen it.
        started_at: Unix seconds.
        tool: The calling tool, "" if unknown.
        project: The project it works on, "" if unknown.
        profile: Id of the profile.
        local_key: Id of the local key it came with, "" if none.
        client_dialect: Dialect of the client.
        upstream_dialect: Dialect of the last attempt, "" if there was none.
        operation: What was asked for, such as generate; "other" if that was never found out.
        kind: The request's kind, such as chat+background.
        streamed: Whether the client asked for a stream.
        requested_model: As the client named it.
        model: The upstream's name of it, of the last attempt.
        provider, account, access: Of the last attempt.
        route_group: Group that the last attempt's account was chosen from.
        rule: Name of the rule that decided.
        why: Every reason, joined by ", ".
        attempts: All tries, in their order.
        first_byte_ms: Until the first byte of the reply that was given.
        total_ms: Until the end.
        overhead_ms: What of that was not the upstreams': `total_ms` less the time attempts were under way.
        bytes_in, bytes_out: Of the bodies.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens: Of all attempts together.
        cost_usd: Of all attempts together; None if none has a price.
        stop_reason: Why the answer ended, "" if it did not.
        status: HTTP status the client was given; None if it left before.
        outcome: "ok", "error" or "client_gone".
        moved: Why the conversation left the account it was at; "" if it did not.
        cache_lost_tokens: Tokens of a prompt cache that the move left behind.
        code: KP code, or the upstream's own word for an error; "" if there was none.
        usage_incomplete: Some upstream may have used more than it has told.
    """

    id: str
    request_id: str
    started_at: float
    client_dialect: str
    operation: str
    outcome: str
    total_ms: float
    tool: str = ""
    project: str = ""
    profile: str = ""
    local_key: str = ""
    upstream_dialect: str = ""
    kind: str = ""
    streamed: bool = False
    requested_model: str = ""
    model: str = ""
    provider: str = ""
    account: str = ""
    access: str = ""
    route_group: str = ""
    rule: str = ""
    why: str = ""
    attempts: tuple[AttemptRecord, ...] = ()
    first_byte_ms: float | None = None
    overhead_ms: float | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    stop_reason: str = ""
    status: int | None = None
    code: str = ""
    moved: str = ""
    cache_lost_tokens: int = 0
    usage_incomplete: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    def row(self) -> tuple[Value, ...]:
        """The values for `COLUMNS`; attempts as JSON."""
        values = list(structs.astuple(self))
        values[_ATTEMPTS] = json.encode(self.attempts).decode()
        return tuple(values)


COLUMNS: tuple[str, ...] = ExchangeRecord.__struct_fields__
"""Names of a row's values, in their order."""
_ATTEMPTS = COLUMNS.index("attempts")
