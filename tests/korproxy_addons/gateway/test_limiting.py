import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.config.profiles import Strategy
from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.routing.plan import Candidate, Plan, PlanStep
from korproxy_addons.usage.limits import Subject, Used
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
from support.asking import Question, question
from support.clock import FakeClock
from support.legs import accounts_of, exchange_for

A, B = Candidate("a", "m"), Candidate("b", "m")
PLAN = Plan("default", "", (PlanStep("first", Strategy.FILL_FIRST, (A, B)),))
GROUPS = [{"id": "first", "accounts": ["a", "b"]}, {"id": "spare", "accounts": ["b"]}]
KEY = "0" * 64


class Rig:
    """A limiter, and requests that pass it."""

    def __init__(self, *rules: dict[str, Any], past: Any = None, **config: Any) -> None:
        full = [{"name": f"r{number}", "per": "hour", **it} for number, it in enumerate(rules)]
        self.clock = FakeClock(1_800_000_000.0)
        self.metrics = Metrics()
        self.limiter = Limiter(past, self.metrics, self.clock)
        self.config = self.with_rules(full, **config)
        self.limiter.configure(self.config)
        self.number = 0

    @staticmethod
    def with_rules(rules: list[dict[str, Any]], **config: Any) -> Config:
        config = {"runaway": {"repeats": 0}, **config}
        dialects = {"a": "openai-chat", "b": "openai-chat"}
        return accounts_of(dialects, groups=GROUPS, quota_rules=rules, **config)

    def exchange(self, asked: Question | None = None, **fields: Any) -> Exchange:
        self.number += 1
        tool = fields.pop("agent", "claude-cli/2")
        exchange = exchange_for(self.config, asked or question("openai-chat", "m"), tool=tool)
        exchange.seed = f"seed{self.number}"
        exchange.profile = "default"
        key = fields.pop("key", None)
        if key:
            keys = self.config.local_keys.keys
            exchange.local_key = next(it for it in keys if it.id == key)
        for name, value in fields.items():
            setattr(exchange, name, value)
        return exchange

    def ask(self, **fields: Any) -> tuple[Exchange, Plan | None]:
        """One request as far as its plan; the account that is asked first is asked."""
        exchange = self.exchange(**fields)
        plan = self.limiter.admit(exchange, PLAN)
        if plan is not None:
            exchange.group = plan.steps[0].group
            self.limiter.asked(exchange, plan.steps[0].candidates[0].account_id)
        return exchange, plan

    def refused(self, **fields: Any) -> KorProxyError:
        with pytest.raises(KorProxyError) as refusal:
            self.ask(**fields)
        return refusal.value

    def used(self, exchange: Exchange, tokens: int, cost_usd: float = 0.0, **fields: Any) -> None:
        """The exchange ends, and has used so much."""
        attempt = AttemptRecord(
            account="a", provider="p", access="k", dialect="d", model="m", input_tokens=tokens,
            cost_usd=cost_usd,
        )  # fmt: skip
        key = exchange.local_key
        self.limiter.finished(
            ExchangeRecord(
                **{
                    "id": exchange.seed, "request_id": "r", "started_at": self.clock.now,
                    "client_dialect": "openai-chat", "operation": "generate", "outcome": "ok",
                    "total_ms": 1.0, "tool": exchange.tool, "profile": exchange.profile,
                    "local_key": key.id if key else "", "attempts": (attempt,),
                    "input_tokens": tokens, "cost_usd": cost_usd, "route_group": "first", **fields,
                }
            )
        )  # fmt: skip

    def counted(self) -> list[str]:
        lines = self.metrics.exposition().decode().splitlines()
        return [it for it in lines if it.startswith("korproxy_limits_total{")]


def test_a_refusal_names_the_rule_the_limit_the_use_and_the_reset() -> None:
    rig = Rig({"name": "calm", "requests": 2, "tool": "*"})
    for _ in range(2):
        assert rig.ask()[1] == PLAN
    error = rig.refused()
    assert error.spec is catalogue.LIMIT_REACHED
    for words in (
        "“calm”",
        "2 requests per hour",
        "tool claude-code",
        "2 requests used",
        "resets at 20",
    ):
        assert words in error.message()
    assert error.retry_after_s == pytest.approx(3600 - rig.clock.now % 3600)
    assert rig.counted() == ['korproxy_limits_total{action="refuse",counts="requests"} 1.0']


