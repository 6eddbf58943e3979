"""Logins without a provider and without a disk: a vault in memory, a token endpoint that does as it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.auth.states import LoginError, rejected
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.broker import Broker, Clockwork
from korproxy_addons.io.renewal import Fault, no_fault
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.vault_entries import ApiKey, VaultEntry
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_account
from support.clock import FakeClock
from support.flows import config_with

HOUR_S = 3600.0


def tokens_at(now: float, number: int = 0, *, life_s: float = 8 * HOUR_S) -> TokenSet:
    """The n-th tokens of a login, had at `now`."""
    return TokenSet(
        access_token=SecretStr(f"access-token-{number}"),
        refresh_token=SecretStr(f"refresh-token-{number}"),
        obtained_at=now,
        expires_at=now + life_s,
        facts={"account_id": "acc-1"},
    )


def login_account(
    secret: str = "vault:claude", *, provider: str = "claude", access: str = "subscription"
) -> ResolvedAccount:
    """An account whose secret is a login's."""
    account = {
        "id": "mine",
        "provider": provider,
        "access": access,
        "secret": secret,
        "consent": True,
    }
    config = config_with(accounts=[account])
    return resolve_account(config, config.accounts[0])


class FakeVault:
    """
    Entries in memory.

    Attributes:
        entries: By name.
        saves: What was saved, in its order.
        broken: Raised by the next saves, one each.
    """

    def __init__(self, **entries: VaultEntry) -> None:
        self.entries: dict[str, VaultEntry] = dict(entries)
        self.saves: list[TokenSet] = []
        self.broken: list[Exception] = []

    def load(self, name: str) -> VaultEntry:
        if name not in self.entries:
            raise KorProxyError(catalogue.SECRET_UNAVAILABLE, f"the vault holds no entry {name}")
        return self.entries[name]

    def save(self, name: str, entry: VaultEntry) -> None:
        if self.broken:
            raise self.broken.pop(0)
        self.entries[name] = entry
        if isinstance(entry, TokenSet):
            self.saves.append(entry)


class FakeProvider:
    """
    A token endpoint with refresh tokens that are used up by their use.

    Attributes:
        asked: The refresh tokens it was given.
        gate: Is waited for before each answer.
        refuses: Raised in place of the next answers, one each.
        unanswered: The refresh tokens that were refused so, and are as good as before.
        finish_key: Key that the second question brings; None: there is none.
    """

    def __init__(self, clock: FakeClock, first: int = 0) -> None:
        self.clock = clock
        self.valid = first
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()
        self.refuses: list[KorProxyError] = []
        self.unanswered: list[str] = []
        self.finish_key: SecretStr | None = None
        self.finish_fails: list[LoginError] = []
        self.life_s = 8 * HOUR_S

    async def redeem(self, tokens: TokenSet) -> TokenSet:
        assert tokens.refresh_token is not None
        self.asked.append(tokens.refresh_token.get_secret_value())
        self.called.set()
        await self.gate.wait()
        if self.refuses:
            self.unanswered.append(self.asked[-1])
            raise self.refuses.pop(0)
        if self.asked[-1] != f"refresh-token-{self.valid}":
            raise rejected("HTTP 400: invalid_grant")
        self.valid += 1
        new = tokens_at(self.clock(), self.valid, life_s=self.life_s)
        return replace(new, refresh_expires_at=tokens.refresh_expires_at)

    async def finish(self, tokens: TokenSet) -> TokenSet:
        if self.finish_fails:
            raise self.finish_fails.pop(0)
        if self.finish_key is None:
            return tokens
        return replace(tokens, api_key=self.finish_key)


class TokenRoad:
    """
    A broker with everything around it.

    Attributes:
        vault, provider, clock, broker: What it is made of.
        slept: The waits that were asked for.
    """

    def __init__(
        self,
        home: Path,
        entry: VaultEntry | None = None,
        *,
        age_s: float = 0.0,
        chance: float = 0.0,
        fault: Fault = no_fault,
    ) -> None:
        self.clock = FakeClock()
        self.vault = FakeVault(claude=entry or tokens_at(self.clock()))
        self.clock.advance(age_s)
        self.provider = FakeProvider(self.clock)
        self.slept: list[float] = []
        self.way = login_account()
        self.home = home
        self.chance = chance
        self.broker = self.another(fault)

    def another(self, fault: Fault = no_fault) -> Broker:
        """A further broker on the same vault, as of another process."""
        store = SecretStore(self.home, lambda _: None)
        return Broker(
            store,
            lambda: self.vault,
            lambda _: self.provider,
            Clockwork(self.clock, self._sleep, lambda: self.chance),
            fault,
        )

    async def token(self, broker: Broker | None = None, refused: str | None = None) -> str:
        """What the broker gives out now."""
        given = None if refused is None else SecretStr(refused)
        secret = await (broker or self.broker).secret(self.way, refused=given)
        assert secret is not None
        return secret.get_secret_value()

    async def settled(self) -> None:
        """Until what goes on beside the requests is over."""
        await self.broker.close()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def raised(work: Callable[[], object]) -> KorProxyError:
    """The error that some work ends with."""
    try:
        work()
    except KorProxyError as error:
        return error
    raise AssertionError("nothing was raised")


KEY = ApiKey(SecretStr("sk-ant-api03-of-the-vault"))
