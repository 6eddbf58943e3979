"""Whose certificates are believed: TLS contexts, one per file of extra certificates."""

import ssl
from pathlib import Path

import certifi

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.upstream_failure import words


class Trust:
    """Makes each context once: it is part of what a pooled connection is known by."""

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    def context(self, ca_file: str | None = None) -> ssl.SSLContext:
        """
        The context that believes the system's roots, certifi's, and those in `ca_file`.

        Raises:
            KorProxyError: TLS_FAILED, the file cannot be used.
        """
        found = self._contexts.get(ca_file)
        if found is None:
            found = self._contexts[ca_file] = _new_context(ca_file)
        return found

    def forget_files(self) -> None:
        """Read files anew at their next use; the system's own roots have not changed, and keep their connections."""
        self._contexts = {it: context for it, context in self._contexts.items() if it is None}


def _new_context(ca_file: str | None) -> ssl.SSLContext:
    # The system's roots (and SSL_CERT_FILE, SSL_CERT_DIR) hold a company's own; certifi's are there on every machine.
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    context.set_alpn_protocols(("http/1.1",))
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=Path(ca_file).expanduser())
        except OSError as error:
            raise KorProxyError(
                catalogue.TLS_FAILED, f"ca_file {ca_file}: {words(error)}"
            ) from error
    return context