def test_another_tool_and_the_next_hour_are_served() -> None:
    rig = Rig({"requests": 1, "tool": "*"})
    rig.ask()
    rig.refused()
    assert rig.ask(agent="QwenCode/1")[1] == PLAN
    rig.clock.advance(3600)
    assert rig.ask()[1] == PLAN


def test_a_refused_request_is_not_counted() -> None:
    rig = Rig({"requests": 2, "tool": "*"}, {"requests": 3})
    for _ in range(2):
        rig.ask()
    for _ in range(5):
        rig.refused()
    assert rig.ask(agent="QwenCode/1")[1] == PLAN


def test_a_limit_by_the_minute_may_be_waited_for() -> None:
    """The official clients obey that, where a long wait would only be repeated."""
    rig = Rig({"requests": 1, "per": "minute", "sliding": True})
    rig.ask()
    error = rig.refused()
    assert error.spec is catalogue.LIMIT_PACE
    assert error.retry_after_s is not None
    assert 0 < error.retry_after_s <= 61
    rig.clock.advance(error.retry_after_s)
    rig.ask()


@pytest.mark.parametrize("counts", ["tokens", "cost_usd"])
def test_tokens_and_cost_count_when_they_are_known(counts: str) -> None:
    rig = Rig({counts: 10, "key": "ci"}, local_keys={"keys": [{"id": "ci", "sha256": KEY}]})
    exchange, _ = rig.ask(key="ci")
    rig.used(exchange, 9, 9.0)
    second, _ = rig.ask(key="ci")
    rig.used(second, 1, 1.0)
    assert counts.partition("_")[0] in rig.refused(key="ci").message().replace("$", "cost ")
    assert rig.ask()[1] == PLAN


def test_a_warning_is_said_and_nothing_else() -> None:
    rig = Rig({"name": "soft", "requests": 1, "action": "warn"})
    rig.ask()
    exchange, plan = rig.ask()
    assert (plan, exchange.why, exchange.delay_s) == (PLAN, ["limit:soft"], 0.0)
    assert rig.counted() == ['korproxy_limits_total{action="warn",counts="requests"} 1.0']


def test_slowing_down_lets_a_request_wait_once() -> None:
    rig = Rig({"name": "s", "requests": 1, "action": "slow", "slow_s": 4})
    rig.ask()
    exchange, plan = rig.ask()
    assert (plan, exchange.why, exchange.delay_s) == (PLAN, ["slowed:s"], 4.0)


@pytest.mark.parametrize(
    ("action", "said"), [({"action": "warn"}, "limit:r0"), ({"action": "slow"}, "slowed:r0")]
)
def test_what_an_account_has_used_up_slows_down_only_who_asks_it(
    action: dict[str, Any], said: str
) -> None:
    """The first account serves: nobody has to wait because of the second."""
    rig = Rig({"account": "b", "requests": 1, "slow_s": 3, **action})
    exchange = rig.exchange()
    assert rig.limiter.admit(exchange, PLAN) == PLAN
    assert rig.limiter.asked(exchange, "b") == 0.0
    exchange = rig.exchange()
    assert rig.limiter.admit(exchange, PLAN) == PLAN
    assert rig.limiter.asked(exchange, "a") == 0.0
    assert (exchange.why, exchange.delay_s) == ([], 0.0)
    # And once it comes to that one, once.
    waits_s = [rig.limiter.asked(exchange, "b") for _ in range(2)]
    assert waits_s == ([3.0, 0.0] if said.startswith("slowed") else [0.0, 0.0])
    assert exchange.why == [said]


