"""
mitmproxy's request, response and server objects, filled without the checks their constructors make.

The constructors look up the type of each field at run time, which costs more than all of an exchange's hooks. What is put in
here is right by construction.
"""

import time
import uuid
from collections.abc import Iterable

from mitmproxy import http
from mitmproxy.connection import ConnectionState, Server
from mitmproxy.net.http.status_codes import RESPONSES


def headers_of(fields: Iterable[tuple[str, str]]) -> http.Headers:
    """Headers from names and values in text."""
    headers = http.Headers.__new__(http.Headers)
    headers.fields = tuple(
        (name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in fields
    )
    return headers


def new_response(status: int, headers: http.Headers) -> http.Response:
    """A response whose body is streamed past it."""
    data = http.ResponseData.__new__(http.ResponseData)
    data.__dict__.update(
        http_version=b"HTTP/1.1",
        headers=headers,
        content=None,
        trailers=None,
        timestamp_start=time.time(),
        timestamp_end=None,
        status_code=status,
        reason=RESPONSES.get(status, "").encode(),
    )
    response = http.Response.__new__(http.Response)
    response.data = data
    response.stream = True
    return response


def new_request(  # noqa: PLR0913 - the fields of a request
    *,
    method: str,
    scheme: str,
    host: str,
    port: int,
    path: str,
    headers: http.Headers,
    content: bytes,
    timestamp_start: float,
    timestamp_end: float | None,
) -> http.Request:
    """A request as it went upstream."""
    data = http.RequestData.__new__(http.RequestData)
    data.__dict__.update(
        http_version=b"HTTP/1.1",
        headers=headers,
        content=content,
        trailers=None,
        timestamp_start=timestamp_start,
        timestamp_end=timestamp_end,
        host=host,
        port=port,
        method=method.encode(),
        scheme=scheme.encode(),
        authority=b"",
        path=path.encode(),
    )
    request = http.Request.__new__(http.Request)
    request.data = data
    return request


_SERVER = vars(Server(address=("", 0))) | {"state": ConnectionState.OPEN}


def open_server(address: tuple[str, int]) -> Server:
    """A connection to a server that passes for open; nothing of it but the address is known yet."""
    server = Server.__new__(Server)
    server.__dict__.update(_SERVER, address=address, id=str(uuid.uuid4()))
    return server
