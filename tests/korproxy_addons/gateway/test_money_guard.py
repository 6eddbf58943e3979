"""Plan limits only: an account that would draw money rests, and says so; with permission it is counted up to the cap."""

import logging
from typing import Any

import msgspec
import pytest

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.health import State
from korproxy_addons.accounts.spending import SpendingBook
from korproxy_addons.dialects.outcome import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.money_guard import UNKNOWN_USD, MoneyGuard
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_account
from support.answers import MESSAGES
from support.asking import question
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.flows import config_with
from support.legs import Rig, config_of

NOW = 1_800_000_000.0
UNIFIED = "anthropic-ratelimit-unified-"
DRAWN = [
    ("Anthropic-RateLimit-Unified-Status", "allowed"),
    (f"{UNIFIED}5h-utilization", "1.0"),
    (f"{UNIFIED}5h-status", "rejected"),
    (f"{UNIFIED}5h-reset", str(int(NOW) + 3600)),
    (f"{UNIFIED}overage-status", "allowed"),
    (f"{UNIFIED}overage-in-use", "true"),
]
PLAIN = [
    (f"{UNIFIED}status", "allowed"),
    (f"{UNIFIED}5h-utilization", "0.5"),
    (f"{UNIFIED}5h-reset", str(int(NOW) + 3600)),
]


def account(access: str = "subscription", *, allowed: bool = False) -> ResolvedAccount:
    words: dict[str, Any] = {"id": "a", "provider": "claude", "access": access, "consent": True}
    if access != "own-login":
        words["secret"] = "env:A"
    if allowed:
        words["overage"] = {"allow": True, "cap_usd": 3.0}
    config = config_with(accounts=[words])
    return resolve_account(config, config.accounts[0])


class Watch:
    def __init__(self, usd: float | None = 2.0) -> None:
        self.fleet = Fleet()
        self.book = SpendingBook()
        self.guard = MoneyGuard(self.fleet, self.book, lambda _model, _usage, _at: usd)

    def reply(
        self, way: ResolvedAccount, headers: list[tuple[str, str]], status: int = 200
    ) -> None:
        meter = self.guard.meter(way, "claude-opus-5", lambda: NOW)
        meter.head(status, headers)
        meter.ended(Usage())
        meter.ended(Usage())

    def state(self) -> tuple[State, str, float | None]:
        health = self.fleet.pool.worst("a", "claude-opus-5", NOW)
        return health.state, health.code, health.until


def test_a_reply_within_the_plan_is_only_taken_down() -> None:
    watch = Watch()
    watch.reply(account(), PLAIN)
    assert watch.state()[0] is State.AVAILABLE
    assert [it.used_share for it in watch.fleet.quota.windows("a")] == [0.5]
    assert watch.book.drawn("a", NOW).requests == 0


def test_money_that_is_drawn_stops_the_account_until_its_plan_serves_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Watch()
    caplog.set_level(logging.WARNING, "korproxy.money")
    watch.reply(account(), DRAWN)
    watch.reply(account(), DRAWN)
    assert watch.state() == (State.RATE_LIMITED, "KP-RATE-410", NOW + 3600)
    assert not watch.fleet.pool.worth_a_try("a", "m", NOW), "it is no guess of ours"
    told = [it for it in caplog.records if it.message == "account held back from billing"]
    assert len(told) == 1
    reason = watch.fleet.pool.worst("a", "m", NOW).reason
    assert "extra usage would be billed: plan limits only" in reason
    assert watch.book.drawn("a", NOW).requests == 2, "what was drawn is counted all the same"


def test_money_that_would_be_drawn_stops_it_before_anything_is() -> None:
    watch = Watch()
    watch.reply(account(), [it for it in DRAWN if "in-use" not in it[0]])
    assert watch.state()[1] == "KP-RATE-410"
    assert watch.book.drawn("a", NOW).requests == 0


