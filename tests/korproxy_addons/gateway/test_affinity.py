"""A conversation stays where its prompt cache is, moves when it must, and says why and at what price."""

from typing import Any

import pytest

from korproxy_addons.accounts.health import LONGEST_REST_S
from korproxy_addons.accounts.stickiness import Home, conversation_key
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import DAY_S, WEEK_S, Window
from support.answers import MESSAGES, message, refusal
from support.asking import Question, question
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.legs import Rig, accounts_of, config_of

TWO = {"a": MESSAGES, "b": MESSAGES}


def ask(session: str = "one", model: str = "m") -> Question:
    asked = question(MESSAGES, model)
    asked.headers["x-claude-code-session-id"] = session
    return asked


def cached(tokens: int = 900, written: int = 100) -> FakeReply:
    usage = {
        "input_tokens": 3,
        "output_tokens": 2,
        "cache_read_input_tokens": tokens,
        "cache_creation_input_tokens": written,
    }
    return json_reply({**message(), "usage": usage})


def rig(strategy: str = "round-robin", *, sticky: bool = True, **replies: int) -> Rig:
    """Two accounts in one group, and so many good answers of each."""
    upstream = FakeUpstream(
        **{name: [cached() for _ in range(count)] for name, count in replies.items()}
    )
    groups = [{"id": "default", "strategy": strategy, "sticky": sticky}]
    return Rig(accounts_of(TWO, groups=groups), upstream)


def limited(one: Rig, account: str, code: Any = catalogue.RATE_LIMITED) -> None:
    now = one.clock()
    failure = Failure(
        spec=code,
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        reset_at=now + 600,
        source=Source.HEADER,
    )
    one.pool.failed(account, "m", failure, now)


def test_a_conversation_stays_where_it_was_served_though_others_have_their_turns() -> None:
    one = rig(a=3, b=2)
    served = []
    for session in ("one", "two", "one", "two", "one"):
        sink, exchange = one.ask(ask(session))
        served.append((sink.headers["x-korproxy-account"][-1], "sticky" in sink.why))
        assert (exchange.moved, exchange.cache_lost_tokens) == ("", 0)
    assert served == [("a", False), ("b", False), ("a", True), ("b", True), ("a", True)]


def test_new_conversations_are_shared_out_though_others_are_at_home() -> None:
    """Nobody starves because somebody else's conversation is long."""
    one = rig(a=6, b=6)
    for number in range(4):
        one.ask(ask(f"new-{number}"))
        one.ask(ask("new-0"))
    homes = [
        one.fleet.stickiness.home(conversation_key(f"id:new-{n}", "m"), one.clock())
        for n in range(4)
    ]
    assert [it.account_id for it in homes if it is not None] == ["a", "b", "a", "b"]


def two_models(strategy: str) -> Rig:
    """Two accounts that serve `m` and `n`; a header sends a turn to the second."""
    rules = [{"name": "n", "when": {"header": {"x-turn": "n"}}, "model": "n"}]
    providers = {
        name: {
            "dialect": MESSAGES,
            "base_url": f"https://{name}.example",
            "models": ["m", "n"],
            "list_models": False,
        }
        for name in TWO
    }
    config = config_of(
        {
            "providers": providers,
            "accounts": [{"id": it, "provider": it, "secret": f"plain:{it}"} for it in TWO],
            "groups": [{"id": "default", "strategy": strategy}],
            "profiles": [{"id": "default", "rules": rules}],
            "aliases": {"same": "m"},
        }
    )
    return Rig(config, FakeUpstream(**{name: [cached() for _ in range(9)] for name in TWO}))


def test_another_model_is_another_cache_and_has_a_home_of_its_own() -> None:
    """A rule may send every second turn to another model: none of the two leaves its account for that."""
    one = two_models("round-robin")
    served = []
    for turn in "mnmnmn":
        asked = ask()
        asked.headers["x-turn"] = turn
        _, exchange = one.ask(asked)
        served.append((exchange.attempts[-1].model, exchange.attempts[-1].account_id))
        assert (exchange.moved, exchange.cache_lost_tokens) == ("", 0)
    assert served == [("m", "a"), ("n", "b")] * 3


def test_two_names_of_one_model_share_its_cache() -> None:
    one = two_models("round-robin")
    assert one.ask(ask())[1].attempts[-1].account_id == "a"
    sink, exchange = one.ask(ask(model="same"))
    assert (exchange.attempts[-1].account_id, sink.why) == ("a", ["alias", "sticky"])