def test_projects_are_counted_apart() -> None:
    rig = Rig({"name": "calm", "project": "*", "requests": 1})
    rig.ask(project="/src/x")
    assert "project /src/x" in rig.refused(project="/src/x").message()
    assert rig.ask(project="/src/y")[1] == PLAN
    for _ in range(3):
        assert rig.ask()[1] == PLAN, "what comes from no project is nobody's"


def test_a_project_may_be_named_by_the_home_folder() -> None:
    rig = Rig({"project": "~/x", "requests": 1})
    folder = str(Path.home() / "x")
    rig.ask(project=folder)
    assert folder in rig.refused(project=folder).message()


def test_a_request_waits_no_longer_than_its_longest_limit_asks_for() -> None:
    rig = Rig(
        {"requests": 1, "action": "slow", "slow_s": 4},
        {"account": "a", "requests": 1, "action": "slow", "slow_s": 5},
    )
    rig.ask()
    exchange = rig.exchange()
    assert rig.limiter.admit(exchange, PLAN) == PLAN
    assert exchange.delay_s == 4.0
    assert rig.limiter.asked(exchange, "a") == 1.0


def test_rerouting_asks_for_a_new_plan_once() -> None:
    rig = Rig(
        {"name": "r", "requests": 1, "action": "reroute", "to": "spare"},
        {"name": "q", "requests": 1, "action": "reroute", "to": "first"},
    )
    rig.ask()
    exchange, plan = rig.ask()
    assert (plan, exchange.reroute, exchange.why) == (None, "spare", ["rerouted:r"])
    assert rig.limiter.admit(exchange, PLAN) == PLAN
    assert exchange.reroute == "spare"


@pytest.mark.parametrize("action", ["refuse", "reroute"])
def test_an_account_that_has_nothing_left_is_left_out(action: str) -> None:
    rig = Rig({"name": "acc", "requests": 2, "account": "*", "action": action})
    for _ in range(2):
        rig.ask()
    exchange, plan = rig.ask()
    assert plan is not None
    assert plan.candidates == (B,)
    assert "rerouted:acc" in exchange.why
    rig.ask()
    error = rig.refused()
    assert "account a" in error.message() or "account b" in error.message()
    assert "2 requests used" in error.message()


def test_an_account_is_counted_by_the_tokens_of_its_own_attempts() -> None:
    rig = Rig({"name": "acc", "tokens": 10, "account": "a"})
    exchange, _ = rig.ask()
    rig.used(exchange, 10)
    plan = rig.ask()[1]
    assert plan is not None
    assert plan.candidates == (B,)


def test_a_group_without_anything_left_sends_its_requests_elsewhere() -> None:
    rig = Rig({"name": "g", "requests": 1, "group": "first", "action": "reroute", "to": "spare"})
    rig.ask()
    exchange, plan = rig.ask()
    assert (plan, exchange.reroute) == (None, "spare")
    with pytest.raises(KorProxyError, match="KP-RATE-404"):
        rig.limiter.admit(exchange, PLAN)


def test_a_request_that_is_planned_anew_is_no_repetition() -> None:
    rule = {"name": "g", "requests": 1, "tool": "*", "action": "reroute", "to": "spare"}
    rig = Rig(rule, runaway={"repeats": 3})
    for _ in range(3):
        exchange, plan = rig.ask()
        if plan is None:
            assert rig.limiter.admit(exchange, PLAN) is not None
    assert rig.refused().spec is catalogue.RUNAWAY


def test_what_is_asked_on_the_side_is_no_request() -> None:
    rig = Rig({"requests": 1})
    counting = question("anthropic-messages", "m")
    counting.path += "/count_tokens"
    for _ in range(5):
        rig.ask(asked=counting)
    rig.ask()
    rig.refused()


