"""Requests and responses filled without checks are what the constructors would have made."""

from mitmproxy import http
from mitmproxy.connection import ConnectionState, Server

from korproxy_addons.gateway.messages import headers_of, new_request, new_response, open_server

FIELDS = (("content-type", "text/event-stream"), ("x-odd", "é\udcff"))


def test_headers() -> None:
    """Names and values in text, bytes that are no UTF-8 included."""
    made = headers_of(FIELDS)
    assert made == http.Headers(
        [(b"content-type", b"text/event-stream"), (b"x-odd", b"\xc3\xa9\xff")]
    )
    assert made["Content-Type"] == "text/event-stream"


def test_a_response_has_every_field_of_a_constructed_one() -> None:
    """A field that a new mitmproxy adds shows here, not in a crash later."""
    made = new_response(429, headers_of(FIELDS))
    constructed = http.Response(
        b"HTTP/1.1", 429, b"Too Many Requests", headers_of(FIELDS), None, None, 1.0, None
    )
    assert set(vars(made.data)) == set(vars(constructed.data))
    constructed.timestamp_start = made.timestamp_start
    assert made.get_state() == constructed.get_state()
    assert made.stream is True
    assert made.copy().headers == made.headers


def test_a_request_has_every_field_of_a_constructed_one() -> None:
    """Likewise."""
    made = new_request(
        method="POST",
        scheme="https",
        host="api.example",
        port=443,
        path="/v1/x?y=1",
        headers=headers_of(FIELDS),
        content=b"{}",
        timestamp_start=1.0,
        timestamp_end=2.0,
    )
    constructed = http.Request(
        "api.example", 443, b"POST", b"https", b"", b"/v1/x?y=1", b"HTTP/1.1", headers_of(FIELDS),
        b"{}", None, 1.0, 2.0,
    )  # fmt: skip
    assert set(vars(made.data)) == set(vars(constructed.data))
    assert made.get_state() == constructed.get_state()
    assert made.pretty_url == "https://api.example/v1/x?y=1"


def test_an_open_server_has_every_field_of_a_constructed_one() -> None:
    """Likewise; and each is one by itself."""
    made = open_server(("korproxy.invalid", 80))
    constructed = Server(address=("korproxy.invalid", 80), id=made.id)
    constructed.state = ConnectionState.OPEN
    assert vars(made) == vars(constructed)
    assert made.get_state() == constructed.get_state()
    assert open_server(("korproxy.invalid", 80)).id != made.id
