"""The token broker: a secret that works, or a reason; one renewal for all who wait."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.states import LoginError, rejected, unavailable
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.kept_login import (
    DUE_AT_ONCE_PAUSE_S,
    EARLIEST_S,
    FIRST_BACKOFF_S,
)
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.vault_entries import ApiKey, VaultEntry
from support.token_roads import HOUR_S, KEY, TokenRoad, login_account, tokens_at

LIFE_S = 8 * HOUR_S
DUE_S = LIFE_S - 300.0
DOWN = unavailable("HTTP 503", None)


def run_token(road: TokenRoad) -> str:
    return asyncio.run(road.token())


# --- keys


def test_a_key_comes_as_it_lies(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    road = TokenRoad(tmp_path)
    road.way = login_account("file:key", access="api-key")
    assert run_token(road) == "sk-file"
    assert road.broker.facts(road.way) == {}
    assert not road.broker.renewable(road.way)


def test_an_account_without_a_secret_gets_none(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    way = login_account("env:UNUSED", access="api-key")
    object.__setattr__(way, "config", way.config.model_copy(update={"secret": None}))
    assert asyncio.run(road.broker.secret(way)) is None
    assert not road.broker.changed(way, None)


def test_the_first_request_waits_for_a_vault_that_is_being_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    road = TokenRoad(tmp_path)
    load = road.vault.load

    def loaded(name: str) -> VaultEntry:
        order.append("load")
        return load(name)

    monkeypatch.setattr(SecretStore, "wait_for_vault", lambda _: order.append("wait"))
    monkeypatch.setattr(road.vault, "load", loaded)
    assert run_token(road) == "access-token-0"
    assert order == ["wait", "load"]


# --- when a login is renewed


@pytest.mark.parametrize(
    ("age_s", "asked"), [(0.0, 0), (DUE_S - 1, 0), (DUE_S, 1), (LIFE_S - 1, 1), (LIFE_S + 1, 1)]
)
def test_a_login_is_renewed_five_minutes_before_its_end(
    tmp_path: Path, age_s: float, asked: int
) -> None:
    road = TokenRoad(tmp_path, age_s=age_s)

    async def work() -> None:
        await road.token()
        await road.settled()
        assert await road.token() == f"access-token-{asked}"

    asyncio.run(work())
    assert len(road.provider.asked) == asked
    assert road.broker.facts(road.way) == {"account_id": "acc-1"}


@pytest.mark.parametrize(("age_s", "asked"), [(799.0, 0), (800.0, 1)])
def test_a_short_life_is_renewed_at_four_fifths(tmp_path: Path, age_s: float, asked: int) -> None:
    road = TokenRoad(tmp_path)
    road.vault.entries["claude"] = tokens_at(road.clock(), life_s=1000.0)
    road.clock.advance(age_s)

    async def work() -> None:
        await road.token()
        await road.settled()

    asyncio.run(work())
    assert len(road.provider.asked) == asked


def test_jitter_only_makes_it_earlier(tmp_path: Path) -> None:
    early = TokenRoad(tmp_path / "a", age_s=DUE_S - EARLIEST_S + 1, chance=1.0)
    late = TokenRoad(tmp_path / "b", age_s=DUE_S - EARLIEST_S - 1, chance=1.0)

    async def work(road: TokenRoad) -> int:
        await road.token()
        await road.settled()
        return len(road.provider.asked)

    assert asyncio.run(work(early)) == 1
    assert asyncio.run(work(late)) == 0


def test_a_request_does_not_wait_while_the_old_token_holds(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=DUE_S)
    road.provider.gate.clear()

    async def work() -> None:
        assert await road.token() == "access-token-0"
        await road.provider.called.wait()
        assert await road.token() == "access-token-0"
        road.provider.gate.set()
        await road.settled()
        assert await road.token() == "access-token-1"

    asyncio.run(work())


def test_all_who_wait_share_one_renewal(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)

    async def work() -> list[str]:
        return await asyncio.gather(*(road.token() for _ in range(50)))

    assert asyncio.run(work()) == ["access-token-1"] * 50
    assert road.provider.asked == ["refresh-token-0"]


def test_a_client_that_leaves_does_not_take_the_renewal_away(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.provider.gate.clear()

    async def work() -> str:
        leaving = asyncio.get_running_loop().create_task(road.token())
        staying = asyncio.get_running_loop().create_task(road.token())
        await road.provider.called.wait()
        leaving.cancel()
        await asyncio.wait([leaving])
        road.provider.gate.set()
        return await staying

    assert asyncio.run(work()) == "access-token-1"
    assert len(road.provider.asked) == 1


def test_two_brokers_on_one_vault_redeem_once(tmp_path: Path) -> None:
    """As two processes: whoever comes second reads anew inside the lock."""
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    other = road.another()

    async def work() -> set[str]:
        return set(await asyncio.gather(road.token(), road.token(other)))

    assert asyncio.run(work()) == {"access-token-1"}
    assert road.provider.asked == ["refresh-token-0"]


# --- a token that is refused


def test_a_refused_token_is_renewed_though_its_time_is_not_over(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)

    async def work() -> list[str]:
        await road.token()
        return await asyncio.gather(*(road.token(refused="access-token-0") for _ in range(5)))

    assert asyncio.run(work()) == ["access-token-1"] * 5
    assert len(road.provider.asked) == 1


def test_a_token_that_was_replaced_meanwhile_is_not_renewed_again(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)

    async def work() -> None:
        await road.token()
        await road.token(refused="access-token-0")
        assert await road.token(refused="access-token-0") == "access-token-1"

    asyncio.run(work())
    assert len(road.provider.asked) == 1


def test_a_refused_token_is_not_used_while_no_new_one_can_be_had(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    road.provider.refuses = [DOWN]

    async def work() -> KorProxyError:
        await road.token()
        with pytest.raises(KorProxyError) as failed:
            await road.token(refused="access-token-0")
        return failed.value

    error = asyncio.run(work())
    assert error.spec is catalogue.LOGIN_NOT_RENEWED
    assert not isinstance(error, LoginError), "the login is not lost"


# --- a provider that cannot be reached


def test_an_outage_never_loses_a_token(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    before = road.vault.entries["claude"]
    road.provider.refuses = [DOWN]

    async def work() -> None:
        with pytest.raises(KorProxyError) as failed:
            await road.token()
        assert failed.value.spec is catalogue.LOGIN_NOT_RENEWED
        assert failed.value.retry_after_s == FIRST_BACKOFF_S
        assert road.vault.entries["claude"] == before
        road.clock.advance(FIRST_BACKOFF_S)
        assert await road.token() == "access-token-1"

    asyncio.run(work())


def test_the_old_token_is_used_to_its_end_while_the_provider_is_down(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S - 5)
    road.provider.refuses = [DOWN]
    assert run_token(road) == "access-token-0"
    assert len(road.provider.asked) == 1


def test_a_failing_endpoint_is_asked_less_and_less(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.provider.refuses = [DOWN] * 100
    waits = []

    async def work() -> None:
        for _ in range(9):
            for _ in range(3):  # within the wait nobody asks
                with pytest.raises(KorProxyError) as failed:
                    await road.token()
            wait_s = failed.value.retry_after_s
            assert wait_s is not None
            waits.append(wait_s)
            road.clock.advance(wait_s)

    asyncio.run(work())
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert len(road.provider.asked) == len(waits)


# --- tokens that come already due


def test_tokens_that_come_already_due_are_used_and_not_asked_for_at_every_request(
    tmp_path: Path,
) -> None:
    """A provider that gives no life at all: each renewal uses up a refresh token, so not one per request."""
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.provider.life_s = 0.0

    async def work() -> None:
        for _ in range(5):
            assert await road.token() == "access-token-1"
        await road.broker.tend(road.way)
        await road.settled()
        assert len(road.provider.asked) == 1
        # One that the provider refuses is replaced all the same.
        assert await road.token(refused="access-token-1") == "access-token-2"
        road.clock.advance(DUE_AT_ONCE_PAUSE_S)
        assert await road.token() == "access-token-3"

    asyncio.run(work())
    assert len(road.provider.asked) == 3


# --- a login that is over


def test_a_lost_login_is_said_once_and_not_asked_for_again(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.provider.refuses = [rejected("HTTP 400: invalid_grant")]

    async def work() -> None:
        for _ in range(3):
            with pytest.raises(LoginError) as failed:
                await road.token()
            assert failed.value.ends_login
        other = road.another()
        with pytest.raises(LoginError):  # nor by another process
            await road.token(other)
        assert not road.broker.renewable(road.way)
        assert not road.broker.changed(road.way, None)
        assert not other.changed(road.way, None)
        assert not road.another().changed(road.way, None)

    asyncio.run(work())
    assert len(road.provider.asked) == 1


def test_a_lost_login_that_is_made_anew_works_again(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.provider.refuses = [rejected("HTTP 400: invalid_grant")]

    async def work() -> None:
        with pytest.raises(LoginError):
            await road.token()
        road.vault.entries["claude"] = tokens_at(road.clock(), 7)
        assert road.broker.changed(road.way, None)
        assert await road.token() == "access-token-7"

    asyncio.run(work())


def test_an_unknown_login_that_was_made_anew_is_worth_a_try(tmp_path: Path) -> None:
    """As after a restart: this process has never read it."""
    road = TokenRoad(tmp_path)
    assert road.broker.changed(road.way, None)
    assert not road.broker.changed(road.way, SecretStr("access-token-0"))


def test_a_login_whose_place_holds_a_key_now_is_forgotten(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)

    async def work() -> None:
        await road.token()
        road.vault.entries["claude"] = KEY
        road.broker.changed(road.way, SecretStr("access-token-0"))
        assert not road.broker.renewable(road.way)

    asyncio.run(work())


# --- what cannot be stored


def test_tokens_that_cannot_be_stored_are_used_and_stored_later(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    road.vault.broken = [OSError(28, "No space left on device")]

    async def work() -> None:
        assert await road.token() == "access-token-1"
        assert road.vault.saves == []
        road.broker.forget()  # a new config does not lose it
        assert await road.token() == "access-token-1"
        await road.broker.tend(road.way)
        assert [it.access_token.get_secret_value() for it in road.vault.saves] == ["access-token-1"]
        road.broker.forget()
        assert await road.token() == "access-token-1"

    asyncio.run(work())
    assert road.provider.asked == ["refresh-token-0"]


# --- beside the requests


def test_tending_renews_what_is_due_and_tells_the_end_of_the_whole_login(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, age_s=DUE_S)
    entry = road.vault.entries["claude"]
    object.__setattr__(entry, "refresh_expires_at", 123.0)

    async def work() -> None:
        assert await road.broker.tend(road.way) == 123.0
        assert await road.broker.tend(road.way) == 123.0, "a renewal does not move it"

    asyncio.run(work())
    assert len(road.provider.asked) == 1


def test_tending_leaves_keys_and_foreign_logins_alone(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, KEY)
    assert asyncio.run(road.broker.tend(road.way)) is None
    assert asyncio.run(road.broker.tend(login_account("env:NAME"))) is None
    assert asyncio.run(road.broker.tend(login_account("cli:claude"))) is None


def test_a_key_in_the_vault_is_no_login(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path, KEY)
    assert asyncio.run(road.broker._first(road.way.config.secret)) is None  # type: ignore[arg-type]


def test_closing_waits_for_a_renewal_under_way(tmp_path: Path) -> None:
    """One that is cut off after it was sent costs the login."""
    road = TokenRoad(tmp_path, age_s=DUE_S)
    road.provider.gate.clear()

    async def work() -> None:
        await road.token()
        await road.provider.called.wait()
        closing = asyncio.get_running_loop().create_task(road.broker.close())
        await asyncio.sleep(0)
        assert not closing.done()
        road.provider.gate.set()
        await closing
        assert len(road.vault.saves) == 1

    asyncio.run(work())


# --- a login that needs a second question (iFlow)


def test_a_login_without_its_key_asks_for_it_before_the_first_request(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    road.way = login_account(provider="iflow", access="login")
    road.provider.finish_key = SecretStr("sk-of-the-profile")
    assert run_token(road) == "sk-of-the-profile"
    assert road.provider.asked == [], "the tokens themselves were fresh"
    assert [it.api_key for it in road.vault.saves] == [road.provider.finish_key]


def test_without_the_key_there_is_nothing_to_send(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    road.way = login_account(provider="iflow", access="login")
    road.provider.finish_fails = [DOWN]
    with pytest.raises(KorProxyError) as failed:
        run_token(road)
    assert failed.value.spec is catalogue.LOGIN_NOT_RENEWED


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(None, "renewed"), (DOWN, "failed"), (rejected("HTTP 400: invalid_grant"), "lost")],
)
def test_whoever_counts_is_told_how_a_renewal_went(
    tmp_path: Path, refusal: LoginError | None, told: str
) -> None:
    road = TokenRoad(tmp_path, age_s=LIFE_S + 1)
    results: list[str] = []
    road.broker.on_renewal = results.append
    if refusal is None:
        run_token(road)
    else:
        road.provider.refuses = [refusal]
        with pytest.raises(KorProxyError):
            run_token(road)
    assert results == [told]


# --- what lies in the vault may change


def test_a_key_in_the_vault_is_read_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    """No request looks at the disk; the owner's new key is found by the task that looks after all."""
    road = TokenRoad(tmp_path, KEY)
    loads: list[str] = []
    load = road.vault.load

    def counted(name: str) -> VaultEntry:
        loads.append(name)
        return load(name)

    object.__setattr__(road.vault, "load", counted)

    async def work() -> None:
        first = await road.token()
        for _ in range(5):
            assert await road.token() == first
        assert len(loads) == 1
        road.vault.entries["claude"] = ApiKey(SecretStr("sk-the-next-key"))
        assert await road.token(refused=first) == "sk-the-next-key"
        road.vault.entries["claude"] = ApiKey(SecretStr("sk-the-last-key"))
        assert await road.token() == "sk-the-next-key"
        await road.broker.tend(road.way)
        assert await road.token() == "sk-the-last-key"
        assert not road.broker.changed(road.way, SecretStr("sk-the-last-key"))
        assert road.broker.changed(road.way, SecretStr("sk-the-next-key"))
        assert not road.broker.changed(road.way, None)

    asyncio.run(work())


def test_a_login_made_anew_is_taken_over_unasked(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)

    async def work() -> None:
        await road.token()
        road.vault.entries["claude"] = tokens_at(road.clock(), 9)
        await road.broker.tend(road.way)
        assert await road.token() == "access-token-9"
        road.vault.entries["claude"] = KEY
        assert await road.broker.tend(road.way) is None
        assert await road.token() == KEY.secret.get_secret_value()

    asyncio.run(work())
