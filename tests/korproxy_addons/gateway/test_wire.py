"""Calls for accounts: address, headers, credential; and the questions that are asked once for all requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.config.schema import Config, Urls
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.wire import SIDE_REPLY_BYTES, Wire
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.providers.resolve import ResolvedAccount
from support.answers import CHAT, MESSAGES, refusal
from support.asking import question
from support.clock import FakeClock
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.legs import NOWHERE, accounts_of, config_of, exchange_for
from support.token_roads import TokenRoad, login_account


def wire_for(
    upstream: FakeUpstream, home: Path = NOWHERE, slept: list[float] | None = None
) -> Wire:
    async def sleep(seconds: float) -> None:
        assert slept is not None, "nobody was to wait"
        slept.append(seconds)

    return Wire(upstream, SecretStore(home, lambda _: None), sleep)


def secret_of(wire: Wire, way: ResolvedAccount) -> SecretStr | None:
    return asyncio.run(wire.secret(way))


def called(config: Config, model: str = "m", **headers: str) -> tuple[UpstreamCall, frozenset[str]]:
    wire = wire_for(FakeUpstream())
    way = next(iter(wire.accounts(config).values()))
    dialect = way.access.dialects[0]
    asked = question(dialect, model)
    asked.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    outgoing = Outgoing(
        operation=Operation.GENERATE, dialect=dialect, model=model, client_model=model
    )

    async def made() -> tuple[UpstreamCall, frozenset[str]]:
        secret = await wire.secret(way)
        return await wire.call(way, outgoing, b"{}", exchange_for(config, asked), secret)

    return asyncio.run(made())


# --- calls


def test_a_call_goes_to_the_accounts_address_with_its_credential_and_budgets() -> None:
    timeouts = {"connect_s": 1.0, "first_byte_s": 2.0, "idle_s": 3.0}
    call, secret_headers = called(
        accounts_of({"a": CHAT}, timeouts=timeouts), x_stainless_lang="py", cookie="c=1"
    )
    sent = dict(call.headers)
    assert (call.method, call.url) == ("POST", "https://a.example/chat/completions")
    assert (sent["authorization"], sent["accept-encoding"]) == ("Bearer sk-a", "identity")
    assert secret_headers == {"authorization"}
    assert "cookie" not in sent
    assert len(sent) == len(call.headers)
    budgets = call.budgets
    assert (budgets.connect_s, budgets.first_byte_s, budgets.idle_s) == (1.0, 2.0, 3.0)


def test_a_call_uses_the_providers_certificates_and_proxy(tmp_path: Path) -> None:
    config = config_of(
        {
            "providers": {
                "claude": {"ca_file": "ca.pem", "proxy": "http://proxy.example:8080"},
            },
            "accounts": [{"id": "a", "provider": "claude", "secret": "plain:sk-a"}],
        }
    )
    call, _ = called(config, "claude-sonnet-5-5")
    assert call.ca_file is not None
    assert Path(call.ca_file) == NOWHERE / "ca.pem"
    assert (call.proxy or "").startswith("http://proxy.example:8080")


def test_accounts_are_resolved_once_per_config() -> None:
    wire = wire_for(FakeUpstream())
    first, second = accounts_of({"a": CHAT}), accounts_of({"b": CHAT})
    assert wire.accounts(first) is wire.accounts(first)
    assert list(wire.accounts(second)) == ["b"]
    assert list(wire.accounts(first)) == ["a"]


# --- secrets


def file_account(*names: str) -> Config:
    accounts = [
        {"id": name, "provider": "iflow", "secret": f"file:{name}"} for name in names or ("a",)
    ]
    return config_of({"accounts": accounts})


def test_a_secret_is_renewed_when_its_place_holds_another_one(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_text("old")
    wire = wire_for(FakeUpstream(), tmp_path)
    way = wire.accounts(file_account())["a"]
    used = secret_of(wire, way)
    assert not wire.secret_renewed(way, used)
    place.write_text("new")
    assert wire.secret_renewed(way, used)
    assert secret_of(wire, way) != used


def test_whoever_used_the_old_secret_finds_the_new_one_though_another_has_read_it(
    tmp_path: Path,
) -> None:
    """Two requests are refused at the same time: the second must not take the new secret for the refused one."""
    place = tmp_path / "a"
    place.write_text("old")
    wire = wire_for(FakeUpstream(), tmp_path)
    way = wire.accounts(file_account())["a"]
    used = secret_of(wire, way)
    place.write_text("new")
    assert wire.secret_renewed(way, used)
    assert wire.secret_renewed(way, used)


def test_a_secret_that_was_never_refused_is_not_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    wire = wire_for(FakeUpstream(), tmp_path)
    way = wire.accounts(file_account())["a"]
    secret_of(wire, way)
    (tmp_path / "a").write_text("new")
    assert not wire.secret_renewed(way)


def test_a_secret_that_is_gone_is_not_renewed_until_it_is_back(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_text("old")
    wire = wire_for(FakeUpstream(), tmp_path)
    way = wire.accounts(file_account())["a"]
    used = secret_of(wire, way)
    place.unlink()
    assert not wire.secret_renewed(way, used)
    place.write_text("new")
    assert wire.secret_renewed(way)


def test_a_new_config_forgets_what_was_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    wire = wire_for(FakeUpstream(), tmp_path)
    way = wire.accounts(file_account())["a"]
    wire.secret_renewed(way, secret_of(wire, way))
    wire.forget()
    (tmp_path / "a").write_text("new")
    assert not wire.secret_renewed(way)


# --- the list of models


def listed(reply: FakeReply | KorProxyError) -> Any:
    provider = {"dialect": CHAT, "base_url": "https://a.example/v1"}
    account = {"id": "a", "provider": "a", "secret": "plain:sk-a"}
    config = config_of({"providers": {"a": provider}, "accounts": [account]})
    upstream = FakeUpstream(a=[reply])
    models = asyncio.run(wire_for(upstream).model_list(config, "a"))
    call = upstream.calls[0]
    assert (call.method, call.url, call.body) == ("GET", "https://a.example/v1/models", b"")
    assert upstream.header("authorization") == "Bearer sk-a"
    return [it.id for it in models]


def test_a_provider_is_asked_for_its_models_with_the_accounts_credential() -> None:
    reply = json_reply({"object": "list", "data": [{"id": "m-1"}, {"id": "m-2"}]})
    assert listed(reply) == ["m-1", "m-2"]
    assert reply.released


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"error": {"message": "no"}}, 401),
        json_reply({"unexpected": 1}),
        FakeReply(b"x" * (SIDE_REPLY_BYTES + 1)),
        FakeReply(KorProxyError(catalogue.UPSTREAM_INVALID_REPLY, "cut")),
    ],
    ids=["status", "shape", "size", "cut"],
)
def test_what_is_no_list_of_models_is_an_error(reply: FakeReply) -> None:
    with pytest.raises(KorProxyError) as failed:
        listed(reply)
    assert failed.value.spec is catalogue.UPSTREAM_INVALID_REPLY
    assert reply.released or reply.aborted


def test_a_provider_without_a_list_is_not_asked() -> None:
    config = accounts_of({"a": MESSAGES})
    with pytest.raises(KorProxyError) as failed:
        asyncio.run(wire_for(FakeUpstream()).model_list(config, "a"))
    assert failed.value.spec is catalogue.NOT_OFFERED


# --- what must be found out once


CODE_ASSIST = config_of(
    {
        "accounts": [
            {
                "id": "a", "provider": "gemini", "access": "code-assist", "consent": True,
                "secret": "plain:ya29.a", "base_url": "https://a.example",
            }
        ]
    }
)  # fmt: skip
KNOWN = {"currentTier": {"id": "standard-tier"}, "cloudaicompanionProject": "corp-proj"}


class Asked:
    """Requests of one login that needs to know its project first."""

    def __init__(self, *replies: FakeReply | KorProxyError) -> None:
        self.upstream = FakeUpstream(a=list(replies))
        self.slept: list[float] = []
        self.wire = wire_for(self.upstream, slept=self.slept)
        self._way = self.wire.accounts(CODE_ASSIST)["a"]

    async def call(self) -> UpstreamCall:
        outgoing = Outgoing(operation=Operation.GENERATE, dialect="gemini", model="g")
        exchange = exchange_for(CODE_ASSIST, question("gemini", "g"))
        call, _ = await self.wire.call(
            self._way, outgoing, b"{}", exchange, await self.wire.secret(self._way)
        )
        return call

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            return await work()

        return asyncio.run(main())


def test_a_project_is_found_out_once_for_all_requests() -> None:
    asked = Asked(json_reply(KNOWN))

    async def work() -> list[UpstreamCall]:
        together = await asyncio.gather(*(asked.call() for _ in range(5)))
        return [*together, await asked.call()]

    calls = asked.run(work)
    assert len(calls) == 6
    assert all(b'"project":"corp-proj"' in call.body for call in calls)
    assert [it.url for it in asked.upstream.calls] == [
        "https://a.example/v1internal:loadCodeAssist"
    ]
    assert asked.upstream.header("authorization") == "Bearer ya29.a"


def test_a_set_up_under_way_is_waited_for() -> None:
    """Google's set-up is an operation that is asked after until it is done."""
    tiers = {"allowedTiers": [{"id": "standard-tier", "isDefault": True}]}
    running = {"name": "operations/1"}
    done = {"done": True, "response": {"cloudaicompanionProject": {"id": "made-proj"}}}
    asked = Asked(*map(json_reply, (tiers, running, running, done)))
    assert b'"project":"made-proj"' in asked.run(asked.call).body
    assert len(asked.slept) == 2


