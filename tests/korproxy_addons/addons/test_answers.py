"""What a launcher may ask; over the real pipe it is asked in tests/e2e/supervision."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from korproxy_addons.accounts.pool import Pool
from korproxy_addons.addons.answers import Answers
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.io.kept_state import KeptState
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.resolve import resolve_accounts
from korproxy_addons.routing.plan import Candidate, Plan, PlanStep
from support.asking import question
from support.legs import exchange_for

CONFIG = """version: 1
accounts:
- {id: work, provider: claude, secret: "env:NOT_READ_HERE"}
quota_rules:
- {name: calm, requests: 1, per: hour}
"""
NOW = 1_800_000_000.0


class House:
    """A gateway's memory, without the gateway."""

    def __init__(self, home: Path) -> None:
        (home / "config.yaml").write_text(CONFIG)
        (home / "config.yaml").chmod(0o600)
        self.store = ConfigStore(home)
        config = self.store.load()
        self.kept = KeptState(home)
        with self.kept as kept:
            fleet = kept.fleet()
        self.pool: Pool = fleet.pool
        accounts = {it.id: it for it in resolve_accounts(config, home)}
        self.limiter = Limiter(clock=lambda: NOW)
        self.limiter.configure(config)
        services = SimpleNamespace(
            wire=SimpleNamespace(accounts=lambda _config: accounts),
            lists=SimpleNamespace(live={}),
            limiter=self.limiter,
        )
        health = SimpleNamespace(model_dump=lambda: {"account": "work"})
        control = SimpleNamespace(in_flight=3, accounts=lambda: (health,))
        answers = Answers(
            self.store,
            cast("Any", control),
            cast("Any", SimpleNamespace(services=lambda: services)),
            cast("Any", SimpleNamespace(fleet=fleet, read=lambda _sql, _given: [])),
        )
        self.questions = answers.questions()

    def ask(self, what: str, **about: Any) -> Any:
        async def run() -> Any:
            return await self.questions[what](about)

        return asyncio.run(run())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_how_busy_it_is_and_how_accounts_stand(house: House) -> None:
    assert house.ask("stats") == {"in_flight": 3}
    assert house.ask("accounts") == [{"account": "work"}]


def test_a_route_is_explained_as_the_program_does(house: House) -> None:
    found = house.ask("explain", model="claude-sonnet-5-5")["explanation"]
    assert found["profile"]
    assert "work" in str(found)
    assert found["chosen"] == "work"


def test_a_route_is_explained_with_what_the_running_gateway_has_counted(house: House) -> None:
    model = "claude-sonnet-5-5"
    exchange = exchange_for(house.store.current, question("anthropic-messages", model))
    step = PlanStep("default", Strategy.FILL_FIRST, (Candidate("work", model),))
    house.limiter.admit(exchange, Plan("default", "", (step,)))
    found = house.ask("explain", model=model)["explanation"]
    assert found["chosen"] == ""
    assert "“calm” allows 1 request per hour" in found["error"]


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"model": "x", "profile": "nobody"}, catalogue.PROFILE_UNKNOWN.code),
        ({"exchange": "kp0"}, catalogue.EXCHANGE_UNKNOWN.code),
        ({"modell": "x"}, catalogue.FIELD_INVALID.code),
    ],
    ids=["profile", "exchange", "field"],
)
def test_a_question_that_makes_no_sense_is_told_so(
    house: House, about: dict[str, Any], code: str
) -> None:
    assert house.ask("explain", **about)["error"]["code"] == code


def test_an_account_is_given_another_chance(house: House) -> None:
    failure = Failure(spec=catalogue.OAUTH_FAILED, verdict=Verdict.NEEDS_LOGIN, scope=Scope.ACCOUNT)
    house.pool.failed("work", "m", failure, 5.0)
    assert not house.pool.usable("work", "m", 6.0)
    assert house.ask("reset-account", account="work") == {"account": "work"}
    assert house.pool.usable("work", "m", 6.0)
    unknown = house.ask("reset-account", account="nobody")
    assert unknown["error"]["code"] == catalogue.ACCOUNT_UNKNOWN.code