def test_with_permission_it_goes_on_up_to_the_cap(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(usd=2.0)
    way = account(allowed=True)
    watch.reply(way, DRAWN)
    assert watch.state()[0] is State.AVAILABLE
    watch.reply(way, DRAWN)
    assert watch.book.drawn("a", NOW).usd == 4.0
    watch.reply(way, DRAWN)
    assert watch.state()[1] == "KP-RATE-410"
    reason = watch.fleet.pool.worst("a", "m", NOW).reason
    assert "the cap of 3 USD a month is reached" in reason


def test_what_nobody_knows_the_price_of_is_not_free() -> None:
    watch = Watch(usd=None)
    watch.reply(account(allowed=True), DRAWN)
    assert watch.book.drawn("a", NOW).usd == UNKNOWN_USD


def test_the_users_own_prices_count() -> None:
    watch = Watch()
    own = {"claude-opus-5": {"input": 500_000.0, "output": 0.0}}
    watch.guard.price_by(config_with(usage={"prices": own}))
    meter = watch.guard.meter(account(allowed=True), "claude-opus-5", lambda: NOW)
    meter.head(200, DRAWN)
    meter.ended(Usage(input_tokens=3))
    assert watch.book.drawn("a", NOW).usd == 1.5


def test_a_request_that_was_refused_has_drawn_nothing() -> None:
    watch = Watch()
    watch.reply(account(allowed=True), DRAWN, status=429)
    assert watch.book.drawn("a", NOW).requests == 0


def test_the_tools_own_login_is_the_tools_own_business() -> None:
    watch = Watch()
    watch.reply(account("own-login"), DRAWN)
    assert watch.state()[0] is State.AVAILABLE
    assert watch.fleet.quota.windows("a"), "its windows are shown all the same"


def test_permission_ends_the_hold_at_once() -> None:
    watch = Watch()
    watch.reply(account(), DRAWN)
    watch.guard.release([account()], NOW)
    assert watch.state()[1] == "KP-RATE-410"
    watch.guard.release([account(allowed=True)], NOW)
    assert watch.state()[0] is State.AVAILABLE


def test_permission_ends_no_other_rest() -> None:
    watch = Watch()
    failure = Failure(
        spec=catalogue.QUOTA_EXHAUSTED,
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        reset_at=NOW + 60,
    )
    watch.fleet.pool.failed("a", "m", failure, NOW)
    watch.guard.release([account(allowed=True)], NOW)
    assert watch.state()[1] == "KP-RATE-402"


# --- through a leg


def claude_config(**extra: Any) -> Any:
    accounts = [
        {
            "id": name,
            "provider": "claude",
            "access": "subscription",
            "consent": True,
            "secret": f"plain:sk-{name}",
            "base_url": f"https://{name}.example",
            **extra,
        }
        for name in ("a", "b")
    ]
    return config_of({"accounts": accounts})


ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5",
    "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}  # fmt: skip


def guarded(rig: Rig) -> SpendingBook:
    from dataclasses import replace

    book = SpendingBook()
    guard = MoneyGuard(rig.fleet, book, lambda *_: 1.0)
    rig.services = replace(rig.services, guard=guard)
    return book


def ask(rig: Rig) -> Any:
    sink, _ = rig.ask(question(MESSAGES, "claude-opus-5"), tool="claude-cli/2.1.0")
    return sink


def test_after_a_reply_that_drew_money_the_next_account_is_asked() -> None:
    drawn = FakeReply(msgspec.json.encode(ANSWER), headers=dict(DRAWN))
    upstream = FakeUpstream(a=[drawn], b=[json_reply(ANSWER)])
    rig = Rig(claude_config(), upstream)
    book = guarded(rig)
    assert ask(rig).status == 200
    assert ask(rig).status == 200
    assert upstream.hosts == ["a", "b"]
    assert book.drawn("a", rig.clock()).usd == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Third-party apps now draw from your extra usage, not your plan limits.",
        "You're out of extra usage. Add more at claude.ai/settings/usage and keep going.",
    ],
)
def test_a_refusal_for_want_of_extra_usage_rests_the_account_and_is_not_repeated(text: str) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": text}}
    upstream = FakeUpstream(a=[json_reply(body, 400)], b=[json_reply(ANSWER)])
    rig = Rig(claude_config(), upstream)
    guarded(rig)
    first = ask(rig)
    assert (first.status, first.headers["x-korproxy-error"]) == (400, "KP-PROV-113")
    assert upstream.hosts == ["a"], "money is not spent elsewhere to get around it"
    health = rig.pool.worst("a", "claude-opus-5", rig.clock())
    assert (health.state, health.code) == (State.RATE_LIMITED, "KP-PROV-113")
    assert health.until == rig.clock() + 5 * 3600
    assert ask(rig).status == 200
    assert upstream.hosts == ["a", "b"]


def test_with_nobody_else_the_client_is_told_that_it_would_cost_money() -> None:
    drawn = FakeReply(msgspec.json.encode(ANSWER), headers=dict(DRAWN))
    config = claude_config(label="My plan")
    config = config.model_copy(update={"accounts": config.accounts[:1]})
    rig = Rig(config, FakeUpstream(a=[drawn]))
    guarded(rig)
    assert ask(rig).status == 200
    held = ask(rig)
    assert (held.status, held.headers["x-korproxy-error"]) == (429, "KP-RATE-410")
    assert held.headers["retry-after"] == "3600"
    message = held.json["error"]["message"]
    assert "extra usage would be billed: plan limits only" in message
    assert "cap_usd" in message, "it says how to allow it"


# --- limits that are told by being met only


def test_a_limit_that_was_met_is_taken_down_where_headers_tell_none() -> None:
    failure = Failure(
        spec=catalogue.QUOTA_EXHAUSTED,
        scope=Scope.MODEL,
        verdict=Verdict.COOL,
        reset_at=NOW + 60,
    )
    watch = Watch()
    config = config_with(accounts=[{"id": "g", "provider": "gemini", "secret": "env:G"}])
    gemini = resolve_account(config, config.accounts[0])
    watch.guard.meter(gemini, "gemini-x", lambda: NOW).failed(failure)
    (window,) = watch.fleet.quota.windows("g")
    assert (window.name, window.used_share, window.model_glob) == ("plan", 1.0, "gemini-x")
    watch.guard.meter(account(), "claude-x", lambda: NOW).failed(failure)
    assert watch.fleet.quota.windows("a") == ()