def test_a_turn_that_says_who_shall_serve_leaves_the_others_at_home() -> None:
    one = two_models("round-robin")
    one.ask(ask())
    sink, exchange = one.ask(ask(model="b/m"))
    assert (exchange.attempts[-1].account_id, sink.why) == ("b", ["pinned"])
    sink, exchange = one.ask(ask())
    assert (exchange.attempts[-1].account_id, sink.why) == ("a", ["sticky"])


def test_a_group_that_is_not_sticky_keeps_no_conversation() -> None:
    one = rig(sticky=False, a=2, b=2)
    accounts = [one.ask(ask())[0].headers["x-korproxy-account"][-1] for _ in range(4)]
    assert accounts == ["a", "b", "a", "b"]
    assert len(one.fleet.stickiness) == 0


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (catalogue.RATE_LIMITED, "rate"),
        (catalogue.QUOTA_EXHAUSTED, "quota"),
        (catalogue.UPSTREAM_OVERLOADED, "failure"),
        (catalogue.ACCOUNT_REJECTED, "failure"),
    ],
)
def test_a_home_that_cannot_serve_is_left_with_a_reason_and_a_price(code: Any, cause: str) -> None:
    one = rig(a=1, b=2)
    one.ask(ask())
    limited(one, "a", code)
    sink, exchange = one.ask(ask())
    assert sink.headers["x-korproxy-account"] == "Account b"
    assert sink.why == [f"moved:{cause}"]
    assert (exchange.moved, exchange.cache_lost_tokens) == (cause, 1000)
    # It has settled: it does not go back when the other is well again, which would cost as much once more.
    one.clock.advance(700)
    sink, exchange = one.ask(ask())
    assert (sink.headers["x-korproxy-account"], sink.why) == ("Account b", ["sticky"])
    assert exchange.moved == ""


def test_a_home_that_fails_now_is_left_now() -> None:
    upstream = FakeUpstream(a=[cached(), refusal(429, retry_after="60")], b=[cached()])
    one = Rig(accounts_of(TWO), upstream)
    one.ask(ask())
    sink, exchange = one.ask(ask())
    assert sink.why == ["sticky", "failover:429", "moved:rate"]
    assert (exchange.moved, exchange.cache_lost_tokens) == ("rate", 1000)


def test_a_window_that_is_exhausted_moves_it_before_anybody_is_refused() -> None:
    one = rig(a=1, b=1)
    one.ask(ask())
    now = one.clock()
    spent = Window("weekly", 1.0, reset_at=now + DAY_S, length_s=WEEK_S, seen_at=now)
    one.fleet.quota.observe("a", (spent,))
    sink, exchange = one.ask(ask())
    assert (sink.status, sink.why, exchange.moved) == (200, ["moved:quota"], "quota")


def test_an_account_that_is_taken_away_drains() -> None:
    one = rig(a=1, b=1)
    one.ask(ask())
    groups = [{"id": "default", "accounts": ["b"]}]
    one.config = accounts_of(TWO, groups=groups)
    sink, exchange = one.ask(ask())
    assert (sink.why, exchange.moved) == (["moved:drain"], "drain")


def test_it_returns_to_the_better_group_when_that_can_serve_again() -> None:
    groups = [{"id": "default", "accounts": ["a"]}, {"id": "spare", "accounts": ["b"]}]
    profiles = [{"id": "default", "group": ["default", "spare"]}]
    upstream = FakeUpstream(a=[cached(), cached()], b=[cached(), cached()])
    one = Rig(accounts_of(TWO, groups=groups, profiles=profiles), upstream)
    limited(one, "a")
    _, exchange = one.ask(ask())
    assert exchange.group == "spare"
    one.clock.advance(601)
    sink, exchange = one.ask(ask())
    assert (sink.why, exchange.moved, exchange.group) == (["moved:return"], "return", "default")


def test_what_is_in_the_cache_is_what_was_said_last() -> None:
    upstream = FakeUpstream(a=[cached(10, 5), cached(200, 50), cached(0, 0)])
    one = Rig(accounts_of({"a": MESSAGES}), upstream)
    key = conversation_key("id:one", "m")
    for expected in (15, 250, 0):
        sink, _ = one.ask(ask())
        assert sink.why == ["only-account"]
        home = one.fleet.stickiness.home(key, one.clock())
        assert home == Home("a", "m", expected, one.clock())


def test_a_count_is_no_conversation() -> None:
    asked = ask()
    counting = Question(f"{asked.path}/count_tokens", asked.body, asked.headers)
    one = Rig(accounts_of(TWO), FakeUpstream(a=[json_reply({"input_tokens": 3})]))
    assert one.ask(counting)[0].status == 200
    assert len(one.fleet.stickiness) == 0


def test_a_long_rest_outlasts_a_home() -> None:
    """Nothing remembers an account longer than anything of it could matter."""
    assert LONGEST_REST_S > DAY_S
