import json

import pytest
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import taddons

from korproxy_addons.addons import entrance as module
from korproxy_addons.addons.entrance import Entrance, new_id
from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.front import OPTIONS
from support.flows import LOCAL, Fields, client_flow, code_of, config_with, said
from support.playbook import PlainRefusals, Playbook

CONFIG = config_with(limits={"header_count": 10, "body_bytes": 5000, "header_bytes": 2000})


@pytest.fixture
def entrance() -> Entrance:
    return Entrance(lambda: CONFIG)


def come_in(entrance: Entrance, flow: http.HTTPFlow) -> Exchange:
    entrance.requestheaders(flow)
    exchange = Exchange.of(flow)
    assert exchange is not None
    return exchange


def test_a_request_gets_its_exchange(entrance: Entrance) -> None:
    flow = client_flow("post", "/v1beta/models/m:generateContent?key=abc", {**LOCAL, "x-a": "1"})
    exchange = come_in(entrance, flow)
    assert flow.response is None
    client = exchange.client
    assert (client.method, client.path, client.query) == (
        "POST",
        "/v1beta/models/m:generateContent",
        "key=abc",
    )
    assert client.headers["x-a"] == "1"
    assert client.peer == flow.client_conn.peername
    assert exchange.config is CONFIG
    assert exchange.dialect == "gemini"
    assert not exchange.cleared


def test_a_profile_in_the_path_is_taken_out_of_it(entrance: Entrance) -> None:
    flow = client_flow("post", "/p/my%20work/v1/messages?beta=true")
    exchange = come_in(entrance, flow)
    client = exchange.client
    assert (client.profile, client.path, client.query) == ("my work", "/v1/messages", "beta=true")
    assert exchange.dialect == "anthropic-messages"
    assert come_in(entrance, client_flow("post", "/v1/messages")).client.profile == ""


def test_both_ends_of_the_connection_are_known(entrance: Entrance) -> None:
    flow = client_flow()
    flow.client_conn.peername = ("::1", 50_000, 0, 0)  # type: ignore[assignment]
    flow.client_conn.sockname = ("::1", 1337, 0, 0)  # type: ignore[assignment]
    client = come_in(entrance, flow).client
    assert (client.peer, client.own) == (("::1", 50_000), ("::1", 1337))
    assert client.connection == flow.client_conn.id


def test_an_exchange_keeps_the_configuration_of_its_moment() -> None:
    configs: list[Config] = [CONFIG]
    entrance = Entrance(lambda: configs[-1])
    exchange = come_in(entrance, client_flow())
    configs.append(config_with())
    assert exchange.config is CONFIG
    assert come_in(entrance, client_flow()).config is configs[-1]


def test_ids_are_ours_sorted_by_time_and_never_the_same() -> None:
    ids = [new_id(1_800_000_000 + seconds) for seconds in range(3)]
    assert ids == sorted(ids)
    assert len({new_id(1.0) for _ in range(100)}) == 100
    assert all(it.isalnum() and it.startswith("kp") and len(it) == 30 for it in ids)


@pytest.mark.parametrize("name", ["x-korproxy-request-id", "X-Correlation-Id", "x-request-id"])
def test_a_client_may_name_its_request(entrance: Entrance, name: str) -> None:
    exchange = come_in(entrance, client_flow(headers={**LOCAL, name: "job-12345678"}))
    assert exchange.id == "job-12345678"
    assert exchange.seed != exchange.id


@pytest.mark.parametrize(
    "name", ["short", "with blank", "a" * 129, "semi;colon", 'quote"s12345', "<b>12345</b>", ""]
)
def test_a_name_that_is_none_is_not_taken(entrance: Entrance, name: str) -> None:
    exchange = come_in(entrance, client_flow(headers={**LOCAL, "x-request-id": name}))
    assert exchange.id == exchange.seed


def test_what_the_client_showed_is_kept_by_the_exchange_alone(entrance: Entrance) -> None:
    headers = {**LOCAL, "authorization": "Bearer canary", "x-api-key": "canary"}
    flow = client_flow(headers=headers, path="/v1/messages?key=canary")
    exchange = come_in(entrance, flow)
    assert exchange.client.headers["x-api-key"] == "canary"
    assert exchange.client.query == "key=canary"
    assert "canary" not in str(flow.get_state())


