"""Flows and exchanges as they are in the middle of the gateway's work."""

import json
from collections.abc import Mapping
from typing import Any

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import Config
from korproxy_addons.gateway.exchange import ClientRequest, Exchange
from support.playbook import MODE

type Fields = Mapping[str, str]

LOCAL: Fields = {"host": "localhost:1337"}


def config_with(**settings: Any) -> Config:
    """A config, checked as a file is."""
    return parse_config(
        json.dumps({"version": 1, "allow_plain_secrets": True, **settings}).encode()
    )


def client_flow(
    method: str = "POST",
    path: str = "/v1/messages",
    headers: Fields | http.Headers = LOCAL,
    body: bytes = b"",
) -> http.HTTPFlow:
    """A flow that came in by the gateway's door, as far as its head, or whole."""
    flow = tflow.tflow()
    flow.client_conn.proxy_mode = ProxyMode.parse(MODE)
    flow.client_conn.sockname = ("127.0.0.1", 1337)
    if not isinstance(headers, http.Headers):
        headers = http.Headers([(key.encode(), value.encode()) for key, value in headers.items()])
    flow.request = http.Request.make(method, "http://korproxy.invalid" + path)
    flow.request.authority = ""
    flow.request.headers = headers
    flow.request.data.content = body
    return flow


def exchange_of(flow: http.HTTPFlow, config: Config | None = None, **fields: Any) -> Exchange:
    """The exchange of a flow, opened as the entrance opens it."""
    path, _, query = flow.request.path.partition("?")
    exchange = Exchange(
        id="request-1",
        seed="seed1",
        config=config or config_with(),
        client=ClientRequest(
            method=flow.request.method,
            path=path,
            query=query,
            headers=flow.request.headers.copy(),
            http_version=flow.request.http_version,
            peer=("127.0.0.1", 50000),
            body=flow.request.raw_content or b"",
        ),
        received_at=0.0,
        clock_started_s=0.0,
    )
    for name, value in fields.items():
        setattr(exchange, name, value)
    exchange.bind(flow)
    return exchange


def said(response: http.Response | None) -> Any:
    """A reply's body, as JSON."""
    assert response is not None
    return json.loads(response.raw_content or b"null")


def code_of(flow: http.HTTPFlow) -> str:
    """The code of the error that a flow was answered with; "" if it was not answered, or with none."""
    return flow.response.headers.get("x-korproxy-error", "") if flow.response else ""
