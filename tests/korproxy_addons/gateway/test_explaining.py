"""Who would be asked, and why not the others: as the gateway itself would choose."""

import math

import pytest

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.stickiness import Home, conversation_key
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.explain_query import Query, answer
from korproxy_addons.gateway.explaining import AccountVerdict, Explanation
from korproxy_addons.providers.quota import Window
from support.explaining import NOW, known

RESTS = Health(State.RATE_LIMITED, NOW + 600, code="KP-RATE-401", reason="slow down")


def fleet(**healths: Health) -> Fleet:
    found = Fleet()
    found.pool.restore({(name, "*"): health for name, health in healths.items()}, math.inf)
    return found


def accounts(found: Explanation) -> dict[str, AccountVerdict]:
    return {it.account: it for group in found.groups for it in group.accounts}


def test_the_first_that_is_ready_is_chosen_and_the_others_say_how_they_stand() -> None:
    found = answer(Query(model="m"), known(fleet=fleet(a=RESTS)))
    assert found.chosen == "b"
    a, b = accounts(found)["a"], accounts(found)["b"]
    assert (a.chosen, a.label, a.state, a.code) == (
        False,
        "Account A",
        "rate_limited",
        "KP-RATE-401",
    )
    assert a.until == "2027-01-15T08:10:00+00:00"
    assert "slow down" in a.reason
    assert (b.chosen, b.reason, b.state, b.until) == (True, "ready", "available", None)


def test_the_next_group_is_asked_where_the_first_rests() -> None:
    everybody = fleet(a=RESTS, b=RESTS)
    groups = [{"id": "first", "accounts": ["a", "b"]}, {"id": "last", "accounts": ["c"]}]
    profiles = [{"id": "default", "group": ["first", "last"]}]
    found = answer(Query(model="m"), known(fleet=everybody, groups=groups, profiles=profiles))
    assert (found.chosen, found.error) == ("c", "")


def test_where_everybody_waits_for_its_owner_nobody_is_chosen() -> None:
    refused = Health(State.NEEDS_LOGIN, None, code="KP-AUTH-004")
    found = answer(Query(model="m"), known(fleet=fleet(a=refused, b=refused, c=refused)))
    assert (found.chosen, found.error) == ("", "Every account that could serve it rests.")
    assert accounts(found)["a"].until is None


def test_the_tightest_window_is_shown() -> None:
    one = fleet()
    window = Window("5h", 0.415, None, None, "percent", NOW + 60, 18_000.0, NOW)
    one.quota.restore({"a": [window]})
    found = accounts(answer(Query(model="m"), known(fleet=one)))
    assert (found["a"].used_percent, found["b"].used_percent) == (41.5, None)


def test_a_conversation_stays_where_it_is_at_home() -> None:
    request = (
        '{"model": "m", "messages": [{"role": "user", "content": "x"}], "prompt_cache_key": "talk"}'
    )
    one = fleet()
    home = Home("b", "m", 1000, NOW)
    one.stickiness.served(conversation_key("id:talk", "m"), home)
    found = answer(Query(request=request), known(fleet=one))
    assert (found.chosen, found.why) == ("b", ("sticky",))
    assert "at home here" in accounts(found)["b"].reason
    loose = [{"id": "default", "sticky": False}]
    found = answer(Query(request=request), known(fleet=one, groups=loose, profiles=[]))
    assert (found.chosen, found.why) == ("a", ("fill-first",))


def test_who_may_not_serve_the_tool_is_named_with_the_reason() -> None:
    accounts_there = [
        {"id": "plan", "provider": "claude", "access": "subscription", "secret": "plain:x"},
        {"id": "key", "provider": "claude", "secret": "plain:y"},
    ]
    one = known(accounts=accounts_there, groups=[], profiles=[], local_keys={})
    found = answer(Query(model="claude/x"), one)
    assert (found.chosen, list(found.refused)) == ("key", ["plan"])
    assert found.refused["plan"].startswith("KP-")
    found = answer(Query(model="claude@plan/x"), one)
    assert (found.chosen, found.groups[0].accounts) == ("", ())
    assert "KP-AUTH" in found.error


def test_where_nobody_serves_the_model_the_rules_have_spoken_all_the_same() -> None:
    found = answer(Query(model="other", profile="work", kind="vision"), known())
    assert found.error.startswith(catalogue.UNKNOWN_MODEL.title)
    assert [(it.rule, it.outcome) for it in found.rules][1] == ("seen", "chosen")


@pytest.mark.parametrize("strategy", Strategy)
def test_every_strategy_is_explained(strategy: Strategy) -> None:
    groups = [{"id": "default", "strategy": strategy.value}]
    found = answer(Query(model="m"), known(groups=groups, profiles=[]))
    assert found.chosen in {"a", "b", "c"}
    assert found.groups[0].strategy == strategy
    turns = strategy in (
        Strategy.RANDOM,
        Strategy.WEIGHTED,
        Strategy.ROUND_ROBIN,
        Strategy.LEAST_USED,
    )
    assert any("Whose turn" in it for it in found.notes) == turns
