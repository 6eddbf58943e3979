"""
Buckets and the registry that everything is counted in; the names stand in `metric_names.py`.

Labels never hold an account, a key, a URL or a model name as a client typed it: their number must stay small whatever
clients send.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from korproxy_addons.usage import metric_names as names
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

# fmt: off
_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
# fmt: on


class Metrics:
    """One process's counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[str, set[str]] = {}
        # Provider, window and what is left of it; looked at when somebody asks.
        self.quota: Callable[[], Iterable[tuple[str, str, float]]] = tuple
        self.requests = self._counter(
            names.REQUESTS,
            "Finished requests by provider, family of models, tool and outcome.",
            "provider", "model_family", "tool", "outcome",
        )  # fmt: skip
        self.errors = self._counter(names.ERRORS, "Errors told to clients, by code.", "code")
        self.attempts = self._counter(
            names.ATTEMPTS,
            "Attempts upstream, by provider and outcome (ok, or the error's code).",
            "provider", "outcome",
        )  # fmt: skip
        self.retries = self._counter(
            names.RETRIES, "Attempts after the first one of a request.", "provider"
        )
        self.failovers = self._counter(
            names.FAILOVERS,
            "Attempts on another account than the one before, by the provider that failed and its error's code.",
            "provider", "cause",
        )  # fmt: skip
        self.tokens = self._counter(
            names.TOKENS,
            "Tokens as providers reported them, by provider and kind (input, cached, cache_write, output, reasoning).",
            "provider", "kind",
        )  # fmt: skip
        self.cost = self._counter(
            names.COST,
            "What the tokens would cost by the vendors' price lists, in US dollars.",
            "provider", "model_family",
        )  # fmt: skip
        self.incomplete = self._counter(
            names.USAGE_INCOMPLETE,
            "Requests whose providers may have used more tokens than they told.",
        )
        self.limits = self._counter(
            names.LIMITS,
            "Limits of the user's own that were reached, by what they count and what followed"
            " (warn, slow, reroute, refuse).",
            "counts", "action",
        )  # fmt: skip
        self.sticky_moves = self._counter(
            names.STICKY_MOVES,
            "Conversations that left the account they were at, by cause.",
            "cause",
        )
        self.cache_lost = self._counter(
            names.CACHE_LOST, "Tokens of prompt caches that such moves left behind."
        )
        self.token_refresh = self._counter(
            names.TOKEN_REFRESH, "Refreshes of logins' tokens, by result.", "result"
        )
        self.quota_remaining = Gauge(
            names.QUOTA_REMAINING,
            "What is left of the fullest window of a provider's accounts, 0 to 1.",
            ("provider", "window"),
            registry=self.registry,
        )
        self.token_usage = self._histogram(
            names.TOKEN_USAGE, "Tokens of one request.", _TOKENS, names.PROVIDER, names.TOKEN_TYPE
        )
        self.duration = self._histogram(
            names.DURATION,
            "From the client's request head to the end of its reply.",
            _SECONDS, names.PROVIDER, names.OPERATION,
        )  # fmt: skip
        self.first_chunk = self._histogram(
            names.FIRST_CHUNK,
            "From the client's request head to the first byte of its reply.",
            _SECONDS, names.PROVIDER, names.OPERATION,
        )  # fmt: skip
        self.overhead = self._histogram(
            names.OVERHEAD,
            "Of the time of a request, what no attempt was under way for.",
            _SECONDS,
        )
        self.in_flight = Gauge(
            names.IN_FLIGHT, "Requests being served now.", registry=self.registry
        )

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self._look_at_quota()
        return generate_latest(self.registry)

    def count(self, record: ExchangeRecord) -> None:
        """Count a finished exchange."""
        provider = self.bounded("provider", record.provider)
        family = names.model_family(record.model)
        tool = self.bounded("tool", record.tool)
        self.requests.labels(provider, family, tool, record.outcome).inc()
        if record.code:
            self.errors.labels(_code(record.code)).inc()
        before: AttemptRecord | None = None
        for attempt in record.attempts:
            self._count_attempt(attempt, before)
            before = attempt
        if record.attempts:
            self.duration.labels(provider, record.operation).observe(record.total_ms / 1000)
        if record.first_byte_ms is not None:
            self.first_chunk.labels(provider, record.operation).observe(record.first_byte_ms / 1000)
        if record.overhead_ms is not None:
            self.overhead.observe(record.overhead_ms / 1000)
        if record.usage_incomplete:
            self.incomplete.inc()
        if record.moved:
            self.sticky_moves.labels(self.bounded("cause", record.moved)).inc()
            self.cache_lost.inc(record.cache_lost_tokens)

    def _look_at_quota(self) -> None:
        fullest: dict[tuple[str, str], float] = {}
        for provider, window, left in self.quota():
            key = self.bounded("provider", provider), self.bounded("window", window)
            fullest[key] = min(left, fullest.get(key, 1.0))
        self.quota_remaining.clear()
        for labels, left in fullest.items():
            self.quota_remaining.labels(*labels).set(left)

    def bounded(self, label: str, value: str) -> str:
        """`value`, or "other" where that label has taken as many different ones as there is room for."""
        known = self._known.setdefault(label, set())
        if value in known:
            return value
        if len(known) >= names.MOST_VALUES:
            return names.OTHER
        known.add(value)
        return value

    def _count_attempt(self, attempt: AttemptRecord, before: AttemptRecord | None) -> None:
        provider = self.bounded("provider", attempt.provider)
        self.attempts.labels(provider, _code(attempt.code) if attempt.code else "ok").inc()
        if before is not None:
            self.retries.labels(provider).inc()
            if before.account != attempt.account:
                failed = self.bounded("provider", before.provider)
                self.failovers.labels(failed, _code(before.code)).inc()
        if attempt.input_tokens or attempt.output_tokens:
            self._count_tokens(provider, attempt)
        if attempt.cost_usd:
            self.cost.labels(provider, names.model_family(attempt.model)).inc(attempt.cost_usd)

    def _count_tokens(self, provider: str, attempt: AttemptRecord) -> None:
        kinds = (
            ("input", attempt.input_tokens),
            ("cached", attempt.cached_tokens),
            ("cache_write", attempt.cache_write_tokens),
            ("output", attempt.output_tokens),
            ("reasoning", attempt.reasoning_tokens),
        )
        for kind, count in kinds:
            if count:
                self.tokens.labels(provider, kind).inc(count)
        self.token_usage.labels(provider, "input").observe(attempt.input_tokens)
        self.token_usage.labels(provider, "output").observe(attempt.output_tokens)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)


def _code(code: str) -> str:
    """A code of ours; an upstream's own word for an error is no label: there are as many as upstreams like."""
    return code if code.startswith("KP-") else "upstream"
