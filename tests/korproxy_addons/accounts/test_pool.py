import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from korproxy_addons.accounts.health import (
    ERRORING_AFTER,
    ERRORING_S,
    LONGEST_BACKOFF_S,
    LONGEST_REST_S,
    REMEMBERED_S,
    TRIAL_S,
    Health,
    State,
)
from korproxy_addons.accounts.pool import MOST_ENTRIES, Key, Pool, covers
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
    now = NOW
    for number in range(ERRORING_AFTER):
        assert pool.usable("a", OPUS, now)
        pool.failed("a", OPUS, BROKEN, now, breakdown=True)
        last = number == ERRORING_AFTER - 1
        expected = State.ERRORING if last else State.RATE_LIMITED
        assert pool.worst("a", OPUS, now).state is expected
        now += 0.0 if last else 10.0
    assert not pool.usable("a", OPUS, now + ERRORING_S - 0.1)
    assert pool.usable("a", OPUS, now + ERRORING_S)
    # What one model breaks down over says nothing of another.
    assert pool.usable("a", FABLE, now)


def test_a_blip_that_hits_many_requests_counts_once() -> None:
    """All of them were under way when the account failed first."""
    pool = Pool()
    for number in range(32):
        pool.failed("a", OPUS, BROKEN, NOW + number / 100, breakdown=True, started_at=NOW - 1)
    assert pool.worst("a", OPUS, NOW + 1).state is State.RATE_LIMITED
    assert pool.usable("a", OPUS, NOW + 3)


def test_a_lost_connection_is_the_whole_accounts() -> None:
    pool = Pool()
    lost = Failure(spec=catalogue.CONNECTION_LOST, scope=Scope.ACCOUNT)
    pool.failed("a", OPUS, lost, NOW, breakdown=True)
    assert not pool.usable("a", FABLE, NOW)


# --- after a rest


def rested(**changes: Any) -> Pool:
    pool = Pool()
    pool.failed("a", OPUS, limited(retry_after_s=60.0, **changes), NOW)
    return pool


def test_one_request_finds_out_whether_a_rest_is_over() -> None:
    pool = rested()
    later = NOW + 60
    assert pool.usable("a", OPUS, later)
    pool.began("a", OPUS, later)
    assert not pool.usable("a", OPUS, later)
    assert pool.on_trial("a", OPUS, later)
    assert pool.worth_a_try("a", OPUS, later)
    pool.succeeded("a", OPUS, later)
    pool.ended("a", OPUS, later)
    assert pool.usable("a", OPUS, later)
    assert not pool.on_trial("b", OPUS, later) or pool.usable("b", OPUS, later)


def test_a_request_that_finds_out_nothing_leaves_the_trial_to_the_next() -> None:
    """Its client left, or it was at fault itself."""
    pool = rested()
    later = NOW + 60
    for _ in range(2):
        pool.began("a", OPUS, later)
        assert not pool.usable("a", OPUS, later)
        pool.ended("a", OPUS, later)
    pool.began("a", OPUS, later)
    pool.failed("a", OPUS, Failure(spec=catalogue.REQUEST_REJECTED), later)
    pool.ended("a", OPUS, later)
    assert pool.usable("a", OPUS, later)


def test_a_trial_is_ended_by_nobody_but_who_has_it() -> None:
    """Long answers that began before the rest end at any time; each would let one more of the crowd in."""
    pool = Pool()
    pool.began("a", OPUS, NOW - 5)
    pool.failed("a", OPUS, limited(retry_after_s=60.0), NOW)
    pool.began("a", OPUS, NOW + 60)
    pool.ended("a", OPUS, NOW - 5)
    assert not pool.usable("a", OPUS, NOW + 60)
    pool.ended("a", OPUS, NOW + 60)
    assert pool.usable("a", OPUS, NOW + 60)


def test_a_trial_that_never_ends_does_not_keep_the_others_waiting_for_ever() -> None:
    pool = rested()
    pool.began("a", OPUS, NOW + 60)
    assert not pool.usable("a", OPUS, NOW + 60 + TRIAL_S - 0.1)
    assert pool.usable("a", OPUS, NOW + 60 + TRIAL_S)


def test_while_it_rests_nobody_has_a_trial() -> None:
    pool = rested(source=Source.HEADER)
    pool.began("a", OPUS, NOW + 59)
    assert pool.usable("a", OPUS, NOW + 60)
    assert not pool.on_trial("a", OPUS, NOW + 59)