REFUSED: list[tuple[Fields, str, str]] = [
    ({"host": "evil.example:1337"}, "/v1/messages", catalogue.HOST_REFUSED.code),
    ({}, "/v1/messages", catalogue.HOST_REFUSED.code),
    ({**LOCAL, "origin": "https://evil.example"}, "/v1/messages", catalogue.ORIGIN_REFUSED.code),
    ({**LOCAL, "sec-fetch-site": "cross-site"}, "/v1/messages", catalogue.ORIGIN_REFUSED.code),
    ({**LOCAL, "sec-fetch-mode": "navigate"}, "/v1/models", catalogue.ORIGIN_REFUSED.code),
    ({**LOCAL, "sec-fetch-dest": "image"}, "/favicon.ico", catalogue.ORIGIN_REFUSED.code),
    (
        {**LOCAL, **{f"x-{n}": "y" for n in range(10)}},
        "/v1/messages",
        catalogue.HEADERS_TOO_LARGE.code,
    ),
]


@pytest.mark.parametrize(("headers", "path", "code"), REFUSED)
def test_strangers_are_kept_out(entrance: Entrance, headers: Fields, path: str, code: str) -> None:
    flow = client_flow(headers=headers, path=path)
    come_in(entrance, flow)
    assert code_of(flow) == code


@pytest.mark.parametrize("path", ["/", "/?x", "/_korproxy/health", "/metrics"])
def test_a_browser_may_look_at_our_own_pages(entrance: Entrance, path: str) -> None:
    """The first one links to the second."""
    headers = {
        **LOCAL,
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        "sec-fetch-site": "none",
    }
    flow = client_flow("GET", path, headers)
    come_in(entrance, flow)
    assert flow.response is None


@pytest.mark.parametrize(
    ("address", "host", "let_in"),
    [
        ("192.168.1.5", "192.168.1.5:1337", True),
        ("fd00::5", "[fd00::5]:1337", True),
        ("192.168.1.5", "192.168.1.6:1337", False),
        ("192.168.1.5", "nas.local:1337", False),
        ("192.168.1.5", "localhost:1337", True),
    ],
)
def test_the_address_a_connection_came_in_by_is_a_name_of_ours(
    entrance: Entrance, address: str, host: str, let_in: bool
) -> None:
    """Where the user lets the gateway listen on the network; no name server has a say in it."""
    flow = client_flow(headers={"host": host})
    flow.client_conn.sockname = (address, 1337)
    come_in(entrance, flow)
    assert (flow.response is None) == let_in


@pytest.mark.parametrize(
    ("authority", "let_in"), [("localhost:1337", True), ("evil.example", False)]
)
def test_a_target_with_a_host_of_its_own_must_be_us(
    entrance: Entrance, authority: str, let_in: bool
) -> None:
    """`POST http://evil.example/v1/messages HTTP/1.1` overrides the header (RFC 9112, section 3.2.2)."""
    flow = client_flow()
    flow.request.authority = authority
    come_in(entrance, flow)
    assert (flow.response is None) == let_in


def test_a_refused_upload_is_not_asked_for(entrance: Entrance) -> None:
    flow = client_flow(headers={"host": "evil.example", "expect": "100-continue"})
    come_in(entrance, flow)
    assert "expect" not in flow.request.headers


