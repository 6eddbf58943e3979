import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from korproxy_addons.accounts.pool import (
    ERRORING_AFTER,
    ERRORING_S,
    LONGEST_BACKOFF_S,
    MOST_ENTRIES,
    Pool,
    State,
    cool_until,
    covers,
)
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict

NOW = 1_800_000_000.0
OPUS = "claude-opus-5"
FABLE = "claude-fable-5"
LONG = "claude-opus-5[1m]"
LIMITED = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
BROKEN = Failure(spec=catalogue.UPSTREAM_ERROR)


def limited(**changes: Any) -> Failure:
    return dataclasses.replace(LIMITED, **changes)


def test_an_account_nobody_complained_of_is_available() -> None:
    assert Pool().usable("a", OPUS, NOW)
    assert Pool().worst("a", OPUS, NOW).state is State.AVAILABLE
    assert Pool().worth_a_try("a", OPUS, NOW)


def test_a_limit_holds_as_long_as_the_provider_says() -> None:
    for failure in (
        limited(retry_after_s=60.0),
        limited(reset_at=NOW + 60),
        limited(reset_at=NOW + 60, retry_after_s=5.0),
    ):
        pool = Pool()
        pool.failed("a", OPUS, failure, NOW)
        assert not pool.usable("a", OPUS, NOW + 59.9)
        assert pool.worst("a", OPUS, NOW).state is State.RATE_LIMITED
        assert pool.worst("a", OPUS, NOW).code == "KP-RATE-401"
        assert pool.usable("a", OPUS, NOW + 60)
        assert pool.usable("b", OPUS, NOW)


def test_an_instant_that_has_passed_is_no_instant() -> None:
    assert cool_until(limited(reset_at=NOW - 1, retry_after_s=7.0), 1, NOW) == NOW + 7
    assert cool_until(limited(reset_at=NOW - 1), 1, NOW) == NOW + 2


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(1, 2.0), (2, 4.0), (3, 8.0), (8, 256.0), (9, 300.0), (5000, 300.0)]
)
def test_without_a_word_of_the_provider_the_wait_doubles(failures: int, wait_s: float) -> None:
    assert cool_until(LIMITED, failures, NOW) == NOW + wait_s


def test_a_limit_of_one_model_leaves_the_others_alone() -> None:
    pool = Pool()
    pool.failed("a", OPUS, limited(scope=Scope.MODEL, retry_after_s=60.0), NOW)
    assert not pool.usable("a", OPUS, NOW)
    assert pool.usable("a", FABLE, NOW)


def test_a_limit_of_a_family_holds_for_the_family() -> None:
    pool = Pool()
    failure = limited(scope=Scope.MODEL, model_glob="claude-fable-*", retry_after_s=60.0)
    pool.failed("a", FABLE, failure, NOW)
    assert not pool.usable("a", "claude-fable-6", NOW)
    assert pool.usable("a", OPUS, NOW)


def test_an_id_with_brackets_is_itself_and_nothing_else() -> None:
    """Claude Code asks for `…[1m]`, which is a set of letters to a shell."""
    pool = Pool()
    pool.failed("a", LONG, limited(scope=Scope.MODEL, retry_after_s=60.0), NOW)
    assert not pool.usable("a", LONG, NOW)
    assert pool.usable("a", "claude-opus-51", NOW)
    assert not covers("a*[1m]", "abc1")


def test_a_reply_ends_what_was_held_against_its_model() -> None:
    pool = Pool()
    pool.failed("a", OPUS, limited(retry_after_s=60.0), NOW)
    pool.failed("a", OPUS, limited(scope=Scope.MODEL, retry_after_s=60.0), NOW)
    pool.failed(
        "a", FABLE, limited(scope=Scope.MODEL, model_glob="claude-fable-*", retry_after_s=60.0), NOW
    )
    pool.succeeded("a", OPUS)
    assert pool.usable("a", OPUS, NOW)
    assert not pool.usable("a", FABLE, NOW)
    pool.succeeded("a", "claude-fable-6")
    assert pool.snapshot() == {}


def test_a_reply_that_was_under_way_ends_nothing() -> None:
    """A stream that began before the window was spent says nothing about it."""
    pool = Pool()
    pool.failed("a", OPUS, limited(retry_after_s=18_000.0), NOW)
    pool.succeeded("a", OPUS, started_at=NOW - 30)
    assert not pool.usable("a", OPUS, NOW + 1)
    pool.succeeded("a", OPUS, started_at=NOW + 1)
    assert pool.usable("a", OPUS, NOW + 1)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(Verdict.NEEDS_LOGIN, State.NEEDS_LOGIN), (Verdict.DISABLED, State.DISABLED)],
)
def test_what_only_a_person_can_mend_does_not_mend_itself(verdict: Verdict, state: State) -> None:
    pool = Pool()
    pool.failed("a", OPUS, limited(verdict=verdict), NOW)
    for failure, breakdown in ((limited(retry_after_s=1.0), False), (BROKEN, True)):
        pool.failed("a", OPUS, failure, NOW + 1, breakdown=breakdown)
        assert pool.worst("a", OPUS, NOW + 10**9).state is state
        assert not pool.worth_a_try("a", OPUS, NOW + 10**9)
    pool.reset("a")
    assert pool.usable("a", OPUS, NOW)


