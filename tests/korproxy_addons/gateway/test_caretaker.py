"""What is done for accounts while nobody asks."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.health import State
from korproxy_addons.auth.states import rejected
from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.caretaker import QUOTA_AGE_S, QUOTA_LOOK_S, QUOTA_PAUSE_S, Caretaker
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.secret_store import SecretStore
from support.clock import FakeClock
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.legs import config_of
from support.token_roads import TokenRoad

USAGE = {"five_hour": {"utilization": 12.5, "resets_at": None}}
QUOTA_URL = "https://a.example/api/oauth/usage"


def plan(**extra: Any) -> Config:
    account = {
        "id": "a",
        "provider": "claude",
        "access": "subscription",
        "consent": True,
        "secret": "plain:sk-a",
        "base_url": "https://a.example",
        "urls": {"quota": QUOTA_URL},
        **extra,
    }
    return config_of({"accounts": [account]})


class Care:
    """A caretaker without a clock of its own."""

    def __init__(self, config: Config, *replies: FakeReply | KorProxyError) -> None:
        self.clock = FakeClock()
        self.fleet = Fleet()
        self.upstream = FakeUpstream(a=list(replies))
        store = SecretStore(Path("nowhere"), lambda _: None)
        self.wire = Wire(self.upstream, store, clock=self.clock)
        self.taker = Caretaker(self.wire, self.fleet, lambda: config, clock=self.clock)

    def looks(self, *pauses_s: float) -> None:
        async def work() -> None:
            await self.taker.look_at_quotas()
            for pause_s in pauses_s:
                self.clock.advance(pause_s)
                await self.taker.look_at_quotas()

        asyncio.run(work())

    def shares(self) -> list[float | None]:
        return [it.used_share for it in self.fleet.quota.windows("a")]


def test_an_account_that_was_not_heard_of_is_asked_for_its_quota() -> None:
    care = Care(plan(), json_reply(USAGE))
    care.looks(QUOTA_AGE_S - 1)
    assert care.shares() == [0.125]
    assert [it.url for it in care.upstream.calls] == [QUOTA_URL]
    assert care.upstream.header("authorization") == "Bearer sk-a"
    assert care.upstream.header("anthropic-beta") == "oauth-2025-04-20"


def test_it_is_asked_again_when_what_it_said_is_old() -> None:
    later = {"five_hour": {"utilization": 50.0, "resets_at": None}}
    care = Care(plan(), json_reply(USAGE), json_reply(later))
    care.looks(QUOTA_AGE_S)
    assert care.shares() == [0.5]


@pytest.mark.parametrize(
    "reply", [json_reply({}, 429), json_reply({}, 403), KorProxyError(catalogue.CONNECT_REFUSED)]
)
def test_a_page_that_fails_is_left_alone_for_a_while(reply: FakeReply | KorProxyError) -> None:
    care = Care(plan(), reply, json_reply(USAGE))
    care.looks(QUOTA_AGE_S, QUOTA_PAUSE_S - QUOTA_AGE_S)
    assert len(care.upstream.calls) == 2
    assert care.shares() == [0.125]
    assert care.fleet.pool.worst("a", "m", care.clock()).state is State.AVAILABLE


@pytest.mark.parametrize(
    "config",
    [
        plan(consent=False),
        plan(access="own-login", secret=None),
        plan(access="api-key", consent=False),
        config_of({}),
    ],
    ids=["no-consent", "own-login", "key", "none"],
)
def test_who_has_no_page_or_must_not_be_used_is_not_asked(config: Config) -> None:
    care = Care(config)
    care.looks()
    assert care.upstream.calls == []


def test_a_mistake_of_ours_does_not_keep_the_others_from_being_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    care = Care(plan())

    async def quota(*_: object) -> None:
        raise LookupError("planted")

    object.__setattr__(care.wire, "quota", quota)
    care.looks()
    assert "internal error" in caplog.text


def test_a_login_that_is_lost_takes_its_account_out_and_no_other() -> None:
    care = Care(plan())
    way = care.wire.accounts(plan())["a"]
    care.taker._lost(way, rejected("HTTP 400: invalid_grant"))
    health = care.fleet.pool.worst("a", "m", care.clock())
    assert (health.state, health.code) == (State.NEEDS_LOGIN, "KP-AUTH-003")
    assert "invalid_grant" in health.reason
    assert care.fleet.pool.worst("b", "m", care.clock()).state is State.AVAILABLE


def test_it_begins_and_ends_with_its_process(tmp_path: Path) -> None:
    """Both tasks run; the end waits for a renewal that was sent."""
    road = TokenRoad(tmp_path, age_s=8 * 3600.0)
    road.provider.gate.clear()
    slept: list[float] = []
    tick = asyncio.Event

    async def work() -> None:
        waiting = tick()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            await waiting.wait()

        config = config_of(
            {"accounts": [road.way.config.model_dump(mode="json", exclude_none=True)]}
        )
        store = SecretStore(tmp_path, lambda _: None)
        wire = Wire(FakeUpstream(), store, broker=road.broker, clock=road.clock)
        taker = Caretaker(wire, Fleet(), lambda: config, clock=road.clock, sleep=sleep)
        taker.start()
        await road.provider.called.wait()
        taker.wake()
        stopping = asyncio.get_running_loop().create_task(taker.stop())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not stopping.done()
        road.provider.gate.set()
        await stopping

    asyncio.run(work())
    assert QUOTA_LOOK_S in slept
    assert len(road.vault.saves) == 1


def test_the_answer_is_read_as_the_provider_writes_it() -> None:
    body = msgspec.json.encode({"limits": []})
    care = Care(plan(), FakeReply(body))
    care.looks()
    assert care.shares() == []
