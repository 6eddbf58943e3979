"""
KorProxy beside a direct connection and nginx, in one run: time to first byte and requests per second, as ratios.

Each scenario is measured in rounds that take turns, so that a slow moment of the machine falls on all three. The numbers to quote
are the ratios of the medians. Run by `python3 packaging/dev.py bench`.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.demo.settings import write_settings
from support.gateway import GatewayProcess, free_port
from support.needs import needs_program

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
ROUNDS = 3
# name, clients, requests, kind, connections
SCENARIOS = (
    ("JSON, 1 client", 1, 400, "json", "keep"),
    ("JSON, 8 clients", 8, 1600, "json", "keep"),
    ("JSON, 64 clients", 64, 1600, "json", "keep"),
    ("JSON, new connection each", 1, 200, "json", "new"),
    ("200 events, 1 client", 1, 100, "stream", "keep"),
    ("200 events, new connection", 1, 60, "stream", "new"),
)
type Result = dict[str, float]


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Ports of the provider itself, of nginx before it, and of KorProxy before it."""
    nginx = needs_program("nginx", "apt-get install nginx")
    provider = subprocess.Popen(
        [sys.executable, str(HERE / "upstream.py")], stdout=subprocess.PIPE, text=True
    )
    assert provider.stdout is not None
    upstream = int(provider.stdout.readline())
    proxy_port = free_port()
    (tmp_path / "nginx.conf").write_text(_nginx(tmp_path, proxy_port, upstream))
    proxy = subprocess.Popen(
        [str(nginx), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off;"],
        stderr=subprocess.DEVNULL,
    )
    home = tmp_path / "home"
    base = f"http://127.0.0.1:{upstream}"
    way = {"base": base, "host": base, "token": "", "quota": "", "dialect": "anthropic-messages"}
    account = {
        **way,
        "secret": "sk-ant-api03-bench",
        "model": "claude-sonnet-5-5",
        "account_id": "",
    }
    # The load is one request a thousand times over: what a client that ran away does.
    extra = {"runaway": {"repeats": 0}}
    write_settings(home, {("claude", "api-key"): account}, port=0, extra=extra)
    try:
        with GatewayProcess(home) as gateway:
            yield {"direct": upstream, "nginx": proxy_port, "KorProxy": gateway.port}
    finally:
        for process in (proxy, provider):
            process.terminate()
            process.wait()
        provider.stdout.close()


def test_added_time_and_throughput(ports: dict[str, int]) -> None:
    """The product's ceilings hold, and the table says by how much."""
    rows = []
    for name, clients, requests, kind, connections in SCENARIOS:
        results: dict[str, list[Result]] = {target: [] for target in ports}
        for _ in range(ROUNDS):
            for target, port in ports.items():
                # A longer run where each request costs less, so that all rounds take about as long.
                results[target].append(_measure(port, clients, requests, kind, connections))
        medians = {
            target: {key: statistics.median(it[key] for it in found) for key in found[0]}
            for target, found in results.items()
        }
        rows.append((name, medians))
    _print(rows)
    one_client = dict(rows)["JSON, 1 client"]
    added_p50 = one_client["KorProxy"]["first_p50_ms"] - one_client["direct"]["first_p50_ms"]
    added_p95 = one_client["KorProxy"]["first_p95_ms"] - one_client["direct"]["first_p95_ms"]
    assert added_p50 < 50
    assert added_p95 < 100


def _measure(port: int, clients: int, requests: int, kind: str, connections: str) -> Result:
    arguments = [str(port), str(clients), str(requests), kind, connections]
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: Result = json.loads(done.stdout)
    return result


def _print(rows: list[tuple[str, dict[str, Result]]]) -> None:
    head = f"{'':28}{'direct':>10}{'nginx':>10}{'KorProxy':>10}{'added ms':>10}{'× nginx':>9}"
    for title, key in (
        ("time to first byte, ms (p50)", "first_p50_ms"),
        ("time to first byte, ms (p95)", "first_p95_ms"),
        ("total, ms (p50)", "total_p50_ms"),
        ("requests per second", "per_s"),
    ):
        print(f"\n{title}\n{head}")
        for name, medians in rows:
            direct, nginx, ours = (medians[it][key] for it in ("direct", "nginx", "KorProxy"))
            added = "" if key == "per_s" else f"{ours - direct:.2f}"
            print(f"{name:28}{direct:10.2f}{nginx:10.2f}{ours:10.2f}{added:>10}{ours / nginx:9.2f}")


def _nginx(folder: Path, port: int, upstream: int) -> str:
    return f"""
worker_processes 1;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""
