"""Tools and tool choice of a Chat request, in all the forms that clients mix (T18)."""

from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.dialects.openai_chat.at_path import decode_at
from korproxy_addons.dialects.openai_chat.wire import (
    CHOICE,
    FIELDS,
    LEGACY_CHOICE,
    TOOL,
    AllowedTool,
    CacheWire,
    ChoiceWire,
    RequestWire,
    ToolBody,
    ToolWire,
    is_set,
)
from korproxy_addons.dialects.payload import field_invalid

DIALECT_ID: Final = "openai-chat"
SEARCH_OPTIONS: Final = "web_search_options"

# By the beginning of the type: versions follow (`web_search_20250305`, `web_search_preview`).
_HOSTED: Final = (
    ("web_search", HostedKind.WEB_SEARCH),
    ("google_search", HostedKind.WEB_SEARCH),
    ("web_fetch", HostedKind.WEB_FETCH),
    ("code_execution", HostedKind.CODE_EXECUTION),
    ("code_interpreter", HostedKind.CODE_EXECUTION),
    ("file_search", HostedKind.FILE_SEARCH),
    ("image_generation", HostedKind.IMAGE_GENERATION),
    ("url_context", HostedKind.URL_CONTEXT),
)
_MODES: Final = {
    "auto": ChoiceMode.AUTO,
    "required": ChoiceMode.REQUIRED,
    "any": ChoiceMode.REQUIRED,
    "none": ChoiceMode.NONE,
}
_NAMED: Final = frozenset({"function", "custom", "tool"})
_EMPTY: Final = frozenset({b"", b"null", b"{}"})
_KNOWN: Final = frozenset(ToolWire.__struct_fields__)
_KNOWN_BODY: Final = frozenset(ToolBody.__struct_fields__)


def cache_marker(wire: CacheWire | None) -> CacheMarker | None:
    """The marker that a `cache_control` is (T92)."""
    return None if wire is None else CacheMarker(wire.ttl or "")


def decode_tools(wire: RequestWire) -> tuple[Tool, ...]:
    """
    The tools, each name once (T34): the first counts.

    Raises:
        KorProxyError: FIELD_INVALID.
    """
    tools: dict[tuple[str, str], Tool] = {}
    for place, raw in enumerate(wire.tools or ()):
        tool = _tool(raw, f"tools[{place}]")
        hosted = tool.type if isinstance(tool, HostedTool) else ""
        tools.setdefault((tool.name, hosted), tool)
    for place, raw in enumerate(wire.functions or ()):
        tool = _function(decode_at(TOOL, raw, f"functions[{place}]"), raw, f"functions[{place}]")
        tools.setdefault((tool.name, ""), tool)
    if is_set(wire.web_search_options):
        tools["", SEARCH_OPTIONS] = HostedTool(
            HostedKind.WEB_SEARCH, SEARCH_OPTIONS, "", DIALECT_ID, wire.web_search_options
        )
    return tuple(tools.values())


def decode_choice(wire: RequestWire) -> tuple[ToolChoice | None, bool | None]:
    """
    How free the model is, and whether calls may be parallel.

    Raises:
        KorProxyError: FIELD_INVALID.
    """
    parallel = wire.parallel_tool_calls
    if wire.functions and not wire.tools:
        parallel = False  # an answer to a legacy client holds one call (T144)
    if is_set(wire.tool_choice):
        choice = decode_at(CHOICE, wire.tool_choice, "tool_choice")
        if isinstance(choice, str):
            return _mode(choice, "tool_choice"), parallel
        if choice.disable_parallel_tool_use:
            parallel = False
        return _chosen(choice), parallel
    if is_set(wire.function_call):  # legacy (T144)
        legacy = decode_at(LEGACY_CHOICE, wire.function_call, "function_call")
        if isinstance(legacy, str):
            return _mode(legacy, "function_call"), parallel
        if not legacy.name:
            raise field_invalid("function_call.name", "the name of a function")
        return ToolChoice(ChoiceMode.NAMED, (legacy.name,)), parallel
    return None, parallel


def _tool(raw: Raw, path: str) -> Tool:
    wire = decode_at(TOOL, raw, path)
    kind = wire.type or ""
    if kind == "custom" and not is_set(wire.input_schema):
        body = wire.custom or ToolBody(wire.name, wire.description, format=wire.format)
        if not body.name:
            raise field_invalid(f"{path}.custom.name", "the name of a tool")
        return CustomTool(
            body.name, body.description or "", body.format if is_set(body.format) else None
        )
    if wire.function is not None or kind in {"", "function", "custom"}:
        return _function(wire, raw, path)
    if is_set(wire.input_schema) and wire.name:
        return _function(wire, raw, path)
    found = next((meaning for head, meaning in _HOSTED if kind.startswith(head)), HostedKind.OTHER)
    marker = cache_marker(wire.cache_control)
    return HostedTool(found, kind, wire.name or "", DIALECT_ID, Raw(bytes(raw)), marker)


def _function(wire: ToolWire, raw: Raw, path: str) -> FunctionTool:
    body = wire.function or ToolBody(wire.name, wire.description, wire.parameters, wire.strict)
    name = body.name or wire.name
    if not name:
        raise field_invalid(f"{path}.function.name", "the name of a function")
    schema = next(
        (
            found
            for found in (body.parameters, wire.parameters, wire.input_schema)
            if bytes(found) not in _EMPTY
        ),
        None,
    )
    return FunctionTool(
        name,
        body.description or wire.description or "",
        schema,
        wire.strict if body.strict is None else body.strict,
        cache=cache_marker(wire.cache_control),
        native=_native(raw, path, nested=wire.function is not None),
    )


def _native(raw: Raw, path: str, *, nested: bool) -> dict[str, Raw]:
    """Fields of a function that only Chat's servers know, by name."""
    fields = decode_at(FIELDS, raw, path)
    native = {name: value for name, value in fields.items() if name not in _KNOWN}
    if nested:
        inside = decode_at(FIELDS, fields["function"], path)
        native |= {
            f"function.{name}": value for name, value in inside.items() if name not in _KNOWN_BODY
        }
    return {name: value for name, value in native.items() if is_set(value)}


def _mode(word: str, path: str) -> ToolChoice:
    mode = _MODES.get(word)
    if mode is None:
        raise field_invalid(path, 'one of "auto", "none" and "required", or an object')
    return ToolChoice(mode)


def _chosen(choice: ChoiceWire) -> ToolChoice:
    kind = choice.type or ("function" if choice.function else "")
    if kind in _MODES:
        return ToolChoice(_MODES[kind])
    if kind in _NAMED:
        body = choice.function or choice.custom
        name = (body.name if body else None) or choice.name
        if not name:
            raise field_invalid(f"tool_choice.{kind}.name", "the name of a tool")
        return ToolChoice(ChoiceMode.NAMED, (name,))
    if kind == "allowed_tools":
        allowed = choice.allowed_tools
        tools = (allowed.tools if allowed else choice.tools) or []
        mode = (allowed.mode if allowed else choice.mode) or "auto"
        names = [_allowed_name(tool) for tool in tools]
        return ToolChoice(_MODES.get(mode, ChoiceMode.AUTO), tuple(name for name in names if name))
    if not kind:
        raise field_invalid("tool_choice.type", "a kind of choice")
    return ToolChoice(ChoiceMode.REQUIRED, hosted_type=kind)


def _allowed_name(tool: AllowedTool) -> str:
    body = tool.function or tool.custom
    return (body.name if body else None) or tool.name or ""
