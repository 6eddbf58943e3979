"""A finished exchange as a row of the ledger: values alone, and none that hold what was said."""

from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.usage.prices import PriceTable
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

# Names that clients or upstreams make up.
_LONGEST_NAME = 200
# Nothing came back, but the request had left: the provider may have worked for it.
_UNHEARD = frozenset({"KP-NET-305", "KP-NET-308", "KP-NET-309", "KP-PROV-102", "KP-PROV-109", ""})


def record_of(
    exchange: Exchange, *, outcome: str, total_ms: float, prices: PriceTable
) -> ExchangeRecord:
    """
    The row for `exchange`.

    Args:
        exchange: Finished; its leg has told all it knows.
        outcome: "ok", "error" or "client_gone".
        total_ms: From its request head to its end.
        prices: For the cost-equivalent.
    """
    wanted, peek, key = exchange.wanted, exchange.peek, exchange.local_key
    operation = wanted.operation if wanted is not None and wanted.operation else "other"
    generates = operation == Operation.GENERATE
    attempts = tuple(_attempt(it, prices, generates=generates) for it in exchange.attempts)
    last = attempts[-1] if attempts else None
    costs = [it.cost_usd for it in attempts if it.cost_usd is not None]
    return ExchangeRecord(
        id=exchange.seed,
        request_id=exchange.id,
        started_at=exchange.received_at,
        client_dialect=exchange.dialect,
        operation=operation,
        outcome=outcome,
        total_ms=_rounded(total_ms),
        tool=exchange.tool,
        project=exchange.project,
        profile=exchange.profile,
        local_key=key.id if key is not None else "",
        upstream_dialect=last.dialect if last is not None else "",
        kind=exchange.kind,
        streamed=peek is not None and peek.stream,
        requested_model=_named(exchange.model or ""),
        model=last.model if last is not None else "",
        provider=last.provider if last is not None else "",
        account=last.account if last is not None else "",
        access=last.access if last is not None else "",
        route_group=exchange.group,
        rule=_rule(exchange),
        why=", ".join(exchange.why),
        attempts=attempts,
        first_byte_ms=_maybe_rounded(exchange.first_byte_ms),
        overhead_ms=_overhead_ms(exchange, total_ms),
        bytes_in=len(exchange.client.body),
        bytes_out=exchange.bytes_out,
        input_tokens=sum(it.input_tokens for it in attempts),
        cached_tokens=sum(it.cached_tokens for it in attempts),
        cache_write_tokens=sum(it.cache_write_tokens for it in attempts),
        output_tokens=sum(it.output_tokens for it in attempts),
        reasoning_tokens=sum(it.reasoning_tokens for it in attempts),
        cost_usd=sum(costs) if costs else None,
        stop_reason=exchange.finish or "",
        status=exchange.status,
        code=_code(exchange),
        moved=exchange.moved,
        cache_lost_tokens=exchange.cache_lost_tokens,
        usage_incomplete=any(it.incomplete for it in attempts),
    )


def _attempt(attempt: Attempt, prices: PriceTable, *, generates: bool) -> AttemptRecord:
    usage = attempt.usage
    return AttemptRecord(
        account=attempt.account_id,
        provider=attempt.provider,
        access=attempt.access,
        dialect=attempt.dialect,
        model=_named(attempt.model),
        status=attempt.status,
        code=_named(attempt.error_code or ""),
        sent_ms=_maybe_rounded(attempt.sent_ms),
        first_byte_ms=_maybe_rounded(attempt.first_byte_ms),
        ended_ms=_maybe_rounded(attempt.ended_ms),
        reused=attempt.connection_reused,
        input_tokens=usage.input_tokens if usage is not None else 0,
        cached_tokens=usage.cached_tokens if usage is not None else 0,
        cache_write_tokens=usage.cache_write_tokens if usage is not None else 0,
        output_tokens=usage.output_tokens if usage is not None else 0,
        reasoning_tokens=usage.reasoning_tokens if usage is not None else 0,
        cost_usd=prices.cost_usd(attempt.model, usage, attempt.started_at) if usage else None,
        incomplete=_incomplete(attempt, generates=generates),
    )


def _incomplete(attempt: Attempt, *, generates: bool) -> bool:
    if attempt.status is None:
        return attempt.sent_ms is not None and (attempt.error_code or "") in _UNHEARD
    # A whole answer may have said nothing of its tokens either: chat streams do so only if they are asked to.
    told = attempt.whole and (attempt.usage is not None or not generates)
    return 200 <= attempt.status < 300 and not told


def _overhead_ms(exchange: Exchange, total_ms: float) -> float | None:
    """What of `total_ms` no attempt was under way for: our own work, and waits between attempts."""
    if not exchange.attempts:
        return None
    upstream_ms = sum(
        (it.ended_ms if it.ended_ms is not None else total_ms) - it.sent_ms
        for it in exchange.attempts
        if it.sent_ms is not None
    )
    return _rounded(max(0.0, total_ms - upstream_ms))


def _rule(exchange: Exchange) -> str:
    plan = exchange.plan
    return plan.rule if plan is not None else ""


def _code(exchange: Exchange) -> str:
    return exchange.error.spec.code if exchange.error is not None else _named(exchange.stream_error)


def _named(text: str) -> str:
    return text[:_LONGEST_NAME].encode("utf-8", "replace").decode()


def _rounded(value_ms: float) -> float:
    return round(value_ms, 3)


def _maybe_rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 3)
