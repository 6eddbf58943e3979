"""Tools and tool choice for a Chat upstream."""

from typing import Any, Final

from msgspec import Raw

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects.custom import as_function
from korproxy_addons.dialects.ids import ToolNames
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Tool,
    ToolCallPart,
    ToolChoice,
)
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID, SEARCH_OPTIONS
from korproxy_addons.dialects.schema import is_closed, object_schema, parsed

_NESTED: Final = "function."


def tool_names(request: ChatRequest) -> ToolNames:
    """The names of all tools of the request, those that only the history knows last (T29)."""
    names = [tool.name for tool in request.tools if not isinstance(tool, HostedTool)]
    for message in request.messages:
        names += [part.name for part in message.parts if isinstance(part, ToolCallPart)]
    return ToolNames(names)


class ToolWriter:
    """
    Writes the tools of one request.

    Args:
        request: The request.
        habits: What the upstream accepts.
        names: Tool names there.
        losses: Gets what cannot be said.

    Attributes:
        custom: Upstream names of custom tools that went as functions.
    """

    __slots__ = ("_choice", "_habits", "_losses", "_names", "_request", "custom")

    def __init__(
        self, request: ChatRequest, habits: Habits, names: ToolNames, losses: Losses
    ) -> None:
        self._request = request
        self._habits = habits
        self._names = names
        self._losses = losses
        self._choice = request.tool_choice
        self.custom: set[str] = set()

    def fields(self) -> dict[str, Any]:
        """`tools`, `tool_choice` and `parallel_tool_calls`; nothing if no tool remains (T32)."""
        request = self._request
        out: dict[str, Any] = {}
        tools: list[Any] = []
        for tool in self._allowed():
            if isinstance(tool, HostedTool):
                if tool.origin != DIALECT_ID:
                    self._losses.add(Feature.HOSTED_TOOL, tool.type)
                elif tool.type == SEARCH_OPTIONS:
                    out[SEARCH_OPTIONS] = tool.raw
                else:
                    tools.append(tool.raw)
            elif isinstance(tool, CustomTool):
                tools.append(self._custom(tool))
            else:
                tools.append(self._function(tool))
        if not tools:
            choice = self._choice
            if choice and choice.mode in {ChoiceMode.REQUIRED, ChoiceMode.NAMED}:
                self._losses.add(Feature.TOOL_CHOICE, "no tool is left to choose")
            return out
        out["tools"] = tools
        if self._choice is not None:
            said = self._chosen(self._choice)
            if said is not None:
                out["tool_choice"] = said
        if request.parallel is not None:
            out["parallel_tool_calls"] = request.parallel
        return out

    def _allowed(self) -> tuple[Tool, ...]:
        """The tools; only those that the choice allows (T40)."""
        choice, tools = self._choice, self._request.tools
        if choice is None or choice.mode is ChoiceMode.NAMED or not choice.names:
            return tools
        return tuple(tool for tool in tools if tool.name in choice.names)

    def _function(self, tool: FunctionTool) -> dict[str, Any]:
        own = self._request.source == DIALECT_ID
        if tool.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        function: dict[str, Any] = {"name": self._names.there(tool.name)}
        if tool.description:
            function["description"] = tool.description
        function["parameters"] = object_schema(tool.schema)
        if tool.strict is not None:
            if not self._habits.strict_tools or (
                tool.strict and not own and not is_closed(object_schema(tool.schema))
            ):
                self._losses.add(Feature.STRICT, tool.name)
            else:
                function["strict"] = tool.strict
        out: dict[str, Any] = {"type": "function", "function": function}
        for name, value in tool.native.items():
            if not own:
                self._losses.add(Feature.NATIVE_FIELD, f"tools[].{name}")
            elif name.startswith(_NESTED):
                function[name.removeprefix(_NESTED)] = value
            else:
                out[name] = value
        return out

    def _custom(self, tool: CustomTool) -> dict[str, Any]:
        if not self._habits.custom_tools:
            if tool.format is not None:
                self._losses.add(Feature.CUSTOM_GRAMMAR, tool.name)
            self.custom.add(self._names.there(tool.name))
            return self._function(as_function(tool))
        custom: dict[str, Any] = {"name": self._names.there(tool.name)}
        if tool.description:
            custom["description"] = tool.description
        if tool.format is not None:
            custom["format"] = _nested_format(tool.format)
        return {"type": "custom", "custom": custom}

    def _chosen(self, choice: ToolChoice) -> Any:
        """`tool_choice`; None where it has to go."""
        forced = choice.mode in {ChoiceMode.REQUIRED, ChoiceMode.NAMED}
        if choice.hosted_type:
            self._losses.add(Feature.TOOL_CHOICE, choice.hosted_type)
            return None
        if forced and not self._habits.forced_choice:
            self._losses.add(Feature.TOOL_CHOICE, choice.mode)
            return None
        if choice.mode is not ChoiceMode.NAMED:
            return choice.mode.value
        name = choice.names[0]
        known = next((tool for tool in self._request.tools if tool.name == name), None)
        if isinstance(known, HostedTool) and known.origin != DIALECT_ID:
            self._losses.add(Feature.TOOL_CHOICE, known.type)
            return None
        kind = "function"
        if isinstance(known, CustomTool) and self._habits.custom_tools:
            kind = "custom"
        return {"type": kind, kind: {"name": self._names.there(name)}}


def _nested_format(form: Raw) -> Any:
    """A custom tool's grammar in Chat's nested form; Responses has it flat (T142)."""
    fields = parsed(form)
    if fields.get("type") != "grammar" or "grammar" in fields:
        return form
    grammar = {name: fields[name] for name in ("syntax", "definition") if name in fields}
    return {"type": "grammar", "grammar": grammar}
