"""
The local key: who may use the gateway, where the user wants to know.

A key may come in any place a tool puts one. By default none is required on loopback, and whatever placeholder a tool
sends is taken; it never goes upstream, because nothing of the client's credentials does.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable

from pydantic import SecretStr

from korproxy_addons.config.schema import Config, LocalKey
from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.client_keys import presented_keys
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import request_hook
from korproxy_addons.gateway.replies import Reply
from korproxy_addons.routing.tools import tool_of

log = logging.getLogger("korproxy.access")

# Health is for supervisors that hold no key; where keys are required it says nothing of accounts.
_OPEN_PATHS = frozenset(("/", "/_korproxy/health"))


class Access:
    """
    Finds out whose key a request shows, and refuses one without a key where the config requires one.

    Args:
        load_secret: Reads a secret from where the config says it lies.
    """

    def __init__(self, load_secret: Callable[[SecretRef], SecretStr]) -> None:
        self._load_secret = load_secret
        self._config: Config | None = None
        self._digests: tuple[tuple[bytes, LocalKey], ...] = ()
        self._unreadable: KorProxyError | None = None

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        config = exchange.config
        exchange.tool = tool_of(exchange.client.lower)
        if exchange.client.path in _OPEN_PATHS or not config.local_keys.keys:
            return None
        self._read_keys(config)
        shown = [
            hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
            for key in presented_keys(exchange.client.headers, exchange.client.query)
        ]
        # Every pair is compared, so that the time taken says nothing about which one fits.
        matches = [
            key
            for one in shown
            for digest, key in self._digests
            if hmac.compare_digest(one, digest)
        ]
        if matches:
            exchange.local_key = matches[0]
        elif config.local_keys.required:
            detail = "this gateway requires one of its local keys" if shown else "no key was sent"
            raise KorProxyError(catalogue.LOCAL_KEY_REFUSED, detail)
        return None

    def _read_keys(self, config: Config) -> None:
        """
        Make the keys of `config` ready.

        Raises:
            KorProxyError: SECRET_UNAVAILABLE, where a key is required and one of them cannot be read.
        """
        if config is not self._config:
            self._unreadable = None
            found = []
            for key in config.local_keys.keys:
                try:
                    found.append((self._digest_of(key), key))
                except KorProxyError as error:
                    # Where none is required, the others still tell who asks.
                    self._unreadable = error
                    fields = {"key": key.id, "code": error.spec.code}
                    log.warning("local key not readable", extra={"fields": fields})
            self._digests = tuple(found)
            self._config = config
        if self._unreadable is not None and config.local_keys.required:
            # Read again at the next request: its owner may have put it where it belongs.
            self._config = None
            raise self._unreadable

    def _digest_of(self, key: LocalKey) -> bytes:
        if key.sha256 is not None:
            return bytes.fromhex(key.sha256)
        assert key.secret is not None  # the config is checked: one of the two is there
        return hashlib.sha256(self._load_secret(key.secret).get_secret_value().encode()).digest()
