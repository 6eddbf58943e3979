"""A provider's token endpoint, as renewals need it."""

import time
from collections.abc import Callable

from pydantic import SecretStr

from korproxy_addons.auth.flows import finish, refresh
from korproxy_addons.auth.states import expired
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.http_driver import HttpSender, drive
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import UpstreamCall, UpstreamClient, UpstreamReply
from korproxy_addons.providers.resolve import ResolvedAccount


class TokenEndpoint:
    """
    That of one account.

    Args:
        way: The account.
        client: The pool.
        secret_store: Reads the client secret, where the login needs one.
        clock: Unix seconds.
    """

    def __init__(
        self,
        way: ResolvedAccount,
        client: UpstreamClient,
        secret_store: SecretStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._way = way
        self._secret_store = secret_store
        self._clock = clock
        self._send = HttpSender(
            _Once(client), ca_file=way.ca_file, proxy=way.proxy, local=way.local
        )

    async def redeem(self, tokens: TokenSet) -> TokenSet:
        """Tokens in place of these; see `renewal.Provider`."""
        login = self._way.login
        if login is None:
            raise expired("this way in has no sign-in")
        secret = self._client_secret() if login.needs_client_secret else None
        questions = refresh(login, tokens, self._clock(), client_secret=secret)
        return await drive(questions, self._send)

    async def finish(self, tokens: TokenSet) -> TokenSet:
        """The tokens with what only a second question tells; see `renewal.Provider`."""
        login = self._way.login
        return tokens if login is None else await drive(finish(login, tokens), self._send)

    def _client_secret(self) -> SecretStr | None:
        ref = self._way.client_secret
        return None if ref is None else self._secret_store.load(ref)


class _Once(UpstreamClient):
    """The pool's client without its second try: a refresh token must not reach its server twice."""

    def __init__(self, client: UpstreamClient) -> None:
        self._client = client

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        return await self._client.send_once(call)
