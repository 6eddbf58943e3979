"""
Namespaced tools under one name (T34).

The Responses API groups tools in namespaces, and calls carry name and namespace apart. Other dialects know one
name only, so inside it is `namespace__name`, as MCP tools are called everywhere. A namespace that is called
like its tool (the service wraps tools it has searched for in one) adds nothing.
"""

from typing import Final

_JOINT: Final = "__"


def qualified(namespace: str, name: str) -> str:
    """The one name of a tool; its own if it is in no namespace."""
    if not namespace or not name or namespace == name:
        return name
    return f"{_prefix(namespace)}{name}"


def bare(namespace: str, name: str) -> str:
    """A tool's own name, taken out of what `qualified` gave."""
    return name.removeprefix(_prefix(namespace)) if namespace else name


def _prefix(namespace: str) -> str:
    return namespace if namespace.endswith(_JOINT) else namespace + _JOINT
