import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.failover import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    MOST_ATTEMPTS,
    MOST_ON_ONE_ACCOUNT,
    Next,
    Step,
    next_step,
)
from korproxy_addons.errors import catalogue
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
    others: bool = True,
) -> Step:
    return next_step(
        failure(retry, retry_after_s), attempts=attempts, on_this_account=here, others=others
    )


def test_what_the_provider_found_fault_with_is_not_tried_elsewhere() -> None:
    assert after(Retry.NO) == Step(Next.GIVE_UP)


def test_another_account_is_next_if_there_is_one() -> None:
    assert after(Retry.NEXT_ACCOUNT) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.NEXT_ACCOUNT, others=False) == Step(Next.GIVE_UP)


def test_a_refused_token_is_read_anew_once() -> None:
    assert after(Retry.REFRESH) == Step(Next.SAME_ACCOUNT)
    assert after(Retry.REFRESH, here=2, attempts=2) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.REFRESH, here=2, attempts=2, others=False) == Step(Next.GIVE_UP)


@pytest.mark.parametrize(("said_s", "wait_s"), [(None, FIRST_WAIT_S), (0.0, 0.0), (2.0, 2.0)])
def test_a_short_wait_is_waited_for(said_s: float | None, wait_s: float) -> None:
    assert after(Retry.SAME_ACCOUNT, said_s) == Step(Next.SAME_ACCOUNT, wait_s)


def test_a_long_wait_is_left_to_the_client_or_to_another_account() -> None:
    assert after(Retry.SAME_ACCOUNT, 2.1) == Step(Next.NEXT_ACCOUNT)
    assert after(Retry.SAME_ACCOUNT, 2.1, others=False) == Step(Next.GIVE_UP)


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
