from mitmproxy import http

from korproxy_addons.addons.egress import Egress
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from support.flows import client_flow, exchange_of


def after_egress(response: http.Response, **fields: object) -> http.Headers:
    flow = client_flow()
    exchange_of(flow, **fields)  # type: ignore[arg-type]
    flow.response = response
    Egress().responseheaders(flow)
    assert flow.response is response
    return response.headers


def test_every_reply_carries_the_four_headers() -> None:
    error = KorProxyError(catalogue.NO_ACCOUNT)
    headers = after_egress(http.Response.make(200), error=error, why=["pinned"])
    assert headers["x-korproxy-request-id"] == "request-1"
    assert headers["x-korproxy-account"] == ""
    assert headers["x-korproxy-why"] == "pinned"
    assert headers["x-korproxy-error"] == catalogue.NO_ACCOUNT.code
    assert headers["x-content-type-options"] == "nosniff"


def test_a_reply_cannot_bring_its_own() -> None:
    forged = http.Response.make(
        200, b"", {"X-KorProxy-Request-Id": "forged", "x-korproxy-why": "x"}
    )
    headers = after_egress(forged)
    assert headers.get_all("x-korproxy-request-id") == ["request-1"]
    assert headers.get_all("x-korproxy-why") == [""]


def test_no_reply_lets_another_origin_read_it() -> None:
    fields = http.Headers(
        [
            (b"Access-Control-Allow-Origin", b"*"),
            (b"access-control-allow-origin", b"https://evil.example"),
            (b"Access-Control-Allow-Credentials", b"true"),
            (b"x-kept", b"1"),
        ]
    )
    headers = after_egress(http.Response.make(200, b"", fields))
    assert [name for name in headers if name.lower().startswith("access-control")] == []
    assert headers["x-kept"] == "1"


def test_a_strange_flow_is_left_alone() -> None:
    flow = client_flow()
    flow.response = http.Response.make(200, b"", {"access-control-allow-origin": "*"})
    Egress().responseheaders(flow)
    assert dict(flow.response.headers) == {
        "access-control-allow-origin": "*",
        "content-length": "0",
    }
