from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.failover import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    MOST_ATTEMPTS,
    MOST_ON_ONE_ACCOUNT,
    MOST_TIME_S,
    Next,
    Step,
    next_step,
    usefulness,
)
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec
from korproxy_addons.errors.kinds import Retry
from korproxy_addons.providers.failure import Failure


def failure(retry: Retry, retry_after_s: float | None = None) -> Failure:
    return Failure(spec=catalogue.UPSTREAM_ERROR, retry=retry, retry_after_s=retry_after_s)


def after(
    retry: Retry,
    retry_after_s: float | None = None,
    *,
    attempts: int = 1,
    here: int = 1,
    others: int = 1,
) -> Step:
    return next_step(
        failure(retry, retry_after_s), attempts=attempts, on_this_account=here, others=others
    )


def test_what_the_provider_found_fault_with_is_not_tried_elsewhere() -> None:
    assert after(Retry.NO) == Step(Next.GIVE_UP)


def test_another_account_is_next_if_there_is_one() -> None:
    assert after(Retry.NEXT_ACCOUNT) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.NEXT_ACCOUNT, others=0) == Step(Next.GIVE_UP)


def test_a_refused_token_is_read_anew_once() -> None:
    assert after(Retry.REFRESH) == Step(Next.SAME_ACCOUNT)
    assert after(Retry.REFRESH, here=2, attempts=2) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.REFRESH, here=2, attempts=2, others=0) == Step(Next.GIVE_UP)


@pytest.mark.parametrize(("said_s", "wait_s"), [(None, FIRST_WAIT_S), (0.0, 0.0), (0.5, 0.5)])
def test_a_short_wait_is_waited_for(said_s: float | None, wait_s: float) -> None:
    assert after(Retry.SAME_ACCOUNT, said_s) == Step(Next.SAME_ACCOUNT, wait_s)


def test_a_longer_wait_is_waited_for_where_there_is_nobody_else() -> None:
    assert after(Retry.SAME_ACCOUNT, 2.0, others=0) == Step(Next.SAME_ACCOUNT, 2.0)
    assert after(Retry.SAME_ACCOUNT, 2.0) == Step(Next.NEXT_ACCOUNT)


def test_a_long_wait_is_left_to_the_client_or_to_another_account() -> None:
    assert after(Retry.SAME_ACCOUNT, 2.1) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.SAME_ACCOUNT, 2.1, others=0) == Step(Next.GIVE_UP)


def test_those_who_failed_together_do_not_come_back_together() -> None:
    waits = {
        next_step(
            failure(Retry.SAME_ACCOUNT),
            attempts=1,
            on_this_account=1,
            others=0,
            chance=chance,
        ).wait_s
        for chance in (0.0, 0.5, 0.999)
    }
    assert len(waits) == 3
    assert all(FIRST_WAIT_S <= it <= FIRST_WAIT_S * 1.5 for it in waits)


def test_a_second_try_costs_no_other_account_its_only_one() -> None:
    """However many fail, everybody within the bound is asked."""
    assert after(Retry.SAME_ACCOUNT, attempts=1, others=MOST_ATTEMPTS - 2) == Step(
        Next.SAME_ACCOUNT, FIRST_WAIT_S
    )
    assert after(Retry.SAME_ACCOUNT, attempts=1, others=MOST_ATTEMPTS - 1) == Step(
        Next.NEXT_ACCOUNT
    )


def test_after_a_while_nothing_more_is_begun() -> None:
    def late(elapsed_s: float) -> Next:
        return next_step(
            failure(Retry.NEXT_ACCOUNT),
            attempts=1,
            on_this_account=1,
            others=3,
            elapsed_s=elapsed_s,
        ).action

    assert late(MOST_TIME_S - 1) is Next.NEXT_ACCOUNT
    assert late(MOST_TIME_S) is Next.GIVE_UP


def test_the_most_useful_of_several_failures() -> None:
    def of(spec: ErrorSpec, wait_s: float | None = None) -> Failure:
        return Failure(spec=spec, retry_after_s=wait_s)

    said = of(catalogue.REQUEST_REJECTED)
    soon = of(catalogue.RATE_LIMITED, 5.0)
    late = of(catalogue.QUOTA_EXHAUSTED, 9000.0)
    undated = of(catalogue.RATE_LIMITED)
    broken = of(catalogue.UPSTREAM_ERROR)
    login = of(catalogue.ACCOUNT_REJECTED)
    for better, worse in pairwise([said, soon, late, undated, broken, login]):
        assert usefulness(better) < usefulness(worse)


def test_every_kind_of_error_has_its_place() -> None:
    for spec in catalogue.CATALOGUE.values():
        usefulness(Failure(spec=spec))


@given(
    st.sampled_from(Retry),
    st.none() | st.floats(0, 100),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_it_comes_to_an_end(retry: Retry, retry_after_s: float | None, others: list[bool]) -> None:
    """Whatever upstreams say: few attempts, few on one account, short waits."""
    attempts = here = 1
    most_here = 1
    for other in others:
        step = after(retry, retry_after_s, attempts=attempts, here=here, others=other)
        assert step.wait_s <= LONGEST_WAIT_S
        if step.action is Next.GIVE_UP:
            break
        attempts += 1
        here = here + 1 if step.action is Next.SAME_ACCOUNT else 1
        most_here = max(most_here, here)
        assert step.action is Next.SAME_ACCOUNT or other
    else:
        pytest.fail("it went on for ever")
    assert attempts <= MOST_ATTEMPTS
    assert most_here <= MOST_ON_ONE_ACCOUNT