def test_an_account_that_has_met_a_limit_lately_is_not_steady() -> None:
    pool = rested()
    assert not pool.steady("a", OPUS, NOW)
    pool.succeeded("a", OPUS, NOW + 61)
    assert not pool.steady("a", OPUS, NOW + 61)
    assert pool.steady("a", OPUS, NOW + REMEMBERED_S)
    pool.failed("b", OPUS, BROKEN, NOW, breakdown=True)
    assert pool.steady("b", OPUS, NOW)


# --- people


def test_what_waits_for_its_owner_may_be_tried_once_he_was_there() -> None:
    pool = Pool()
    refused = limited(verdict=Verdict.NEEDS_LOGIN)
    for account in "ab":
        pool.failed(account, OPUS, refused, NOW)
    pool.second_chance(NOW + 5, "a")
    assert pool.usable("a", OPUS, NOW + 5)
    assert not pool.usable("b", OPUS, NOW + 5)
    pool.began("a", OPUS, NOW + 5)
    pool.failed("a", OPUS, refused, NOW + 6)
    assert not pool.usable("a", OPUS, NOW + 10**9)
    pool.second_chance(NOW + 7)
    assert pool.usable("b", OPUS, NOW + 7)


def test_what_is_told_of_changes_is_enough_to_begin_where_it_ended() -> None:
    kept: dict[Key, Health] = {}
    pool = Pool(keeping(kept))
    pool.failed("a", OPUS, limited(retry_after_s=60.0), NOW)
    pool.failed("b", OPUS, limited(verdict=Verdict.NEEDS_LOGIN), NOW)
    pool.failed("c", OPUS, BROKEN, NOW, breakdown=True)
    pool.succeeded("c", OPUS, NOW + 1)
    assert kept == pool.snapshot()
    assert set(kept) == {("a", "*"), ("b", "*")}
    later = Pool()
    later.restore(kept, NOW + 10)
    assert not later.usable("a", OPUS, NOW + 59)
    assert later.usable("a", OPUS, NOW + 60)
    # Its owner may have been there while nobody looked: it is tried once.
    assert later.usable("b", OPUS, NOW + 10)
    assert later.snapshot()["b", "*"].state is State.NEEDS_LOGIN
    pool.reset("a")
    pool.keep(["a"])
    assert kept == {}


def keeping(kept: dict[Key, Health]) -> Callable[[str, str, Health | None], None]:
    def changed(account_id: str, pattern: str, health: Health | None) -> None:
        if health is None:
            kept.pop((account_id, pattern), None)
        else:
            kept[account_id, pattern] = health

    return changed


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


@given(
    st.lists(
        st.tuples(
            st.sampled_from([OPUS, FABLE, LONG]),
            st.builds(
                Failure,
                spec=st.sampled_from([catalogue.RATE_LIMITED, catalogue.UPSTREAM_ERROR]),
                scope=st.just(Scope.MODEL),
                verdict=st.sampled_from([Verdict.NONE, Verdict.COOL, Verdict.DISABLED]),
                retry_after_s=st.none() | st.floats(0, 10_000),
                model_glob=st.sampled_from(["", "claude-fable-*", "claude-*"]),
            ),
        ),
        max_size=20,
    )
)
def test_a_failure_of_a_model_never_cools_the_account(steps: list[tuple[str, Failure]]) -> None:
    pool = Pool()
    for model, failure in steps:
        pool.failed("a", model, failure, NOW, breakdown=True)
    assert pool.usable("a", "gpt-5.5", NOW)
    assert ("a", "*") not in pool.snapshot()


# --- whatever happens


@dataclasses.dataclass(frozen=True)
class Sent:
    """A request under way, and the rests that it is to find the end of: for which models, and since when."""

    model: str
    at: float
    trials: frozenset[tuple[str, float]]


