"""The exceptions that a server can be made to cause are in test_upstream.py; here is what it cannot."""

import socket
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.address_guard import BlockedAddressError, OwnAddressError
from korproxy_addons.io.upstream_failure import began_reply, failure_before_head, words

KEY: Any = SimpleNamespace(host="h", port=443, ssl=True, is_ssl=True)
INFO: Any = SimpleNamespace(real_url="http://h/")
HEAD: Any = SimpleNamespace(code=200)

ERRORS: list[tuple[Exception, ErrorSpec]] = [
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such name")), catalogue.DNS_FAILED),
    (aiohttp.ClientConnectorDNSError(KEY, OwnAddressError("h:1 is this gateway")), catalogue.LOOP),
    (aiohttp.ClientConnectorDNSError(KEY, BlockedAddressError("no")), catalogue.ADDRESS_BLOCKED),
    (aiohttp.ClientProxyConnectionError(KEY, OwnAddressError("it is us")), catalogue.LOOP),
    (OwnAddressError("h:1 is this gateway"), catalogue.LOOP),
    (BlockedAddressError("no"), catalogue.ADDRESS_BLOCKED),
    (socket.gaierror(-2, "no such name"), catalogue.DNS_FAILED),
    (
        aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused")),
        catalogue.CONNECT_REFUSED,
    ),
    (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")), catalogue.CONNECT_REFUSED),
    (aiohttp.ConnectionTimeoutError("late"), catalogue.CONNECT_TIMEOUT),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "bad")), catalogue.TLS_FAILED),
    (
        aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError()),
        catalogue.TLS_FAILED,
    ),
    (ssl.SSLError(1, "bad"), catalogue.TLS_FAILED),
    (aiohttp.ServerDisconnectedError(), catalogue.CONNECTION_LOST),
    (aiohttp.ServerDisconnectedError(HEAD), catalogue.CONNECTION_LOST),
    (aiohttp.ClientOSError(104, "reset"), catalogue.CONNECTION_LOST),
    (aiohttp.ClientConnectionResetError("closing"), catalogue.CONNECTION_LOST),
    (BrokenPipeError(32, "pipe"), catalogue.CONNECTION_LOST),
    (aiohttp.ClientHttpProxyError(INFO, (), status=403), catalogue.UPSTREAM_UNAVAILABLE),
    (aiohttp.ClientResponseError(INFO, (), status=400), catalogue.UPSTREAM_INVALID_REPLY),
    (aiohttp.ClientPayloadError("bytes of a reply"), catalogue.UPSTREAM_INVALID_REPLY),
    (aiohttp.InvalidURL("http://h"), catalogue.UPSTREAM_UNAVAILABLE),
    (ValueError("a text with a secret"), catalogue.UPSTREAM_UNAVAILABLE),
]


@pytest.mark.parametrize(("error", "spec"), ERRORS)
def test_each_exception_has_its_row(error: Exception, spec: ErrorSpec) -> None:
    assert failure_before_head(error, "api.example").spec is spec


@pytest.mark.parametrize("error", [it for it, _ in ERRORS])
def test_no_exception_speaks_for_itself(error: Exception) -> None:
    """Its text may hold addresses, or bytes of a reply."""
    detail = failure_before_head(error, "api.example").detail
    assert "secret" not in detail
    assert "bytes of a reply" not in detail
    assert len(detail) < 120


def test_a_broken_head_tells_that_the_request_was_served() -> None:
    assert began_reply(aiohttp.ServerDisconnectedError(HEAD))
    assert not began_reply(aiohttp.ServerDisconnectedError())
    assert not began_reply(ConnectionResetError())
    broken = failure_before_head(aiohttp.ServerDisconnectedError(HEAD), "h")
    assert broken.detail == "h closed the connection inside its reply's head"


def test_words_for_what_has_none() -> None:
    assert words(OSError(13, "Permission denied")) == "Permission denied"
    assert words(OSError("secret")) == "OSError"
    assert words(ValueError("secret")) == "ValueError"
