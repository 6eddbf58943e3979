"""The gateway's metrics, and what Prometheus and Grafana need to show them."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.readable_config import readable_config
from launcher.supervisor.port_holder import load_run

ANSWER_S = 10.0
MOST_BYTES = 16 * 1024 * 1024

_DOCS = Path(__file__).parent.parent / "docs"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound
_EXAMPLE_ADDRESS = "127.0.0.1:1337"


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One number of a metric, by its labels."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """
    A metric.

    Attributes:
        name: As Prometheus has it; a counter's samples end in `_total`.
        kind: counter, gauge or histogram.
        meaning: One sentence.
        samples: Its numbers.
    """

    name: str
    kind: str
    meaning: str
    samples: tuple[MetricSample, ...]


def page(home: Path, local_key: str | None = None) -> str:
    """
    The running gateway's page of metrics, as Prometheus reads it.

    Args:
        home: The KorProxy folder.
        local_key: For a gateway that requires one.
    Raises:
        KorProxyError: NOT_RUNNING: nobody answers; LOCAL_KEY_REFUSED and others: what the gateway says.
    """
    host, port = _address(home, readable_config(home))
    headers = {"authorization": f"Bearer {local_key}"} if local_key else {}
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/metrics", headers=headers)
        reply = connection.getresponse()
        body = reply.read(MOST_BYTES)
    except (OSError, http.client.HTTPException):
        raise KorProxyError(catalogue.NOT_RUNNING, f"nobody answers at {host}:{port}") from None
    finally:
        connection.close()
    if reply.status != 200:
        spec = catalogue.CATALOGUE.get(reply.getheader("x-korproxy-error", ""))
        detail = f"{host}:{port} answered {reply.status}"
        raise KorProxyError(spec or catalogue.NOT_RUNNING, detail)
    return body.decode()


def families(text: str) -> tuple[MetricFamily, ...]:
    """
    The metrics on a page.

    Raises:
        ValueError: It is no such page.
    """
    return tuple(
        MetricFamily(
            name=it.name,
            kind=it.type,
            meaning=it.documentation,
            samples=tuple(MetricSample(one.name, one.labels, one.value) for one in it.samples),
        )
        for it in text_string_to_metric_families(text)
    )


def dashboard() -> str:
    """The Grafana dashboard, as JSON that Grafana imports."""
    return (_DOCS / "grafana.json").read_text(encoding="utf-8")


def scrape_example(home: Path) -> str:
    """
    A configuration for Prometheus that reads this folder's gateway.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    config = ConfigStore(home).load()
    host, port = _address(home, config)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    text = (_DOCS / "prometheus.yml").read_text(encoding="utf-8").replace(_EXAMPLE_ADDRESS, address)
    if config.local_keys.required:
        text = text.replace("    # authorization:\n    #   ", "    authorization:\n      ")
    return text


def _address(home: Path, config: Config) -> tuple[str, int]:
    """Where the gateway listens, or would; the port of the last run where any free one is taken."""
    host = _EVERYWHERE.get(config.listen.hosts[0], config.listen.hosts[0])
    run = load_run(home)
    return host, config.listen.port or (run.port if run is not None else 0)
