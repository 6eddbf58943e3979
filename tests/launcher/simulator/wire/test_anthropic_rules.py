"""What Anthropic refuses is refused with its words, and what it took is taken."""

from typing import Any

import pytest

from launcher.simulator.wire.anthropic_messages import signature_of
from launcher.simulator.wire.anthropic_rules import problem
from launcher.simulator.wire.anthropic_shape import BETA_FIELDS
from support.needs import needs_recordings
from support.wire_shape import recordings

USER = {"role": "user", "content": "Hi"}
TOOL = {"name": "add", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "4"}
CACHED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


def body(**fields: Any) -> dict[str, Any]:
    given = {"model": "claude-opus-4-6", "max_tokens": 9000, "messages": [USER], **fields}
    return {name: value for name, value in given.items() if value is not ...}


def asked(*turns: Any) -> list[dict[str, Any]]:
    """Messages that go on after a first question, roles alternating."""
    roles = ("assistant", "user") * len(turns)
    return [
        USER,
        *({"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)),
    ]


def refusal(*betas: str, counting: bool = False, **fields: Any) -> str:
    return problem(body(**fields), frozenset(betas), counting=counting) or ""


def test_every_recorded_request_that_was_answered_is_right() -> None:
    for each in recordings(needs_recordings(), "anthropic", "anthropic"):
        if each.status != 200 or each.request is None:
            continue
        betas = frozenset((each.request_headers.get("anthropic-beta") or "").split(","))
        if not any("-20" in beta for beta in betas):  # not every recording kept their names
            betas = frozenset(beta for names, _ in BETA_FIELDS.values() for beta in names)
        counting = "count_tokens" in each.url
        found = problem(each.request, betas, counting=counting, foreign_signatures=True)
        assert found is None, each.name


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": ...}, "max_tokens: Field required"),
    ({"messages": ...}, "messages: Field required"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"reasoning_effort": "low"}, "reasoning_effort: Extra inputs are not permitted"),
    ({"speed": "fast"}, "speed: Extra inputs are not permitted"),
    ({"context_management": {"edits": []}}, "context_management: Extra inputs are not permitted"),
    ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
    (
        {"messages": [{"role": "tool", "content": "x"}]},
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
        "messages.0.content.0: Input tag 'video' found",
    ),
    ({"messages": [{**USER, "name": "mina"}]}, "messages.0.name: Extra inputs are not permitted"),
    (
        {"messages": [{"role": "user", "content": [{**CACHED, "id": 1}]}]},
        "messages.0.content.0.id: Extra inputs",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        "text content blocks must be non-",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        "must contain non-whitespace",
    ),
    (
        {"messages": [{"role": "user", "content": ""}]},
        "messages.0: all messages must have non-empty content",
    ),
    (
        {"messages": [{"role": "system", "content": "x"}, USER]},
        "messages.0: `system` messages are not allowed first",
    ),
    (
        {"system": [CACHED] * 5},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
    ({"tools": [{**TOOL, "name": "a.b"}]}, "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
    ({"tools": [{"name": "add"}]}, "tools.0.input_schema: Field required"),
    ({"tools": [{"type": "function", "name": "add"}]}, "tools.0: Input tag 'function' found"),
    ({"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing tools"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "sub"}},
        "Tool 'sub' not found in provided tools",
    ),
    ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Input should be a valid dictionary"),
    ({"temperature": 1, "top_p": 0.9}, "`temperature` and `top_p` cannot both be specified"),
    ({"stop_sequences": [" "]}, "each stop sequence must contain non-whitespace"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 512}},
        "budget_tokens: Input should be greater than or equal",
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 9000}},
        "must be greater than `thinking.budget_tokens`",
    ),
    (
        {"thinking": {"type": "adaptive"}, "temperature": 0.5},
        "`temperature` may only be set to 1 when thinking",
    ),
    ({"thinking": {"type": "adaptive"}, "top_k": 5}, "`top_k` must be unset when thinking"),
    (
        {"thinking": {"type": "adaptive"}, "top_p": 0.5},
        "`top_p` must be greater than or equal to 0.95",
    ),
    (
        {
            "thinking": {"type": "enabled", "budget_tokens": 2000},
            "tools": [TOOL],
            "tool_choice": {"type": "any"},
        },
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        {"messages": asked([CALL])},
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately",
    ),
    (
        {"messages": asked([CALL], "no result")},
        "without `tool_result` blocks immediately after: toolu_1",
    ),
    (
        {"messages": asked([CALL], [{"type": "text", "text": "first"}, RESULT])},
        "without `tool_result` blocks",
    ),
    ({"messages": asked([CALL], [RESULT, RESULT])}, "each tool_use must have a single result"),
    (
        {"messages": asked("no call", [RESULT])},
        "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
    ),
    (
        {"messages": asked([{**CALL, "id": "functions.add:0"}], [RESULT])},
        "should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    ({"messages": asked([RESULT])}, "`tool_result` blocks can only be in `user` messages"),
    (
        {"messages": [{"role": "user", "content": [CALL]}]},
        "`tool_use` blocks can only be in `assistant` messages",
    ),
    (
        {"messages": asked("ends badly ")},
        "final assistant content cannot end with trailing whitespace",
    ),
    (
        {"messages": asked([{"type": "thinking", "thinking": "a", "signature": ""}], "go")},
        "Invalid `signature` in",
    ),
    (
        {
            "messages": asked(
                [{"type": "thinking", "thinking": "a", "signature": signature_of("b")}], "go"
            )
        },
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        {
            "messages": asked(
                [{"type": "thinking", "thinking": "a", "signature": "s", "cache_control": None}],
                "go",
            )
        },
        "messages.1.content.0.cache_control: Extra inputs are not permitted",
    ),
]


