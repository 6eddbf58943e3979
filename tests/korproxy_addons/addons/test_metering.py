import logging
from typing import Any

import pytest

from korproxy_addons.addons.metering import Metering
from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Attempt
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.usage.metrics import Metrics
from support.flows import client_flow, exchange_of

GENERATE = Wanted("anthropic-messages", Operation.GENERATE)
USAGE = Usage(input_tokens=100, cached_tokens=60, output_tokens=20, reasoning_tokens=5)


def attempt(error_code: str | None = None, **fields: Any) -> Attempt:
    return Attempt(
        **{
            "number": 1,
            "account_id": "claude-a",
            "account_label": "Work",
            "provider": "claude",
            "access": "api-key",
            "dialect": "anthropic-messages",
            "model": "claude-opus-5",
            "url": "https://api.example/v1?key=secret",
            "started_at": 0.0,
            "error_code": error_code,
            **fields,
        }
    )


def counted(metrics: Metrics) -> dict[str, float]:
    """Every counter that is not nought, as `name{labels}`; of histograms the count."""
    found = {}
    for line in metrics.exposition().decode().splitlines():
        name, _, value = line.rpartition(" ")
        family = name.partition("{")[0]
        if (
            not line.startswith("#")
            and not family.endswith(("_bucket", "_created", "_sum"))
            and float(value)
        ):
            found[name] = float(value)
    return found


def metered(
    hook: str = "response", **fields: Any
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """What is counted, and the line in the log, for one exchange."""
    metrics = Metrics()
    metering = Metering(metrics)
    flow = client_flow()
    exchange_of(flow, **{"dialect": "anthropic-messages", "wanted": GENERATE, **fields})
    lines: list[dict[str, Any]] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(vars(record)["fields"])  # type: ignore[method-assign]
    logger = logging.getLogger("korproxy.exchange")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        for _ in range(2):
            getattr(metering, hook)(flow)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert len(lines) < 2
    return counted(metrics), lines[0] if lines else None


def test_an_exchange_is_counted_once() -> None:
    found, line = metered(
        attempts=[attempt("KP-RATE-401"), attempt()],
        usage=USAGE,
        first_byte_ms=250.0,
        why=["failover:429"],
    )
    assert found == {
        'korproxy_requests_total{dialect="anthropic-messages",operation="generate",outcome="ok",provider="claude"}': 1,
        'korproxy_upstream_attempts_total{outcome="KP-RATE-401",provider="claude"}': 1,
        'korproxy_upstream_attempts_total{outcome="ok",provider="claude"}': 1,
        'korproxy_tokens_total{kind="input",provider="claude"}': 100,
        'korproxy_tokens_total{kind="cached",provider="claude"}': 60,
        'korproxy_tokens_total{kind="output",provider="claude"}': 20,
        'korproxy_tokens_total{kind="reasoning",provider="claude"}': 5,
        'korproxy_first_byte_seconds_count{provider="claude"}': 1,
        'korproxy_request_duration_seconds_count{provider="claude"}': 1,
    }
    assert line is not None
    assert line["outcome"] == "ok"
    assert line["account"] == "claude-a"
    assert (line["attempts"], line["why"]) == (2, ["failover:429"])
    assert (line["input_tokens"], line["output_tokens"]) == (100, 20)
    assert line["first_byte_ms"] == 250.0
    assert line["duration_ms"] > 0


def test_neither_line_nor_label_holds_content_or_address() -> None:
    found, line = metered(attempts=[attempt()])
    assert "secret" not in str(found) + str(line)
    assert "api.example" not in str(found) + str(line)


@pytest.mark.parametrize(
    ("fields", "code", "counted_as"),
    [
        ({"error": KorProxyError(catalogue.RATE_LIMITED)}, "KP-RATE-401", "KP-RATE-401"),
        ({"stream_error": "KP-PROV-109"}, "KP-PROV-109", "KP-PROV-109"),
        ({"stream_error": "overloaded_error"}, "overloaded_error", "upstream"),
    ],
)
def test_an_error_is_counted_by_its_code(
    fields: dict[str, Any], code: str, counted_as: str
) -> None:
    """An upstream's own word for it is no label: there are as many as upstreams like."""
    found, line = metered(**fields)
    assert found[f'korproxy_errors_total{{code="{counted_as}"}}'] == 1
    assert any('outcome="error"' in name for name in found)
    assert line is not None
    assert (line["outcome"], line["code"]) == ("error", code)


def test_a_client_that_left_is_no_error() -> None:
    found, line = metered("error", attempts=[attempt()])
    assert any('outcome="client_gone"' in name for name in found)
    assert not any(name.startswith("korproxy_errors") for name in found)
    assert line is not None
    assert line["outcome"] == "client_gone"


def test_a_refusal_before_anything_was_read_counts_too() -> None:
    found, line = metered(wanted=None, error=KorProxyError(catalogue.HOST_REFUSED))
    assert found['korproxy_errors_total{code="' + catalogue.HOST_REFUSED.code + '"}'] == 1
    assert line is not None
    assert (line["operation"], line["provider"], line["attempts"]) == ("other", "", 0)


def test_the_gateway_s_own_pages_are_nobody_s_request() -> None:
    assert metered(wanted=Wanted("openai-chat", local="health")) == ({}, None)
    assert metered(wanted=None) == ({}, None)
