"""Where a tool may put the key it shows to KorProxy."""

from collections.abc import Iterator
from urllib.parse import parse_qs

from mitmproxy import http

OWN_KEY = "x-korproxy-key"


def presented_keys(headers: http.Headers, query: str) -> Iterator[str]:
    """Every key a request shows, in each of the places tools are known to use."""
    for name in (OWN_KEY, "x-api-key", "x-goog-api-key"):
        yield from headers.get_all(name)
    for value in headers.get_all("authorization"):
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "bearer":
            yield key.strip()
    yield from parse_qs(query).get("key", ())
