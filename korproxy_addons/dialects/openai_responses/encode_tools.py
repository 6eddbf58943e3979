"""Tools and the choice between them, for an upstream."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.custom import as_function
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
    ToolCallPart,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.decode_tools import SEARCH, SEARCH_MARK
from korproxy_addons.dialects.openai_responses.namespace import bare
from korproxy_addons.dialects.openai_responses.raw_items import without_nulls
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN
from korproxy_addons.dialects.schema import is_closed, object_schema

type Json = dict[str, Any]

_NAMESPACES: Final = "tools.namespaces"
_DESCRIPTIONS: Final = msgspec.json.Decoder(dict[str, str])
_OWN_HOSTED: Final[dict[HostedKind, Json]] = {
    HostedKind.WEB_SEARCH: {"type": "web_search"},
    HostedKind.IMAGE_GENERATION: {"type": "image_generation"},
    HostedKind.CODE_EXECUTION: {"type": "code_interpreter", "container": {"type": "auto"}},
}
# The Codex backend runs no code and makes no images (providers.md 3b).
_PLAN_HOSTED: Final = frozenset({HostedKind.WEB_SEARCH})


class EncodedTools:
    """
    The tools of one request as the upstream sees them.

    Attributes:
        wire: The list for `tools`; [] if none remained.
        names: There and back.
        custom: Upstream names of custom tools that went as functions.
        searches: The client has a tool search of its own.

    Args:
        request: The request.
        messages: Its turns as they will be sent: they may know tools that are no longer offered.
        target: The upstream.
        losses: Gets what it cannot take.
    """

    def __init__(
        self, request: ChatRequest, messages: Sequence[Message], target: Target, losses: Losses
    ) -> None:
        self._habits = target.habits
        self._own = request.source == DIALECT_ID
        self._losses = losses
        self._request = request
        self.searches = self._own and any(
            isinstance(tool, FunctionTool) and SEARCH_MARK in tool.native for tool in request.tools
        )
        self.names = ToolNames(
            [
                *(tool.name for tool in request.tools if not isinstance(tool, HostedTool)),
                *(
                    part.name
                    for message in messages
                    for part in message.parts
                    if isinstance(part, ToolCallPart)
                ),
            ]
        )
        self.custom: set[str] = set()
        self.wire: list[Any] = []
        self._hosted: dict[str, str] = {}  # the client's type of a hosted tool to the upstream's
        self._offered: dict[str, Json] = {}
        self._spaces: dict[str, Json] = {}
        self._add_all()

    def called(self, part: ToolCallPart) -> Json:
        """Name and namespace of a call in the history."""
        if self._own and part.namespace:
            return {"name": bare(part.namespace, part.name), "namespace": part.namespace}
        return {"name": self.names.there(part.name)}

    def choice(self, choice: ToolChoice | None) -> Any:
        """`tool_choice`; None if nothing is to be said."""
        if choice is None:
            return None
        if not self.wire:
            if choice.mode in {ChoiceMode.REQUIRED, ChoiceMode.NAMED}:
                self._losses.add(Feature.TOOL_CHOICE, "no tool is left to choose")
            return None
        if choice.hosted_type:
            kind = self._hosted.get(choice.hosted_type)
            if kind is None:
                self._losses.add(Feature.TOOL_CHOICE, choice.hosted_type)
            return {"type": kind} if kind else None
        if not choice.names:
            return choice.mode.value
        chosen = [self._offered[name] for name in choice.names if name in self._offered]
        if len(chosen) < len(choice.names):
            self._losses.add(Feature.TOOL_CHOICE, "a chosen tool is not offered")
        if not chosen:
            return None
        if choice.mode is ChoiceMode.NAMED:
            return chosen[0]
        return {"type": "allowed_tools", "mode": choice.mode.value, "tools": chosen}

    def _add_all(self) -> None:
        for tool in self._request.tools:
            if isinstance(tool, HostedTool):
                self._add_hosted(tool)
            elif tool.name in self._offered:
                self._losses.add(Feature.DUPLICATE_TOOL, tool.name)
            elif isinstance(tool, CustomTool):
                self._add_custom(tool)
            else:
                self._add_function(tool)

    def _add_custom(self, tool: CustomTool) -> None:
        name = self.names.there(tool.name)
        if self._habits.custom_tools:
            self._offered[tool.name] = {"type": "custom", "name": name}
            wire: Json = {"type": "custom", "name": name}
            if tool.description:
                wire["description"] = tool.description
            if tool.format is not None:
                wire["format"] = tool.format
            self.wire.append(wire)
            return
        self.custom.add(name)
        if tool.format is not None:
            self._losses.add(Feature.CUSTOM_GRAMMAR, tool.name)
        self._add_function(as_function(tool))

    def _add_function(self, tool: FunctionTool) -> None:
        if tool.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        if self._own and SEARCH_MARK in tool.native:
            self._offered[tool.name] = {"type": SEARCH}
            self.wire.append(self._search(tool))
            return
        space = tool.namespace if self._own else ""
        name = bare(space, tool.name) if space else self.names.there(tool.name)
        self._offered[tool.name] = {"type": "function", "name": name}
        wire: Json = {"type": "function", "name": name}
        if tool.description:
            wire["description"] = tool.description
        wire["parameters"] = object_schema(tool.schema)
        strict = self._strict(tool)
        if strict is not None:
            wire["strict"] = strict
        for field, raw in tool.native.items():
            if self._own:
                wire[field] = raw
            else:
                self._losses.add(Feature.NATIVE_FIELD, f"tools.{field}")
        (self._space(space)["tools"] if space else self.wire).append(wire)

    def _strict(self, tool: FunctionTool) -> bool | None:
        """This API's default is strict, all others' is not: they have to say so (T28)."""
        if not self._habits.strict_tools:
            if tool.strict:
                self._losses.add(Feature.STRICT, tool.name)
            return None
        if self._own:
            return tool.strict
        if tool.strict and not is_closed(object_schema(tool.schema)):
            self._losses.add(Feature.STRICT, tool.name)
            return False
        return bool(tool.strict)

    def _search(self, tool: FunctionTool) -> Json:
        wire: Json = {"type": SEARCH, "execution": "client"}
        if tool.description:
            wire["description"] = tool.description
        if tool.schema is not None:
            wire["parameters"] = tool.schema
        return wire

    def _space(self, name: str) -> Json:
        if name not in self._spaces:
            told = self._request.native.get(_NAMESPACES, Raw(b"{}"))
            description = _DESCRIPTIONS.decode(told).get(name, "")
            space = {"type": "namespace", "name": name, "description": description, "tools": []}
            self._spaces[name] = space
            self.wire.append(space)
        return self._spaces[name]

    def _add_hosted(self, tool: HostedTool) -> None:
        if tool.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        if tool.origin == DIALECT_ID:
            self._hosted[tool.type] = tool.type
            self._offered[tool.name or tool.type] = {"type": tool.type}
            self.wire.append(without_nulls(tool.raw))
            return
        wire = _OWN_HOSTED.get(tool.kind)
        plan = not self._habits.stores and tool.kind not in _PLAN_HOSTED
        if wire is None or self._habits.state_origin != ORIGIN or plan:
            self._losses.add(Feature.HOSTED_TOOL, tool.type)
            return
        kind = wire["type"]
        if kind not in self._hosted.values():
            self.wire.append(wire)
        self._hosted[tool.type] = kind
        self._offered[tool.name or tool.type] = {"type": kind}
