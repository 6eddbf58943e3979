from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.gateway.vigil import Vigil, budgets_for, patience_is_over, vigil_for
from korproxy_addons.io.upstream import Budgets
from support.asking import question
from support.legs import accounts_of, exchange_for

CLIENTS = ("openai-chat", "openai-responses", "anthropic-messages")


def asked(
    client: str, *, stream: bool = True, agent: str = "", told: str = "", **config: Any
) -> Any:
    one = question(client, "m", stream=stream)
    if told:
        one.headers["x-stainless-timeout"] = told
    return exchange_for(accounts_of({"a": client}, **config), one, tool=agent)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_is_kept_waiting_as_its_dialect_allows(client: str) -> None:
    exchange = asked(client, timeouts={"keep_alive_s": 3.0, "hold_share": 0.5})
    vigil = vigil_for(exchange, exchange.clock_started_s + 10)
    assert vigil == Vigil(20.0, dialect(client).keep_alive(), 3.0)
    assert vigil.beat


def test_a_gemini_client_never_is() -> None:
    assert vigil_for(asked("gemini")).hold_s is None


@pytest.mark.parametrize("client", CLIENTS)
def test_a_whole_answer_never_is(client: str) -> None:
    vigil = vigil_for(asked(client, stream=False))
    assert (vigil.hold_s, vigil.beat) == (None, b"")


def test_neither_is_a_count() -> None:
    counted = question("anthropic-messages", "m")
    counted.path += "/count_tokens"
    counted.body["stream"] = True
    assert vigil_for(exchange_for(accounts_of({"a": "anthropic-messages"}), counted)).hold_s is None


def test_a_wait_that_is_over_already_begins_at_once() -> None:
    exchange = asked("openai-chat")
    assert vigil_for(exchange, exchange.clock_started_s + 1e6).hold_s == 0.0


def test_budgets_are_those_of_the_tool() -> None:
    claude = asked("anthropic-messages", stream=False, agent="claude-cli/2.1.330")
    started = claude.clock_started_s
    assert budgets_for(claude, started) == Budgets(10.0, 240.0, 240.0)
    qwen = asked("openai-chat", stream=False, agent="QwenCode/0.24.4")
    assert budgets_for(qwen, qwen.clock_started_s) == Budgets(10.0, 96.0, 96.0)
    assert budgets_for(qwen, qwen.clock_started_s + 40) == Budgets(10.0, 56.0, 96.0)


def test_what_the_request_says_goes_before_what_is_known() -> None:
    exchange = asked("openai-chat", stream=False, told="20")
    assert budgets_for(exchange, exchange.clock_started_s) == Budgets(10.0, 16.0, 16.0)


def test_what_the_user_says_goes_before_both() -> None:
    own = {"timeouts": {"tools": {"qwen-code": {"first_byte_s": 200.0, "idle_s": 50.0}}}}
    exchange = asked("openai-chat", stream=False, agent="QwenCode/1", told="20", **own)
    assert budgets_for(exchange, exchange.clock_started_s) == Budgets(10.0, 160.0, 40.0)


@pytest.mark.parametrize(
    ("tool", "agent", "most_s"),
    [("codex-cli", "codex_cli_rs/1", 80.0), ("cline", "Cline/1", 240.0)],
)
def test_only_who_hears_keep_alives_is_kept_waiting_for_longer_whoever_sets_his_patience(
    tool: str, agent: str, most_s: float
) -> None:
    own = {"tools": {tool: {"first_byte_s": 100.0}}}
    exchange = asked("openai-responses", agent=agent, timeouts=own)
    assert budgets_for(exchange, exchange.clock_started_s) == Budgets(10.0, most_s, most_s)


def test_the_configuration_is_the_upper_limit() -> None:
    exchange = asked("openai-chat", timeouts={"connect_s": 1.0, "first_byte_s": 2.0, "idle_s": 3.0})
    assert budgets_for(exchange) == Budgets(1.0, 2.0, 3.0)


def test_a_client_is_told_before_its_patience_is_over() -> None:
    exchange = asked("openai-chat", stream=False, agent="QwenCode/1")
    assert not patience_is_over(exchange, exchange.clock_started_s + 90)
    assert patience_is_over(exchange, exchange.clock_started_s + 96)
    unknown = asked("openai-chat", stream=False)
    assert not patience_is_over(unknown, unknown.clock_started_s + 1e6)
