"""What an exception of the HTTP client means: the row of the catalogue, and the detail in words."""

import socket
import ssl

import aiohttp

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.address_guard import BlockedAddressError, OwnAddressError


def failure_before_head(error: Exception, host: str) -> KorProxyError:
    """The error for an exception that came before a reply's head; `host` is the upstream's."""
    spec, detail = _reading(error, host)
    return KorProxyError(spec, detail)


def began_reply(error: Exception) -> bool:
    """Whether the connection broke inside a reply's head, so that the request has certainly been served."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


def words(error: Exception) -> str:
    """The kind of an exception in words; its own text may hold addresses or bytes of the reply."""
    # Only what a handshake raised has it.
    if isinstance(error, ssl.SSLCertVerificationError) and hasattr(error, "verify_message"):
        return error.verify_message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _reading(error: Exception, host: str) -> tuple[ErrorSpec, str]:
    root = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match root:
        case OwnAddressError():
            return catalogue.LOOP, str(root)
        case BlockedAddressError():
            return catalogue.ADDRESS_BLOCKED, str(root)
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reading = catalogue.TLS_FAILED, f"{host}: {words(error.certificate_error)}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            reading = catalogue.TLS_FAILED, f"{host}: the TLS handshake failed"
        case aiohttp.ServerTimeoutError():
            reading = catalogue.CONNECT_TIMEOUT, f"{host} did not answer in time"
        case aiohttp.ClientProxyConnectionError():
            reading = catalogue.CONNECT_REFUSED, f"the proxy on the way to {host}: {words(root)}"
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            reading = catalogue.DNS_FAILED, f"{host} does not resolve"
        case aiohttp.ClientConnectorError():
            reading = catalogue.CONNECT_REFUSED, f"{host}:{error.port}: {words(root)}"
        case aiohttp.ClientHttpProxyError():
            reading = (
                catalogue.UPSTREAM_UNAVAILABLE,
                f"the proxy on the way to {host} refused with status {error.status}",
            )
        case aiohttp.ServerDisconnectedError() if began_reply(error):
            reading = (
                catalogue.CONNECTION_LOST,
                f"{host} closed the connection inside its reply's head",
            )
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            reading = catalogue.CONNECTION_LOST, f"{host} closed the connection before its reply"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            reading = catalogue.UPSTREAM_INVALID_REPLY, f"{host} did not answer in HTTP"
        case _:
            reading = catalogue.UPSTREAM_UNAVAILABLE, f"{host}: {words(error)}"
    return reading
