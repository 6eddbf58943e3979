import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects import dialect as dialect_by_id
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway import replies
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import (
    Reply,
    error_reply,
    forwarded_headers,
    own_headers,
    reply_error,
)
from support.flows import client_flow, exchange_of

DIALECT_IDS = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"]


@pytest.fixture
def exchange() -> Exchange:
    return exchange_of(client_flow())


def headers_of(reply: Reply) -> dict[str, str]:
    return dict(reply.headers)


def test_every_reply_says_what_happened(exchange: Exchange) -> None:
    exchange.why = ["pinned", "failover:429"]
    assert dict(own_headers(exchange)) == {
        "x-korproxy-request-id": "request-1",
        "x-korproxy-account": "",
        "x-korproxy-why": "pinned, failover:429",
        "x-content-type-options": "nosniff",
    }
    exchange.error = KorProxyError(catalogue.NO_ACCOUNT)
    assert dict(own_headers(exchange))["x-korproxy-error"] == catalogue.NO_ACCOUNT.code


def test_who_sends_a_correlation_id_gets_it_back(exchange: Exchange) -> None:
    exchange.client.headers["X-Correlation-Id"] = "request-1"
    assert dict(own_headers(exchange))["x-correlation-id"] == "request-1"


@given(st.text(), st.text())
def test_no_label_can_forge_a_header(label: str, reason: str) -> None:
    exchange = exchange_of(client_flow())
    exchange.note(reason + "\r\nset-cookie: a=b")
    exchange.note(label)
    values = [value for _, value in own_headers(exchange)]
    assert all(" " <= letter <= "~" for value in values for letter in value)
    assert all(len(value) <= 512 for value in values)


@pytest.mark.parametrize("dialect", DIALECT_IDS)
def test_an_error_is_worded_in_the_client_s_dialect(dialect: str, exchange: Exchange) -> None:
    exchange.dialect = dialect
    error = KorProxyError(catalogue.UNKNOWN_MODEL, "gpt-9", param="model")
    reply = error_reply(exchange, error)
    said = reply_error(error)
    speaker = dialect_by_id(dialect)
    assert reply.status == speaker.error_status(said, 404)
    assert reply.body == speaker.error_body(said, reply.status, "request-1")
    assert b"gpt-9" in reply.body
    assert headers_of(reply)["content-type"] == "application/json"
    assert headers_of(reply)["cache-control"] == "no-store"
    assert headers_of(reply)["x-korproxy-error"] == catalogue.UNKNOWN_MODEL.code
    assert exchange.error is error


@pytest.mark.parametrize("dialect", DIALECT_IDS)
def test_a_path_that_is_no_text_can_be_told(dialect: str, exchange: Exchange) -> None:
    r"""`GET /\xff`: mitmproxy hands it on as a text that no JSON can hold."""
    exchange.dialect = dialect
    reply = error_reply(
        exchange, KorProxyError(catalogue.UNKNOWN_PATH, "GET /\udcff", param="\udcff")
    )
    assert "GET /?" in json.dumps(json.loads(reply.body))


