"""What services that resemble OpenAI's refuse."""

from typing import Any

import pytest

from launcher.simulator.wire.compatible_rules import chat_problem

USER = {"role": "user", "content": "x"}
CALLS = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}, {"id": "c2"}]}
RESULTS = [{"role": "tool", "tool_call_id": name, "content": "4"} for name in ("c2", "c1")]


def problem(**fields: Any) -> str:
    return chat_problem({"model": "m", "messages": [USER], **fields}) or ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": None}, "you must provide a model parameter"),
        ({"messages": None}, "[] is too short - 'messages'"),
        ({"messages": [USER, {"role": "developer"}]}, "developer is not one of"),
        ({"messages": [USER, RESULTS[0]]}, "must be a response to a preceeding message"),
        ({"messages": [USER, CALLS, RESULTS[0], USER]}, "did not have response messages: c1"),
        ({"messages": [USER, CALLS]}, "did not have response messages: c1, c2"),
        ({"tools": []}, "[] is too short - 'tools'"),
        ({"tool_choice": "auto"}, "tools are required when tool choice is specified"),
        ({"tools": [{"type": "function", "name": "flat"}]}, "'function' is a required property"),
        ({"stream_options": {}}, "only set this when you set stream: true"),
    ],
)
def test_it_is_refused(fields: dict[str, Any], words: str) -> None:
    assert words in problem(**fields)


def test_it_is_taken() -> None:
    assert problem(messages=[USER, CALLS, *RESULTS, USER], nonsense=1) == ""
    assert (
        problem(tools=[{"type": "function", "function": {"name": "a"}}], tool_choice="required")
        == ""
    )
