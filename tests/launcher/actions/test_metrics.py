"""The page of metrics as a command reads it, and the files that Prometheus and Grafana are given."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from ruamel.yaml import YAML

from korproxy_addons.config.store import LAST_GOOD_NAME
from korproxy_addons.errors.catalogue import LOCAL_KEY_REFUSED, NOT_RUNNING
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.usage.metrics import Metrics
from launcher.actions.metrics import dashboard, families, page, scrape_example
from launcher.supervisor.port_holder import Run, save_run
from support.gateway import free_port

DASHBOARD = json.loads(dashboard())
PANELS = [it for it in DASHBOARD["panels"] if it["type"] != "row"]
KEY = "kp-local-4711"


def write_config(home: Path, **settings: Any) -> None:
    home.chmod(0o700)
    path = home / "config.yaml"
    path.write_text(json.dumps({"version": 1, **settings}))
    path.chmod(0o600)


class Gateway(BaseHTTPRequestHandler):
    """Shows the page to whoever bears the key, if one is wanted."""

    wants_key: ClassVar[bool] = False

    def do_GET(self) -> None:
        refused = self.wants_key and self.headers["authorization"] != f"Bearer {KEY}"
        self.send_response(403 if refused else 200)
        if refused:
            self.send_header("x-korproxy-error", LOCAL_KEY_REFUSED.code)
        self.end_headers()
        if self.path == "/metrics" and not refused:
            self.wfile.write(Metrics("9.9").exposition())

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its own name
        del format, arguments


@pytest.fixture(params=[False, True], ids=["open", "with a key"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The folder of a gateway that listens at a port of its launcher's choice."""
    handler = type("Handler", (Gateway,), {"wants_key": request.param})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        write_config(tmp_path, listen={"port": 0})
        save_run(tmp_path, Run(1, server.server_address[1], "run-1"))
        yield tmp_path
        server.shutdown()
        thread.join()


def test_the_page_is_the_running_gateways(home: Path) -> None:
    found = {it.name: it for it in families(page(home, KEY))}
    info = found["korproxy_build_info"]
    assert (info.kind, info.samples[0].labels["version"], info.samples[0].value) == (
        "gauge",
        "9.9",
        1,
    )
    assert found["korproxy_requests"].kind == "counter"
    assert found["korproxy_requests"].meaning.startswith("Finished requests")


def test_a_gateway_on_its_last_good_configuration_is_read(home: Path) -> None:
    """The file is broken, the gateway serves on."""
    good = home / "config.yaml"
    (home / LAST_GOOD_NAME).write_bytes(good.read_bytes())
    good.write_text("version: [")
    assert "korproxy_build_info" in page(home, KEY)


def test_a_gateway_that_wants_a_key_is_not_read_without_it(tmp_path: Path) -> None:
    handler = type("Handler", (Gateway,), {"wants_key": True})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        write_config(tmp_path, listen={"port": server.server_address[1]})
        with pytest.raises(KorProxyError) as without:
            page(tmp_path)
        with pytest.raises(KorProxyError) as another:
            page(tmp_path, "kp-local-1")
        server.shutdown()
        thread.join()
    assert without.value.spec is another.value.spec is LOCAL_KEY_REFUSED


def test_where_nobody_answers_that_is_said(tmp_path: Path) -> None:
    port = free_port()
    write_config(tmp_path, listen={"port": port})
    with pytest.raises(KorProxyError, match=f"127.0.0.1:{port}") as caught:
        page(tmp_path)
    assert caught.value.spec is NOT_RUNNING


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ({"port": 4711}, "127.0.0.1:4711"),
        ({"port": 4711, "hosts": ["::1"]}, "[::1]:4711"),
        ({"port": 4711, "hosts": ["0.0.0.0"]}, "127.0.0.1:4711"),
        ({}, "127.0.0.1:1337"),
        ({"port": 0}, "127.0.0.1:4712"),
    ],
)
def test_the_example_names_this_gateways_address(
    tmp_path: Path, listen: dict[str, Any], address: str
) -> None:
    required = "0.0.0.0" in listen.get("hosts", ())
    keys = {"required": required, "keys": [{"id": "a", "sha256": "0" * 64}] if required else []}
    write_config(tmp_path, listen=listen, local_keys=keys)
    save_run(tmp_path, Run(1, 4712, "run-1"))
    (job,) = YAML(typ="safe").load(scrape_example(tmp_path))["scrape_configs"]
    assert job["static_configs"] == [{"targets": [address]}]
    assert job["metrics_path"] == "/metrics"
    assert ("credentials_file" in job.get("authorization", {})) is required


def test_every_panel_of_the_dashboard_has_its_place() -> None:
    panels = DASHBOARD["panels"]
    assert len({it["id"] for it in panels}) == len(panels)
    assert len({it["title"] for it in PANELS}) == len(PANELS)
    places = [
        (it["gridPos"]["x"] + x, it["gridPos"]["y"] + y)
        for it in panels
        for x in range(it["gridPos"]["w"])
        for y in range(it["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places), "two panels overlap"
    assert max(x for x, _ in places) < 24


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    """That its queries give data is shown with a real Prometheus, in tests/e2e."""
    queries = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    asked = set(re.findall(r"\b(?:korproxy|gen_ai_client)_\w+", queries))
    suffix = {"counter": "_total", "histogram": "_bucket", "gauge": ""}
    own = {f"{it.name}{suffix[it.type]}" for it in Metrics().registry.collect()}
    assert asked == own


def test_every_query_goes_to_the_source_that_a_person_chooses() -> None:
    sources = [it["datasource"] for it in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    assert all(it == {"type": "prometheus", "uid": "${datasource}"} for it in sources)
    assert [it["name"] for it in DASHBOARD["templating"]["list"]] == ["datasource", "provider"]
