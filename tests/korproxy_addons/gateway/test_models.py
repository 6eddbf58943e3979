"""What accounts serve: shipped, configured and asked for; and how rarely it is asked for."""

import asyncio
from typing import Any

import pytest

from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.models import FRESH_S, RETRY_S
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from support.answers import CHAT, MESSAGES, answer
from support.asking import Question, question
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.legs import Rig, config_of, exchange_for

DOWN = KorProxyError(catalogue.CONNECT_REFUSED, "nobody listens")


def listing(*models: str) -> FakeReply:
    return json_reply({"object": "list", "data": [{"id": it} for it in models]})


def config(*, only: dict[str, list[str]] | None = None, **names: list[str]) -> Config:
    """User-added providers that can be asked, each with the models it is known for."""
    providers = {
        name: {"dialect": CHAT, "base_url": f"https://{name}.example", "models": models}
        for name, models in names.items()
    }
    accounts: list[dict[str, Any]] = [
        {"id": name, "provider": name, "secret": f"plain:{name}"} for name in names
    ]
    for account in accounts:
        if only and account["id"] in only:
            account["models"] = only[account["id"]]
    return config_of({"providers": providers, "accounts": accounts})


def exchange(of: Config, **words: Any) -> Exchange:
    return exchange_for(of, Question("/v1/models", {}, {}), method="GET", **words)


def offered(rig: Rig) -> dict[str, frozenset[str]]:
    return {it.account_id: it.models for it in rig.lists.offers(exchange(rig.config))}


def ids(rig: Rig) -> list[str]:
    return [it.id for it in rig.lists.facts(exchange(rig.config))]


def test_without_asking_it_is_what_we_ship_or_the_user_says() -> None:
    rig = Rig(config(a=["m-1"], b=["m-2"]), FakeUpstream())
    assert offered(rig) == {"a": {"m-1"}, "b": {"m-2"}}
    assert ids(rig) == ["m-1", "m-2"]


def test_what_the_providers_say_is_added_and_each_model_listed_once() -> None:
    upstream = FakeUpstream(a=[listing("m-1", "m-3")], b=[listing("m-3", "m-4")])
    rig = Rig(config(a=["m-1"], b=["m-2"]), upstream)
    assert asyncio.run(rig.lists.complete(rig.config))
    assert offered(rig) == {"a": {"m-1", "m-3"}, "b": {"m-2", "m-3", "m-4"}}
    assert ids(rig) == ["m-1", "m-3", "m-2", "m-4"]


def test_an_answer_is_good_for_a_while() -> None:
    upstream = FakeUpstream(a=[listing("m-2"), listing("m-2"), listing("m-3")])
    rig = Rig(config(a=["m-1"]), upstream)
    assert asyncio.run(rig.lists.complete(rig.config))
    rig.clock.advance(FRESH_S - 1)
    assert not asyncio.run(rig.lists.complete(rig.config))
    assert len(upstream.calls) == 1
    rig.clock.advance(2)
    assert not asyncio.run(rig.lists.complete(rig.config)), "nothing was learned"
    assert len(upstream.calls) == 2
    rig.clock.advance(FRESH_S + 1)
    assert asyncio.run(rig.lists.complete(rig.config))
    # What a provider no longer names it no longer serves; what the user says stays.
    assert offered(rig) == {"a": {"m-1", "m-3"}}


def test_a_provider_that_does_not_answer_takes_nothing_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    upstream = FakeUpstream(a=[listing("m-2"), DOWN, listing("m-9")], b=[listing("m-4")] * 2)
    rig = Rig(config(a=["m-1"], b=[]), upstream)
    asyncio.run(rig.lists.complete(rig.config))
    rig.clock.advance(FRESH_S + 1)
    upstream.script["b.example"] = [listing("m-4")]
    asyncio.run(rig.lists.complete(rig.config))
    assert offered(rig) == {"a": {"m-1", "m-2"}, "b": {"m-4"}}
    assert "model list not available" in caplog.text
    # It is asked again soon, not at once.
    rig.clock.advance(RETRY_S - 1)
    assert not asyncio.run(rig.lists.complete(rig.config))
    rig.clock.advance(2)
    assert asyncio.run(rig.lists.complete(rig.config))


def test_a_provider_that_thinks_for_too_long_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("korproxy_addons.gateway.models.ASK_BUDGET_S", 0.01)

    async def run() -> bool:
        upstream = FakeUpstream(a=[FakeReply(asyncio.Event())])
        rig = Rig(config(a=["m-1"]), upstream)
        return await rig.lists.complete(rig.config)

    assert asyncio.run(run()) is False


