"""Lock, re-read, still stale?, redeem, store, use: each step, and what happens when it is the last one."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from korproxy_addons.auth.states import LoginError, network_error, rejected, unavailable
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.login_lock import LoginLock, Note, mark_of
from korproxy_addons.io.renewal import Renewal, Renewed
from support.clock import FakeClock
from support.token_roads import HOUR_S, KEY, FakeProvider, FakeVault, TokenRoad, tokens_at

DEAD = rejected("HTTP 400: invalid_grant")


class Bench:
    """A login that is due, and one renewal of it."""

    def __init__(self, home: Path, *, due: bool = True) -> None:
        self.clock = FakeClock()
        self.old = tokens_at(self.clock())
        self.vault = FakeVault(claude=self.old)
        if due:
            self.clock.advance(9 * HOUR_S)
        self.provider = FakeProvider(self.clock)
        self.lock = LoginLock(home, "claude")
        self.steps: list[str] = []

    def run(self, *, refused: bool = False, early_s: float = 0.0) -> Renewed:
        renewal = Renewal("claude", self.vault, self.lock, self.clock, self.steps.append)
        return asyncio.run(renewal.run(self.provider, self.old, refused=refused, early_s=early_s))

    def fails(self, *refusals: KorProxyError) -> LoginError:
        self.provider.refuses = list(refusals)
        with pytest.raises(LoginError) as failed:
            self.run()
        return failed.value

    def stored(self) -> TokenSet:
        entry = self.vault.entries["claude"]
        assert isinstance(entry, TokenSet)
        return entry


def test_the_new_tokens_are_stored_before_they_are_given_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    renewed = bench.run()
    assert renewed == Renewed(bench.stored(), redeemed=True)
    assert bench.steps == ["locked", "before-redeem", "redeemed", "stored"]
    assert bench.lock.note() is None


def test_what_another_process_has_renewed_is_taken_as_it_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    new = tokens_at(bench.clock(), 5)
    bench.vault.entries["claude"] = new
    assert bench.run() == Renewed(new)
    assert bench.provider.asked == []


def test_what_another_process_has_renewed_long_ago_is_renewed_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.vault.entries["claude"] = tokens_at(bench.clock() - 9 * HOUR_S, 5)
    bench.provider.valid = 5
    assert bench.run().redeemed
    assert bench.provider.asked == ["refresh-token-5"]


def test_tokens_that_are_not_due_are_left_alone_unless_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, due=False)
    assert bench.run() == Renewed(bench.old)
    assert bench.run(early_s=8 * HOUR_S).redeemed
    bench = Bench(tmp_path, due=False)
    assert bench.run(refused=True).redeemed


def test_a_refused_token_that_is_gone_already_is_not_renewed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.vault.entries["claude"] = tokens_at(bench.clock() - 9 * HOUR_S, 5)
    assert bench.run(refused=True) == Renewed(bench.stored())
    assert bench.provider.asked == []


def test_a_login_that_cannot_be_renewed_has_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.vault.entries["claude"] = bench.old = TokenSet(
        access_token=bench.old.access_token, expires_at=1.0
    )
    assert bench.fails().ends_login
    assert bench.provider.asked == []


def test_a_place_that_holds_a_key_now_is_no_login(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.vault.entries["claude"] = KEY
    assert bench.fails().ends_login


# --- the provider says no


def test_invalid_grant_reads_once_more_before_it_means_logged_out(tmp_path: Path) -> None:
    """Somebody without our lock was quicker, as an older version of ours on the same folder."""
    bench = Bench(tmp_path)
    new = tokens_at(bench.clock(), 5)

    class Quicker(FakeProvider):
        async def redeem(self, tokens: TokenSet) -> TokenSet:
            bench.vault.entries["claude"] = new
            return await super().redeem(tokens)

    bench.provider = Quicker(bench.clock, first=5)
    assert bench.run() == Renewed(new)
    assert bench.lock.note() is None


def test_a_quicker_one_whose_tokens_are_due_too_is_renewed_by_those(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    newer = tokens_at(bench.clock() - 9 * HOUR_S, 5)

    class Quicker(FakeProvider):
        async def redeem(self, tokens: TokenSet) -> TokenSet:
            if not self.asked:
                bench.vault.entries["claude"] = newer
            return await super().redeem(tokens)

    bench.provider = Quicker(bench.clock, first=5)
    assert bench.run().redeemed
    assert bench.provider.asked == ["refresh-token-0", "refresh-token-5"]


def test_a_login_that_is_over_keeps_its_tokens_and_is_not_asked_for_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first = bench.fails(DEAD)
    again = bench.fails(DEAD)
    assert first.ends_login
    assert again.ends_login
    assert "invalid_grant" in first.detail
    assert "interrupted" not in first.detail
    assert again.detail == first.detail
    assert len(bench.provider.asked) == 1
    assert bench.stored() == bench.old


def test_new_tokens_after_a_lost_login_are_renewed_as_any(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.fails(DEAD)
    bench.vault.entries["claude"] = bench.old = tokens_at(bench.clock() - 8.5 * HOUR_S, 3)
    bench.provider.valid = 3
    assert bench.run().redeemed


# --- a renewal that was cut off


def test_a_renewal_that_was_cut_off_is_the_reason_when_the_old_token_is_refused(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "locks").mkdir()
    bench.lock.write(Note(mark_of(bench.old), bench.clock() - 60))
    error = bench.fails(DEAD)
    assert error.ends_login
    assert "interrupted" in error.detail
    assert "invalid_grant" in error.detail


def test_a_renewal_that_was_cut_off_before_the_provider_heard_of_it_costs_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "locks").mkdir()
    bench.lock.write(Note(mark_of(bench.old), bench.clock() - 60))
    assert bench.run().redeemed
    assert bench.lock.note() is None


def test_the_note_of_other_tokens_says_nothing_of_these(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "locks").mkdir()
    bench.lock.write(Note("others", 0.0, "lost"))
    assert bench.run().redeemed


@pytest.mark.parametrize(
    ("spec", "remembered"),
    [
        (catalogue.CONNECT_REFUSED, False),
        (catalogue.DNS_FAILED, False),
        (catalogue.CONNECTION_LOST, True),
        (catalogue.FIRST_BYTE_TIMEOUT, True),
    ],
)
def test_only_a_reply_that_may_be_lost_is_remembered(
    tmp_path: Path, spec: catalogue.ErrorSpec, *, remembered: bool
) -> None:
    bench = Bench(tmp_path)
    error = bench.fails(network_error(KorProxyError(spec, "x")))
    assert not error.ends_login
    assert (bench.lock.note() is not None) is remembered
    assert bench.stored() == bench.old


def test_an_answer_that_is_no_yes_leaves_no_note(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.fails(unavailable("HTTP 503"))
    assert bench.lock.note() is None


def test_an_outage_after_a_cut_off_renewal_does_not_make_it_forgotten(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "locks").mkdir()
    bench.lock.write(Note(mark_of(bench.old), bench.clock() - 60))
    bench.fails(unavailable("HTTP 503"))
    assert "interrupted" in bench.fails(DEAD).detail


def test_a_provider_that_could_not_be_asked_at_all_leaves_no_note(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.provider.refuses = [KorProxyError(catalogue.CLIENT_SECRET_MISSING)]
    with pytest.raises(KorProxyError) as failed:
        bench.run()
    assert failed.value.spec is catalogue.CLIENT_SECRET_MISSING
    assert bench.lock.note() is None


# --- storing


@pytest.mark.parametrize(
    "trouble", [OSError(28, "full"), KorProxyError(catalogue.SECRET_UNAVAILABLE)]
)
def test_what_cannot_be_stored_is_given_out_with_a_mark(tmp_path: Path, trouble: Exception) -> None:
    bench = Bench(tmp_path)
    bench.vault.broken = [trouble]
    renewed = bench.run()
    assert (renewed.redeemed, renewed.stored) == (True, False)
    assert bench.lock.note() is not None, "should this process die now, the next one knows why"
    renewal = Renewal("claude", bench.vault, bench.lock, bench.clock)
    bench.vault.broken = [trouble]
    assert not asyncio.run(renewal.store(renewed.tokens, instead_of=bench.old))
    assert asyncio.run(renewal.store(renewed.tokens, instead_of=bench.old))
    assert bench.stored() == renewed.tokens
    assert bench.lock.note() is None


def test_what_comes_too_late_does_not_replace_newer_tokens(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    newer = tokens_at(bench.clock(), 9)
    bench.vault.entries["claude"] = newer
    renewal = Renewal("claude", bench.vault, bench.lock, bench.clock)
    assert asyncio.run(renewal.store(tokens_at(bench.clock(), 1), instead_of=bench.old))
    assert bench.stored() == newer


# --- the lock


def test_a_lock_that_is_never_free_is_an_outage_not_a_logout(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    bench.lock = LoginLock(tmp_path, "claude", sleep)

    async def work() -> None:
        async with LoginLock(tmp_path, "claude").held():
            renewal = Renewal("claude", bench.vault, bench.lock, bench.clock)
            with pytest.raises(LoginError) as failed:
                await renewal.run(bench.provider, bench.old)
            assert not failed.value.ends_login

    asyncio.run(work())
    assert waited
    assert bench.provider.asked == []


def test_a_folder_that_cannot_be_written_is_an_outage_not_a_logout(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "locks").write_text("a file in its place")
    assert not bench.fails().ends_login
    assert bench.provider.asked == [], "without the lock nothing is redeemed"


# --- whatever happens in whatever order


class LoginMachine(RuleBasedStateMachine):
    """Two processes on one vault, a provider that takes each refresh token once, outages, deaths and new sign-ins."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.road = TokenRoad(Path(self.folder.name))
        self.brokers = [self.road.broker, self.road.another()]
        self.logins = 0
        self.may_be_lost = False

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(seconds=st.sampled_from([1.0, 60.0, 3600.0, 8 * HOUR_S]))
    def time_passes(self, seconds: float) -> None:
        self.road.clock.advance(seconds)

    @rule(number=st.integers(0, 1))
    def a_request(self, number: int) -> None:
        self._ask(number, refused=False)

    @rule(number=st.integers(0, 1))
    def a_request_whose_token_was_refused(self, number: int) -> None:
        self._ask(number, refused=True)

    @rule(times=st.integers(1, 3))
    def an_outage(self, times: int) -> None:
        self.road.provider.refuses += [unavailable("HTTP 503")] * times

    @rule(number=st.integers(0, 1))
    def a_process_is_started_anew(self, number: int) -> None:
        self.brokers[number] = self.road.another()

    @rule(number=st.integers(0, 1))
    def a_disk_that_is_full_then_a_death(self, number: int) -> None:
        """The one way to lose a login: the reply came, and was never stored."""
        self.road.vault.broken.append(OSError(28, "full"))
        before = len(self.road.provider.asked)
        self._ask(number, refused=True)
        if len(self.road.provider.asked) > before and not self.road.vault.broken:
            self.may_be_lost = True
        self.road.vault.broken.clear()
        self.brokers[number] = self.road.another()

    @rule()
    def a_new_sign_in(self) -> None:
        self.logins += 1
        self.road.provider.valid = 1000 * self.logins
        new = tokens_at(self.road.clock() + self.logins / 1000, self.road.provider.valid)
        self.road.vault.entries["claude"] = new
        self.may_be_lost = False
        self.road.provider.asked.clear()
        self.road.provider.unanswered.clear()
        for broker in self.brokers:
            broker.forget()

    @invariant()
    def no_refresh_token_is_redeemed_twice_unless_it_is_lost_anyway(self) -> None:
        asked = self.road.provider.asked
        twice = len(asked) - len(set(asked)) - len(self._outages())
        assert self.may_be_lost or twice <= 0

    @invariant()
    def what_is_stored_can_be_renewed_unless_it_is_lost(self) -> None:
        entry = self.road.vault.entries["claude"]
        assert isinstance(entry, TokenSet)
        assert entry.refresh_token is not None
        stored = entry.refresh_token.get_secret_value()
        unsaved = any(
            it.unsaved is not None for broker in self.brokers for it in broker._logins.values()
        )
        current = stored == f"refresh-token-{self.road.provider.valid}"
        assert current or self.may_be_lost or unsaved

    def _outages(self) -> list[str]:
        """Refresh tokens that were sent and answered by an outage, which may be sent again."""
        return self.road.provider.unanswered

    def _ask(self, number: int, *, refused: bool) -> None:
        async def work() -> KorProxyError | None:
            broker = self.brokers[number]
            try:
                token = await self.road.token(broker)
                if refused:
                    token = await self.road.token(broker, token)
            except KorProxyError as error:
                return error
            finally:
                await broker.close()
            assert token.startswith("access-token-")
            return None

        error = asyncio.run(work())
        if isinstance(error, LoginError) and error.ends_login:
            assert self.may_be_lost, error
        elif error is not None:
            assert error.spec is catalogue.LOGIN_NOT_RENEWED


LoginMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLoginMachine = LoginMachine.TestCase
