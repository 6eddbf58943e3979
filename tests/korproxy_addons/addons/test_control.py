import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import taddons

from korproxy_addons import __version__
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.addons import control as module
from korproxy_addons.addons.control import Control
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.control.health import folder_mark
from korproxy_addons.errors import catalogue
from korproxy_addons.io.recording_state import RecordingState
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.usage.metrics import Metrics
from support.flows import LOCAL, Fields, client_flow, code_of, config_with, exchange_of, said

ACCOUNT = """
accounts:
- {id: work, provider: claude, secret: "env:NOT_READ_HERE"}
"""
LIMITED = Failure(
    spec=catalogue.RATE_LIMITED, verdict=Verdict.COOL, scope=Scope.ACCOUNT, retry_after_s=10_000.0
)


class House:
    """A control with everything around it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.write("")
        self.store = ConfigStore(home)
        self.store.load()
        self.pool = Pool()
        self.metrics = Metrics()
        self.told: list[int] = []
        self.control = Control(
            self.store,
            self.pool,
            self.metrics,
            "instance-1",
            (lambda: self.told.append(len(self.store.current.accounts)),),
        )

    def write(self, text: str) -> None:
        aside = self.home / "aside"
        aside.write_text(f"version: 1\n{text}")
        aside.chmod(0o600)
        aside.replace(self.home / "config.yaml")

    def ask(self, path: str, method: str = "GET", headers: Fields = LOCAL) -> http.HTTPFlow:
        flow = client_flow(method, path, headers)
        exchange_of(flow, self.store.current)
        self.control.requestheaders(flow)
        return flow

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = said(self.ask("/_korproxy/health").response)
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_health_says_that_exchanges_are_recorded(house: House) -> None:
    """Whoever asks may know that what is said is kept, and until when."""
    state = RecordingState(since=1.0, until_at=2.0, tool="codex", shapes=True)
    house.control.recording = lambda: state
    assert house.health()["recording"] == {"until_at": 2.0, "tool": "codex", "shapes": True}


def test_health_says_how_it_is(house: House) -> None:
    health = house.health()
    assert health.pop("started_at")
    assert health.pop("uptime_s") is not None
    assert health.pop("folder") == folder_mark(house.home.resolve())
    assert health == {
        "status": "ok",
        "vault": "",
        "version": __version__,
        "instance": "instance-1",
        "in_flight": 0,
        "draining": False,
        "accounts_configured": 0,
        "config_problems": [],
        "accounts": [],
        "offline": False,
        "recording": None,
    }


def test_health_shows_what_is_held_against_accounts(house: House) -> None:
    """As it is now: a wait that is over is none."""
    now = house.control._started_at
    house.pool.failed("work", "m", LIMITED, now)
    house.pool.failed("old", "m", LIMITED, now - 20_000)
    (old, work) = sorted(house.health()["accounts"], key=lambda it: str(it["account"]))
    assert work == {
        "account": "work",
        "model": "*",
        "state": "rate_limited",
        "until": now + 10_000,
        "code": "KP-RATE-401",
        "reason": "",
    }
    assert (old["state"], old["code"]) == ("available", "")


def test_what_only_its_owner_can_mend_is_shown_until_it_is_mended(house: House) -> None:
    """Though it may be tried again since the owner was here."""
    now = house.control._started_at
    refused = dataclasses.replace(LIMITED, verdict=Verdict.NEEDS_LOGIN, message="key revoked")
    house.pool.failed("work", "m", refused, now)
    house.pool.second_chance(now)
    (work,) = house.health()["accounts"]
    assert (work["state"], work["until"], work["reason"]) == ("needs_login", None, "key revoked")


def test_where_keys_are_required_health_says_nothing_of_accounts(house: House) -> None:
    """The page is open to everybody."""
    house.pool.failed("work", "m", LIMITED, house.control._started_at)
    house.store._current = config_with(
        local_keys={"required": True, "keys": [{"id": "a", "secret": "plain:kp-local-12345678"}]}
    )
    assert house.health()["accounts"] == []


def test_metrics_are_shown(house: House) -> None:
    house.metrics.errors.labels("KP-X").inc()
    response = house.ask("/metrics").response
    assert response is not None
    assert response.headers["content-type"].startswith("text/plain")
    assert b'korproxy_errors_total{code="KP-X"} 1.0' in (response.content or b"")


def test_metrics_are_shown_as_prometheus_asks_for_them(house: House) -> None:
    """With exemplars, which the plain format has no place for."""
    house.metrics.errors.labels("KP-X").inc(1, {"request_id": "r-1"})
    asked = {**dict(LOCAL), "accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"}
    response = house.ask("/metrics", headers=asked).response
    assert response is not None
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert b'# {request_id="r-1"} 1.0' in (response.content or b"")


def test_the_root_is_for_people_and_for_probes(house: House) -> None:
    probe = house.ask("/").response
    assert said(probe) == {"name": "KorProxy", "health": "/_korproxy/health"}
    browser = {"host": "localhost:1337", "sec-fetch-mode": "navigate"}
    page = house.ask("/", headers=browser).response
    assert page is not None
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"http://localhost:1337/v1" in (page.content or b"")


def test_the_root_shows_no_markup_of_a_host(house: House) -> None:
    headers = {"host": "<script>alert(1)</script>", "sec-fetch-mode": "navigate"}
    page = house.ask("/", headers=headers).response
    assert page is not None
    assert b"<script>" not in (page.content or b"")


@pytest.mark.parametrize("path", ["/", "/metrics", "/_korproxy/health"])
def test_own_pages_are_never_stored_and_say_who_answered(house: House, path: str) -> None:
    for method in ("GET", "HEAD"):
        response = house.ask(path, method).response
        assert response is not None
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-korproxy-request-id"] == "request-1"
        assert (response.raw_content is None) == (method == "HEAD")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("POST", "/metrics"), ("GET", "/v1/models")]
)
def test_everything_else_goes_on(house: House, method: str, path: str) -> None:
    assert house.ask(path, method).response is None


def test_requests_in_flight_are_counted_until_they_end(house: House) -> None:
    one, other = house.ask("/v1/messages", "POST"), house.ask("/v1/models")
    assert house.health()["in_flight"] == 2
    assert house.metrics.in_flight._value.get() == 2
    house.control.response(one)
    house.control.response(one)
    house.control.error(one)
    assert house.health()["in_flight"] == 1
    house.control.error(other)
    assert house.health()["in_flight"] == 0
    assert house.metrics.in_flight._value.get() == 0


def test_an_answered_request_is_not_in_flight(house: House) -> None:
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(421)
    house.control.requestheaders(flow)
    house.control.response(flow)
    assert house.health()["in_flight"] == 0


# Config


def test_a_changed_config_is_taken_over_and_told(house: House) -> None:
    house.control.reload()
    assert house.told == []
    house.write(ACCOUNT)
    house.control.reload()
    assert house.told == [1]
    assert house.health()["accounts_configured"] == 1


def test_a_bad_config_is_shown_and_the_old_one_stays(house: House) -> None:
    house.write(ACCOUNT)
    house.control.reload()
    house.write("acounts: []\n")
    house.control.reload()
    (problem,) = house.health()["config_problems"]
    assert "acounts" in problem
    assert house.health()["accounts_configured"] == 1
    assert house.told == [1]
    house.write("")
    house.control.reload()
    assert house.health()["config_problems"] == []
    assert house.told == [1, 0]


@asynccontextmanager
async def running(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(module, "WATCH_INTERVAL_S", 0.001)
    with taddons.context():
        house.control.running()
        try:
            yield
        finally:
            house.control.done()


def test_the_file_is_watched_also_after_a_failure(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    changed = asyncio.Event()
    looks: list[int] = []
    real = house.store.reload_if_changed

    def look() -> object:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("canary")
        outcome = real()
        if outcome.state != "unchanged":
            changed.set()
        return outcome

    monkeypatch.setattr(house.store, "reload_if_changed", look)

    async def run() -> None:
        async with running(house, monkeypatch):
            house.write(ACCOUNT)
            async with asyncio.timeout(10):
                await changed.wait()

    asyncio.run(run())
    assert house.told == [1]
    assert "config watch failed" in caplog.text


# The end


def test_a_drain_waits_for_what_is_in_flight_and_refuses_what_is_new(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(module, "shut_down", lambda: ended.append("ended"))
    monkeypatch.setattr(module, "open_connections", lambda: 1)

    async def run() -> None:
        flow = house.ask("/v1/messages", "POST")
        drain = asyncio.create_task(house.control.drain())
        await asyncio.sleep(0)
        assert code_of(house.ask("/v1/messages", "POST")) == catalogue.DRAINING.code
        refused = house.ask("/v1/models")
        assert refused.response is not None
        assert refused.response.headers["retry-after"] == "2"
        health = house.health()
        assert (health["status"], health["draining"], health["in_flight"]) == ("draining", True, 1)
        assert ended == []
        house.control.response(flow)
        async with asyncio.timeout(10):
            await drain

    asyncio.run(run())
    assert ended == ["ended"]


def test_a_drain_does_not_wait_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(module, "shut_down", lambda: ended.append("ended"))
    monkeypatch.setattr(module, "open_connections", lambda: 1)
    house.store._current = config_with(limits={"drain_s": 0})

    async def run() -> None:
        house.ask("/v1/messages", "POST")
        async with asyncio.timeout(10):
            await house.control.drain()

    asyncio.run(run())
    assert ended == ["ended"]


def test_a_drain_does_not_wait_for_a_request_that_nobody_is_connected_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end was missed, by a mistake of ours: that must not hold up a stop."""
    ended: list[str] = []
    connected = [1]
    monkeypatch.setattr(module, "shut_down", lambda: ended.append("ended"))
    monkeypatch.setattr(module, "open_connections", lambda: len(connected))

    async def run() -> None:
        house.ask("/v1/messages", "POST")
        drain = asyncio.create_task(house.control.drain())
        await asyncio.sleep(0)
        assert not drain.done()
        connected.clear()
        async with asyncio.timeout(10):
            await drain

    asyncio.run(run())
    assert ended == ["ended"]


def test_health_is_one_object_of_json(house: House) -> None:
    response = house.ask("/_korproxy/health").response
    assert response is not None
    assert json.loads(response.text or "")["status"] == "ok"