def test_what_failed_is_found_out_by_the_next_request() -> None:
    asked = Asked(refusal(500), json_reply(KNOWN))

    async def work() -> UpstreamCall:
        together = await asyncio.gather(asked.call(), asked.call(), return_exceptions=True)
        assert [type(it) for it in together] == [KorProxyError, KorProxyError]
        assert len(asked.upstream.calls) == 1
        return await asked.call()

    assert b"corp-proj" in asked.run(work).body


def test_a_mistake_of_ours_does_not_stay_either() -> None:
    class Broken(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            if not self.calls:
                self.calls.append(call)
                raise LookupError("planted")
            return await super().send(call)

    asked = Asked()
    asked.upstream = Broken(a=[json_reply(KNOWN)])
    asked.wire._client = asked.upstream

    async def work() -> UpstreamCall:
        with pytest.raises(LookupError):
            await asked.call()
        return await asked.call()

    assert b"corp-proj" in asked.run(work).body


def test_a_client_that_leaves_does_not_take_the_question_away_from_the_others() -> None:
    gate = asyncio.Event()
    asked = Asked(
        FakeReply(gate, b'{"currentTier":{"id":"t"},"cloudaicompanionProject":"corp-proj"}')
    )

    async def work() -> UpstreamCall:
        leaving = asyncio.get_running_loop().create_task(asked.call())
        staying = asyncio.get_running_loop().create_task(asked.call())
        await asked.upstream.called.wait()
        leaving.cancel()
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        gate.set()
        return await staying

    assert b"corp-proj" in asked.run(work).body
    assert len(asked.upstream.calls) == 1


def test_a_new_config_finds_it_out_anew() -> None:
    other = {**KNOWN, "cloudaicompanionProject": "other-proj"}
    asked = Asked(json_reply(KNOWN), json_reply(other))

    async def work() -> UpstreamCall:
        await asked.call()
        asked.wire.forget()
        return await asked.call()

    assert b"other-proj" in asked.run(work).body


# --- what the login knows, and what the day says


def test_a_logins_own_account_id_goes_with_its_requests(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    road.way = login_account(provider="codex", access="chatgpt")
    config = config_of({"accounts": [road.way.config.model_dump(mode="json", exclude_none=True)]})
    upstream = FakeUpstream()
    wire = Wire(upstream, SecretStore(tmp_path, lambda _: None), broker=road.broker)
    way = wire.accounts(config)["mine"]
    outgoing = Outgoing(operation=Operation.GENERATE, dialect="openai-responses", model="m")

    async def made() -> UpstreamCall:
        secret = await wire.secret(way)
        exchange = exchange_for(config, question("openai-responses", "m"))
        call, _ = await wire.call(way, outgoing, b'{"input":[]}', exchange, secret)
        return call

    sent = dict(asyncio.run(made()).headers)
    assert sent["chatgpt-account-id"] == "acc-1"
    assert sent["authorization"] == "Bearer access-token-0"


def test_a_refused_token_is_replaced_for_the_next_attempt(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    config = config_of({"accounts": [road.way.config.model_dump(mode="json", exclude_none=True)]})
    wire = Wire(FakeUpstream(), SecretStore(tmp_path, lambda _: None), broker=road.broker)
    way = wire.accounts(config)["mine"]

    async def work() -> list[str]:
        first = await wire.secret(way)
        assert first is not None
        assert not wire.secret_renewed(way, first), "nobody else has renewed it"
        second = await wire.secret(way)
        assert second is not None
        assert wire.secret_renewed(way, first)
        return [first.get_secret_value(), second.get_secret_value()]

    assert asyncio.run(work()) == ["access-token-0", "access-token-1"]


def test_a_way_in_that_ends_on_a_day_is_over_on_that_day(tmp_path: Path) -> None:
    """No new config, no restart: the clock alone."""
    route = {
        "provider": "iflow", "access": "api-key", "state": "works", "since": "2027-01-01",
        "reason": "It works.", "source": "https://x.example", "replacement": None,
        "sunset": "2027-01-16",
    }  # fmt: skip
    (tmp_path / "registry.json").write_text(
        json.dumps({"checked": "2027-01-01", "routes": [route]})
    )
    clock = FakeClock()  # 2027-01-15
    wire = Wire(FakeUpstream(), SecretStore(tmp_path, lambda _: None), clock=clock)
    config = file_account()
    assert wire.accounts(config)["a"].refusal("") is None
    clock.advance(86_400)
    refused = wire.accounts(config)["a"].refusal("")
    assert refused is not None
    assert refused.spec is catalogue.ROUTE_RETIRED
    assert "2027-01-16" in refused.detail


def test_a_quota_page_is_asked_with_the_accounts_project_and_credential() -> None:
    asked = Asked(json_reply(KNOWN), json_reply({"buckets": []}))
    quota = CODE_ASSIST.accounts[0].model_copy(update={"urls": Urls(quota=QUOTA)})
    way = asked.wire.accounts(CODE_ASSIST.model_copy(update={"accounts": (quota,)}))["a"]
    assert asked.run(lambda: asked.wire.quota(way, 1.0)) == ()
    assert [it.url for it in asked.upstream.calls][-1] == QUOTA
    assert asked.upstream.sent() == {"project": "corp-proj"}
    assert asked.upstream.header("authorization") == "Bearer ya29.a"


def test_an_account_without_a_quota_page_is_not_asked() -> None:
    wire = wire_for(FakeUpstream())
    way = wire.accounts(accounts_of({"a": CHAT}))["a"]
    assert asyncio.run(wire.quota(way, 1.0)) == ()


QUOTA = "https://a.example/v1internal:retrieveUserQuota"
