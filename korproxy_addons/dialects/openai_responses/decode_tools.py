"""Tools and the choice between them."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.model import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.decode_content import marker_of
from korproxy_addons.dialects.openai_responses.namespace import qualified
from korproxy_addons.dialects.openai_responses.request_wire import (
    CHOICE,
    TOOL,
    TOOL_FIELDS,
    ChoiceBody,
    ToolBody,
    decode_at,
    rest_of,
)
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, given
from korproxy_addons.dialects.payload import field_invalid

SEARCH: Final = "tool_search"  # the client's own search for tools: a function anywhere else
SEARCH_MARK: Final = "tool_search.execution"  # native field of the function that stands for it
_HOSTED: Final = (
    ("web_search", HostedKind.WEB_SEARCH),
    ("file_search", HostedKind.FILE_SEARCH),
    ("code_interpreter", HostedKind.CODE_EXECUTION),
    ("image_generation", HostedKind.IMAGE_GENERATION),
)
_MODES: Final = {
    "auto": ChoiceMode.AUTO,
    "required": ChoiceMode.REQUIRED,
    "any": ChoiceMode.REQUIRED,
    "none": ChoiceMode.NONE,
}
_EMPTY: Final = frozenset({b"", b"null", b"{}"})


class Toolbox:
    """
    The tools of one request, from wherever they come, each once (T34).

    Attributes:
        namespaces: Description by name.
    """

    def __init__(self) -> None:
        self.namespaces: dict[str, str] = {}
        self._tools: dict[tuple[str, str], Tool] = {}

    def add(self, raws: Iterable[Raw], path: str) -> list[str]:
        """More tools; returns their names. One with the name of another is that one again."""
        names = []
        for index, raw in enumerate(raws):
            for tool in self._decoded(raw, f"{path}[{index}]"):
                kind = tool.type if isinstance(tool, HostedTool) else ""
                self._tools.setdefault((kind, tool.name), tool)
                names.append(tool.name or kind)
        return names

    def tools(self) -> tuple[Tool, ...]:
        """All of them, in order."""
        return tuple(self._tools.values())

    def _decoded(self, raw: Raw, path: str, namespace: str = "") -> Iterator[Tool]:
        body = decode_at(TOOL, raw, path)
        match body.type:
            case "namespace" if body.name:
                self.namespaces.setdefault(body.name, body.description or "")
                for index, inner in enumerate(body.tools or ()):
                    yield from self._decoded(inner, f"{path}.tools[{index}]", body.name)
            case "custom":
                yield _custom(body, path, namespace)
            case "function":
                yield _function(body, raw, path, namespace)
            case "tool_search" if body.execution == "client":
                mark = {SEARCH_MARK: Raw(b'"client"')}
                schema = _schema(body.parameters)
                yield FunctionTool(SEARCH, body.description or "", schema, native=mark)
            case None if given(body.input_schema) or given(body.parameters):
                yield _function(body, raw, path, namespace)
            case None | "":
                raise field_invalid(f"{path}.type", "a type")
            case kind:
                yield HostedTool(_kind(kind), kind, body.name or "", DIALECT_ID, raw.copy())


def decoded_choice(raw: Raw, path: str = "tool_choice") -> ToolChoice | None:
    """The choice, as a word, as an object, or in Chat's forms (T39, T40)."""
    if not given(raw):
        return None
    found = decode_at(CHOICE, raw, path)
    if isinstance(found, str):
        if found not in _MODES:
            raise field_invalid(path, '"auto", "required", "none" or an object')
        return ToolChoice(_MODES[found])
    kind = found.type or ""
    if kind in _MODES:
        return ToolChoice(_MODES[kind])
    if kind == "allowed_tools":
        names = tuple(_name(tool) for tool in found.tools or ())
        mode = ChoiceMode.REQUIRED if found.mode == "required" else ChoiceMode.AUTO
        return ToolChoice(mode, tuple(name for name in names if name))
    name = _name(found)
    if not name:
        raise field_invalid(f"{path}.name", "the name of a tool")
    hosted = "" if kind in {"function", "custom", "tool", ""} else kind
    return ToolChoice(ChoiceMode.NAMED, (name,), hosted_type=hosted)


def _name(choice: ChoiceBody) -> str:
    """The name in a choice; hosted tools have none and go by their type."""
    if choice.function is not None and choice.function.name:
        return choice.function.name
    return choice.name or choice.type or ""


def _kind(kind: str) -> HostedKind:
    return next((known for prefix, known in _HOSTED if kind.startswith(prefix)), HostedKind.OTHER)


def _function(body: ToolBody, raw: Raw, path: str, namespace: str) -> FunctionTool:
    cache = marker_of(body.cache_control)
    if given(body.function):
        raw = body.function
        path = f"{path}.function"
        body = decode_at(TOOL, raw, path)
    if not body.name:
        raise field_invalid(f"{path}.name", "the name of the function")
    return FunctionTool(
        qualified(namespace, body.name),
        body.description or "",
        _schema(body.parameters) or _schema(body.input_schema),
        body.strict,
        namespace if namespace != body.name else "",
        cache,
        rest_of(raw, TOOL_FIELDS, ""),
    )


def _custom(body: ToolBody, path: str, namespace: str) -> CustomTool:
    if given(body.custom):
        path = f"{path}.custom"
        body = decode_at(TOOL, body.custom, path)
    if not body.name:
        raise field_invalid(f"{path}.name", "the name of the tool")
    form = body.format.copy() if given(body.format) else None
    return CustomTool(qualified(namespace, body.name), body.description or "", form)


def _schema(raw: Raw) -> Raw | None:
    return None if bytes(raw) in _EMPTY else raw.copy()
