"""Tools of a request, and how free the model is to call them."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.decode_parts import cache_marker, decoded_at
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, FIELDS, given
from korproxy_addons.dialects.anthropic_messages.wire_request import (
    KNOWN_TOOL_FIELDS,
    TOOL,
    TOOL_CHOICE,
    WireTool,
)
from korproxy_addons.dialects.model import (
    ChoiceMode,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.dialects.payload import field_invalid

# Types carry a date (`web_search_20250305`); names are matched, too (T136).
_HOSTED: Final = {
    "web_search": HostedKind.WEB_SEARCH,
    "web_fetch": HostedKind.WEB_FETCH,
    "code_execution": HostedKind.CODE_EXECUTION,
}
_MODES: Final = {
    "auto": ChoiceMode.AUTO,
    "any": ChoiceMode.REQUIRED,
    "required": ChoiceMode.REQUIRED,
    "none": ChoiceMode.NONE,
    "tool": ChoiceMode.NAMED,
    "function": ChoiceMode.NAMED,
}


def decoded_tools(raws: Sequence[Raw] | None) -> tuple[Tool, ...]:
    """
    The tools, each name once (T34).

    Raises:
        KorProxyError: FIELD_INVALID.
    """
    tools: dict[str, Tool] = {}
    for place, raw in enumerate(raws or ()):
        tool = _tool(raw, f"tools[{place}]")
        tools.setdefault(
            tool.name or f"{tool.type if isinstance(tool, HostedTool) else place} ", tool
        )
    return tuple(tools.values())


def decoded_choice(raw: Raw, tools: Sequence[Tool]) -> tuple[ToolChoice | None, bool | None]:
    """
    The choice, and whether several calls at once are allowed; nothing of both without tools (T32).

    Raises:
        KorProxyError: FIELD_INVALID.
    """
    if not tools or not given(raw):
        return None, None
    wire = decoded_at(TOOL_CHOICE, raw, "tool_choice")
    if isinstance(wire, str):
        mode = _MODES.get(wire)
        if mode is None or mode is ChoiceMode.NAMED:
            raise field_invalid("tool_choice", "expected auto, any, none or an object")
        return ToolChoice(mode), None
    mode = _MODES.get(wire.type or "")
    if mode is None:
        raise field_invalid("tool_choice.type", "expected auto, any, tool or none")
    # the field is a negation and sits inside the choice (T37)
    serial = wire.disable_parallel_tool_use
    parallel = None if serial is None else not serial
    if mode is not ChoiceMode.NAMED:
        return ToolChoice(mode), parallel
    name = wire.name or (wire.function.name if wire.function else None)
    if not name:
        raise field_invalid("tool_choice.name", "expected the name of a tool")
    hosted = next((t.type for t in tools if isinstance(t, HostedTool) and t.name == name), "")
    return ToolChoice(mode, (name,), hosted), parallel


def _tool(raw: Raw, path: str) -> Tool:
    wire = decoded_at(TOOL, raw, path)
    if wire.type not in {None, "", "custom"}:
        return _hosted(wire, raw)
    if not wire.name:
        raise field_invalid(f"{path}.name", "expected a string that is not empty")
    native = {
        name: value
        for name, value in decoded_at(FIELDS, raw, path).items()
        if name not in KNOWN_TOOL_FIELDS and given(value)
    }
    schema = wire.input_schema
    return FunctionTool(
        wire.name,
        wire.description or "",
        schema if given(schema) and bytes(schema).split() not in ([b"{}"], [b"{", b"}"]) else None,
        wire.strict,
        cache=cache_marker(wire.cache_control),
        native=native,
    )


def _hosted(wire: WireTool, raw: Raw) -> HostedTool:
    kind = wire.type or ""
    meaning = next((m for word, m in _HOSTED.items() if kind.startswith(word)), HostedKind.OTHER)
    return HostedTool(
        meaning, kind, wire.name or "", DIALECT_ID, raw, cache_marker(wire.cache_control)
    )
