import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from korproxy_addons.usage.metrics_page import metrics_page, wants_openmetrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; version=1.0.0", True),
        ("application/openmetrics-text; q=0", False),
        ("text/plain, application/openmetrics-text;q=0.5", False),
        ("application/openmetrics-text;q=high", False),
        ("text/plain", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_format_is_what_was_asked_for(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


@given(st.text(alphabet="application/openmetrics-text;q=0.9, *\t\x00é"))
def test_whatever_a_client_sends_it_gets_a_page(accept: str) -> None:
    assert wants_openmetrics(accept) in (True, False)


def test_exemplars_are_in_openmetrics_alone() -> None:
    registry = CollectorRegistry()
    Counter("seen", "Seen.", registry=registry).inc(1, {"request_id": "r-1"})
    newer = metrics_page(registry, PROMETHEUS_2)
    assert newer.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert newer.body.endswith(b"# EOF\n")
    assert b'# {request_id="r-1"} 1.0' in newer.body
    older = metrics_page(registry, "text/plain")
    assert older.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"r-1" not in older.body
    assert b"EOF" not in older.body
