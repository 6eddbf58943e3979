import gzip
import json

import pytest
import zstandard
from mitmproxy import http

from korproxy_addons.addons.ingress import Ingress, check_json
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.socket_history import SocketHistory
from korproxy_addons.providers.base import Operation
from support.flows import LOCAL, Fields, client_flow, config_with, exchange_of

SMALL = config_with(limits={"body_bytes": 2000, "json_depth": 16})
BODY = b'{"model": "claude-opus-5", "max_tokens": 5, "stream": true, "messages": []}'


def taken(
    path: str = "/v1/messages",
    body: bytes = BODY,
    headers: Fields | None = None,
    method: str = "POST",
) -> tuple[http.HTTPFlow, Exchange]:
    """A request behind both hooks."""
    flow = client_flow(method, path, {**LOCAL, **(headers or {})}, body)
    exchange = exchange_of(flow, SMALL)
    ingress = Ingress()
    ingress.requestheaders(flow)
    ingress.request(flow)
    return flow, exchange


def refused(spec: ErrorSpec, *arguments: object, **named: object) -> KorProxyError:
    """The error that a request is refused with."""
    flow, exchange = taken(*arguments, **named)  # type: ignore[arg-type]
    assert flow.response is not None
    assert exchange.error is not None
    assert exchange.error.spec is spec
    assert exchange.peek is None
    return exchange.error


def test_a_request_is_read_as_far_as_routing_needs_it() -> None:
    flow, exchange = taken()
    assert flow.response is None
    assert exchange.dialect == "anthropic-messages"
    assert exchange.wanted is not None
    assert exchange.wanted.operation is Operation.GENERATE
    assert exchange.peek is not None
    assert (exchange.peek.model, exchange.peek.stream) == ("claude-opus-5", True)
    assert exchange.inbound is not None
    assert exchange.inbound.body == BODY


def test_the_path_says_what_gemini_s_body_does_not() -> None:
    path = "/v1beta/models/gemini-3-pro:streamGenerateContent"
    _, exchange = taken(f"{path}?alt=sse", b'{"contents": []}')
    assert exchange.peek is not None
    assert (exchange.peek.model, exchange.peek.stream) == ("gemini-3-pro", True)
    assert exchange.inbound is not None
    assert exchange.inbound.sse
    _, exchange = taken(path, b'{"contents": []}')
    assert exchange.inbound is not None
    assert not exchange.inbound.sse


def test_a_model_list_has_no_body_to_read() -> None:
    flow, exchange = taken("/v1/models", b"", method="GET")
    assert flow.response is None
    assert exchange.inbound is None


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip", gzip.compress(BODY)), ("zstd", zstandard.ZstdCompressor().compress(BODY))],
)
def test_a_compressed_body_is_read_like_any_other(coding: str, packed: bytes) -> None:
    _, exchange = taken(body=packed, headers={"content-encoding": coding})
    assert exchange.client.body == BODY
    assert exchange.peek is not None


def test_what_is_wrong_with_a_body_is_said() -> None:
    assert refused(catalogue.EMPTY_BODY, body=b"").status == 400
    refused(catalogue.EMPTY_BODY, body=b" \r\n\t ")
    refused(catalogue.NOT_JSON, body=b"model=claude")
    refused(catalogue.NOT_JSON, body=BODY[:-5])
    assert refused(catalogue.NOT_UTF8, body=b'{"model": "\xff"}').detail == "byte 11"
    refused(catalogue.MODEL_MISSING, body=b'{"messages": []}')
    refused(catalogue.FIELD_INVALID, body=b'{"model": 5, "messages": []}')
    refused(catalogue.TOO_DEEP, body=b"[" * 10_000 + b"]" * 10_000)
    refused(catalogue.TOO_DEEP, body=b'{"a":' * 10_000)
    refused(catalogue.BAD_CONTENT_ENCODING, headers={"content-encoding": "gzip"})
    unknown = refused(catalogue.BAD_CONTENT_ENCODING, headers={"content-encoding": "rot13"})
    assert unknown.status == 415


def test_a_body_that_grows_over_the_limit_is_refused() -> None:
    packed = gzip.compress(bytes(1_000_000))
    assert len(packed) < 2000
    refused(catalogue.BODY_TOO_LARGE, body=packed, headers={"content-encoding": "gzip"})


