"""
Buckets and the registry that everything is counted in; the names stand in `metric_names.py`.

Labels never hold an account, a key, a URL or a model name as a client typed it: their number must stay small whatever
clients and upstreams send. Correlation ids are exemplars, of which each series keeps its last one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.routing.tools import KNOWN_TOOLS
from korproxy_addons.usage import metric_names as names
from korproxy_addons.usage.metrics_page import MetricsPage, metrics_page
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

# fmt: off
_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
)
_TOKENS_PER_SECOND = (1, 2, 5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
# fmt: on
# A stream that was shorter than this came at once: it says nothing of the speed it was made with.
_SHORTEST_MS = 20.0
# An exemplar's label and value have 128 characters together (OpenMetrics 1.0); an id may have as many by itself.
_LONGEST_ID = 128 - len(names.EXEMPLAR)


class Metrics:
    """
    One process's counters.

    Args:
        version: This program's own, for the page to say.

    Attributes:
        quota: Provider, window and what is left of it, for each account; asked when somebody asks for the page.
        accounts: Provider and state of each account, likewise.
        rows_dropped: Rows of the state that could not be kept, likewise.
    """

    def __init__(self, version: str = "") -> None:
        # The time at which a series began would be a series of its own, and nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._known: dict[str, set[str]] = {}
        # As many as there are series.
        self._series: dict[tuple[Any, ...], Any] = {}
        self.quota: Callable[[], Iterable[tuple[str, str, float]]] = tuple
        self.accounts: Callable[[], Iterable[tuple[str, str]]] = tuple
        self.rows_dropped: Callable[[], int] = int
        Gauge(
            names.INFO,
            "Always 1; its labels say the version, and which conventions the gen_ai names follow.",
            ("version", "conventions"),
            registry=self.registry,
        ).labels(version, names.SEMANTIC_CONVENTIONS).set(1)
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
        for result in names.REFRESH_RESULTS:
            self.token_refresh.labels(result)
        self.restarts = self._counter(
            names.RESTARTS,
            "Gateways that the launcher put in another's place since it began, by why (crashed, hung, refused, asked).",
            "reason",
        )
        for reason in names.RESTART_REASONS:
            self.restarts.labels(reason)
        self._restarts_told: dict[str, int] = {}
        self.accounts_in = Gauge(
            names.ACCOUNTS,
            "Accounts by provider and state.",
            ("provider", "state"),
            registry=self.registry,
        )
        self.dropped = Gauge(
            names.ROWS_DROPPED,
            "Rows of ledger and state that were not kept: the disk was too slow, or full.",
            registry=self.registry,
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
        self.speed = self._histogram(
            names.SPEED,
            "Output tokens for each second between an answer's first byte and its last.",
            _TOKENS_PER_SECOND, "provider", "model_family",
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
        """All metrics in Prometheus' plain text format."""
        self._look()
        return generate_latest(self.registry)

    def page(self, accept: str) -> MetricsPage:
        """All metrics in the format that an `Accept` header asks for."""
        self._look()
        return metrics_page(self.registry, accept)

    def restarted(self, counts: Mapping[str, int]) -> None:
        """Take over what the launcher has counted since it began; it may say so more than once."""
        for reason in names.RESTART_REASONS:
            new = counts.get(reason, 0) - self._restarts_told.get(reason, 0)
            if new > 0:
                self.restarts.labels(reason).inc(new)
                self._restarts_told[reason] = counts[reason]

    def count(self, record: ExchangeRecord) -> None:
        """Count a finished exchange."""
        provider = self.bounded("provider", record.provider)
        family = names.model_family(record.model)
        own = len(record.request_id) > _LONGEST_ID
        seen = {names.EXEMPLAR: record.id if own else record.request_id}
        self._at(self.requests, provider, family, _tool(record.tool), record.outcome).inc(1, seen)
        if record.code:
            self._at(self.errors, _code(record.code)).inc(1, seen)
        before: AttemptRecord | None = None
        for attempt in record.attempts:
            self._count_attempt(attempt, before, seen)
            if record.streamed:
                self._count_speed(attempt, seen)
            before = attempt
        if record.attempts:
            total_s = record.total_ms / 1000
            self._at(self.duration, provider, record.operation).observe(total_s, seen)
        if record.first_byte_ms is not None:
            first_s = record.first_byte_ms / 1000
            self._at(self.first_chunk, provider, record.operation).observe(first_s, seen)
        if record.overhead_ms is not None:
            self.overhead.observe(record.overhead_ms / 1000, seen)
        if record.usage_incomplete:
            self.incomplete.inc(1, seen)
        if record.moved:
            self._at(self.sticky_moves, self.bounded("cause", record.moved)).inc(1, seen)
            self.cache_lost.inc(record.cache_lost_tokens)

    def _look(self) -> None:
        """See to what is not counted but asked for."""
        self._look_at_quota()
        self.accounts_in.clear()
        for provider, state in self.accounts():
            self.accounts_in.labels(self.bounded("provider", provider), state).inc()
        self.dropped.set(self.rows_dropped())

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

    def _count_attempt(
        self, attempt: AttemptRecord, before: AttemptRecord | None, seen: dict[str, str]
    ) -> None:
        provider = self.bounded("provider", attempt.provider)
        outcome = _code(attempt.code) if attempt.code else "ok"
        self._at(self.attempts, provider, outcome).inc()
        if before is not None:
            self._at(self.retries, provider).inc()
            if before.account != attempt.account:
                failed = self.bounded("provider", before.provider)
                self._at(self.failovers, failed, _code(before.code)).inc()
        if attempt.input_tokens or attempt.output_tokens:
            self._count_tokens(provider, attempt, seen)
        if attempt.cost_usd:
            self._at(self.cost, provider, names.model_family(attempt.model)).inc(attempt.cost_usd)

    def _count_tokens(self, provider: str, attempt: AttemptRecord, seen: dict[str, str]) -> None:
        kinds = (
            ("input", attempt.input_tokens),
            ("cached", attempt.cached_tokens),
            ("cache_write", attempt.cache_write_tokens),
            ("output", attempt.output_tokens),
            ("reasoning", attempt.reasoning_tokens),
        )
        for kind, count in kinds:
            if count:
                self._at(self.tokens, provider, kind).inc(count)
        self._at(self.token_usage, provider, "input").observe(attempt.input_tokens, seen)
        self._at(self.token_usage, provider, "output").observe(attempt.output_tokens, seen)

    def _count_speed(self, attempt: AttemptRecord, seen: dict[str, str]) -> None:
        if attempt.first_byte_ms is None or attempt.ended_ms is None or attempt.code:
            return
        took_ms = attempt.ended_ms - attempt.first_byte_ms
        if attempt.output_tokens and took_ms >= _SHORTEST_MS:
            labels = self.bounded("provider", attempt.provider), names.model_family(attempt.model)
            self._at(self.speed, *labels).observe(attempt.output_tokens / took_ms * 1000, seen)

    def _at[Metric: (Counter, Histogram)](self, metric: Metric, *labels: str) -> Metric:
        """One series of a metric; looked up here, which takes a fraction of the library's own time."""
        key = (metric, *labels)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = metric.labels(*labels)
        return found

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)


def _code(code: str) -> str:
    """A code of ours; an upstream's own word for an error is no label, even one that looks like a code."""
    return code if code in CATALOGUE else "upstream"


def _tool(tool: str) -> str:
    """A tool that is known; what else calls is no label: there are as many as there are programs."""
    return tool if tool in KNOWN_TOOLS or not tool else names.OTHER