def test_requests_that_come_while_it_is_asked_share_the_answer() -> None:
    """A model younger than our lists, asked for by two requests at once, is unknown to neither."""
    upstream = FakeUpstream(a=[listing("m-new")])
    rig = Rig(config(a=["m-1"]), upstream)

    async def run() -> list[bool]:
        return await asyncio.gather(*(rig.lists.complete(rig.config) for _ in range(3)))

    assert asyncio.run(run()) == [True, True, True]
    assert len(upstream.calls) == 1


def test_a_client_that_leaves_does_not_take_the_question_away() -> None:
    async def run() -> dict[str, frozenset[str]]:
        gate = asyncio.Event()
        upstream = FakeUpstream(a=[FakeReply(gate, b'{"data":[{"id":"m-new"}]}')])
        rig = Rig(config(a=["m-1"]), upstream)
        loop = asyncio.get_running_loop()
        leaving = loop.create_task(rig.lists.complete(rig.config))
        await upstream.called.wait()
        leaving.cancel()
        await asyncio.wait([leaving])
        staying = loop.create_task(rig.lists.complete(rig.config))
        await asyncio.sleep(0)
        gate.set()
        assert await staying
        assert len(upstream.calls) == 1
        return offered(rig)

    assert asyncio.run(run()) == {"a": {"m-1", "m-new"}}


def test_an_answer_to_an_old_configs_question_is_not_taken_for_the_new_ones() -> None:
    async def run() -> dict[str, frozenset[str]]:
        gate = asyncio.Event()
        upstream = FakeUpstream(a=[FakeReply(gate, b'{"data":[{"id":"m-old"}]}')])
        rig = Rig(config(a=["m-1"]), upstream)
        task = asyncio.get_running_loop().create_task(rig.lists.complete(rig.config))
        await upstream.called.wait()
        rig.lists.forget()
        gate.set()
        await task
        return offered(rig)

    assert asyncio.run(run()) == {"a": {"m-1"}}


def test_an_account_for_some_models_only_offers_these_in_a_settled_order() -> None:
    only = {"a": ["z-unlisted", "m-2", "b-unlisted", "m-1"]}
    rig = Rig(config(only=only, a=["m-1", "m-2", "m-3"]), FakeUpstream())
    assert ids(rig) == ["m-1", "m-2", "b-unlisted", "z-unlisted"]


PLANS = [
    {"id": "plan", "provider": "claude", "access": "subscription", "consent": True, "secret": "plain:s"},
    {"id": "own", "provider": "codex", "access": "own-login"},
    {"id": "key", "provider": "qwen", "secret": "plain:s"},
]  # fmt: skip


def test_a_client_is_listed_only_what_it_may_use() -> None:
    rig = Rig(config_of({"accounts": PLANS}), FakeUpstream())

    def families(**words: Any) -> set[str]:
        asked = exchange(rig.config, **words)
        return {it.id.partition("-")[0].rstrip("0123456789.") for it in rig.lists.facts(asked)}

    assert "claude" not in families()
    assert "gpt" not in families()
    assert "claude" in families(tool="claude-cli/2.1")
    own = exchange(rig.config, tool="codex_exec/1.0")
    own.own_login = True
    assert {it.id.partition("-")[0] for it in rig.lists.facts(own)} == {"gpt"}


def test_an_account_that_may_not_be_used_is_not_asked() -> None:
    without = {"id": "a", "provider": "claude", "access": "subscription", "secret": "plain:s"}
    rig = Rig(config_of({"accounts": [without]}), FakeUpstream())
    assert not asyncio.run(rig.lists.complete(rig.config))


def test_a_provider_that_serves_any_model_lists_no_star() -> None:
    rig = Rig(config(a=["*", "m-1"]), FakeUpstream())
    assert offered(rig) == {"a": {"*", "m-1"}}
    assert ids(rig) == ["m-1"]


class Slow(FakeUpstream):
    """Has to be asked twice for the same thing if two requests do not share."""

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        await asyncio.sleep(0)
        return await super().send(call)


def test_two_requests_for_a_new_model_are_both_served() -> None:
    upstream = Slow(
        a=[json_reply({"data": [{"id": "m-new"}], "has_more": False}), answer(), answer()]
    )
    provider = {"dialect": MESSAGES, "base_url": "https://a.example", "models": ["m"]}
    account = {"id": "a", "provider": "a", "secret": "plain:s"}
    rig = Rig(config_of({"providers": {"a": provider}, "accounts": [account]}), upstream)

    async def run() -> list[int]:
        asked = [exchange_for(rig.config, question(MESSAGES, "m-new")) for _ in range(2)]
        sinks = await asyncio.gather(*map(rig.serve, asked))
        return [sink.status for sink in sinks]

    assert asyncio.run(run()) == [200, 200]
