from korproxy_addons.usage.metrics import Metrics


def test_what_is_counted_is_shown() -> None:
    metrics = Metrics()
    metrics.requests.labels("gemini", "claude", "generate", "ok").inc()
    metrics.errors.labels("KP-RATE-401").inc(2)
    metrics.attempts.labels("claude", "ok").inc()
    metrics.tokens.labels("claude", "input").inc(1000)
    metrics.first_byte.labels("claude").observe(0.3)
    metrics.duration.labels("claude").observe(45)
    metrics.in_flight.inc()
    shown = metrics.exposition().decode()
    for line in (
        'korproxy_requests_total{dialect="gemini",operation="generate",outcome="ok",provider="claude"} 1.0',
        'korproxy_errors_total{code="KP-RATE-401"} 2.0',
        'korproxy_upstream_attempts_total{outcome="ok",provider="claude"} 1.0',
        'korproxy_tokens_total{kind="input",provider="claude"} 1000.0',
        'korproxy_first_byte_seconds_bucket{le="0.25",provider="claude"} 0.0',
        'korproxy_first_byte_seconds_bucket{le="0.5",provider="claude"} 1.0',
        'korproxy_request_duration_seconds_bucket{le="60.0",provider="claude"} 1.0',
        "korproxy_requests_in_flight 1.0",
    ):
        assert line in shown.splitlines()


def test_two_gateways_in_one_process_count_apart() -> None:
    """And nothing of the Python process itself is among it."""
    one, other = Metrics(), Metrics()
    one.in_flight.inc()
    assert b"korproxy_requests_in_flight 0.0" in other.exposition()
    assert b"python_info" not in other.exposition()


def test_no_label_can_hold_what_a_client_made_up() -> None:
    allowed = {"dialect", "provider", "operation", "outcome", "code", "kind"}
    metrics = Metrics()
    counted = (
        metrics.requests,
        metrics.errors,
        metrics.attempts,
        metrics.tokens,
        metrics.first_byte,
        metrics.duration,
    )
    assert {label for metric in counted for label in metric._labelnames} == allowed
