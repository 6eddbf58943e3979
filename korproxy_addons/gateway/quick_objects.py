"""
mitmproxy's small objects with the same results and less work; `FastPath` puts them in place.

Measured on 12.2: reading headers was a third of all calls of a request, as each look-up takes every field apart anew; an option
is copied deeply each time it is read, a message's fields are checked against annotations that are looked up each time, and
each fork of a context makes a connection that it throws away. What is out of the ordinary goes the way it went.
"""

import copy
from collections.abc import Callable
from typing import Any

from mitmproxy import http, optmanager
from mitmproxy.proxy.context import Context

type _Name = str | bytes

_ATOMS = frozenset((bool, int, float, str, bytes, type(None)))
_TEXTS = frozenset((str, bytes))

# As they were before anything was put in their place.
get_all = http.Headers.get_all
getitem: Callable[[Any, _Name], str] = http.Headers.__getitem__
current: Callable[[Any], Any] = optmanager._Option.current
fork = Context.fork
checked_request: Callable[[Any], None] = http.MessageData.__post_init__


def install() -> None:
    """Put them in place, for good; more than once is the same as once."""
    headers: Any = http.Headers
    headers.get_all = quick_get_all
    headers.__getitem__ = quick_getitem
    headers.__contains__ = quick_contains
    headers.get = quick_get
    option: Any = optmanager._Option
    option.current = quick_current
    context: Any = Context
    context.fork = quick_fork
    request: Any = http.RequestData
    request.__post_init__ = quick_check


def _values(headers: http.Headers, name: _Name) -> list[str]:
    wanted = (name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name).lower()
    return [
        value.decode("utf-8", "surrogateescape")
        for key, value in headers.fields
        if key.lower() == wanted
    ]


def quick_get_all(self: http.Headers, name: _Name) -> list[str]:
    """`Headers.get_all`."""
    return _values(self, name) if type(name) in _TEXTS else get_all(self, name)


def quick_getitem(self: http.Headers, key: _Name) -> str:
    """`Headers.__getitem__`."""
    values = self.get_all(key)
    # That it is not there is said as ever.
    return ", ".join(values) if values else getitem(self, key)


def quick_get(self: http.Headers, key: _Name, default: Any = None) -> Any:
    """`Headers.get`."""
    values = self.get_all(key)
    return ", ".join(values) if values else default


def quick_contains(self: http.Headers, key: Any) -> bool:
    """`name in headers`."""
    return bool(self.get_all(key))


def quick_current(self: Any) -> Any:
    """`_Option.current`: nobody can change a plain value, so it needs no copy."""
    value = self._default if self.value is optmanager.unset else self.value
    return value if type(value) in _ATOMS else copy.deepcopy(value)


def quick_fork(self: Context) -> Context:
    """`Context.fork`."""
    forked = Context.__new__(Context)
    forked.client = self.client
    forked.options = self.options
    forked.server = self.server
    forked.layers = self.layers.copy()
    return forked


def quick_check(self: http.RequestData) -> None:
    """`RequestData.__post_init__`: what is of the right type at first sight is not looked at twice."""
    if not (
        type(self.http_version) is type(self.method) is type(self.scheme) is bytes
        and type(self.authority) is type(self.path) is bytes
        and type(self.headers) is http.Headers
        and self.content is None
        and self.trailers is None
        and self.timestamp_end is None
        and type(self.timestamp_start) is float
        and type(self.host) is str
        and type(self.port) is int
    ):
        checked_request(self)
