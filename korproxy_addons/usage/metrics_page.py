"""
The page of metrics as Prometheus and its like ask for it.

Exemplars exist in OpenMetrics alone; whoever names that format gets it, everybody else the older plain text.
"""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

_PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What is answered, and the content type that says how it is to be read."""

    content_type: str
    body: bytes


def metrics_page(registry: CollectorRegistry, accept: str) -> MetricsPage:
    """
    Everything in `registry`.

    Args:
        registry: What is counted.
        accept: The client's `Accept` header; "" where it sent none.
    """
    if wants_openmetrics(accept):
        return MetricsPage(
            openmetrics.CONTENT_TYPE_LATEST,
            openmetrics.generate_latest(registry),  # type: ignore[no-untyped-call]
        )
    return MetricsPage(_PLAIN_TYPE, generate_latest(registry))


def wants_openmetrics(accept: str) -> bool:
    """Whether the header names OpenMetrics, and wants it no less than plain text (RFC 9110, section 12.5.1)."""
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for choice in accept.lower().split(","):
        name, *parameters = (part.strip() for part in choice.split(";"))
        if name in weights:
            weights[name] = max(weights[name], _weight(parameters))
    return 0.0 < weights["application/openmetrics-text"] >= weights["text/plain"]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
