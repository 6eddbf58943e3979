"""
What Anthropic's Messages API refuses, with its words.

Shape first (`anthropic_shape`), then the rules between fields and between messages.
"""

import re
from collections.abc import Iterator
from typing import Any

from launcher.simulator.wire import anthropic_shape
from launcher.simulator.wire.anthropic_messages import signature_of
from launcher.simulator.wire.reading import Json, mapping, objects
from launcher.simulator.wire.shape import Obj, Problem, check

MAX_CACHE_MARKERS = 4
_ID = re.compile(r"[a-zA-Z0-9_-]+\Z")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
# Models of before Opus 4.1: they take `temperature` beside `top_p`.
_TAKES_BOTH = (
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-2",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
)
_TYPE_WORDS = {
    "string": "a valid string",
    "integer": "a valid integer",
    "number": "a valid number",
    "boolean": "a valid boolean",
    "array": "a valid list",
    "object": "a valid dictionary",
}


def problem(
    body: Any, betas: frozenset[str], *, counting: bool, foreign_signatures: bool = False
) -> str | None:
    """
    The refusal's text, or nothing if the body is right.

    Args:
        body: The request's JSON.
        betas: Names in the `anthropic-beta` header; some fields exist only under one.
        counting: The body is for `count_tokens`, which takes fewer fields.
        foreign_signatures: Take thinking blocks this simulator didn't sign.
    """
    if not isinstance(body, dict):
        return "Input should be a valid dictionary or object to extract fields from"
    shape = anthropic_shape.COUNT_REQUEST if counting else anthropic_shape.REQUEST
    fields = dict(shape.fields)
    for name, (beta, inner) in anthropic_shape.BETA_FIELDS.items():
        if any(each.startswith(beta) for each in betas):
            fields[name] = inner
    found = next(check(body, Obj(fields, shape.required)), None)
    if found is not None:
        return _worded(found)
    every = (
        _of_settings(body, betas),
        _of_cache_markers(body),
        _of_tools(body),
        _of_messages(body, foreign_signatures=foreign_signatures),
    )
    return next((text for texts in every for text in texts), None)


def _worded(found: Problem) -> str:
    place = ".".join(str(step) for step in found.path)
    bound = found.detail
    if found.kind == "type":
        words = [_TYPE_WORDS.get(word, word) for word in found.detail.split(" or ")]
        return f"{place}: Input should be {' or '.join(words)}"
    if found.kind == "tag":
        return (
            f"{place}: Input tag '{found.value}' found using 'type' does not match any of the"
            f" expected tags: {bound}"
        )
    if found.kind == "choice":
        choices = " or ".join(f"'{each}'" for each in bound.split(", "))
        return f"{place}: Input should be {choices}"
    if found.kind == "short" and place == "messages":
        return "messages: at least one message is required"
    return (
        f"{place}: "
        + {
            "missing": "Field required",
            "extra": "Extra inputs are not permitted",
            "small": f"Input should be greater than or equal to {bound}",
            "large": f"Input should be less than or equal to {bound}",
            "short": f"String should have at least {bound} character",
            "long": f"List should have at most {bound} items",
        }[found.kind]
    )


def _of_settings(body: Json, betas: frozenset[str]) -> Iterator[str]:
    thinking = mapping(body.get("thinking"))
    kind = thinking.get("type")
    limit = body.get("max_tokens")
    interleaved = any(each.startswith("interleaved-thinking-") for each in betas)
    if (
        kind == "enabled"
        and limit is not None
        and not interleaved
        and thinking["budget_tokens"] >= limit
    ):
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if kind in {"enabled", "adaptive"}:
        yield from _of_sampling_with_thinking(body)
        forced = mapping(body.get("tool_choice")).get("type") in {"any", "tool"}
        if forced and kind == "enabled":
            yield "Thinking may not be enabled when tool_choice forces tool use."
    both = body.get("temperature") is not None and body.get("top_p") is not None
    if both and not str(body["model"]).startswith(_TAKES_BOTH):
        yield (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        )
    for index, stop in enumerate(body.get("stop_sequences") or ()):
        if not stop.strip():
            yield f"stop_sequences.{index}: each stop sequence must contain non-whitespace"
    if body.get("tool_choice") is not None and not body.get("tools"):
        yield "tool_choice: tool_choice may only be specified while providing tools."
    if body.get("context_management") is not None:
        yield from _of_context_management(body, kind)


def _of_context_management(body: Json, thinking: Any) -> Iterator[str]:
    for edit in objects(mapping(body["context_management"]).get("edits")):
        clears = str(edit.get("type")).startswith("clear_thinking_")
        if clears and thinking not in {"enabled", "adaptive"}:
            yield f"`{edit['type']}` strategy requires `thinking` to be enabled or adaptive"


