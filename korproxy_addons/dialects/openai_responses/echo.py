"""What an answer repeats of its request, and the forms of tools that only the client's request knows."""

from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.namespace import qualified

# Fields of an answer that say how it was asked for (T150), with the service's own defaults.
_ECHOED: Final[dict[str, Any]] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


class _Tool(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    execution: str | None = None
    tools: list["_Tool"] | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    tools: list[_Tool] | None = None


_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_TOOLS: Final = msgspec.json.Decoder(list[_Tool] | None)
_NONE: Final = Raw(b"[]")
_ITEMS: Final = msgspec.json.Decoder(list[_Item])


class Place(NamedTuple):
    """A tool as the client knows it."""

    namespace: str
    name: str


class Echo:
    """
    A client's request, as its answer repeats it.

    Attributes:
        settings: Fields of every answer object.

    Args:
        client_body: The request; one of another dialect, or none, gives the defaults.
    """

    def __init__(self, client_body: bytes) -> None:
        fields = _decoded(client_body)
        self.settings = {
            name: value
            if (value := fields.get(name)) is not None and bytes(value) != b"null"
            else default
            for name, default in _ECHOED.items()
        }
        self._places: dict[str, Place] = {}
        self._search = ""
        if b'"namespace"' in client_body or b'"tool_search' in client_body:
            for tool in _tools_in(fields):
                self._note(tool)

    def place(self, name: str) -> Place:
        """Namespace and name of a tool by its one name."""
        return self._places.get(name) or Place("", name)

    def is_search(self, name: str) -> bool:
        """Whether it is the client's own tool search, whose calls are items of their own."""
        return bool(name) and name == self._search

    def _note(self, tool: _Tool) -> None:
        if tool.type == "tool_search" and tool.execution == "client":
            self._search = "tool_search"
        if tool.type != "namespace" or not tool.name:
            return
        for inner in tool.tools or ():
            if inner.name:
                one = qualified(tool.name, inner.name)
                self._places.setdefault(one, Place(tool.name, inner.name))


def _decoded(body: bytes) -> dict[str, Raw]:
    try:
        fields = _FIELDS.decode(body)
    except (ValueError, RecursionError):
        return {}
    return fields if "input" in fields or "messages" not in fields else {}


def _tools_in(fields: dict[str, Raw]) -> list[_Tool]:
    """The tools that a request offers; a body that is not as expected was refused, or offers none."""
    found: list[_Tool] = []
    with suppress(ValueError, RecursionError):
        found += _TOOLS.decode(fields.get("tools", _NONE)) or ()
    with suppress(ValueError, RecursionError):
        for item in _ITEMS.decode(fields.get("input", _NONE)):
            found += item.tools or ()
    return found
