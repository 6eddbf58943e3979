from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.runaway_guard import RunawayGuard
from support.asking import Question, question
from support.legs import accounts_of, exchange_for

NOW = 1_800_000_000.0
HELLO = question("openai-chat", "m")


def exchange(asked: Question = HELLO, tool: str = "claude-cli/2", **runaway: Any) -> Exchange:
    config = accounts_of({"a": "openai-chat"}, runaway=runaway)
    found = exchange_for(config, asked, tool=tool)
    found.session = "id:s"
    return found


def refused(guard: RunawayGuard, asked: Exchange, now: float = NOW) -> KorProxyError:
    with pytest.raises(KorProxyError) as refusal:
        guard.check(asked, now)
    assert refusal.value.spec is catalogue.RUNAWAY
    return refusal.value


def test_a_client_that_repeats_itself_is_stopped_and_named() -> None:
    guard = RunawayGuard()
    settings: dict[str, Any] = {"repeats": 3, "window_s": 30.0}
    for _ in range(3):
        guard.check(exchange(**settings), NOW)
    error = refused(guard, exchange(**settings))
    assert error.retry_after_s == 30
    assert "same request 3 times in 30 s; this was number 4; resets in 30 s" in error.message()
    guard.check(exchange(question("openai-chat", "m", "something else"), **settings), NOW)
    guard.check(exchange(tool="QwenCode/1", **settings), NOW)
    guard.check(exchange(**settings), NOW + 30)


def test_by_default_only_what_no_tool_does_is_stopped() -> None:
    guard = RunawayGuard()
    for _ in range(300):
        guard.check(exchange(), NOW)
    refused(guard, exchange())


def looping(times: int) -> Question:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Do it."}]
    for number in range(times):
        call = {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": "read", "arguments": "{}"},
        }
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": "no such file"},
        ]
    return Question("/v1/chat/completions", {"model": "m", "messages": messages})


LOOPS: dict[str, Any] = {"repeats": 0, "tool_calls": 4}


def test_a_tool_call_that_never_ends_is_stopped_and_named() -> None:
    guard = RunawayGuard()
    for times in range(3):
        guard.check(exchange(looping(times), **LOOPS), NOW)
    error = refused(guard, exchange(looping(4), **LOOPS))
    assert "tool “read” was called 4 times" in error.message()


def test_turns_that_differ_are_no_loop() -> None:
    guard = RunawayGuard()
    for times in range(20):
        guard.check(exchange(looping(times % 4), **LOOPS), NOW)


def test_a_body_that_cannot_be_read_is_refused_where_it_is_read() -> None:
    guard = RunawayGuard()
    broken = Question("/v1/chat/completions", {"model": "m", "messages": 5})
    for _ in range(8):
        guard.check(exchange(broken, **LOOPS), NOW)


def test_both_can_be_turned_off() -> None:
    guard = RunawayGuard()
    for times in range(400):
        guard.check(exchange(looping(times % 3 + 20), repeats=0, tool_calls=0), NOW)


def test_large_bodies_are_told_apart_by_their_ends_and_their_length() -> None:
    guard = RunawayGuard()
    for size in (300_000, 300_001, 300_002):
        guard.check(exchange(question("openai-chat", "m", "x" * size), repeats=1), NOW)
        guard.check(
            exchange(question("openai-chat", "m", "x" * size + "y"), repeats=1), NOW + 1000 * size
        )
    refused(guard, exchange(question("openai-chat", "m", "x" * 300_002), repeats=1), NOW + 1)
