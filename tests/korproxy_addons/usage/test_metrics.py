from typing import Any

import pytest
from msgspec import structs
from prometheus_client.openmetrics.parser import text_string_to_metric_families

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
        hostile = structs.replace(
            ATTEMPT,
            provider=f"p{number}",
            code=f"KP-FAKE-{number}",
            model=f"x{number}",
            account=f"a{number}",
        )
        metrics.count(
            structs.replace(
                RECORD,
                provider=f"p{number}",
                tool=f"t{number}",
                model=f"x{number}",
                code=f"KP-FAKE-{number}",
                moved=f"m{number}",
                attempts=(hostile, ATTEMPT),
            )
        )
    metrics.quota = lambda: [("p0", f"w{number}", 0.5) for number in range(MOST_VALUES * 3)]
    lines = [it for it in shown(metrics) if it.startswith("korproxy_requests_total{")]
    # "claude" of the second attempt has taken a place
    assert len(lines) == MOST_VALUES
    assert all('model_family="other"' in it and 'tool="other"' in it for it in lines)
    assert any(
        'provider="other"' in it and it.endswith(f" {MOST_VALUES * 2 + 1}.0") for it in lines
    )
    for family in metrics.registry.collect():
        labels = {tuple(v for k, v in it.labels.items() if k != "le") for it in family.samples}
        # each place and "other", for each of the five kinds of tokens
        assert len(labels) <= 5 * (MOST_VALUES + 1), family.name


def test_a_tool_that_is_known_never_loses_its_place() -> None:
    metrics = Metrics()
    for number in range(MOST_VALUES * 2):
        metrics.count(structs.replace(RECORD, tool=f"made-up-{number}"))
    metrics.count(structs.replace(RECORD, tool="codex-cli"))
    metrics.count(structs.replace(RECORD, tool=""))
    lines = [it for it in shown(metrics) if it.startswith("korproxy_requests_total{")]
    assert sorted(it.partition("tool=")[2].partition("}")[0] for it in lines) == [
        '""', '"codex-cli"', '"other"'
    ]  # fmt: skip


def test_no_label_can_hold_an_account_a_key_or_an_address() -> None:
    allowed = {
        "provider", "model_family", "tool", "outcome", "code", "cause", "kind", "counts", "action",
        "result", "window", "gen_ai_provider_name", "gen_ai_token_type", "gen_ai_operation_name", "le",
        "version", "conventions", "reason", "state",
    }  # fmt: skip
    metrics = Metrics()
    metrics.accounts = lambda: [("claude", "available")]
    metrics.count(RECORD)
    metrics.exposition()
    families = [it for it in metrics.registry.collect() if it.samples]
    assert families
    assert {label for it in families for sample in it.samples for label in sample.labels} <= allowed


def exemplars(metrics: Metrics) -> dict[str, set[str]]:
    """The families that have exemplars, and the values of those."""
    found: dict[str, set[str]] = {}
    text = metrics.page("application/openmetrics-text").body.decode()
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.exemplar is not None:
                assert list(sample.exemplar.labels) == ["request_id"]
                found.setdefault(family.name, set()).add(sample.exemplar.labels["request_id"])
    return found


def test_a_correlation_id_is_an_exemplar_and_no_label() -> None:
    metrics = Metrics()
    metrics.count(structs.replace(RECORD, request_id="first-one", code="KP-RATE-401"))
    metrics.count(structs.replace(RECORD, request_id="canary-4711", code="KP-RATE-401"))
    found = exemplars(metrics)
    assert {
        "korproxy_requests",
        "korproxy_errors",
        "korproxy_overhead_seconds",
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "gen_ai_client_token_usage_tokens",
    } == set(found)
    # a series keeps its last one
    assert set.union(*found.values()) == {"canary-4711"}
    assert b"canary-4711" not in metrics.exposition()
    assert b"canary-4711" not in metrics.page("text/plain").body


@pytest.mark.parametrize("length", [8, 118, 119, 128])
def test_however_long_a_client_makes_its_id_the_exemplar_is_a_legal_one(length: int) -> None:
    metrics = Metrics()
    metrics.count(structs.replace(RECORD, request_id="x" * length))
    wanted = "x" * length if length <= 118 else "kp1"
    assert exemplars(metrics)["korproxy_requests"] == {wanted}


def speeds(**fields: Any) -> list[str]:
    attempt = structs.replace(ATTEMPT, **{"first_byte_ms": 100.0, "ended_ms": 600.0, **fields})
    lines = counted(attempts=(attempt,), streamed=True)
    return [it for it in lines if it.startswith("korproxy_output_tokens_per_second_sum")]


def test_the_speed_of_a_stream_is_that_after_its_first_byte() -> None:
    assert speeds() == [
        'korproxy_output_tokens_per_second_sum{model_family="claude-opus",provider="claude"} 40.0'
    ]
    for fields in ({"ended_ms": 110.0}, {"code": "KP-PROV-103"}, {"output_tokens": 0}):
        assert speeds(**fields) == []
    assert speeds(first_byte_ms=None) == []
    assert speeds(ended_ms=None) == []
    whole = counted(attempts=(structs.replace(ATTEMPT, first_byte_ms=1.0, ended_ms=600.0),))
    assert not [it for it in whole if it.startswith("korproxy_output_tokens_per_second_sum")]


def test_restarts_are_what_the_launcher_has_counted() -> None:
    """However often it says so; every reason is there from the beginning, so that an increase is seen."""
    metrics = Metrics()
    assert 'korproxy_supervisor_restarts_total{reason="hung"} 0.0' in shown(metrics)
    metrics.restarted({"crashed": 2, "asked": 1, "made-up": 7})
    metrics.restarted({"crashed": 3})
    metrics.restarted({"crashed": 3})
    lines = [it for it in shown(metrics) if it.startswith("korproxy_supervisor_restarts_total{")]
    assert sorted(lines) == [
        'korproxy_supervisor_restarts_total{reason="asked"} 1.0',
        'korproxy_supervisor_restarts_total{reason="crashed"} 3.0',
        'korproxy_supervisor_restarts_total{reason="hung"} 0.0',
        'korproxy_supervisor_restarts_total{reason="refused"} 0.0',
    ]


def test_what_is_only_looked_at_is_looked_at_anew() -> None:
    metrics = Metrics("1.2.3")
    states = [("claude", "available"), ("claude", "available"), ("codex", "needs_login")]
    metrics.accounts = lambda: states
    metrics.rows_dropped = lambda: 7
    lines = shown(metrics)
    assert 'korproxy_accounts{provider="claude",state="available"} 2.0' in lines
    assert 'korproxy_accounts{provider="codex",state="needs_login"} 1.0' in lines
    assert "korproxy_state_rows_dropped 7.0" in lines
    assert any(it.startswith("korproxy_build_info{") and 'version="1.2.3"' in it for it in lines)
    states[2:] = []
    assert not any("needs_login" in it for it in shown(metrics))


def test_what_is_left_of_quota_is_that_of_the_account_with_least() -> None:
    metrics = Metrics()
    windows = [("claude", "5h", 0.8), ("claude", "5h", 0.25), ("claude", "weekly", 0.5)]
    metrics.quota = lambda: windows
    assert 'korproxy_quota_remaining_ratio{provider="claude",window="5h"} 0.25' in shown(metrics)
    windows[1:] = []
    lines = [it for it in shown(metrics) if it.startswith("korproxy_quota_remaining_ratio{")]
    assert lines == ['korproxy_quota_remaining_ratio{provider="claude",window="5h"} 0.8']
