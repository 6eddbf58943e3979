"""
The local key: who may use the gateway, where the user wants to know.

A key may come in any place a tool puts one. By default none is required on loopback, and whatever placeholder a tool
sends is taken; it never goes upstream, because nothing of the client's credentials does.
"""

import hashlib
import hmac
from collections.abc import Callable

from pydantic import SecretStr

from korproxy_addons.config.schema import Config
from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.client_keys import presented_keys
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import request_hook
from korproxy_addons.gateway.replies import Reply

# Health is for supervisors that hold no key; where keys are required it says nothing of accounts.
_OPEN_PATHS = frozenset(("/", "/_korproxy/health"))


class Access:
    """
    Checks the local key where the config requires one.

    Args:
        load_secret: Reads a secret from where the config says it lies.
    """

    def __init__(self, load_secret: Callable[[SecretRef], SecretStr]) -> None:
        self._load_secret = load_secret
        self._config: Config | None = None
        self._digests: tuple[bytes, ...] = ()

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        config = exchange.config
        if not config.local_keys.required or exchange.client.path in _OPEN_PATHS:
            return None
        digests = self._digests_of(config)
        shown = [
            hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
            for key in presented_keys(exchange.client.headers, exchange.client.query)
        ]
        # Every pair is compared, so that the time taken says nothing about which one fits.
        matches = [hmac.compare_digest(one, other) for one in shown for other in digests]
        if not any(matches):
            detail = "this gateway requires one of its local keys" if shown else "no key was sent"
            raise KorProxyError(catalogue.LOCAL_KEY_REFUSED, detail)
        return None

    def _digests_of(self, config: Config) -> tuple[bytes, ...]:
        if config is not self._config:
            self._digests = tuple(
                hashlib.sha256(self._load_secret(key.secret).get_secret_value().encode()).digest()
                for key in config.local_keys.keys
            )
            self._config = config
        return self._digests