def test_a_breakdown_lifts_no_limit() -> None:
    """Of two requests under way one may break just after the other was told to wait."""
    pool = Pool()
    pool.failed("a", OPUS, limited(reset_at=NOW + 18_000), NOW)
    pool.failed("a", OPUS, BROKEN, NOW + 1, breakdown=True)
    pool.failed("a", OPUS, limited(retry_after_s=3.0), NOW + 1)
    assert not pool.usable("a", OPUS, NOW + 17_999)


def test_three_breakdowns_in_a_row_take_an_account_out() -> None:
    pool = Pool()
    for number in range(ERRORING_AFTER):
        assert pool.usable("a", OPUS, NOW + number)
        pool.failed("a", OPUS, BROKEN, NOW + number, breakdown=True)
    assert pool.worst("a", OPUS, NOW + 2).state is State.ERRORING
    assert pool.usable("a", OPUS, NOW + 2 + ERRORING_S)


def test_a_reply_in_between_begins_the_count_anew() -> None:
    pool = Pool()
    for _ in range(3 * ERRORING_AFTER):
        pool.failed("a", OPUS, BROKEN, NOW, breakdown=True)
        pool.failed("a", OPUS, BROKEN, NOW, breakdown=True)
        pool.succeeded("a", OPUS)
    assert pool.usable("a", OPUS, NOW)


def test_a_request_that_was_at_fault_is_held_against_nobody() -> None:
    pool = Pool()
    for _ in range(10):
        pool.failed("a", OPUS, Failure(spec=catalogue.REQUEST_REJECTED), NOW)
    assert pool.snapshot() == {}


def test_a_guess_of_ours_may_be_tried_and_a_word_of_the_provider_may_not() -> None:
    pool = Pool()
    pool.failed("guess", OPUS, LIMITED, NOW)
    pool.failed("said", OPUS, limited(retry_after_s=60.0, source=Source.HEADER), NOW)
    for account, worth in (("guess", True), ("said", False)):
        assert not pool.usable(account, OPUS, NOW)
        assert pool.worth_a_try(account, OPUS, NOW) is worth


def test_accounts_that_left_the_config_are_forgotten() -> None:
    pool = Pool()
    pool.failed("a", OPUS, LIMITED, NOW)
    pool.failed("b", OPUS, LIMITED, NOW)
    pool.keep(["b", "c"])
    assert set(pool.snapshot()) == {("b", "*")}


def test_what_clients_make_up_does_not_fill_the_memory() -> None:
    pool = Pool()
    for number in range(10 * MOST_ENTRIES):
        failure = limited(scope=Scope.MODEL, retry_after_s=0.5)
        pool.failed("a", f"model-{number}", failure, NOW + number)
    assert len(pool.snapshot()) <= MOST_ENTRIES + 1


failures = st.builds(
    Failure,
    spec=st.sampled_from([catalogue.RATE_LIMITED, catalogue.UPSTREAM_ERROR]),
    scope=st.sampled_from(Scope),
    verdict=st.sampled_from([Verdict.NONE, Verdict.COOL]),
    retry_after_s=st.none() | st.floats(0, 10_000),
    model_glob=st.sampled_from(["", "claude-fable-*", "claude-*"]),
)
models = st.sampled_from([OPUS, FABLE, LONG, "*"])


class PoolMachine(RuleBasedStateMachine):
    """Whatever befalls an account: nobody starves for ever, and what was said holds."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool()
        self.now = NOW
        self.promised = 0.0

    @rule(model=models, failure=failures, breakdown=st.booleans())
    def fail(self, model: str, failure: Failure, breakdown: bool) -> None:
        self.pool.failed("a", model, failure, self.now, breakdown=breakdown)
        if failure.verdict is Verdict.COOL and failure.scope is Scope.ACCOUNT:
            self.promised = max(self.promised, self.now + (failure.retry_after_s or 0.0))

    @rule(model=models)
    def succeed(self, model: str) -> None:
        self.pool.succeeded("a", model, self.now)
        self.promised = 0.0

    @rule(seconds=st.floats(0, 5_000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def a_limit_that_was_told_is_kept(self) -> None:
        if self.now < self.promised:
            assert not self.pool.usable("a", OPUS, self.now)

    @invariant()
    def everybody_gets_another_chance(self) -> None:
        later = self.now + 10_000 + ERRORING_S + LONGEST_BACKOFF_S
        for model in (OPUS, FABLE, LONG, "any"):
            assert self.pool.usable("a", model, later)

    @invariant()
    def other_accounts_are_other_accounts(self) -> None:
        assert self.pool.usable("b", OPUS, self.now)

    @invariant()
    def usable_is_what_the_worst_says(self) -> None:
        for model in (OPUS, FABLE):
            usable = self.pool.usable("a", model, self.now)
            assert usable == self.pool.worst("a", model, self.now).usable(self.now)
            assert self.pool.worth_a_try("a", model, self.now) or not usable


PoolMachine.TestCase.settings = settings(max_examples=40, deadline=None)
TestPoolMachine = PoolMachine.TestCase


@given(st.lists(st.tuples(models, failures), max_size=20))
def test_a_failure_of_a_model_never_cools_the_account(steps: list[tuple[str, Failure]]) -> None:
    pool = Pool()
    for model, failure in steps:
        scoped = dataclasses.replace(failure, scope=Scope.MODEL)
        if model != "*":
            pool.failed("a", model, scoped, NOW, breakdown=True)
    assert pool.usable("a", "gpt-5.5", NOW)
    assert ("a", "*") not in pool.snapshot()
