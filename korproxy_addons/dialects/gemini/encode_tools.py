"""Tools and choice to `tools` and `toolConfig`."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Raw, Struct

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.custom import as_function
from korproxy_addons.dialects.gemini.fit import fitted_parameters
from korproxy_addons.dialects.gemini.generation import before_gemini_3
from korproxy_addons.dialects.gemini.wire import DIALECT_ID
from korproxy_addons.dialects.ids import ToolNames
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Message,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)

# Google's own tools for what other services call by other names (T135).
_SAME: Final = {
    HostedKind.WEB_SEARCH: "googleSearch",
    HostedKind.WEB_FETCH: "urlContext",
    HostedKind.URL_CONTEXT: "urlContext",
    HostedKind.CODE_EXECUTION: "codeExecution",
}
_SERVER_SIDE: Final = "toolConfig.includeServerSideToolInvocations"
_VALIDATED: Final = "toolConfig.functionCallingConfig.mode"
_MODES: Final = {
    ChoiceMode.AUTO: "AUTO",
    ChoiceMode.REQUIRED: "ANY",
    ChoiceMode.NAMED: "ANY",
    ChoiceMode.NONE: "NONE",
}


class WireTools(Struct, frozen=True):
    """
    What a body says about tools.

    Attributes:
        tools: Value of `tools`; [] for none.
        calling: Value of `functionCallingConfig`, None for none.
        custom: Upstream names of custom tools that went as functions.
        server_side: Google's tools stand beside functions, which its models want to be told.
    """

    tools: list[Any]
    calling: dict[str, Any] | None
    custom: frozenset[str]
    server_side: bool = False


def tool_names(tools: Iterable[Tool], messages: Iterable[Message]) -> ToolNames:
    """The names of a request, as Gemini takes them (T29)."""
    names = [tool.name for tool in tools if not isinstance(tool, HostedTool)]
    names += [
        part.name
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCallPart | ToolResultPart) and part.name
    ]
    return ToolNames(names, legal="a-zA-Z0-9_.:-", first="a-zA-Z_")


def encode_tools(
    request: ChatRequest, target: Target, names: ToolNames, losses: Losses
) -> WireTools:
    """The tools and the choice; what has to go is noted in `losses`."""
    own = request.source == DIALECT_ID
    choice = request.tool_choice or ToolChoice(ChoiceMode.AUTO)
    allowed = None
    if choice.mode is ChoiceMode.AUTO and choice.names and _VALIDATED not in request.native:
        # names go with a forced choice only: the others are not offered (T40)
        allowed = frozenset(choice.names)
    functions: list[dict[str, Any]] = []
    custom: set[str] = set()
    seen: set[str] = set()
    for tool in request.tools:
        if isinstance(tool, HostedTool) or (allowed is not None and tool.name not in allowed):
            continue
        name = names.there(tool.name)
        if name in seen:
            losses.add(Feature.DUPLICATE_TOOL, tool.name)
            continue
        seen.add(name)
        if isinstance(tool, CustomTool):
            custom.add(name)
            if tool.format is not None:
                losses.add(Feature.CUSTOM_GRAMMAR, tool.name)
        functions.append(_function(tool, name, target.habits, losses, own=own))
    hosted = [tool for tool in request.tools if isinstance(tool, HostedTool)]
    habit = target.habits.tools_with_search and not before_gemini_3(target.model)
    together = habit or own or _SERVER_SIDE in request.native
    if functions and hosted and not together:
        for each in hosted:  # (T33)
            losses.add(Feature.HOSTED_TOOL, f"{each.type} beside functions")
        hosted = []
    if request.parallel is False and functions:
        losses.add(Feature.PARALLEL)
    wire: list[Any] = [{"functionDeclarations": functions}] if functions else []
    wire += _hosted(hosted, losses)
    return WireTools(
        wire,
        _calling(request, choice, seen, names, losses),
        frozenset(custom),
        server_side=bool(functions and hosted) and not own,
    )


def _function(
    tool: FunctionTool | CustomTool, name: str, habits: Habits, losses: Losses, *, own: bool
) -> dict[str, Any]:
    if isinstance(tool, CustomTool):
        tool = as_function(tool)
    wire: dict[str, Any] = {"name": name, "description": tool.description}
    if tool.schema is not None:
        if habits.json_schema:
            wire["parametersJsonSchema"] = tool.schema
        else:
            schema = fitted_parameters(tool.schema, tool.name, losses)
            if schema is not None:
                wire["parameters"] = schema
    if tool.strict:
        losses.add(Feature.STRICT, tool.name)
    if tool.cache is not None:
        losses.add(Feature.CACHE_MARKER)
    if own:
        wire.update(tool.native)
    else:
        for field in tool.native:
            losses.add(Feature.NATIVE_FIELD, f"tools.{field}")
    return wire


def _hosted(tools: list[HostedTool], losses: Losses) -> list[Any]:
    found: dict[str, Any] = {}
    for tool in tools:
        same = _SAME.get(tool.kind)
        if tool.origin == DIALECT_ID:
            found[f"{tool.type} {bytes(tool.raw).hex()}"] = tool.raw
        elif same is None:
            losses.add(Feature.HOSTED_TOOL, tool.type)
        else:
            found.setdefault(same, {same: Raw(b"{}")})
    return list(found.values())


def _calling(
    request: ChatRequest, choice: ToolChoice, seen: set[str], names: ToolNames, losses: Losses
) -> dict[str, Any] | None:
    if request.tool_choice is None:
        return None
    if choice.hosted_type or (not seen and choice.mode in {ChoiceMode.REQUIRED, ChoiceMode.NAMED}):
        losses.add(Feature.TOOL_CHOICE, choice.hosted_type)  # Google's own tools cannot be forced
        return None
    if not seen:
        return None
    forced = choice.mode in {ChoiceMode.REQUIRED, ChoiceMode.NAMED}
    validated = _VALIDATED in request.native and request.source == DIALECT_ID
    calling: dict[str, Any] = {"mode": "VALIDATED" if validated else _MODES[choice.mode]}
    wanted = [name for each in choice.names if (name := names.there(each)) in seen]
    if choice.names and not wanted:
        losses.add(Feature.TOOL_CHOICE, "the chosen tool is not offered")
        return None
    if wanted and (forced or validated):
        calling["allowedFunctionNames"] = wanted
    return calling
