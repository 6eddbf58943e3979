"""
The token broker: whoever needs an account's secret asks here, and gets one that works or a reason.

Keys come as they lie. Logins are kept alive: renewed before they end, once for all who wait, by one process at a time. What
belongs to an official CLI is only ever read.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from korproxy_addons.auth.flows import needs_finish
from korproxy_addons.auth.states import LoginError
from korproxy_addons.auth.tokens import TokenSet, is_expired
from korproxy_addons.config.secret_ref import Place, SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.kept_login import KeptLogin, early_s
from korproxy_addons.io.login_lock import LoginLock, mark_of
from korproxy_addons.io.private_file import Signature
from korproxy_addons.io.renewal import Fault, Provider, Renewal, TokenVault, no_fault
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.vault_entries import VaultEntry
from korproxy_addons.providers.resolve import ResolvedAccount

log = logging.getLogger("korproxy.broker")

type ProviderOf = Callable[[ResolvedAccount], Provider]

# With less than this left a request might not get through before the end, so it waits for the new token.
LAST_MOMENT_S = 10.0
CLOSE_BUDGET_S = 10.0


@dataclass(frozen=True, slots=True)
class Clockwork:
    """
    Time and chance, handed in.

    Attributes:
        clock: Unix seconds.
        sleep: Waits for so many seconds.
        chance: A number from 0 to 1.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


