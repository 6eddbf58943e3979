"""
The renewal of one login: lock, re-read, still stale?, redeem, store, use.

In this order, because refresh tokens are used up by their use: whoever redeems one outside the lock, or uses what it was
given before that is stored, sooner or later logs its owner out. Between the provider's reply and the write lies the one gap
that nobody can close; it is one write wide, and the note beside the lock tells the next process that it was hit.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from korproxy_addons.auth.states import LoginError, expired, rejected, unavailable
from korproxy_addons.auth.tokens import TokenSet, is_due
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.login_lock import LoginLock, LoginLockTimeoutError, Note, mark_of
from korproxy_addons.io.vault_entries import VaultEntry

log = logging.getLogger("korproxy.broker")


class Provider(Protocol):
    """The provider's token endpoint, for one login."""

    async def redeem(self, tokens: TokenSet) -> TokenSet:
        """
        Tokens in place of these, whose refresh token may be used up by it.

        Raises:
            LoginError: It said no, or nothing.
            KorProxyError: It could not even be asked.
        """

    async def finish(self, tokens: TokenSet) -> TokenSet:
        """
        The tokens with what only a second question tells; once they are stored.

        Raises:
            LoginError: Without the answer they are of no use.
        """


type Fault = Callable[[str], None]
"""Called with the name of each step; tests end the process there."""

# Their request has not left this machine, so the refresh token is as good as before.
_NEVER_SENT = frozenset({"KP-NET-301", "KP-NET-302", "KP-NET-303"})


class TokenVault(Protocol):
    """What a renewal needs of the vault."""

    def load(self, name: str) -> VaultEntry: ...
    def save(self, name: str, entry: VaultEntry) -> None: ...


def no_fault(step: str) -> None:
    """Nothing happens at any step."""
    del step


@dataclass(frozen=True, slots=True)
class Renewed:
    """
    What a renewal came to.

    Attributes:
        tokens: To be used from now on.
        redeemed: The provider was asked for them by us.
        stored: They are in the vault.
    """

    tokens: TokenSet
    redeemed: bool = False
    stored: bool = True


class Renewal:
    """
    Renews the login of one vault entry.

    Args:
        name: Of the entry.
        vault: Where it lies.
        lock: Of this login.
        clock: Unix seconds.
        fault: Told every step.
    """

    def __init__(
        self,
        name: str,
        vault: TokenVault,
        lock: LoginLock,
        clock: Callable[[], float],
        fault: Fault = no_fault,
    ) -> None:
        self._name = name
        self._vault = vault
        self._lock = lock
        self._clock = clock
        self._fault = fault

    async def run(
        self, provider: Provider, known: TokenSet, *, refused: bool = False, early_s: float = 0.0
    ) -> Renewed:
        """
        Tokens that are not due.

        Args:
            provider: Is asked.
            known: The tokens in use, which are due or refused.
            refused: The provider refused them, so anything else is better.
            early_s: How much before their time tokens count as due.
        Raises:
            LoginError: `ends_login` says whether the tokens are lost; if not, they stay as they are.
            KorProxyError: The vault cannot be read, or the provider could not be asked.
        """
        try:
            async with self._lock.held():
                self._fault("locked")
                found = await self._load()
                stale = found == known if refused else is_due(found, self._clock(), early_s)
                if not stale:
                    return Renewed(await self._finished(provider, found))
                return await self._redeem(provider, found)
        except LoginLockTimeoutError:
            raise unavailable("another process is renewing the sign-in, and does not end") from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise unavailable(f"the sign-in's lock: {reason}") from error

    async def store(self, tokens: TokenSet, instead_of: TokenSet) -> bool:
        """
        Store tokens that could not be stored when they came.

        Returns:
            Whether they are in the vault, or have no more place there because something newer has.
        """
        async with self._lock.held():
            if await self._load() == instead_of and not await self._save(tokens):
                return False
            self._lock.clear()
            return True

    async def _redeem(self, provider: Provider, tokens: TokenSet) -> Renewed:
        if tokens.refresh_token is None:
            raise expired("the sign-in cannot be renewed by itself")
        before = self._lock.note()
        interrupted = before is not None and before.tokens == mark_of(tokens)
        if before is not None and interrupted and before.lost:
            # Whoever asked first was told; asking again and again helps nobody.
            raise rejected(before.lost)
        self._lock.write(Note(mark_of(tokens), self._clock()))
        self._fault("before-redeem")
        try:
            new = await provider.redeem(tokens)
        except LoginError as error:
            if error.ends_login:
                return await self._lost(provider, tokens, error, interrupted=interrupted)
            if not interrupted and _never_sent(error):
                self._lock.clear()
            raise
        except KorProxyError:
            if not interrupted:
                self._lock.clear()
            raise
        self._fault("redeemed")
        if not await self._save(new):
            return Renewed(new, redeemed=True, stored=False)
        self._fault("stored")
        self._lock.clear()
        return Renewed(await self._finished(provider, new), redeemed=True)

    async def _finished(self, provider: Provider, tokens: TokenSet) -> TokenSet:
        finished = await provider.finish(tokens)
        if finished != tokens:
            await self._save(finished)
        return finished

    async def _lost(
        self, provider: Provider, tokens: TokenSet, error: LoginError, *, interrupted: bool
    ) -> Renewed:
        """The provider knows the refresh token no more: somebody else may have been quicker."""
        found = await self._load()
        if found != tokens:
            if not is_due(found, self._clock()):
                self._lock.clear()
                return Renewed(found)
            return await self._redeem(provider, found)
        reason = error.detail
        if interrupted:
            reason = (
                "a renewal was interrupted after the provider may have replaced the sign-in's tokens"
                f", and the old ones are refused now: {reason}"
            )
        self._lock.write(Note(mark_of(tokens), self._clock(), reason))
        raise LoginError(error.state, error.spec, reason)

    async def _load(self) -> TokenSet:
        entry = await asyncio.to_thread(self._vault.load, self._name)
        if not isinstance(entry, TokenSet):
            raise rejected("its place in the vault holds a key now")
        return entry

    async def _save(self, tokens: TokenSet) -> bool:
        try:
            await asyncio.to_thread(self._vault.save, self._name, tokens)
        except (KorProxyError, OSError) as error:
            # The old refresh token is used up: in memory the new one is of more use than nowhere.
            code = error.spec.code if isinstance(error, KorProxyError) else type(error).__name__
            fields = {"login": self._name, "code": code}
            log.critical("renewed sign-in not stored", extra={"fields": fields})
            return False
        return True


def _never_sent(error: LoginError) -> bool:
    # A reply with an error status says that nothing was replaced; only a reply that got lost leaves that open.
    return error.spec.code in _NEVER_SENT or not error.spec.code.startswith("KP-NET")