class PoolMachine(RuleBasedStateMachine):
    """
    Requests come, are answered, fail, are given up; time passes; the gateway is killed and starts again.

    What a provider has told is kept, nobody starves, a rest that is over lets in one request and not the crowd.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[Key, Health] = {}
        self.pool = Pool(keeping(self.kept))
        self.now = NOW
        self.promised = 0.0
        self.under_way: list[Sent] = []

    @rule(model=st.sampled_from([OPUS, FABLE]))
    def come(self, model: str) -> None:
        if not self.pool.usable("a", model, self.now):
            return
        trials = frozenset(
            (pattern, health.failed_at)
            for (_, pattern), health in self.pool.snapshot().items()
            if covers(pattern, model) and health.rested(self.now)
        )
        for other in self.under_way:
            if trials & other.trials:
                assert self.now - other.at >= TRIAL_S, "the crowd is back"
        self.pool.began("a", model, self.now)
        self.under_way.append(Sent(model, self.now, trials))

    def _next(self, data: st.DataObject) -> Sent:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        sent = self._next(data)
        self.pool.succeeded("a", sent.model, sent.at)
        self.pool.ended("a", sent.model, sent.at)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        sent = self._next(data)
        self.pool.ended("a", sent.model, sent.at)

    @precondition(lambda self: self.under_way)
    @rule(
        data=st.data(),
        scope=st.sampled_from(Scope),
        verdict=st.sampled_from([Verdict.NONE, Verdict.COOL]),
        told_s=st.none() | st.floats(1, 20_000),
    )
    def fail(
        self, data: st.DataObject, scope: Scope, verdict: Verdict, told_s: float | None
    ) -> None:
        sent = self._next(data)
        failure = Failure(
            spec=catalogue.RATE_LIMITED if verdict is Verdict.COOL else catalogue.UPSTREAM_ERROR,
            scope=scope,
            verdict=verdict,
            retry_after_s=told_s,
            source=None if told_s is None else Source.HEADER,
        )
        self.pool.failed("a", sent.model, failure, self.now, breakdown=True, started_at=sent.at)
        self.pool.ended("a", sent.model, sent.at)
        if verdict is Verdict.COOL and scope is not Scope.MODEL and told_s is not None:
            self.promised = max(self.promised, self.now + told_s)

    @rule(seconds=st.sampled_from([0.5, 3.0, 59.0, 400.0, 2_000.0, 20_000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def kill_and_start_again(self) -> None:
        kept = dict(self.kept)
        usable = {it: self.pool.usable("a", it, self.now) for it in (OPUS, FABLE)}
        trials = any(it.trials for it in self.under_way)
        self.pool = Pool(keeping(self.kept))
        self.pool.restore(kept, self.now)
        self.under_way = []
        if not trials:
            assert {it: self.pool.usable("a", it, self.now) for it in (OPUS, FABLE)} == usable

    @invariant()
    def a_limit_that_was_told_is_kept(self) -> None:
        # A reply to what was sent before the limit was told lifts nothing, so nothing but time does.
        if self.now < self.promised:
            assert not self.pool.usable("a", OPUS, self.now)
            assert not self.pool.usable("a", "any", self.now)

    @invariant()
    def nobody_starves(self) -> None:
        later = self.now + 20_000 + ERRORING_S + LONGEST_BACKOFF_S + TRIAL_S
        assert later < self.now + LONGEST_REST_S
        for model in (OPUS, FABLE, "any"):
            assert self.pool.usable("a", model, later)

    @invariant()
    def other_accounts_are_other_accounts(self) -> None:
        assert self.pool.usable("b", OPUS, self.now)

    @invariant()
    def the_words_agree(self) -> None:
        for model in (OPUS, FABLE):
            usable = self.pool.usable("a", model, self.now)
            assert usable == self.pool.worst("a", model, self.now).usable(self.now)
            assert self.pool.worth_a_try("a", model, self.now) or not usable
            assert self.pool.on_trial("a", model, self.now) or not usable
        assert self.kept == {
            key: dataclasses.replace(health, trial_until=0.0)
            for key, health in self.pool.snapshot().items()
        }


PoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPoolMachine = PoolMachine.TestCase


@given(st.lists(st.booleans(), min_size=200, max_size=200), st.booleans())
def test_an_account_does_not_flap(outcomes: list[bool], breaks_down: bool) -> None:
    """One that is asked as often as it may be, and fails as it likes, is sent away more and more seldom."""
    pool, now, ends_at, fell = Pool(), NOW, NOW + 3600, 0
    failure = BROKEN if breaks_down else LIMITED
    for works in outcomes:
        now += 0.1
        if not pool.usable("a", OPUS, now):
            until = pool.worst("a", OPUS, now).until
            assert until is not None
            now = until
        if now > ends_at:
            break
        pool.began("a", OPUS, now)
        if works:
            pool.succeeded("a", OPUS, now)
        else:
            pool.failed("a", OPUS, failure, now, breakdown=breaks_down)
            fell += 1
    # Eight doublings, then once in five minutes.
    assert fell <= 8 + 3600 / LONGEST_BACKOFF_S + 1
