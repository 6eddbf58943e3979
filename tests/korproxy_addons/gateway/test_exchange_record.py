from typing import Any

import pytest

from korproxy_addons.config.schema import LocalKey
from korproxy_addons.dialects.base import Peek
from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Attempt
from korproxy_addons.gateway.exchange_record import record_of
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.routing.plan import Plan
from korproxy_addons.usage.prices import PriceTable
from korproxy_addons.usage.record import ExchangeRecord
from support.flows import client_flow, exchange_of

PRICES = PriceTable()
USED = Usage(input_tokens=1000, cached_tokens=600, cache_write_tokens=100, output_tokens=50)


def attempt(**fields: Any) -> Attempt:
    base = {
        "number": 1, "account_id": "a", "account_label": "A", "provider": "claude", "access": "api-key",
        "dialect": "anthropic-messages", "model": "claude-opus-5", "url": "https://x", "started_at": 1.0,
        "sent_ms": 2.0, "status": 200, "whole": True, "ended_ms": 12.0,
    }  # fmt: skip
    return Attempt(**{**base, **fields})


def record(total_ms: float = 20.0, **fields: Any) -> ExchangeRecord:
    exchange = exchange_of(client_flow(body=b"12345"), **fields)
    return record_of(exchange, outcome="ok", total_ms=total_ms, prices=PRICES)


def test_a_record_says_who_asked_whom_and_how_it_went() -> None:
    found = record(
        wanted=Wanted("gemini", Operation.GENERATE),
        peek=Peek("opus", stream=True),
        tool="claude-code",
        project="/projects/p",
        profile="work",
        kind="chat+background",
        group="fast",
        plan=Plan("work", "night", ()),
        local_key=LocalKey(id="ci", sha256="0" * 64),
        why=["alias", "sticky"],
        attempts=[attempt(usage=USED, first_byte_ms=5.0, connection_reused=True)],
        first_byte_ms=5.0,
        bytes_out=77,
        finish="stop",
        status=200,
        moved="rate",
        cache_lost_tokens=9,
    )
    assert (found.requested_model, found.model, found.streamed) == ("opus", "claude-opus-5", True)
    assert (found.tool, found.project, found.profile) == ("claude-code", "/projects/p", "work")
    assert (found.kind, found.route_group, found.rule) == ("chat+background", "fast", "night")
    assert (found.local_key, found.why) == ("ci", "alias, sticky")
    assert (found.account, found.provider, found.access) == ("a", "claude", "api-key")
    assert (found.bytes_in, found.bytes_out, found.stop_reason, found.status) == (
        5,
        77,
        "stop",
        200,
    )
    assert (found.input_tokens, found.cached_tokens, found.cache_write_tokens) == (1000, 600, 100)
    assert (found.moved, found.cache_lost_tokens) == ("rate", 9)
    assert found.cost_usd is not None
    assert found.cost_usd > 0
    assert not found.usage_incomplete


def test_tokens_of_all_attempts_are_added_up() -> None:
    """One that broke off after its announcement was paid for, too."""
    cut = attempt(
        account_id="b", usage=Usage(input_tokens=1000), whole=False, error_code="KP-PROV-109"
    )
    found = record(attempts=[cut, attempt(usage=USED)])
    assert (found.input_tokens, found.output_tokens) == (2000, 50)
    assert [it.input_tokens for it in found.attempts] == [1000, 1000]
    assert found.usage_incomplete
    costs = [it.cost_usd or 0 for it in found.attempts]
    assert found.cost_usd == pytest.approx(sum(costs))


@pytest.mark.parametrize(
    ("fields", "incomplete"),
    [
        ({}, False),
        ({"whole": False}, True),
        ({"status": 429, "whole": False, "error_code": "KP-RATE-401"}, False),
        ({"status": None, "whole": False, "error_code": "KP-NET-301"}, False),
        ({"status": None, "whole": False, "error_code": "KP-NET-303"}, False),
        ({"status": None, "whole": False, "error_code": "KP-NET-305"}, True),
        ({"status": None, "whole": False, "error_code": "KP-NET-308"}, True),
        ({"status": None, "whole": False}, True),
        ({"status": None, "whole": False, "sent_ms": None}, False),
    ],
)
def test_what_a_provider_may_not_have_told_is_marked(fields: Any, *, incomplete: bool) -> None:
    tried = attempt(**{"usage": USED, **fields})
    assert record(attempts=[tried]).usage_incomplete is incomplete


def test_an_answer_that_says_nothing_of_its_tokens_is_marked_and_a_count_is_not() -> None:
    generate, count = (
        Wanted("openai-chat", it) for it in (Operation.GENERATE, Operation.COUNT_TOKENS)
    )
    assert record(wanted=generate, attempts=[attempt(usage=None)]).usage_incomplete
    assert not record(wanted=count, attempts=[attempt(usage=None)]).usage_incomplete


def test_overhead_is_the_time_without_an_attempt_under_way() -> None:
    first = attempt(sent_ms=2.0, ended_ms=12.0)
    second = attempt(sent_ms=15.0, ended_ms=19.0)
    assert record(20.0, attempts=[first, second]).overhead_ms == 6.0
    assert record(20.0, attempts=[attempt(sent_ms=2.0, ended_ms=None)]).overhead_ms == 2.0
    assert record(20.0).overhead_ms is None


def test_a_model_without_a_price_has_no_cost() -> None:
    assert record(attempts=[attempt(model="nobody-knows", usage=USED)]).cost_usd is None


def test_the_code_is_that_of_the_error_the_client_was_told() -> None:
    error = KorProxyError(catalogue.NO_ACCOUNT)
    assert record(error=error, stream_error="x").code == catalogue.NO_ACCOUNT.code
    assert record(stream_error="overloaded_error").code == "overloaded_error"
    assert record().code == ""


def test_names_that_somebody_makes_up_are_short_and_can_be_kept() -> None:
    found = record(peek=Peek("m\udc80" + "x" * 10_000, stream=False), stream_error="y" * 10_000)
    assert len(found.requested_model) <= 200
    assert len(found.code) <= 200
    found.requested_model.encode()
