import json
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from korproxy_addons.gateway.flow_record import MASK, FlowRecord, hide_client_credentials
from korproxy_addons.io.upstream import Budgets, Link, UpstreamCall
from support.flows import client_flow

CANARY = "canary-4b1d"
BUDGETS = Budgets(connect_s=1, first_byte_s=1, idle_s=1)


def call(url: str = "https://api.example/v1/messages?beta=true", **fields: Any) -> UpstreamCall:
    headers = (("content-type", "application/json"), ("Authorization", f"Bearer {CANARY}"))
    return UpstreamCall(
        **{
            "method": "POST",
            "url": url,
            "headers": headers,
            "body": b'{"a":1}',
            "budgets": BUDGETS,
            **fields,
        }
    )


def recorded(made: UpstreamCall | None = None, link: Link | None = None) -> http.HTTPFlow:
    flow = client_flow(body=b"as the client sent it")
    record = FlowRecord(flow)
    record.sent(made or call(), frozenset({"authorization"}))
    if link is not None:
        record.connected(link)
    return flow


def test_a_flow_shows_what_went_upstream() -> None:
    flow = recorded()
    assert flow.request.pretty_url == "https://api.example/v1/messages?beta=true"
    assert flow.request.method == "POST"
    assert flow.request.content == b'{"a":1}'
    assert flow.request.headers.fields[:2] == (
        (b"host", b"api.example"),
        (b"content-type", b"application/json"),
    )
    assert flow.server_conn.address == ("api.example", 443)
    assert flow.server_conn.sni == "api.example"
    assert flow.server_conn.tls


def test_a_credential_is_shown_by_its_mask() -> None:
    flow = recorded()
    assert flow.request.headers["authorization"] == MASK
    assert CANARY.encode() not in tnetstring.dumps(flow.get_state())


def test_a_port_of_its_own_is_shown() -> None:
    flow = recorded(call("http://127.0.0.1:8080/x"))
    assert flow.request.headers["host"] == "127.0.0.1:8080"
    assert flow.server_conn.address == ("127.0.0.1", 8080)
    assert not flow.server_conn.tls


def test_the_last_attempt_is_what_stays() -> None:
    flow = client_flow()
    record = FlowRecord(flow)
    record.sent(call("https://first.example/"), frozenset())
    record.sent(call("https://second.example/"), frozenset())
    assert flow.request.host == flow.request.pretty_host == "second.example"
    assert flow.server_conn.address == ("second.example", 443)


def test_the_client_s_request_is_left_alone() -> None:
    """mitmproxy frames the reply by it."""
    flow = client_flow(body=b"theirs")
    mine = flow.request
    FlowRecord(flow).sent(call(), frozenset())
    assert flow.request is not mine
    assert mine.content == b"theirs"
    assert flow.request.timestamp_start == mine.timestamp_start


@pytest.mark.parametrize("tls", ["TLSv1.3", None])
def test_a_flow_shows_the_connection_and_can_be_written(tls: str | None) -> None:
    link = Link(("160.79.104.10", 443), ("192.168.1.2", 50000), tls, "AES" if tls else None)
    flow = recorded(link=link)
    server = flow.server_conn
    assert server.peername == ("160.79.104.10", 443)
    assert server.sockname == ("192.168.1.2", 50000)
    assert server.state is ConnectionState.OPEN
    assert (server.tls_version, server.cipher) == (tls, "AES" if tls else None)
    again = tflow.tflow()
    again.set_state(tnetstring.loads(tnetstring.dumps(flow.get_state())))
    assert again.request.pretty_url == flow.request.pretty_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", f"Bearer {CANARY}"),
        ("X-Api-Key", CANARY),
        ("x-goog-api-key", CANARY),
        ("X-KorProxy-Key", CANARY),
        ("cookie", f"a={CANARY}"),
        ("proxy-authorization", f"Basic {CANARY}"),
    ],
)
def test_what_a_client_showed_is_masked_too(name: str, value: str) -> None:
    """A flow that is refused never goes upstream, and would keep it."""
    flow = client_flow(headers={"host": "localhost:1337", name: value, "x-other": "kept"})
    hide_client_credentials(flow.request)
    assert CANARY not in json.dumps(str(flow.get_state()))
    assert flow.request.headers[name] == MASK
    assert flow.request.headers["x-other"] == "kept"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/v1beta/models?key={CANARY}", "/v1beta/models?key=not-shown"),
        (f"/v1beta/models?alt=sse&KEY={CANARY}&x=y", "/v1beta/models?alt=sse&KEY=not-shown&x=y"),
        (
            f"/x?access_token={CANARY}&api_key={CANARY}",
            "/x?access_token=not-shown&api_key=not-shown",
        ),
        ("/v1beta/models?keys=1&alt=sse", "/v1beta/models?keys=1&alt=sse"),
        ("/v1/messages", "/v1/messages"),
    ],
)
def test_a_key_in_the_query_is_not_shown(path: str, shown: str) -> None:
    flow = client_flow("GET", path)
    hide_client_credentials(flow.request)
    assert flow.request.path == shown
