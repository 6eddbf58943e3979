from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pytest

from korproxy_addons.config.limits import LimitAction, Per
from korproxy_addons.usage.limits import (
    MOST_COUNTERS,
    Counts,
    Limit,
    LimitBook,
    Reached,
    Subject,
    Used,
    amount,
    limits_of,
    span,
)
from support.flows import config_with

NOW = datetime(2026, 11, 25, 13, 37, 42, tzinfo=UTC).timestamp()
CLAUDE = Subject(tool="claude-code", key="ci", profile="work")
CODEX = Subject(tool="codex-cli")


def limit(**fields: Any) -> Limit:
    base = {
        "name": "r", "scope": (), "counts": Counts.REQUESTS, "most": 2.0, "per": Per.HOUR,
    }  # fmt: skip
    return Limit(**{**base, **fields})


def reached(book: LimitBook, subject: Subject, **words: Any) -> list[Reached]:
    return list(book.reached(subject, NOW, **{"of_upstream": False, **words}))


def counted(limits: list[Limit], subject: Subject, times: int = 2) -> LimitBook:
    book = LimitBook(limits, UTC)
    for _ in range(times):
        book.count(subject, Counts.REQUESTS, 1, NOW, of_upstream=False)
    return book


def test_a_limit_is_reached_when_nothing_is_left() -> None:
    assert reached(counted([limit()], CLAUDE, 1), CLAUDE) == []
    (found,) = reached(counted([limit()], CLAUDE), CODEX)
    assert (found.used, found.who) == (2, "")
    assert found.resets_at == NOW - NOW % 3600 + 3600


def test_a_limit_for_one_counts_that_one_alone() -> None:
    book = counted([limit(scope=(("tool", "claude-code"),))], CLAUDE)
    assert reached(book, CODEX) == []
    assert reached(book, Subject()) == []
    assert [it.who for it in reached(book, CLAUDE)] == ["tool claude-code"]
    assert reached(counted([limit(scope=(("tool", "claude-code"),))], CODEX, 9), CLAUDE) == []


def test_a_limit_for_each_counts_them_apart() -> None:
    book = counted([limit(scope=(("tool", "*"), ("key", "*")))], CLAUDE)
    assert reached(book, Subject(tool="claude-code", key="other")) == []
    assert [it.who for it in reached(book, CLAUDE)] == ["tool claude-code, key ci"]
    # Somebody of whom one of them is not known belongs to none.
    assert reached(counted([limit(scope=(("tool", "*"),))], Subject(), 9), Subject()) == []


def test_tokens_and_cost_are_counted_apart_from_requests() -> None:
    book = LimitBook([limit(counts=Counts.TOKENS), limit(counts=Counts.COST)], UTC)
    book.count(CLAUDE, Counts.REQUESTS, 5, NOW, of_upstream=False)
    assert reached(book, CLAUDE) == []
    book.count(CLAUDE, Counts.TOKENS, 5, NOW, of_upstream=False)
    book.count(CLAUDE, Counts.COST, 1.5, NOW, of_upstream=False)
    assert [it.limit.counts for it in reached(book, CLAUDE)] == [Counts.TOKENS]


def test_limits_of_accounts_and_groups_are_asked_apart() -> None:
    of_account = limit(scope=(("account", "*"), ("tool", "*")))
    assert of_account.of_upstream
    book = LimitBook([of_account, limit()], UTC)
    asked = Subject(account="a", tool="t")
    book.count(asked, Counts.REQUESTS, 2, NOW, of_upstream=True)
    assert reached(book, asked) == []
    assert [it.limit for it in reached(book, asked, of_upstream=True)] == [of_account]


def test_a_refusal_names_rule_limit_use_and_reset() -> None:
    rule = limit(name="night", most=1000.0, counts=Counts.TOKENS, scope=(("key", "ci"),))
    words = Reached(rule, "key ci", 1234.0, NOW + 1338).words(NOW, UTC)
    assert words == (
        "rule “night” allows 1,000 tokens per hour for key ci; 1,234 tokens used;"
        " resets at 2026-11-25T14:00:00+00:00 (in 23 min)"
    )
    sliding = Reached(limit(sliding=True, per=Per.MINUTE), "", 2.0, NOW + 5).words(NOW, UTC)
    assert "2 requests per last minute; 2 requests used" in sliding


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (1.2, "2 s"), (119, "119 s"), (121, "3 min"), (7201, "3 h"), (3 * 86_400, "3 d")],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_amounts_in_words() -> None:
    assert amount(Counts.COST, 1234.5) == "$1,234.50"
    assert amount(Counts.TOKENS, 1e6) == "1,000,000 tokens"


