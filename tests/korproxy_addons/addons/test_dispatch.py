"""The last check and the task behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Server
from mitmproxy.test import taddons

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.health import State
from korproxy_addons.addons import dispatch as module
from korproxy_addons.addons.dispatch import Dispatch, local_origins, own_ports
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.layer import UpstreamRequest
from korproxy_addons.gateway.layer_sink import ClientGoneError
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.resolve import resolve_accounts
from launcher.simulator import Simulator
from support.asking import question
from support.fake_sink import FakeSink
from support.flows import client_flow, config_with
from support.legs import exchange_for

OWN = {"id": "own", "provider": "claude", "access": "own-login"}
KEY = {"id": "key", "provider": "claude", "secret": "file:key"}


class WatchedSink(FakeSink):
    """A sink whose connection has a watchdog, as `LayerSink`'s has."""

    watched = False

    @contextmanager
    def watch_paused(self) -> Iterator[None]:
        self.watched = True
        yield
        self.watched = False


class House:
    """A dispatch with everything around it."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        (home / "key").write_text("sk-ant-api03-sim-1")
        self.write(**settings)
        self.store = ConfigStore(home)
        self.store.load()
        self.fleet = Fleet()
        self.pool = self.fleet.pool
        self.secrets = SecretStore(home, lambda _: None)
        self.dispatch = Dispatch(self.store, self.secrets, self.fleet)

    def write(self, **settings: Any) -> None:
        path = self.home / "config.yaml"
        path.write_text(json.dumps({"version": 1, **settings}))
        path.chmod(0o600)

    def reload(self, **settings: Any) -> None:
        self.write(**settings)
        self.store.load()
        self.dispatch.apply_config()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with taddons.context(Proxyserver()):
            self.dispatch.running()
            try:
                yield
            finally:
                await self.dispatch.done()

    def cleared(self, **headers: str) -> Exchange:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        flow = client_flow(headers=fields)
        exchange = exchange_for(self.store.current, question("anthropic-messages", "m"))
        exchange.cleared = False
        exchange.client.headers = flow.request.headers
        exchange.bind(flow)
        self.dispatch.request(flow)
        return exchange

    def start(
        self, monkeypatch: pytest.MonkeyPatch, exchange: Exchange | None, sink: WatchedSink | None
    ) -> None:
        """The one non-blocking hook fires."""

        class Sinks:
            @staticmethod
            def of(request: UpstreamRequest) -> WatchedSink:
                if sink is None:
                    raise ClientGoneError
                return sink

        monkeypatch.setattr(module, "LayerSink", Sinks)
        flow: http.HTTPFlow = client_flow()
        if exchange is not None:
            exchange.bind(flow)
        stream: Any = None
        self.flow = flow  # the exchange lives as long as its flow
        self.dispatch.korproxy_upstream(UpstreamRequest(flow, stream, Server(address=None)))


# --- the last check


def test_only_the_last_check_clears_a_request(tmp_path: Path) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY])
        async with house.running():
            exchange = house.cleared(user_agent="claude-cli/2.1.330 (external, cli)")
            assert exchange.cleared
            assert exchange.tool == "claude-code"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("accounts", "headers", "own"),
    [
        ([KEY, OWN], {"x_korproxy_key": "k"}, True),
        ([KEY, OWN], {"x_api_key": "k"}, False),
        # Without an account for a tool's own login, the place of the key says nothing.
        ([KEY], {"x_korproxy_key": "k"}, False),
    ],
)
def test_a_tool_brings_its_own_login_if_its_key_is_elsewhere(
    tmp_path: Path, accounts: list[dict[str, Any]], headers: dict[str, str], own: bool
) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=accounts)
        async with house.running():
            assert house.cleared(**headers).own_login is own

    asyncio.run(run())


# --- the task


def simulated(simulator: Simulator) -> dict[str, Any]:
    """Settings for one account at a simulated provider."""
    way = simulator.urls()["claude", "api-key"]
    account = {**KEY, "base_url": way["base"]}
    return {"providers": {"claude": {"local": True}}, "accounts": [account]}


def test_a_request_that_is_ready_is_served_by_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> WatchedSink:
        simulator = Simulator()
        await simulator.start()
        sink = WatchedSink()
        house = House(tmp_path, **simulated(simulator))
        async with house.running():
            asked = question("anthropic-messages", "claude-sonnet-5-5", "[[sim text=Aye]]")
            house.start(monkeypatch, exchange_for(house.store.current, asked), sink)
            assert not sink.committed, "the hook waited for the reply"
            await asyncio.sleep(0)
            assert sink.watched
            await sink.over()
            await asyncio.sleep(0)
        await simulator.stop()
        return sink

    sink = asyncio.run(run())
    assert sink.json["content"][0]["text"] == "Aye"
    assert not sink.watched


def test_a_request_without_an_exchange_goes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> WatchedSink:
        house, sink = House(tmp_path, accounts=[KEY]), WatchedSink()
        async with house.running():
            house.start(monkeypatch, None, sink)
            await sink.over()
        return sink

    assert asyncio.run(run()).cut_reason


def test_a_client_that_is_gone_already_gets_no_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> int:
        house = House(tmp_path, accounts=[KEY])
        async with house.running():
            exchange = exchange_for(house.store.current, question("anthropic-messages", "m"))
            house.start(monkeypatch, exchange, None)
            return len(house.dispatch._legs)

    assert asyncio.run(run()) == 0


def test_a_client_that_leaves_and_a_gateway_that_ends_free_the_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(ends: str) -> bool:
        simulator = Simulator()
        await simulator.start()
        simulator.script("slow-first-byte", seconds=60)
        house, sink = House(tmp_path, **simulated(simulator)), WatchedSink()
        loop = asyncio.get_running_loop()
        async with house.running():
            asked = question("anthropic-messages", "claude-sonnet-5-5")
            exchange = exchange_for(house.store.current, asked)
            house.start(monkeypatch, exchange, sink)
            ledger = simulator.ledger
            await loop.run_in_executor(None, ledger.wait, bool)
            if ends == "client":
                sink.leave()
                found = await loop.run_in_executor(
                    None, ledger.wait, lambda found: found[0].client_gone_at is not None
                )
                assert found[0].client_gone_at is not None
        assert not house.dispatch._legs
        assert "client-gone" in exchange.why
        if ends == "gateway":
            await loop.run_in_executor(
                None, ledger.wait, lambda found: found[0].client_gone_at is not None
            )
        await simulator.stop()
        return sink.committed

    assert asyncio.run(run("client")) is False
    assert asyncio.run(run("gateway")) is False


# --- a new config


def refused(verdict: Verdict, **fields: Any) -> Failure:
    return Failure(spec=catalogue.ACCOUNT_REJECTED, scope=Scope.ACCOUNT, verdict=verdict, **fields)


def test_what_waited_for_its_owner_is_tried_again_after_the_owner_changed_the_config(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY, {**KEY, "id": "other"}, {**KEY, "id": "third"}])
        async with house.running():
            house.pool.failed("key", "m", refused(Verdict.NEEDS_LOGIN), 1.0)
            house.pool.failed("other", "m", refused(Verdict.COOL, reset_at=9e9), 1.0)
            house.pool.failed("third", "m", refused(Verdict.COOL, reset_at=9e9), 1.0)
            house.reload(accounts=[KEY, {**KEY, "id": "other"}])
            states = {account: it.state for (account, _), it in house.pool.snapshot().items()}
            # A limit is the provider's word and stays; an account that left is forgotten.
            assert states == {"key": State.NEEDS_LOGIN, "other": State.RATE_LIMITED}
            assert house.pool.usable("key", "m", 2e9)
            assert not house.pool.usable("other", "m", 1000.0)

    asyncio.run(run())


def test_secrets_are_read_anew_after_the_config_changed(tmp_path: Path) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY])
        async with house.running():
            ref = house.store.current.accounts[0].secret
            assert ref is not None
            before = house.secrets.load(ref)
            (tmp_path / "key").write_text("another")
            assert house.secrets.load(ref) == before
            house.reload(accounts=[KEY])
            assert house.secrets.load(ref) != before

    asyncio.run(run())


def test_the_gateways_own_ports_are_never_an_upstream() -> None:
    config = config_with(listen={"port": 4711})
    with taddons.context(Proxyserver()):
        assert own_ports(config) == {4711, 1338}


def test_only_what_the_user_marked_as_local_may_be_private() -> None:
    urls = {"token": "http://127.0.0.1:2/token", "quota": "https://quota.example/q"}
    config = config_with(
        providers={
            "near": {"dialect": "openai-chat", "base_url": "http://127.0.0.1:1/v1", "local": True},
            "far": {"dialect": "openai-chat", "base_url": "https://far.example/v1"},
        },
        accounts=[
            {"id": "a", "provider": "near", "secret": "env:X", "urls": urls},
            {"id": "b", "provider": "far", "secret": "env:X"},
        ],
    )
    assert local_origins(resolve_accounts(config)) == {
        ("127.0.0.1", 1),
        ("127.0.0.1", 2),
        ("quota.example", 443),
    }


# --- the world outside


def doors(house: House, monkeypatch: pytest.MonkeyPatch, *, opens: set[str]) -> list[str]:
    """Which doors are knocked at; those of `opens` open."""
    knocked: list[str] = []

    async def knock(url: str, _proxy: str | None, _timeout_s: float) -> bool:
        knocked.append(url)
        return url in opens

    assert house.dispatch._client is not None
    monkeypatch.setattr(house.dispatch._client, "knock", knock)
    return knocked


async def burst(house: House) -> None:
    assert house.dispatch._client is not None
    for _ in range(3):
        house.dispatch._client.on_reach(False)
    for _ in range(10):
        await asyncio.sleep(0)


AWAY = {"id": "away", "provider": "codex", "access": "api-key", "secret": "env:A"}
HERE = {
    "here": {
        "dialect": "openai-chat",
        "auth": "none",
        "local": True,
        "base_url": "http://127.0.0.1:9/v1",
    }
}


def test_offline_is_told_and_ends_with_the_first_answer_and_nobody_pays_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY, AWAY], providers=HERE)
        told: list[bool] = []
        house.dispatch.on_network = told.append
        async with house.running():
            knocked = doors(house, monkeypatch, opens=set())
            lost = Failure(spec=catalogue.DNS_FAILED)
            for at in range(3):
                house.pool.failed("key", "m", lost, float(at), breakdown=True)
            await burst(house)
            assert len(knocked) == 2, "every provider's door, but none on this network"
            assert not any("127.0.0.1" in it for it in knocked)
            assert house.dispatch.offline()
            assert told == [True]
            assert house.dispatch._client is not None
            pool_before = house.dispatch._client._pool
            house.dispatch._client.on_reach(True)
            assert not house.dispatch.offline()
            assert told == [True, False]
            assert house.pool.snapshot() == {}
            assert house.dispatch._client._pool is not pool_before, "what idled led elsewhere"

    asyncio.run(run())


def test_one_provider_that_is_down_is_not_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY, AWAY])
        async with house.running():
            doors(house, monkeypatch, opens={"https://api.openai.com/v1"})
            await burst(house)
            assert not house.dispatch.offline()

    asyncio.run(run())


def test_who_has_local_providers_only_is_never_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        house = House(tmp_path, providers=HERE)
        async with house.running():
            knocked = doors(house, monkeypatch, opens=set())
            await burst(house)
            assert not house.dispatch.offline()
            assert knocked == []

    asyncio.run(run())


def test_another_network_is_tried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        house = House(tmp_path, accounts=[KEY])
        async with house.running():
            doors(house, monkeypatch, opens=set())
            await burst(house)
            assert house.dispatch.offline()
            doors(house, monkeypatch, opens={"https://api.anthropic.com"})
            house.dispatch.wake()
            for _ in range(10):
                await asyncio.sleep(0)
            assert not house.dispatch.offline()

    asyncio.run(run())
