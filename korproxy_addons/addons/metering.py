"""The finished exchange: one line in the log, and the counters."""

import logging
import time

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import closing_hook
from korproxy_addons.usage.metrics import Metrics

log = logging.getLogger("korproxy.exchange")


class Metering:
    """Counts each exchange once, when its reply is out or has failed."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @closing_hook
    def response(self, exchange: Exchange) -> None:
        self._finish(exchange, "ok")

    @closing_hook
    def error(self, exchange: Exchange) -> None:
        self._finish(exchange, "client_gone")

    def _finish(self, exchange: Exchange, outcome: str) -> None:
        if exchange.finished:
            return
        exchange.finished = True
        wanted = exchange.wanted
        if (wanted is None or wanted.operation is None) and exchange.error is None:
            return  # the gateway's own pages are nobody's request
        last = exchange.attempts[-1] if exchange.attempts else None
        provider = last.provider if last is not None else ""
        code = exchange.error.spec.code if exchange.error is not None else exchange.stream_error
        if code:
            outcome = "error"
            self._metrics.errors.labels(code if code.startswith("KP-") else "upstream").inc()
        operation = wanted.operation if wanted is not None and wanted.operation else "other"
        self._metrics.requests.labels(exchange.dialect, provider, operation, outcome).inc()
        for attempt in exchange.attempts:
            self._metrics.attempts.labels(attempt.provider, attempt.error_code or "ok").inc()
        duration_ms = (time.monotonic() - exchange.clock_started_s) * 1000
        if last is not None:
            self._metrics.duration.labels(provider).observe(duration_ms / 1000)
            if exchange.first_byte_ms is not None:
                self._metrics.first_byte.labels(provider).observe(exchange.first_byte_ms / 1000)
        usage = exchange.usage
        if usage is not None:
            kinds = (
                ("input", usage.input_tokens),
                ("cached", usage.cached_tokens),
                ("output", usage.output_tokens),
                ("reasoning", usage.reasoning_tokens),
            )
            for kind, count in kinds:
                self._metrics.tokens.labels(provider, kind).inc(count)
        fields = {
            "request_id": exchange.id,
            "dialect": exchange.dialect,
            "operation": operation,
            "model": exchange.model or "",
            "outcome": outcome,
            "code": code,
            "account": last.account_id if last is not None else "",
            "provider": provider,
            "attempts": len(exchange.attempts),
            "why": exchange.why,
            "losses": exchange.losses,
            "first_byte_ms": _rounded(exchange.first_byte_ms),
            "duration_ms": _rounded(duration_ms),
            "bytes_out": exchange.bytes_out,
            "input_tokens": usage.input_tokens if usage is not None else None,
            "output_tokens": usage.output_tokens if usage is not None else None,
        }
        log.info("exchange finished", extra={"fields": fields})


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 2)
