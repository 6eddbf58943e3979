"""What a request asks for, whatever dialect it stands in."""

import json
from typing import Any

import pytest

from korproxy_addons.recording.changes import changes_between
from korproxy_addons.recording.question import asked_in, out_of_envelope

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 64,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "Read it"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "read", "input": {"path": "a"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "A"}]},
    ],
    "tools": [{"name": "read", "input_schema": SCHEMA}],
}  # fmt: skip
CHAT: dict[str, Any] = {
    "model": "m",
    "max_completion_tokens": 64,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Read it"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "A"},
    ],
    "tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}],
}  # fmt: skip


def asked(dialect_id: str, body: Any, model: str = "") -> Any:
    return asked_in(dialect_id, json.dumps(body), model=model, streamed=False)


def test_two_dialects_that_ask_for_the_same_are_the_same() -> None:
    assert changes_between(asked("anthropic-messages", MESSAGES), asked("openai-chat", CHAT)) == ()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"temperature": 0.5}, "sampling"),
        ({"model": "other"}, "model"),
        ({"max_tokens": 65}, "max_output_tokens"),
        ({"system": "Be long."}, "conversation[0].text"),
        ({"messages": MESSAGES["messages"][:1]}, "conversation[2]"),
        ({"tools": []}, "tools"),
    ],
)
def test_what_is_not_the_same_is_named(change: dict[str, Any], path: str) -> None:
    before = asked("anthropic-messages", {**MESSAGES, **change})
    paths = [it.path for it in changes_between(before, asked("openai-chat", CHAT))]
    assert path in paths


def test_a_cache_marker_that_is_lost_is_named_at_its_part() -> None:
    marked = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    before = asked("anthropic-messages", {**MESSAGES, "system": marked})
    (change,) = changes_between(before, asked("openai-chat", CHAT))
    assert (change.path, change.kind) == ("conversation[0].cache", "removed")


def test_what_only_its_own_dialect_knows_is_there() -> None:
    assert asked("anthropic-messages", {**MESSAGES, "odd": [1, 2]})["native"] == {"odd": [1, 2]}


def test_a_number_that_nobody_reads_is_kept_as_it_is_written() -> None:
    digits = "1" * 5000
    body = json.dumps({**MESSAGES, "odd": 7}).replace("7}", f"{digits}}}")
    found = asked_in("anthropic-messages", body, model="", streamed=False)
    assert found is not None
    assert found["native"] == {"odd": digits}


def test_gemini_has_its_model_in_the_path() -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    found = asked("gemini", body, "gemini-4-pro")
    assert found["model"] == "gemini-4-pro"
    assert found["conversation"] == [{"role": "user", "text": "Hi"}]


@pytest.mark.parametrize("body", ["{", "[]", '{"messages": 3, "model": "m"}'])
def test_what_is_no_request_asks_for_nothing(body: str) -> None:
    assert asked_in("openai-chat", body, model="", streamed=False) is None
    assert asked_in("nobodys", body, model="", streamed=False) is None


def test_an_envelope_is_taken_off() -> None:
    inner: dict[str, Any] = {"contents": []}
    assert out_of_envelope({"model": "m", "request": inner}) is inner
    for other in (
        {"request": {"a": 1}},
        {"contents": [], "request": inner},
        [inner],
        "x",
        {"request": 1},
    ):
        assert out_of_envelope(other) is other