class Broker:
    """
    Gives out accounts' secrets.

    Args:
        secret_store: Reads keys, and what official CLIs have left.
        vault: Gives the vault; raises KorProxyError where it cannot be opened.
        provider: The token endpoint of an account.
        clockwork: Time and chance.
        fault: Told every step of a renewal; for tests.
    """

    def __init__(
        self,
        secret_store: SecretStore,
        vault: Callable[[], TokenVault],
        provider: ProviderOf,
        clockwork: Clockwork | None = None,
        fault: Fault = no_fault,
    ) -> None:
        self._secret_store = secret_store
        self._vault = vault
        self._provider = provider
        self._works = clockwork or Clockwork()
        self._fault = fault
        self._logins: dict[SecretRef, KeptLogin] = {}
        self._keys: dict[SecretRef, SecretStr] = {}
        self._keys_stamp: Signature | None = None
        # Told how each renewal went: renewed, failed or lost.
        self.on_renewal: Callable[[str], None] = lambda _result: None

    async def secret(
        self, way: ResolvedAccount, *, refused: SecretStr | None = None
    ) -> SecretStr | None:
        """
        What the account's requests carry now; None if it needs nothing.

        Waits only where a login has (almost) ended; a renewal that is merely due runs beside.

        Args:
            way: The account.
            refused: A secret that the provider has just refused: a login's is not given out again.
        Raises:
            KorProxyError: SECRET_UNAVAILABLE and what else the vault may say; LOGIN_NOT_RENEWED where no new token could be had.
            LoginError: `ends_login`: only its owner can help.
        """
        ref = way.config.secret
        if ref is None:
            return None
        if ref.place is Place.CLI:
            return await self._of_cli(ref, refused)
        if ref.place is not Place.VAULT:
            return self._secret_store.load(ref)
        login = self._logins.get(ref)
        if login is None:
            # A key that is known is not read again; that its file is still the same costs one `stat`.
            stamp = self._secret_store.vault_stamp()
            if stamp != self._keys_stamp:
                self._keys.clear()
                self._keys_stamp = stamp
            if ref not in self._keys or self._keys[ref] == refused:
                login = await self._first(ref)
            if login is None:
                return self._keys[ref]
        return (await self._tokens(way, ref, login, refused)).credential

    def facts(self, way: ResolvedAccount) -> Mapping[str, str]:
        """What is known of the account's login once `secret` has given its token; nothing of keys."""
        login = self._login_of(way)
        return {} if login is None else login.tokens.facts

    def renewable(self, way: ResolvedAccount) -> bool:
        """Whether a refused token of this account can be replaced without its owner, as far as is known."""
        login = self._login_of(way)
        return login is not None and login.lost is None and login.tokens.refresh_token is not None

    def changed(self, way: ResolvedAccount, refused: SecretStr | None) -> bool:
        """
        Whether the account's secret, read anew, is worth a try that the one before was not.

        Reads a file, so it is for the moment after a refusal only.

        Args:
            way: The account.
            refused: What its provider refused; None: that is not known, or nothing was.
        """
        ref = way.config.secret
        if ref is None:
            return False
        try:
            login = self._logins.get(ref)
            if login is not None:
                self._reread(ref, login)
                return login.lost is None and login.tokens.credential != refused
            if ref.place is Place.VAULT:
                entry = self._vault().load(ref.name)
                if isinstance(entry, TokenSet):
                    return entry.credential != refused and not self._known_lost(ref, entry)
                self._keys[ref] = entry.secret
                return refused is not None and entry.secret != refused
            self._secret_store.forget(ref)
            if ref.place is Place.CLI:
                # It loads only while it holds: one that had run out has been renewed by its tool.
                return self._secret_store.load(ref) != refused
            return refused is not None and self._secret_store.load(ref) != refused
        except KorProxyError:
            return False

    def forget(self) -> None:
        """The config has changed: read everything anew; a renewal under way goes on."""
        self._keys.clear()
        # Tokens that could not be stored live here only.
        self._logins = {
            ref: it
            for ref, it in self._logins.items()
            if it.flight is not None or it.unsaved is not None
        }

    async def tend(self, way: ResolvedAccount) -> float | None:
        """
        Renew the account's login if it is due, unless a try has just failed; for the task that looks after all of them.

        Returns:
            End of the whole login in Unix seconds, which no renewal moves; None if it has none.
        Raises:
            KorProxyError: As `secret`.
        """
        ref = way.config.secret
        if ref is None or ref.place is not Place.VAULT:
            return None
        login = self._logins.get(ref)
        if login is None:
            login = await self._first(ref)
        else:
            # Somebody may have signed in anew, or put a key there: requests do not look.
            self._took(ref, login, await asyncio.to_thread(lambda: self._vault().load(ref.name)))
        if login is None or ref not in self._logins:
            return None
        if login.unsaved is not None:
            await self._store_unsaved(ref, login)
        now = self._works.clock()
        idle = login.lost is None and now >= login.not_before
        if idle and login.flight is None and login.is_due(now):
            await self._joined(way, ref, login, refused=False)
        return login.tokens.refresh_expires_at

    async def close(self) -> None:
        """Let renewals under way end: one that is cut off after it was sent costs the login."""
        flights = [it.flight for it in self._logins.values() if it.flight is not None]
        if flights:
            await asyncio.wait(flights, timeout=CLOSE_BUDGET_S)

    async def _of_cli(self, ref: SecretRef, refused: SecretStr | None) -> SecretStr:
        # Reading a keychain may take a while, so not in the event loop.
        secret = await asyncio.to_thread(self._secret_store.load, ref)
        if refused is not None and secret == refused:
            self._secret_store.forget(ref)
            secret = await asyncio.to_thread(self._secret_store.load, ref)
            if secret == refused:
                raise KorProxyError(catalogue.CLI_LOGIN_EXPIRED, f"{ref}: its token is refused")
        return secret

    async def _first(self, ref: SecretRef) -> KeptLogin | None:
        """The login at a place in the vault, read for the first time; None if a key lies there."""
        entry = await asyncio.to_thread(self._entry, ref.name)
        if not isinstance(entry, TokenSet):
            self._keys[ref] = entry.secret
            return None
        login = self._logins.get(ref)
        if login is None:
            login = self._logins[ref] = KeptLogin(entry, early_s(entry, self._works.chance()))
        return login

    def _entry(self, name: str) -> VaultEntry:
        # The first requests after a start: a moment later the vault is open.
        self._secret_store.wait_for_vault()
        return self._vault().load(name)

    async def _tokens(
        self, way: ResolvedAccount, ref: SecretRef, login: KeptLogin, refused: SecretStr | None
    ) -> TokenSet:
        tokens, now = login.tokens, self._works.clock()
        if refused is not None and tokens.credential == refused:
            return await self._joined(way, ref, login, refused=True)
        unfinished = way.login is not None and needs_finish(way.login, tokens)
        if not unfinished and (login.is_as_good_as_can_be(now) or not login.is_due(now)):
            return tokens
        ends_now = tokens.expires_at is not None and now >= tokens.expires_at - LAST_MOMENT_S
        if unfinished or ends_now:
            return await self._awaited(way, ref, login)
        if login.lost is None and now >= login.not_before:
            _ = self._start(way, ref, login, refused=False)
        return tokens

    async def _awaited(self, way: ResolvedAccount, ref: SecretRef, login: KeptLogin) -> TokenSet:
        """Tokens that are new; the old ones as long as they hold, if there can be none."""
        try:
            return await self._joined(way, ref, login, refused=False)
        except KorProxyError:
            unfinished = way.login is not None and needs_finish(way.login, login.tokens)
            if unfinished or is_expired(login.tokens, self._works.clock()):
                raise
            return login.tokens

    async def _joined(
        self, way: ResolvedAccount, ref: SecretRef, login: KeptLogin, *, refused: bool
    ) -> TokenSet:
        """The outcome of the renewal that is under way, or of a new one."""
        before = login.tokens
        if login.lost is not None:
            raise login.lost
        if login.flight is None and login.trouble and self._works.clock() < login.not_before:
            raise self._no_new_token(login, login.trouble)
        try:
            tokens = await asyncio.shield(self._start(way, ref, login, refused=refused))
            if refused and tokens == before:
                # That one was on its way for another reason, and found nothing to do.
                tokens = await asyncio.shield(self._start(way, ref, login, refused=True))
        except KorProxyError as error:
            if login.lost is not None:
                raise
            raise self._no_new_token(login, error) from error
        return tokens

    def _start(
        self, way: ResolvedAccount, ref: SecretRef, login: KeptLogin, *, refused: bool
    ) -> asyncio.Task[TokenSet]:
        """The one renewal of this login; a client that leaves does not take it away from the others."""
        if login.flight is None:
            work = self._renew(way, ref, login, refused=refused)
            login.flight = asyncio.get_running_loop().create_task(work)
            login.flight.add_done_callback(lambda task: _landed(login, task))
        return login.flight

    async def _renew(
        self, way: ResolvedAccount, ref: SecretRef, login: KeptLogin, *, refused: bool
    ) -> TokenSet:
        before = login.tokens
        try:
            renewal = self._renewal(ref)
            renewed = await renewal.run(
                self._provider(way), before, refused=refused, early_s=login.early_s
            )
        except KorProxyError as error:
            self._failed(way, login, error)
            raise
        login.take(renewed.tokens, self._works.chance())
        login.unsaved = None if renewed.stored else before
        login.renewed(self._works.clock())
        if renewed.redeemed:
            fields = {"account": way.id, "expires_at": renewed.tokens.expires_at}
            log.info("sign-in renewed", extra={"fields": fields})
            self.on_renewal("renewed")
        return renewed.tokens

    def _failed(self, way: ResolvedAccount, login: KeptLogin, error: KorProxyError) -> None:
        fields = {"account": way.id, "code": error.spec.code, "detail": error.detail}
        if isinstance(error, LoginError) and error.ends_login:
            login.lost = error
            log.error("sign-in lost", extra={"fields": fields})
            self.on_renewal("lost")
            return
        wait_s = login.failed(error, self._works.clock())
        log.warning("sign-in not renewed", extra={"fields": {**fields, "wait_s": wait_s}})
        self.on_renewal("failed")

    def _no_new_token(self, login: KeptLogin, error: KorProxyError) -> KorProxyError:
        wait_s = max(1.0, login.not_before - self._works.clock())
        detail = f"{error.spec.title}: {error.detail}" if error.detail else error.spec.title
        return KorProxyError(catalogue.LOGIN_NOT_RENEWED, detail, retry_after_s=wait_s)

    async def _store_unsaved(self, ref: SecretRef, login: KeptLogin) -> None:
        assert login.unsaved is not None
        if await self._renewal(ref).store(login.tokens, instead_of=login.unsaved):
            login.unsaved = None

    def _known_lost(self, ref: SecretRef, tokens: TokenSet) -> bool:
        """Whether some process was told that nothing can be had for these tokens any more."""
        note = LoginLock(self._secret_store.home, ref.name).note()
        return note is not None and bool(note.lost) and note.tokens == mark_of(tokens)

    def _renewal(self, ref: SecretRef) -> Renewal:
        lock = LoginLock(self._secret_store.home, ref.name, self._works.sleep)
        return Renewal(ref.name, self._vault(), lock, self._works.clock, self._fault)

    def _reread(self, ref: SecretRef, login: KeptLogin) -> None:
        """Take over what somebody who signed in anew has stored."""
        self._took(ref, login, self._vault().load(ref.name))

    def _took(self, ref: SecretRef, login: KeptLogin, entry: VaultEntry) -> None:
        if login.unsaved is not None or login.flight is not None:
            return
        if not isinstance(entry, TokenSet):
            self._keys[ref] = entry.secret
            self._logins.pop(ref, None)
        elif entry != login.tokens:
            login.take(entry, self._works.chance())

    def _login_of(self, way: ResolvedAccount) -> KeptLogin | None:
        return self._logins.get(way.config.secret) if way.config.secret is not None else None


def _landed(login: KeptLogin, task: asyncio.Task[TokenSet]) -> None:
    login.flight = None
    if not task.cancelled():
        # Whoever waits for it is told; where nobody does, `_failed` has said it.
        task.exception()
