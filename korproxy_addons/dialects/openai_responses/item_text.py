"""Items of tools that the service runs, or whose form it knows, in words for models of other services."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.wire import ITEM_HEAD, ItemHead

# Items that go back to the service as they are.
SERVER_ITEMS: Final = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "tool_search_call",
        "tool_search_output",
        "program",
        "program_output",
    }
)
_ANY: Final = msgspec.json.Decoder()
_WORDS_LIMIT: Final = 100_000


def words_of(kind: str, raw: Raw) -> tuple[str, str]:
    """
    An item's id to pair it by, and what it says; "" for what only the service can make use of.

    Never raises: an item that is not as expected says nothing.
    """
    try:
        head = ITEM_HEAD.decode(raw)
        item = _ANY.decode(raw)
    except (ValueError, RecursionError):
        return "", ""
    return _id(head), _told(kind, item)[:_WORDS_LIMIT]


def _id(head: ItemHead) -> str:
    return head.call_id or head.id or ""


def _told(kind: str, item: dict[str, Any]) -> str:
    action = item.get("action")
    if kind == "code_interpreter_call":
        logs = [_text(each.get("logs")) for each in _objects(item.get("outputs"))]
        return "\n".join(text for text in ("[ran code]", _text(item.get("code")), *logs) if text)
    if kind in {"local_shell_call", "shell_call"} and isinstance(action, dict):
        commands = action.get("command") or action.get("commands")
        words = commands if isinstance(commands, list) else []
        joint = " " if kind == "local_shell_call" else "\n"
        return f"[ran] {joint.join(_text(word) for word in words)}"
    if kind == "apply_patch_call":
        operation = item.get("operation")
        return f"[patched] {_json(operation)}" if operation else ""
    if kind == "mcp_call":
        name = f"[called {_text(item.get('name'))}] {_text(item.get('arguments'))}"
        return "\n".join(text for text in (name, _text(item.get("output"))) if text)
    if kind.endswith("_output"):
        return _output(item.get("output") or item.get("result"))
    return ""


def _output(value: Any) -> str:
    if isinstance(value, str):
        return value
    texts = (
        _text(each.get("stdout")) + _text(each.get("stderr")) or _text(each.get("text"))
        for each in _objects(value)
    )
    return "\n".join(text for text in texts if text)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
