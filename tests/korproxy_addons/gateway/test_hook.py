import logging
from collections.abc import Callable

import pytest
from mitmproxy import http

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import answer, closing_hook, request_hook, response_hook
from korproxy_addons.gateway.replies import Reply
from support.flows import client_flow, code_of, exchange_of, said

CANARY = "canary-in-the-exception"
REPLY = Reply(418, (("content-type", "text/plain"),), b"tea")


class Addon:
    """Does in each hook what the test says."""

    def __init__(self, does: Callable[[Exchange], Reply | None]) -> None:
        self._does = does
        self.seen: list[Exchange] = []

    def _see(self, exchange: Exchange) -> Reply | None:
        self.seen.append(exchange)
        return self._does(exchange)

    @request_hook
    def request(self, exchange: Exchange) -> Reply | None:
        return self._see(exchange)

    @response_hook
    def responseheaders(self, exchange: Exchange, response: http.Response) -> None:
        response.headers["x-seen"] = "1"
        self._see(exchange)

    @closing_hook
    def response(self, exchange: Exchange) -> None:
        self._see(exchange)


def nothing(_: Exchange) -> None:
    return None


def crash(_: Exchange) -> Reply | None:
    raise ValueError(CANARY)


def refuse(_: Exchange) -> Reply | None:
    raise KorProxyError(catalogue.LOCAL_KEY_REFUSED, "no key was sent")


def test_a_request_goes_on_after_a_hook_that_has_nothing_to_say() -> None:
    flow = client_flow()
    exchange = exchange_of(flow)
    addon = Addon(nothing)
    addon.request(flow)
    assert flow.response is None
    assert addon.seen == [exchange]


def test_a_reply_of_a_hook_is_the_answer() -> None:
    flow = client_flow()
    exchange_of(flow)
    Addon(lambda _: REPLY).request(flow)
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.content) == (418, b"tea")


def test_an_error_of_ours_is_the_answer_in_the_client_s_words() -> None:
    flow = client_flow()
    exchange = exchange_of(flow, dialect="anthropic-messages")
    Addon(refuse).request(flow)
    assert code_of(flow) == "KP-AUTH-001"
    assert said(flow.response)["type"] == "error"
    assert exchange.error is not None


def test_any_other_exception_ends_the_request_and_is_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """mitmproxy would log it, and send the request on."""
    flow = client_flow()
    exchange_of(flow)
    with caplog.at_level(logging.ERROR, "korproxy.hook"):
        Addon(crash).request(flow)
    assert code_of(flow) == "KP-SYS-501"
    assert flow.response is not None
    assert flow.response.status_code == 500
    assert CANARY.encode() not in (flow.response.raw_content or b"")
    (record,) = caplog.records
    assert record.getMessage() == "internal error"
    assert record.__dict__["fields"] == {"request_id": "request-1", "where": "Addon.request"}
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_an_exhausted_memory_has_a_code_of_its_own() -> None:
    def exhaust(_: Exchange) -> Reply | None:
        raise MemoryError

    flow = client_flow()
    exchange_of(flow)
    Addon(exhaust).request(flow)
    assert code_of(flow) == "KP-SYS-502"


def test_a_request_that_is_answered_is_not_looked_at_again() -> None:
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(401)
    addon = Addon(crash)
    addon.request(flow)
    assert addon.seen == []
    assert flow.response.status_code == 401


def test_a_flow_without_an_exchange_is_none_of_ours() -> None:
    flow = client_flow()
    addon = Addon(crash)
    addon.request(flow)
    flow.response = http.Response.make(200, b"whole")
    addon.responseheaders(flow)
    addon.response(flow)
    assert addon.seen == []
    assert flow.response.content == b"whole"
    assert "x-seen" not in flow.response.headers


def test_a_head_that_a_hook_did_not_finish_with_does_not_go_out() -> None:
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(200, b"half done")
    Addon(crash).responseheaders(flow)
    assert code_of(flow) == "KP-SYS-501"
    assert b"half done" not in (flow.response.raw_content or b"")
    assert "x-seen" not in flow.response.headers


def test_a_head_that_a_hook_did_finish_with_goes_out() -> None:
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(200, b"done")
    Addon(nothing).responseheaders(flow)
    assert flow.response.headers["x-seen"] == "1"
    assert flow.response.content == b"done"


def test_a_head_hook_without_a_head_does_nothing() -> None:
    flow = client_flow()
    exchange_of(flow)
    Addon(crash).responseheaders(flow)
    assert flow.response is None


def test_after_the_reply_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(200, b"out")
    Addon(crash).response(flow)
    assert flow.response.content == b"out"
    assert [record.getMessage() for record in caplog.records] == ["internal error"]


def test_an_answer_asks_for_no_body() -> None:
    flow = client_flow(headers={"host": "localhost:1337", "expect": "100-continue"})
    answer(flow, REPLY)
    assert "expect" not in flow.request.headers


def test_an_answer_to_head_is_a_head() -> None:
    flow = client_flow("HEAD", "/")
    answer(flow, REPLY)
    assert flow.response is not None
    assert flow.response.raw_content is None
    assert flow.response.headers["content-length"] == "3"


def test_a_hook_keeps_its_name() -> None:
    """mitmproxy finds it by that."""
    assert Addon.request.__name__ == "request"