@pytest.mark.parametrize(
    ("fields", "words"), REFUSED, ids=[f"{n} {each[1][:50]}" for n, each in enumerate(REFUSED)]
)
def test_it_is_refused(fields: dict[str, Any], words: str) -> None:
    assert words in refusal(**fields)


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"messages": asked([CALL], [RESULT, {"type": "text", "text": "reminder"}])},
    {
        "messages": asked(
            [CALL, {**CALL, "id": "toolu_2"}], [RESULT, {**RESULT, "tool_use_id": "toolu_2"}]
        )
    },
    {
        "messages": asked(
            [{"type": "thinking", "thinking": "a", "signature": signature_of("a")}, CALL], [RESULT]
        )
    },
    {
        "messages": [
            USER,
            {"role": "system", "content": "mid"},
            {"role": "assistant", "content": "x"},
        ]
    },
    {"messages": [USER, USER]},
    {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}, TOOL]},
    {
        "tools": [
            {**TOOL, "defer_loading": True, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        ]
    },
    {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "top_p": 0.95},
    {"thinking": {"type": "disabled"}, "metadata": {"user_id": "{}"}},
    {"model": "claude-sonnet-4-0", "temperature": 0.5, "top_p": 0.5},
]


@pytest.mark.parametrize("fields", ACCEPTED)
def test_it_is_taken(fields: dict[str, Any]) -> None:
    assert refusal(**fields) == ""


def test_betas_open_their_fields() -> None:
    edits: dict[str, Any] = {"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}
    assert "requires `thinking` to be enabled" in refusal("context-management-2025-06-27", **edits)
    adaptive: dict[str, Any] = {**edits, "thinking": {"type": "adaptive"}}
    assert refusal("context-management-2025-06-27", **adaptive) == ""
    compact: dict[str, Any] = {"context_management": {"edits": [{"type": "compact_20260112"}]}}
    assert refusal("compact-2026-01-12", **compact) == ""
    assert "Extra inputs" in refusal("mcp-client-2025-04-04", **compact)
    assert refusal("fast-mode-2026-02-01", speed="fast") == ""
    effort = {"role": "system", "content": "x", "output_config": {"effort": "low"}}
    assert "messages.1.output_config: Extra inputs" in refusal(messages=[USER, effort])
    assert refusal("per-turn-control-2026-07-01", messages=[USER, effort]) == ""
    budget: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 9000}}
    assert refusal("interleaved-thinking-2025-05-14", **budget) == ""


def test_counting_takes_no_limit_and_no_stream() -> None:
    assert refusal(counting=True, max_tokens=...) == ""
    assert refusal(counting=True) == "max_tokens: Extra inputs are not permitted"


def test_a_body_that_is_no_object() -> None:
    assert "valid dictionary" in (problem([], frozenset(), counting=False) or "")