@pytest.mark.parametrize("length", ["2001", "9" * 18, "9" * 19, "9" * 5000, "0" * 5000])
def test_a_length_over_the_limit_is_refused_before_the_body_comes(length: str) -> None:
    """Numbers of thousands of digits too, which Python does not even read."""
    flow = client_flow(headers={**LOCAL, "content-length": length})
    exchange = exchange_of(flow, SMALL)
    Ingress().requestheaders(flow)
    assert exchange.error is not None
    assert exchange.error.spec is catalogue.BODY_TOO_LARGE
    assert exchange.error.status == 413


@pytest.mark.parametrize("length", ["2000", "0", "", "-1", "x", "²"])
def test_any_other_length_is_left_to_who_reads_the_body(length: str) -> None:
    flow = client_flow(headers={**LOCAL, "content-length": length})
    exchange_of(flow, SMALL)
    Ingress().requestheaders(flow)
    assert flow.response is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/nothing", 404), ("PUT", "/v1/messages", 405), ("HEAD", "/api/hello", 404)],
)
def test_an_unknown_path_or_method_is_said_before_the_body_comes(
    method: str, path: str, status: int
) -> None:
    flow = client_flow(method, path)
    exchange_of(flow, SMALL)
    Ingress().requestheaders(flow)
    assert flow.response is not None
    assert flow.response.status_code == status


OPENING = {
    "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "session-id": "s1",
}  # fmt: skip


def knocked(ingress: Ingress, headers: Fields) -> http.Response:
    """What an opening of a WebSocket is answered with."""
    flow = client_flow("GET", "/v1/responses", {**LOCAL, **headers})
    exchange = exchange_of(flow, SMALL)
    ingress.requestheaders(flow)
    assert exchange.dialect == "openai-responses"
    assert flow.response is not None
    return flow.response


def test_codex_knocks_and_is_let_in() -> None:
    response = knocked(Ingress(), OPENING)
    assert response.status_code == 101
    assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert response.headers["x-korproxy-request-id"]
    assert "content-length" not in response.headers


def test_what_is_no_sound_opening_is_told_to_post() -> None:
    response = knocked(Ingress(), {"upgrade": "websocket"})
    assert (response.status_code, response.headers["upgrade"]) == (426, "websocket")
    assert json.loads(response.raw_content or b"")["error"]


def test_a_client_whose_last_requests_failed_is_told_to_post() -> None:
    sockets = SocketHistory()
    ingress = Ingress(sockets)
    for status in (101, 101, 426):
        assert knocked(ingress, OPENING).status_code == status
        sockets.failed("s1")
    assert knocked(ingress, {**OPENING, "session-id": "s2"}).status_code == 101


def test_the_error_is_worded_in_the_dialect_of_the_path() -> None:
    flow, _ = taken("/v1beta/models/m:generateContent", b"")
    assert flow.response is not None
    assert json.loads(flow.response.raw_content or b"")["error"]["status"] == "INVALID_ARGUMENT"


def test_a_request_that_is_answered_is_not_read() -> None:
    flow = client_flow(body=b"nonsense")
    exchange = exchange_of(flow, SMALL)
    flow.response = http.Response.make(401)
    Ingress().requestheaders(flow)
    Ingress().request(flow)
    assert exchange.wanted is None
    assert flow.response.status_code == 401


@pytest.mark.parametrize("body", [b'"\xc3\xa9"', b"{}", b"[[]]", '{"a": "🙂"}'.encode()])
def test_what_could_be_json_is_let_through(body: bytes) -> None:
    check_json(body, SMALL)


def test_code_assist_s_envelope_is_taken_off_before_anything_reads_the_request() -> None:
    """What is inside goes on as Gemini; the envelope's ids stay with the exchange."""
    request = {"contents": [], "session_id": "s-1"}
    body = {"model": "m", "project": "p", "user_prompt_id": "up-1", "request": request}
    path = "/v1internal:streamGenerateContent?alt=sse"
    _, exchange = taken(path, json.dumps(body).encode())
    assert exchange.inbound is not None
    assert exchange.inbound.body == b'{"contents":[]}'
    assert exchange.peek is not None
    peek = exchange.peek
    assert (peek.model, peek.stream, peek.session) == ("m", True, "s-1")
    assert exchange.prompt_id == "up-1"


def test_an_envelope_without_a_request_is_refused_in_gemini_s_words() -> None:
    error = refused(catalogue.FIELD_INVALID, "/v1internal:generateContent", b'{"model":"m"}')
    assert error.param == "request"


def test_what_the_gateway_answers_by_itself_needs_no_body() -> None:
    flow, _ = taken("/v1internal:loadCodeAssist", b"")
    assert flow.response is not None
    assert json.loads(flow.response.content or b"")["currentTier"]["id"] == "standard-tier"
