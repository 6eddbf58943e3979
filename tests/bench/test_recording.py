"""
What recording costs: of the event loop while it is off and on, of the thread that takes secrets out, and of clients.

Run by `python3 packaging/dev.py bench`.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.addons.recorder import Recorder
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.tape import CaughtBody, Supply
from korproxy_addons.io.recording_state import RecordingState, RecordingSwitch
from korproxy_addons.io.recordings import Recordings
from korproxy_addons.providers.base import Operation
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.routing.paths import Wanted
from launcher.actions.recording import start_recording, stop_recording
from launcher.demo.settings import write_settings
from support.asking import send
from support.flows import client_flow, config_with, exchange_of
from support.gateway import GatewayProcess
from support.waiting import until

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
NOW = 1_800_000_000.0
EXCHANGES = 3000
OFF_BUDGET_US = 10.0
ON_BUDGET_US = 300.0
CHUNK_BUDGET_US = 5.0
ROUNDS = 3


def recorder(home: Path, *, on: bool) -> Recorder:
    if on:
        RecordingSwitch(home).turn_on(RecordingState(since=NOW, until_at=NOW + 60))
    config = config_with()
    made = Recorder(home, Redactor(), lambda: config, lambda: NOW)
    made.load(None)
    return made


@pytest.mark.parametrize(("on", "budget_us"), [(False, OFF_BUDGET_US), (True, ON_BUDGET_US)])
def test_what_an_exchange_costs_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: bool, budget_us: float
) -> None:
    """Its hooks alone: what they hand over is worked on by a thread, which does nothing here."""
    made = recorder(tmp_path, on=on)
    monkeypatch.setattr(made, "_write", lambda _found, tape: tape.erase())
    took = []
    for number in range(EXCHANGES):
        flow = client_flow(body=b'{"model":"m"}')
        exchange = exchange_of(flow, wanted=Wanted("openai-chat", Operation.GENERATE))
        exchange.seed = f"kp{number:028x}"
        begin = time.perf_counter()
        made.requestheaders(flow)
        made.response(flow)
        took.append((time.perf_counter() - begin) * 1e6)
        assert Exchange.of(flow) is exchange
    made.done()
    median_us = statistics.median(took)
    print(f"\nrecording {'on' if on else 'off'}: {median_us:.1f} µs of the loop for an exchange")
    assert median_us < budget_us


def test_what_a_chunk_costs_the_event_loop() -> None:
    body = CaughtBody(10**9, Supply(10**9))
    chunk = b"data: {}\n\n" * 10
    begin = time.perf_counter()
    for _ in range(100_000):
        body.add(chunk)
    took_us = (time.perf_counter() - begin) * 1e6 / 100_000
    print(f"\na chunk: {took_us:.2f} µs")
    assert took_us < CHUNK_BUDGET_US


def stream_of(events: int) -> str:
    delta = (
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word %d "}}'
    )
    return "".join(
        f"event: content_block_delta\ndata: {delta % number}\n\n" for number in range(events)
    )


def prompt_of(characters: int) -> str:
    line = 'result = compute(value, "text")  # what a file of some project holds\n'
    turns = [{"role": "user", "content": line * 60} for _ in range(characters // len(line) // 60)]
    return json.dumps({"model": "m", "messages": turns})


BODIES: dict[str, Callable[[], str]] = {
    "a stream of 200 events": lambda: stream_of(200),
    "a stream of 5,000 events": lambda: stream_of(5000),
    "a prompt of 50 kB": lambda: prompt_of(50_000),
    "a prompt of 2 MB": lambda: prompt_of(2_000_000),
}


@pytest.mark.parametrize("what", BODIES)
def test_what_it_takes_to_take_secrets_out(what: str) -> None:
    """In the thread that writes; a hundred secrets are in use."""
    redactor = Redactor()
    redactor.learn(SecretStr(f"sk-ant-api03-secret-number-{number:04}") for number in range(100))
    body = BODIES[what]()
    begin = time.perf_counter()
    assert redactor.body(body) == body
    took_ms = (time.perf_counter() - begin) * 1000
    print(f"\n{what} ({len(body) // 1000} kB): {took_ms:.1f} ms")
    assert took_ms < 10_000


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    provider = subprocess.Popen(
        [sys.executable, str(HERE / "upstream.py")], stdout=subprocess.PIPE, text=True
    )
    assert provider.stdout is not None
    base = f"http://127.0.0.1:{int(provider.stdout.readline())}"
    way = {
        "base": base, "host": base, "token": "", "quota": "", "dialect": "anthropic-messages",
        "secret": "sk-ant-api03-bench", "model": "claude-sonnet-5-5", "account_id": "",
    }  # fmt: skip
    home = tmp_path / "home"
    extra = {"runaway": {"repeats": 0}}
    write_settings(home, {("claude", "api-key"): way}, port=0, extra=extra)
    try:
        with GatewayProcess(home) as running:
            yield running
    finally:
        provider.terminate()
        provider.wait()
        provider.stdout.close()


@pytest.mark.parametrize(
    ("kind", "clients", "requests"), [("json", 1, 300), ("stream", 1, 60), ("json", 8, 800)]
)
def test_what_clients_notice(
    gateway: GatewayProcess, kind: str, clients: int, requests: int
) -> None:
    """Off and on in turns, so that a slow moment of the machine falls on both."""
    found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for on in (False, True):
            (start_recording if on else stop_recording)(gateway.home)
            until(lambda on=on: (health(gateway) is not None) is on)  # type: ignore[misc]
            found[on].append(measured(gateway.port, clients, requests, kind))
    for key in ("first_p50_ms", "first_p95_ms", "total_p50_ms", "per_s"):
        off, on_ = (statistics.median(it[key] for it in found[on]) for on in (False, True))
        print(f"\n{kind}, {clients} clients, {key}: off {off:.2f}, on {on_:.2f}", end="")
    assert len(Recordings(gateway.home).ids()) > 0


def health(gateway: GatewayProcess) -> object:
    return send(gateway.url, "GET", "/_korproxy/health").json["recording"]


def measured(port: int, clients: int, requests: int, kind: str) -> dict[str, float]:
    arguments = [str(port), str(clients), str(requests), kind, "keep"]
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, float] = json.loads(done.stdout)
    return result