def _of_sampling_with_thinking(body: Json) -> Iterator[str]:
    docs = "Please consult our documentation on extended thinking."
    if body.get("temperature", 1) != 1:
        yield f"`temperature` may only be set to 1 when thinking is enabled or adaptive. {docs}"
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        yield (
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or"
            f" adaptive. {docs}"
        )
    if body.get("top_k") is not None:
        yield f"`top_k` must be unset when thinking is enabled or adaptive. {docs}"


def _of_cache_markers(body: Json) -> Iterator[str]:
    found = 0
    places: list[Any] = [body.get("tools"), body.get("system")]
    places += [message.get("content") for message in body["messages"]]
    if body.get("cache_control") is not None:
        found += 1
    for place in places:
        for block in objects(place):
            found += block.get("cache_control") is not None
            for inner in objects(block.get("content")):
                found += inner.get("cache_control") is not None
    if found > MAX_CACHE_MARKERS:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {found}."


def _of_tools(body: Json) -> Iterator[str]:
    names: set[str] = set()
    for index, tool in enumerate(body.get("tools") or ()):
        name = tool["name"]
        if not _NAME.match(name):
            yield (
                f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        if name in names:
            yield "tools: Tool names must be unique."
        names.add(name)
    choice = mapping(body.get("tool_choice"))
    if choice.get("type") == "tool" and choice["name"] not in names:
        yield f"Tool '{choice['name']}' not found in provided tools"


def _of_messages(body: Json, *, foreign_signatures: bool) -> Iterator[str]:
    messages = body["messages"]
    if messages[0]["role"] == "system":
        yield "messages.0: `system` messages are not allowed first; use the top-level `system` field"
    before: Json | None = None
    for index, message in enumerate(messages):
        last = index == len(messages) - 1
        yield from _of_content(message, index, last=last, foreign_signatures=foreign_signatures)
        if message["role"] == "system":
            if before is not None and before["role"] == "system":
                yield f"messages.{index}: consecutive `system` messages are not allowed"
            continue
        yield from _of_results(before, message, index)
        before = message
    if before is not None and before["role"] == "assistant":
        yield from _of_last_answer(before, len(messages) - 1)


def _of_last_answer(message: Json, index: int) -> Iterator[str]:
    blocks = objects(message["content"])
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if calls:
        yield _unanswered(index, calls)
    text = message["content"] if isinstance(message["content"], str) else None
    if text is None and blocks and blocks[-1]["type"] == "text":
        text = blocks[-1]["text"]
    if text is not None and text != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _of_content(
    message: Json, index: int, *, last: bool, foreign_signatures: bool
) -> Iterator[str]:
    content = message["content"]
    role = message["role"]
    if not content and not (last and role == "assistant"):
        yield (
            f"messages.{index}: all messages must have non-empty content except for the optional"
            " final assistant message"
        )
    for at, block in enumerate(objects(content)):
        place = f"messages.{index}.content.{at}"
        kind = block["type"]
        if kind == "text" and not block["text"]:
            if block.get("cache_control"):
                yield f"{place}.text: cache_control cannot be set for empty text blocks"
            yield "messages: text content blocks must be non-empty"
        elif kind == "text" and not block["text"].strip():
            yield "messages: text content blocks must contain non-whitespace text"
        elif kind == "thinking" and not foreign_signatures:
            if block["signature"] != signature_of(block["thinking"]):
                yield f"{place}: Invalid `signature` in `thinking` block"
        elif kind == "tool_use" and not _ID.match(block["id"]):
            yield f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if kind in {"tool_use", *_THOUGHTS} and role != "assistant":
            yield f"messages.{index}: `{kind}` blocks can only be in `assistant` messages"
        if kind == "tool_result" and role != "user":
            yield f"messages.{index}: `tool_result` blocks can only be in `user` messages"


def _of_results(before: Json | None, message: Json, index: int) -> Iterator[str]:
    """Every call is answered at once, once, first, and nothing else is."""
    asked: list[str] = []
    if before is not None and before["role"] == "assistant":
        asked = [b["id"] for b in objects(before["content"]) if b["type"] == "tool_use"]
    blocks = objects(message["content"])
    if message["role"] == "assistant" and asked:
        yield _unanswered(index - 1, asked)
        return
    answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for given in answered:
        if given not in asked:
            yield (
                f"messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result`"
                f" blocks: {given}. Each `tool_result` block must have a corresponding `tool_use`"
                " block in the previous message."
            )
        if answered.count(given) > 1:
            yield (
                f"messages.{index}.content: each tool_use must have a single result. Found multiple"
                f" `tool_result` blocks with id: {given}"
            )
    missing = [each for each in asked if each not in answered]
    leading = blocks[: len(answered)]
    if missing or any(block["type"] != "tool_result" for block in leading):
        yield _unanswered(index - 1, missing or asked)


def _unanswered(index: int, calls: list[str]) -> str:
    return (
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately"
        f" after: {', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result`"
        " block in the next message."
    )