def test_a_failure_of_the_check_lets_nobody_in(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(module, "check_head", broken)
    flow = client_flow()
    come_in(entrance, flow)
    assert code_of(flow) == catalogue.INTERNAL.code
    assert "canary" not in str(said(flow.response))


def test_a_failure_to_open_the_exchange_leaves_none() -> None:
    """And without an exchange nothing goes upstream; what the client showed is masked all the same."""

    def no_config() -> Config:
        raise RuntimeError

    flow = client_flow(headers={**LOCAL, "x-api-key": "canary"})
    with pytest.raises(RuntimeError):
        Entrance(no_config).requestheaders(flow)
    assert Exchange.of(flow) is None
    assert "canary" not in str(flow.get_state())


def test_flows_of_another_mode_are_left_alone(entrance: Entrance) -> None:
    flow = client_flow(headers={"host": "example.org", "authorization": "Basic x"})
    flow.client_conn.proxy_mode = ProxyMode.parse("regular")
    entrance.requestheaders(flow)
    entrance.request(flow)
    assert Exchange.of(flow) is None
    assert flow.response is None
    assert flow.request.headers["authorization"] == "Basic x"


def test_the_body_is_handed_on_as_it_came(entrance: Entrance) -> None:
    flow = client_flow(headers={**LOCAL, "content-encoding": "gzip"}, body=b"\x1f\x8bnot decoded")
    exchange = come_in(entrance, flow)
    entrance.request(flow)
    assert exchange.client.body == b"\x1f\x8bnot decoded"


def test_the_options_are_set_when_it_is_loaded(entrance: Entrance) -> None:
    with taddons.context(Proxyserver(), entrance) as context:
        assert {name: getattr(context.options, name) for name in OPTIONS} == OPTIONS


# What the layer asks for


@pytest.fixture
def book(entrance: Entrance) -> Playbook:
    """A connection whose refusals the entrance words."""
    refusals: PlainRefusals = entrance  # type: ignore[assignment]
    return Playbook(refusals, {"requestheaders": entrance.requestheaders})


def reply_of(book: Playbook) -> tuple[int, http.Headers, object]:
    head, _, body = book.read().partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    fields = [(name, value) for name, _, value in (it.partition(b": ") for it in lines)]
    return int(line.split()[1]), http.Headers(fields), json.loads(body)


def test_a_body_over_the_limit_is_told_in_the_client_s_words(book: Playbook) -> None:
    book.send(
        b"POST /v1/messages HTTP/1.1\r\nhost: localhost:1337\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    book.send(b"2000\r\n" + bytes(0x2000) + b"\r\n")
    status, headers, body = reply_of(book)
    assert status == 413
    assert headers["x-korproxy-error"] == catalogue.BODY_TOO_LARGE.code
    assert body["type"] == "error"  # type: ignore[index]
    assert "the limit is 5000 bytes" in body["error"]["message"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (
            b"POST /v1/messages HTTP/1.1\r\nhost: localhost:1337\r\nx: " + b"y" * 2000,
            431,
            catalogue.HEADERS_TOO_LARGE.code,
        ),
        (b"POST /v1/messages HTTP/1.1\r\nno colon\r\n\r\n", 400, catalogue.BAD_FRAMING.code),
        (
            b"POST /v1/messages HTTP/1.1\r\nhost: localhost:1337\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            catalogue.BAD_FRAMING.code,
        ),
    ],
)
def test_what_is_no_request_is_told_in_the_words_of_its_path(
    book: Playbook, request_bytes: bytes, status: int, code: str
) -> None:
    book.send(request_bytes)
    found, headers, body = reply_of(book)
    assert (found, headers["x-korproxy-error"]) == (status, code)
    assert headers["x-korproxy-request-id"].startswith("kp")
    assert body["type"] == "error"  # type: ignore[index]
    assert "validate_inbound_headers" not in json.dumps(body)
    assert book.closed()


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\xfe\r\n\r\n", b"\r\r\r\n\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n", b" \r\n\r\n"],
)
def test_garbage_is_told_too(book: Playbook, garbage: bytes) -> None:
    book.send(garbage)
    status, headers, body = reply_of(book)
    assert status == 400
    assert headers["x-korproxy-error"] == catalogue.BAD_FRAMING.code
    assert "error" in body  # type: ignore[operator]


def test_a_reply_that_could_not_be_made_is_not_the_client_s_fault(entrance: Entrance) -> None:
    response = entrance.bad_framing(b"POST /v1/messages HTTP/1.1\r\n", 502, "no exchange")
    assert response.status_code == 500
    assert response.headers["x-korproxy-error"] == catalogue.INTERNAL.code
    assert "no exchange" not in str(said(response))


def test_where_an_addon_failed_the_client_is_told_in_its_words(entrance: Entrance) -> None:
    flow = client_flow()
    exchange = come_in(entrance, flow)
    response = entrance.addon_failed(flow)
    assert said(response)["type"] == "error"
    assert response.headers["x-korproxy-error"] == catalogue.INTERNAL.code
    assert exchange.error is not None


def test_where_the_entrance_itself_failed_it_is_told_too(entrance: Entrance) -> None:
    response = entrance.addon_failed(client_flow())
    assert response.status_code == 500
    assert response.headers["x-korproxy-error"] == catalogue.INTERNAL.code
    assert said(response)["error"]["message"]


def test_a_limit_is_that_of_the_exchange() -> None:
    configs = [CONFIG]
    entrance = Entrance(lambda: configs[-1])
    flow = client_flow()
    come_in(entrance, flow)
    configs.append(config_with(limits={"body_bytes": 9999}))
    assert entrance.body_limit_bytes(flow) == 5000
    assert entrance.body_limit_bytes(client_flow()) == 9999