def test_an_error_is_told_even_if_the_dialect_fails(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the hook that refuses a request would raise, and mitmproxy would let the request go on."""

    def broken(_dialect: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(replies, "dialect", broken)
    reply = error_reply(exchange, KorProxyError(catalogue.LOCAL_KEY_REFUSED))
    assert reply.status == 401
    assert json.loads(reply.body)["error"]["code"] == catalogue.LOCAL_KEY_REFUSED.code
    assert [record.getMessage() for record in caplog.records] == ["internal error"]


@pytest.mark.parametrize(
    ("seconds", "value"), [(0.2, "1"), (1.0, "1"), (2.4, "3"), (0.0, "1"), (-5.0, "1")]
)
def test_a_wait_is_told_in_whole_seconds(seconds: float, value: str, exchange: Exchange) -> None:
    reply = error_reply(exchange, KorProxyError(catalogue.RATE_LIMITED, retry_after_s=seconds))
    assert headers_of(reply)["retry-after"] == value


@pytest.mark.parametrize("seconds", [None, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_not_told(seconds: float | None, exchange: Exchange) -> None:
    reply = error_reply(exchange, KorProxyError(catalogue.RATE_LIMITED, retry_after_s=seconds))
    assert "retry-after" not in headers_of(reply)


def test_who_need_not_try_again_is_told_so(exchange: Exchange) -> None:
    assert headers_of(error_reply(exchange, KorProxyError(catalogue.LOOP))).get(
        "x-should-retry"
    ) == ("false" if catalogue.LOOP.retry == "no" else None)
    for spec in catalogue.CATALOGUE.values():
        told = headers_of(error_reply(exchange, KorProxyError(spec))).get("x-should-retry")
        final = spec.retry == "no" and spec.kind in ("rate_limit", "billing", "internal")
        assert told == ("false" if final else None), spec.code


@pytest.mark.parametrize("spec", catalogue.CATALOGUE.values(), ids=lambda it: it.code)
@pytest.mark.parametrize("dialect", DIALECT_IDS)
def test_every_error_there_is_can_be_told(
    spec: catalogue.ErrorSpec, dialect: str, exchange: Exchange
) -> None:
    exchange.dialect = dialect
    reply = error_reply(exchange, KorProxyError(spec, "detail", retry_after_s=3))
    assert 400 <= reply.status < 600
    assert spec.title in json.dumps(json.loads(reply.body), ensure_ascii=False)


def test_a_provider_s_promises_are_not_passed_on() -> None:
    """They are about its origin, and would be taken for ours."""
    dropped = [
        "Set-Cookie", "set-cookie2", "Strict-Transport-Security", "alt-svc", "Connection", "Keep-Alive",
        "Transfer-Encoding", "Content-Length", "Content-Encoding", "Upgrade", "TE", "trailer", "Location",
        "WWW-Authenticate", "Proxy-Authenticate", "Access-Control-Allow-Origin", "access-control-x",
        "Cross-Origin-Opener-Policy", "Content-Security-Policy", "Refresh", "Link", "NEL", "Report-To",
        "Clear-Site-Data", "Service-Worker-Allowed", "SourceMap", "X-KorProxy-Error", "x-korproxy-why",
        "X-KorProxy-Account", "x-korproxy-request-id",
    ]  # fmt: skip
    kept = [
        ("content-type", "text/event-stream"),
        ("Retry-After", "3"),
        ("anthropic-ratelimit-unified-reset", "1"),
        ("x-request-id", "req_1"),
        ("OpenAI-Processing-Ms", "5"),
        ("x-request-id", "req_2"),
    ]
    fields = (*((name, "x") for name in dropped), *kept)
    assert forwarded_headers(fields) == kept


def test_a_reply_becomes_a_response() -> None:
    response = Reply(418, (("x-a", "é"), ("x-a", "2")), b"body").to_response()
    assert (response.status_code, response.raw_content) == (418, b"body")
    assert response.headers.get_all("x-a") == ["é", "2"]
    assert response.headers["content-length"] == "4"


def test_a_reply_that_only_switches_has_no_length() -> None:
    """What follows on the connection would otherwise begin with a body of none (RFC 9110, 8.6)."""
    response = Reply(101, (("upgrade", "websocket"),), b"").to_response()
    assert (response.status_code, response.headers.fields) == (
        101,
        ((b"upgrade", b"websocket"),),
    )


def test_who_must_upgrade_is_told_to_what(exchange: Exchange) -> None:
    """RFC 9110, 15.5.22."""
    fields = dict(error_reply(exchange, KorProxyError(catalogue.UPGRADE_REQUIRED)).headers)
    assert fields["upgrade"] == "websocket"
    assert "upgrade" not in dict(error_reply(exchange, KorProxyError(catalogue.INTERNAL)).headers)