class TestKeys:
    """What a local key may do."""

    @pytest.fixture
    def rig(self) -> Rig:
        limits = {
            "requests_per_minute": 3, "tokens_per_day": 10, "concurrency": 2, "models": ["m", "gpt-*"],
        }  # fmt: skip
        keys = [{"id": "ci", "sha256": KEY, "limits": limits}, {"id": "free", "sha256": "1" * 64}]
        return Rig(local_keys={"keys": keys})

    def test_requests_a_minute(self, rig: Rig) -> None:
        for _ in range(3):
            rig.used(rig.ask(key="ci")[0], 0)
        error = rig.refused(key="ci")
        assert error.spec is catalogue.LIMIT_PACE
        assert (
            "“requests_per_minute” allows 3 requests per last minute for key ci" in error.message()
        )
        rig.ask(key="free")
        rig.ask()
        rig.clock.advance(61)
        rig.ask(key="ci")

    def test_tokens_a_day(self, rig: Rig) -> None:
        rig.used(rig.ask(key="ci")[0], 10)
        assert "10 tokens per day for key ci; 10 tokens used" in rig.refused(key="ci").message()

    def test_requests_at_the_same_time(self, rig: Rig) -> None:
        first, _ = rig.ask(key="ci")
        rig.ask(key="ci")
        error = rig.refused(key="ci")
        assert (error.spec, error.retry_after_s) == (catalogue.CONCURRENCY, 1.0)
        for words in ("“concurrency”", "2 requests", "key ci", "2 running", "resets when"):
            assert words in error.message()
        rig.used(first, 0)
        rig.used(first, 0)
        rig.ask(key="ci")

    def test_models(self, rig: Rig) -> None:
        rig.ask(key="ci", asked=question("openai-chat", "GPT-6"))
        error = rig.refused(key="ci", asked=question("openai-chat", "claude-opus-5"))
        assert error.spec is catalogue.KEY_MODEL_REFUSED
        for words in ("“models” allows m, gpt-*", "key ci", "“claude-opus-5”", "does not reset"):
            assert words in error.message()
        rig.ask(key="free", asked=question("openai-chat", "claude-opus-5"))

    def test_a_bracket_in_a_model_s_name_is_no_pattern(self) -> None:
        keys = [{"id": "ci", "sha256": KEY, "limits": {"models": ["claude-*[1m]"]}}]
        rig = Rig(local_keys={"keys": keys})
        rig.ask(key="ci", asked=question("openai-chat", "claude-opus-5[1m]"))
        rig.refused(key="ci", asked=question("openai-chat", "claude-opus-51"))


def test_an_earlier_run_is_taken_up_and_a_reload_keeps_what_was_counted() -> None:
    asked: list[float] = []

    def past(now: float) -> Iterator[tuple[float, Subject, Used]]:
        asked.append(now)
        yield now, Subject(account="a", tool="claude-code"), Used(1, 1, 0, 0.0)

    rig = Rig({"requests": 2}, past=past)
    rig.ask()
    rig.refused()
    assert len(asked) == 1
    rig.limiter.configure(rig.config)
    rig.refused()
    assert len(asked) == 1
    more = Rig.with_rules(
        [
            {"name": "r0", "per": "hour", "requests": 2},
            {"name": "new", "per": "hour", "requests": 1, "tool": "*"},
        ]
    )
    rig.limiter.configure(more)
    assert len(asked) == 2
    assert "“new”" in rig.refused().message() or "“r0”" in rig.refused().message()


def test_of_several_the_refusal_names_the_one_that_resets_last() -> None:
    rig = Rig(
        {"name": "soon", "requests": 1, "per": "minute"},
        {"name": "late", "requests": 1, "per": "day"},
    )
    rig.ask()
    assert "“late”" in rig.refused().message()


@pytest.mark.parametrize(
    "rule",
    [
        {"requests": 1, "action": "warn"},
        {"requests": 1, "action": "slow", "slow_s": 1.0},
        {"requests": 1, "action": "refuse"},
        {"requests": 1, "account": "*", "action": "refuse"},
        {"requests": 1, "action": "reroute", "to": "spare"},
    ],
)
def test_who_listens_hears_of_every_limit_that_is_met(rule: dict[str, Any]) -> None:
    rig = Rig(rule)
    heard: list[str] = []
    rig.limiter.on_reached = lambda reached, now: heard.append(f"{reached.limit.name} {now:.0f}")
    for _ in range(3):
        with contextlib.suppress(KorProxyError):
            rig.ask()
    assert set(heard) == {"r0 1800000000"}
