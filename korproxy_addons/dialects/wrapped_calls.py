"""
The wrapper call that some models write around several calls (T143).

`multi_tool_use.parallel` is a tool of nobody: what it wraps are calls of the client's own tools.
"""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.payload import arguments_text

WRAPPERS: Final = frozenset({"multi_tool_use.parallel", "multi_tool_use_parallel"})


class _Use(msgspec.Struct):
    recipient_name: str
    parameters: Raw = Raw(b"{}")


class _Uses(msgspec.Struct):
    tool_uses: list[_Use]


_USES: Final = msgspec.json.Decoder(_Uses)


def inner_calls(arguments: str) -> tuple[tuple[str, str], ...]:
    """Name and arguments of each call inside; () if the wrapper holds none."""
    try:
        uses = _USES.decode(arguments).tool_uses
    except (ValueError, RecursionError):
        return ()
    named = ((use.recipient_name.removeprefix("functions."), use.parameters) for use in uses)
    return tuple((name, arguments_text(bytes(raw).decode())) for name, raw in named if name)