def test_what_is_counted_outlives_a_new_configuration() -> None:
    old = counted([limit(), limit(name="gone")], CLAUDE)
    book = LimitBook([limit(), limit(name="new")], UTC)
    assert [it.name for it in book.adopt(old)] == ["new"]
    assert [it.limit.name for it in reached(book, CLAUDE)] == ["r"]


def test_a_limit_that_was_changed_is_another_one() -> None:
    book = LimitBook([limit(most=3.0)], UTC)
    assert len(book.adopt(counted([limit()], CLAUDE))) == 1


def test_an_earlier_run_is_taken_up() -> None:
    requests, tokens, of_account = (
        limit(),
        limit(name="t", counts=Counts.TOKENS, most=10.0),
        limit(name="a", scope=(("account", "a"),)),
    )
    book = LimitBook([requests, tokens, of_account], UTC)
    used = Used(requests=1, attempts=2, tokens=10, cost_usd=0.0)
    book.restore(book.limits, Subject(account="a", tool="t"), NOW, used)
    assert [it.limit.name for it in reached(book, CLAUDE)] == ["t"]
    asked = Subject(account="a")
    assert [it.used for it in reached(book, asked, of_upstream=True)] == [2]


def test_names_that_somebody_makes_up_fill_no_memory() -> None:
    book = LimitBook([limit(scope=(("tool", "*"),))], UTC)
    for number in range(MOST_COUNTERS + 2000):
        book.count(Subject(tool=f"t{number}"), Counts.REQUESTS, 2, NOW, of_upstream=False)
    assert len(book._counters) <= MOST_COUNTERS
    assert reached(book, Subject(tool=f"t{MOST_COUNTERS + 1999}"))


def test_the_limits_of_a_configuration() -> None:
    key = {
        "id": "ci",
        "sha256": "0" * 64,
        "limits": {"requests_per_minute": 5, "tokens_per_day": 9, "cost_usd_per_month": 1.5},
    }
    rules = [
        {"name": "one", "tool": "*", "requests": 7, "per": "day", "action": "slow", "slow_s": 2},
        {"name": "two", "account": "*", "cost_usd": 2.5, "per": "month", "sliding": True},
        {"name": "off", "tokens": 1, "per": "day", "disabled": True},
    ]
    found = limits_of(config_with(local_keys={"keys": [key]}, quota_rules=rules))
    assert [(it.name, it.most, it.per) for it in found] == [
        ("requests_per_minute", 5, Per.MINUTE),
        ("tokens_per_day", 9, Per.DAY),
        ("cost_usd_per_month", 1.5, Per.MONTH),
        ("one", 7, Per.DAY),
        ("two", 2.5, Per.MONTH),
    ]
    assert [it.scope for it in found[:3]] == [(("key", "ci"),)] * 3
    assert [it.sliding for it in found] == [True, False, False, False, True]
    assert (found[3].action, found[3].slow_s) == (LimitAction.SLOW, 2.0)
    assert found[4].of_upstream


@pytest.mark.parametrize(
    ("said", "folder"),
    [("*", "*"), ("~/src/x", "/h/u/src/x"), ("/srv/x/", "/srv/x"), ("~", "/h/u"), ("~x", "~x")],
)
def test_a_project_s_folder_is_meant_as_a_caller_s_is_written(said: str, folder: str) -> None:
    rule = {"name": "p", "tool": "*", "project": said, "tokens": 1, "per": "day"}
    (found,) = limits_of(config_with(quota_rules=[rule]), "/h/u")
    assert found.scope == (("tool", "*"), ("project", str(PurePath(folder))))


def test_one_is_told_as_one() -> None:
    told = [amount(it, 1) for it in Counts]
    assert told == ["1 request", "1 token", "$1.00"]
    assert amount(Counts.REQUESTS, 1000) == "1,000 requests"
