"""Tools and tool choice of a request, and the tool that stands in for structured output (T130)."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects.anthropic_messages.encode_parts import Block, marked
from korproxy_addons.dialects.anthropic_messages.schema_rules import input_schema, strict_schema
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, FIELDS, OWN_ORIGIN
from korproxy_addons.dialects.custom import as_function
from korproxy_addons.dialects.ids import NAME_LIMIT, ToolNames
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    ChoiceMode,
    CustomTool,
    FormatKind,
    HostedKind,
    HostedTool,
    Tool,
    ToolCallPart,
    ToolChoice,
)
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.errors.exceptions import KorProxyError

_MODES: Final = {ChoiceMode.AUTO: "auto", ChoiceMode.REQUIRED: "any", ChoiceMode.NONE: "none"}
_FORCED: Final = frozenset({"any", "tool"})
_MUST_CALL: Final = frozenset({ChoiceMode.REQUIRED, ChoiceMode.NAMED})
_OWN_NAME_LIMIT: Final = 128
_SEARCH: Final = "web_search"
_SEARCH_TYPE: Final = "web_search_20250305"
_ANSWER: Final = "structured_answer"
_ANSWER_WORDS: Final = "Gives the final answer. Call it once, with the whole answer, to finish."


class ToolPlan(Struct):
    """
    What goes up about tools.

    Attributes:
        names: Tool names there and back.
        tools: On the wire.
        choice: On the wire; None where nothing is to be said.
        custom: Upstream names of custom tools.
        answer_tool: Upstream name of the tool that takes the structured answer, else "".
    """

    names: ToolNames
    tools: list[Block]
    choice: Block | None = None
    custom: frozenset[str] = frozenset()
    answer_tool: str = ""

    @property
    def forced(self) -> bool:
        """Whether the model must call a tool."""
        return self.choice is not None and self.choice["type"] in _FORCED


def planned_tools(request: ChatRequest, habits: Habits, losses: Losses) -> ToolPlan:
    """The tools of a request, their names fitted, the choice with them."""
    limit = _OWN_NAME_LIMIT if habits.state_origin == OWN_ORIGIN else NAME_LIMIT
    names = ToolNames(_names(request), limit=limit)
    plan = ToolPlan(names, [])
    custom: set[str] = set()
    taken: set[str] = set()
    for tool in _allowed(request, losses):
        block = _block(tool, request.source, habits, names, losses)
        if block is None:
            continue
        name = _wire_name(block)
        if name in taken:
            losses.add(Feature.DUPLICATE_TOOL, name)
            continue
        taken.add(name)
        if isinstance(tool, CustomTool):
            custom.add(name)
        plan.tools.append(block)
    plan.custom = frozenset(custom)
    if plan.tools:
        plan.choice = _choice(request, plan, taken, losses)
    elif request.tool_choice is not None and request.tool_choice.mode in _MUST_CALL:
        losses.add(Feature.TOOL_CHOICE, "no tool is left to choose")
    output = request.output
    if output is not None and output.kind is FormatKind.SCHEMA and not habits.schema_output:
        _add_answer_tool(request, plan, taken)
    return plan


def _names(request: ChatRequest) -> Iterable[str]:
    yield from (tool.name for tool in request.tools if tool.name)
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                yield part.name


def _allowed(request: ChatRequest, losses: Losses) -> list[Tool]:
    """The tools that may be called: the only way to say `allowed_tools` here (T40)."""
    choice = request.tool_choice
    if choice is None or choice.mode is ChoiceMode.NAMED or not choice.names:
        return list(request.tools)
    kept = [tool for tool in request.tools if tool.name in choice.names]
    if not kept:
        losses.add(Feature.TOOL_CHOICE, "none of the allowed tools is there")
        return list(request.tools)
    return kept


def _block(
    tool: Tool, source: str, habits: Habits, names: ToolNames, losses: Losses
) -> Block | None:
    if isinstance(tool, HostedTool):
        return _hosted(tool, habits, losses)
    if isinstance(tool, CustomTool):
        if tool.format is not None:
            losses.add(Feature.CUSTOM_GRAMMAR, f"{tool.name}: as words only")
        tool = as_function(tool)
    block: Block = {"name": names.there(tool.name)}
    if tool.description:
        block["description"] = tool.description
    own = source == DIALECT_ID
    strict = tool.strict is True and habits.strict_tools
    if tool.strict is True and not strict:
        losses.add(Feature.STRICT, tool.name)
    if strict and not own:
        block["input_schema"] = strict_schema(tool.schema, losses, tool=True)
    elif own and tool.schema is not None:
        block["input_schema"] = tool.schema
    else:
        block["input_schema"] = input_schema(tool.schema)
    if strict:
        block["strict"] = True
    elif own and tool.strict is False and habits.strict_tools:
        block["strict"] = False
    if own:
        block |= tool.native
    else:
        for name in tool.native:
            losses.add(Feature.NATIVE_FIELD, f"tools.{name}")
    return marked(block, tool.cache)


def _hosted(tool: HostedTool, habits: Habits, losses: Losses) -> Block | None:
    if tool.origin == DIALECT_ID:
        try:
            block: Block = decode_payload(FIELDS, bytes(tool.raw))
        except KorProxyError:
            return None
        return {name: raw for name, raw in block.items() if bytes(raw) != b"null"}
    if tool.kind is HostedKind.WEB_SEARCH and habits.state_origin == OWN_ORIGIN:
        return marked(_search(tool), tool.cache)
    losses.add(Feature.HOSTED_TOOL, tool.type or tool.name)
    return None


def _search(tool: HostedTool) -> Block:
    """Anthropic's web search in place of another service's (T135)."""
    block: Block = {"type": _SEARCH_TYPE, "name": _SEARCH}
    try:
        said = _SEARCH_FIELDS.decode(tool.raw)
    except (ValueError, RecursionError):
        return block
    if said.filters is not None and said.filters.allowed_domains:
        block["allowed_domains"] = said.filters.allowed_domains
    if said.user_location is not None:
        place = {
            name: value
            for name in ("city", "region", "country", "timezone")
            if (value := getattr(said.user_location, name))
        }
        if place:
            block["user_location"] = {"type": "approximate", **place}
    return block


def _wire_name(block: Block) -> str:
    """The name of a tool on the wire; toolsets without one are told apart by all they say."""
    name = block.get("name", "")
    if isinstance(name, Raw):
        text: str = msgspec.json.decode(name, type=str)
        return text
    return name or msgspec.json.encode(block).decode()


def _choice(request: ChatRequest, plan: ToolPlan, taken: set[str], losses: Losses) -> Block | None:
    choice = request.tool_choice
    block = _chosen(choice, plan, taken, losses) if choice is not None else None
    if request.parallel is False:
        block = block or {"type": "auto"}
    if request.parallel is not None and block is not None and block["type"] != "none":
        block["disable_parallel_tool_use"] = not request.parallel  # (T37)
    return block


def _chosen(choice: ToolChoice, plan: ToolPlan, taken: set[str], losses: Losses) -> Block | None:
    if choice.mode is not ChoiceMode.NAMED:
        return {"type": _MODES[choice.mode]}
    name = plan.names.there(choice.names[0]) if choice.names else ""
    if choice.hosted_type and name not in taken:
        # a hosted tool that was mapped goes by this dialect's name
        name = _SEARCH if choice.hosted_type.startswith(_SEARCH) else name
    if name in taken:
        return {"type": "tool", "name": name}
    losses.add(Feature.TOOL_CHOICE, "the chosen tool was left out")  # (T136)
    return None


def _add_answer_tool(request: ChatRequest, plan: ToolPlan, taken: set[str]) -> None:
    """A tool whose input is the answer, forced; with real tools any of them may come first (T130)."""
    output = request.output
    name = _ANSWER
    while name in taken:
        name += "_"
    plan.answer_tool = name
    mode = plan.choice["type"] if plan.choice else "auto"
    free = bool(plan.tools) and mode in {"auto", "any"}
    plan.tools.append(
        {
            "name": name,
            "description": (output.description if output else "") or _ANSWER_WORDS,
            "input_schema": input_schema(output.schema if output else None),
        }
    )
    if mode == "tool":
        return
    extra: dict[str, Any] = {} if plan.choice is None else plan.choice
    plan.choice = {**extra, "type": "any"} if free else {"type": "tool", "name": name}


class _Filters(Struct):
    allowed_domains: list[str] | None = None


class _Place(Struct):
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None


class _SearchFields(Struct):
    filters: _Filters | None = None
    user_location: _Place | None = None


_SEARCH_FIELDS: Final = msgspec.json.Decoder(_SearchFields)
