import gc

import pytest
from mitmproxy import http

from korproxy_addons.dialects.base import Peek
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.routing.paths import read_path
from support.flows import client_flow, exchange_of


def attempt(number: int, label: str) -> Attempt:
    return Attempt(
        number=number,
        account_id=label.lower(),
        account_label=label,
        provider="claude",
        access="api-key",
        dialect="anthropic-messages",
        model="m",
        url="https://api.example/",
        started_at=0.0,
    )


def test_a_flow_has_its_exchange_and_a_stranger_s_has_none() -> None:
    flow, other = client_flow(), client_flow()
    exchange = exchange_of(flow)
    assert Exchange.of(flow) is exchange
    assert Exchange.of(other) is None


def test_an_exchange_goes_with_its_flow_and_is_written_nowhere() -> None:
    flow = client_flow()
    exchange_of(flow)
    assert flow.metadata == {}
    before = sum(isinstance(it, Exchange) for it in gc.get_objects())
    del flow
    gc.collect()
    assert sum(isinstance(it, Exchange) for it in gc.get_objects()) < before


def test_headers_are_found_by_their_names_in_lower_case_as_they_are_now() -> None:
    client = exchange_of(client_flow()).client
    client.headers = http.Headers([(b"X-A", b"1"), (b"x-a", b"2"), (b"B", b"\xff")])
    assert client.lower == {"x-a": "1, 2", "b": "\udcff"}
    assert client.lower is client.lower
    client.headers["x-A"] = "3"
    assert client.lower["x-a"] == "3"


def test_headers_without_number_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read before anybody has counted them; each look-up goes through all of them."""
    client = exchange_of(client_flow()).client
    client.headers = http.Headers([(b"X-%d" % (it % 7), b"%d" % it) for it in range(20)])
    wanted = {name.lower(): value for name, value in client.headers.items()}
    monkeypatch.setattr(http.Headers, "get_all", lambda *_: pytest.fail("looked up"))
    assert client.lower == wanted


def test_the_model_is_as_the_client_named_it() -> None:
    exchange = exchange_of(client_flow())
    named = [exchange.model]
    exchange.wanted = read_path("POST", "/v1beta/models/in-the-path:generateContent", "", {})
    named.append(exchange.model)
    exchange.peek = Peek(model="in-the-body", stream=False)
    named.append(exchange.model)
    assert named == [None, "in-the-path", "in-the-body"]


def test_the_label_is_of_the_account_that_was_tried_last() -> None:
    exchange = exchange_of(client_flow())
    assert exchange.account_label == ""
    exchange.attempts += [attempt(1, "First"), attempt(2, "Second")]
    assert exchange.account_label == "Second"


def test_a_reason_is_noted_once() -> None:
    exchange = exchange_of(client_flow())
    for reason in ("pinned", "failover:429", "pinned"):
        exchange.note(reason)
    assert exchange.why == ["pinned", "failover:429"]


def test_whoever_waits_for_the_leg_is_told_when_it_is_over_and_else_at_once() -> None:
    exchange = exchange_of(client_flow())
    told: list[str] = []
    exchange.when_settled(lambda: told.append("at once"))
    exchange.leg_running = True
    exchange.when_settled(lambda: told.append("later"))
    assert told == ["at once"]
    exchange.leg_ended()
    exchange.leg_ended()
    assert told == ["at once", "later"]
    assert not exchange.leg_running
