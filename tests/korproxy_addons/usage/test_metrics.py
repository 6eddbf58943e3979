from typing import Any

from msgspec import structs

from korproxy_addons.usage.metric_names import MOST_VALUES
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

ATTEMPT = AttemptRecord(
    account="a",
    provider="claude",
    access="api-key",
    dialect="anthropic-messages",
    model="claude-opus-5-5",
    input_tokens=1000,
    output_tokens=20,
    cached_tokens=600,
    cost_usd=0.5,
)
RECORD = ExchangeRecord(
    id="kp1",
    request_id="r",
    started_at=1.5,
    client_dialect="gemini",
    operation="generate",
    outcome="ok",
    total_ms=45_000.0,
    tool="codex-cli",
    provider="claude",
    model="claude-opus-5-5",
    first_byte_ms=300.0,
    overhead_ms=2.0,
    attempts=(ATTEMPT,),
)


def shown(metrics: Metrics) -> list[str]:
    return metrics.exposition().decode().splitlines()


def counted(**fields: Any) -> list[str]:
    metrics = Metrics()
    metrics.count(structs.replace(RECORD, **fields))
    return shown(metrics)


def test_what_is_counted_is_shown() -> None:
    lines = counted()
    for line in (
        'korproxy_requests_total{model_family="claude-opus",outcome="ok",provider="claude",tool="codex-cli"} 1.0',
        'korproxy_upstream_attempts_total{outcome="ok",provider="claude"} 1.0',
        'korproxy_tokens_total{kind="input",provider="claude"} 1000.0',
        'korproxy_tokens_total{kind="cached",provider="claude"} 600.0',
        'korproxy_cost_usd_total{model_family="claude-opus",provider="claude"} 0.5',
        'gen_ai_client_token_usage_tokens_sum{gen_ai_provider_name="claude",gen_ai_token_type="output"} 20.0',
        (
            'gen_ai_client_operation_time_to_first_chunk_seconds_bucket{gen_ai_operation_name="generate",'
            'gen_ai_provider_name="claude",le="0.25"} 0.0'
        ),
        (
            'gen_ai_client_operation_time_to_first_chunk_seconds_bucket{gen_ai_operation_name="generate",'
            'gen_ai_provider_name="claude",le="0.5"} 1.0'
        ),
        'gen_ai_client_operation_duration_seconds_sum{gen_ai_operation_name="generate",gen_ai_provider_name="claude"} 45.0',
        "korproxy_overhead_seconds_sum 0.002",
        "korproxy_usage_incomplete_total 0.0",
    ):
        assert line in lines
    assert not any(it.startswith("korproxy_errors_total{") for it in lines)


def test_an_attempt_after_another_is_a_retry_and_on_another_account_a_failover() -> None:
    failed = structs.replace(ATTEMPT, account="b", provider="codex", code="KP-RATE-401")
    lines = counted(attempts=(failed, failed, ATTEMPT))
    assert 'korproxy_upstream_retries_total{provider="codex"} 1.0' in lines
    assert 'korproxy_upstream_retries_total{provider="claude"} 1.0' in lines
    assert 'korproxy_failovers_total{cause="KP-RATE-401",provider="codex"} 1.0' in lines
    assert 'korproxy_upstream_attempts_total{outcome="KP-RATE-401",provider="codex"} 2.0' in lines


def test_a_move_and_what_it_cost_are_counted() -> None:
    lines = counted(moved="rate", cache_lost_tokens=9000)
    assert 'korproxy_sticky_moves_total{cause="rate"} 1.0' in lines
    assert "korproxy_cache_lost_tokens_total 9000.0" in lines


def test_what_providers_did_not_tell_is_counted() -> None:
    assert "korproxy_usage_incomplete_total 1.0" in counted(usage_incomplete=True)


def test_an_upstreams_own_word_is_no_label() -> None:
    lines = counted(code="overloaded_error", outcome="error")
    assert 'korproxy_errors_total{code="upstream"} 1.0' in lines
    assert 'korproxy_errors_total{code="KP-RATE-401"} 1.0' in counted(code="KP-RATE-401")


def test_two_gateways_in_one_process_count_apart() -> None:
    """And nothing of the Python process itself is among it."""
    one, other = Metrics(), Metrics()
    one.in_flight.inc()
    assert b"korproxy_inflight 0.0" in other.exposition()
    assert b"python_info" not in other.exposition()


def test_however_many_values_there_are_a_label_takes_few() -> None:
    metrics = Metrics()
    for number in range(MOST_VALUES * 3):
        metrics.count(
            structs.replace(RECORD, provider=f"p{number}", tool=f"t{number}", model=f"x{number}")
        )
    lines = [it for it in shown(metrics) if it.startswith("korproxy_requests_total{")]
    assert len(lines) == MOST_VALUES + 1
    assert any('provider="other"' in it and it.endswith(f" {MOST_VALUES * 2}.0") for it in lines)


def test_no_label_can_hold_an_account_a_key_or_an_address() -> None:
    allowed = {
        "provider", "model_family", "tool", "outcome", "code", "cause", "kind", "counts", "action",
        "result", "window", "gen_ai_provider_name", "gen_ai_token_type", "gen_ai_operation_name", "le",
    }  # fmt: skip
    metrics = Metrics()
    metrics.count(RECORD)
    families = [it for it in metrics.registry.collect() if it.samples]
    assert families
    assert {label for it in families for sample in it.samples for label in sample.labels} <= allowed


def test_what_is_left_of_quota_is_that_of_the_account_with_least() -> None:
    metrics = Metrics()
    windows = [("claude", "5h", 0.8), ("claude", "5h", 0.25), ("claude", "weekly", 0.5)]
    metrics.quota = lambda: windows
    assert 'korproxy_quota_remaining_ratio{provider="claude",window="5h"} 0.25' in shown(metrics)
    windows[1:] = []
    lines = [it for it in shown(metrics) if it.startswith("korproxy_quota_remaining_ratio{")]
    assert lines == ['korproxy_quota_remaining_ratio{provider="claude",window="5h"} 0.8']
