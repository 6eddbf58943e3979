"""
Names, labels and buckets of every metric, and the registry they are counted in.

Labels never hold an account, a key, a URL or a model name as a client typed it: their number must stay small whatever
clients send.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# fmt: off
_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
)
# fmt: on


class Metrics:
    """One process's counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "korproxy_requests",
            "Finished requests by client dialect, provider, operation and outcome.",
            ("dialect", "provider", "operation", "outcome"),
            registry=self.registry,
        )
        self.errors = Counter(
            "korproxy_errors", "Errors told to clients, by code.", ("code",), registry=self.registry
        )
        self.attempts = Counter(
            "korproxy_upstream_attempts",
            "Attempts upstream, by provider and outcome (ok, or the error's code).",
            ("provider", "outcome"),
            registry=self.registry,
        )
        self.tokens = Counter(
            "korproxy_tokens",
            "Tokens as providers reported them, by provider and kind (input, cached, output, reasoning).",
            ("provider", "kind"),
            registry=self.registry,
        )
        self.first_byte = Histogram(
            "korproxy_first_byte_seconds",
            "From the client's request head to the first byte of its reply.",
            ("provider",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.duration = Histogram(
            "korproxy_request_duration_seconds",
            "From the client's request head to the end of its reply.",
            ("provider",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "korproxy_requests_in_flight", "Requests being served now.", registry=self.registry
        )

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
