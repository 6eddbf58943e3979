"""The body Anthropic's Messages API takes, as data; any other field is refused."""

from launcher.simulator.wire.shape import (
    Any_,
    Bool,
    Int,
    Items,
    Null,
    Num,
    Obj,
    OneOf,
    Shape,
    Str,
    Tagged,
)

_CACHE = OneOf((Obj({"type": Str(("ephemeral",)), "ttl": Str(("5m", "1h"))}, ("type",)), Null()))
_TEXT_OR = Str()


def _block(required: tuple[str, ...], **fields: Shape) -> Obj:
    return Obj({"type": Str(), "cache_control": _CACHE, **fields}, ("type", *required))


_SOURCE = Tagged(
    "type",
    {
        "base64": Obj({"type": Str(), "media_type": Str(), "data": Str()}, ("media_type", "data")),
        "url": Obj({"type": Str(), "url": Str()}, ("url",)),
        "file": Obj({"type": Str(), "file_id": Str()}, ("file_id",)),
        "text": Obj({"type": Str(), "media_type": Str(), "data": Str()}, ("media_type", "data")),
        "content": Obj({"type": Str(), "content": Any_()}, ("content",)),
    },
)
_TEXT = _block(("text",), text=Str(), citations=Any_())
_IMAGE = _block(("source",), source=_SOURCE)
_DOCUMENT = _block(
    ("source",),
    source=_SOURCE,
    title=OneOf((Str(), Null())),
    context=OneOf((Str(), Null())),
    citations=Any_(),
)
_SEARCH_RESULT = _block(
    ("source", "title", "content"), source=Str(), title=Str(), content=Any_(), citations=Any_()
)
_RESULT_BLOCKS = Tagged(
    "type",
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_reference": _block(("tool_name",), tool_name=Str()),
    },
)
_SERVER_RESULT = _block(
    ("tool_use_id", "content"), tool_use_id=Str(), content=Any_(), caller=Any_()
)
_TOOL_USE = _block(
    ("id", "name", "input"), id=Str(), name=Str(), input=Obj(open=True), caller=Any_()
)
_TOOL_RESULT = _block(
    ("tool_use_id",),
    tool_use_id=Str(),
    content=OneOf((Str(), Items(_RESULT_BLOCKS))),
    is_error=Bool(),
)
_REFERENCE = Obj({"type": Str(), "name": Str(), "tool_name": Str()})

BLOCKS = Tagged(
    "type",
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        # cache_control on thinking blocks is one of the extra inputs
        "thinking": Obj(
            {"type": Str(), "thinking": Str(), "signature": Str()}, ("thinking", "signature")
        ),
        "redacted_thinking": Obj({"type": Str(), "data": Str()}, ("data",)),
        "tool_use": _TOOL_USE,
        "tool_result": _TOOL_RESULT,
        "server_tool_use": _TOOL_USE,
        "mcp_tool_use": Obj({**_TOOL_USE.fields, "server_name": Str()}, _TOOL_USE.required),
        "mcp_tool_result": _TOOL_RESULT,
        "container_upload": _block(("file_id",), file_id=Str()),
        "tool_addition": _block(("tool",), tool=_REFERENCE),
        "tool_removal": _block(("tool",), tool=_REFERENCE),
        "compaction": _block(("content",), content=Any_(), encrypted_content=Any_()),
        **{
            f"{name}_tool_result": _SERVER_RESULT
            for name in (
                "web_search",
                "web_fetch",
                "code_execution",
                "bash_code_execution",
                "text_editor_code_execution",
                "tool_search",
                "advisor",
            )
        },
    },
)

_MESSAGE_FIELDS: dict[str, Shape] = {
    "role": Str(("user", "assistant", "system")),
    "content": OneOf((Str(), Items(BLOCKS))),
}
_MESSAGE = Obj(_MESSAGE_FIELDS, ("role", "content"))
_OUTPUT_CONFIG = Obj(
    {
        "effort": OneOf((Str(("low", "medium", "high", "xhigh", "max")), Null())),
        "format": Any_(),
        "task_budget": Any_(),
    }
)

_COMMON_TOOL: dict[str, Shape] = {
    "name": Str(),
    "type": Str(),
    "cache_control": _CACHE,
    "defer_loading": Bool(),
    "allowed_callers": Items(Str()),
    "strict": OneOf((Bool(), Null())),
    "eager_input_streaming": OneOf((Bool(), Null())),
}
_CUSTOM_TOOL = Obj(
    {
        **_COMMON_TOOL,
        "description": Str(),
        "input_schema": Obj({"type": Str(("object",))}, ("type",), open=True),
        "input_examples": Items(Any_()),
    },
    ("name", "input_schema"),
)
_SERVER_TOOL = Obj(
    {
        **_COMMON_TOOL,
        "max_uses": OneOf((Int(1), Null())),
        "allowed_domains": OneOf((Items(Str()), Null())),
        "blocked_domains": OneOf((Items(Str()), Null())),
        "user_location": Any_(),
        "citations": Any_(),
        "max_content_tokens": Int(1),
        "max_characters": Int(1),
        "display_width_px": Int(1),
        "display_height_px": Int(1),
        "display_number": OneOf((Int(0), Null())),
        "enable_zoom": Bool(),
        "mcp_server_name": Str(),
        "default_config": Any_(),
        "configs": Any_(),
        "model": Str(),
        "caching": Any_(),
    },
    ("name", "type"),
)
TOOLS = Tagged(
    "type",
    {"custom": _CUSTOM_TOOL},
    default="custom",
    prefixes=dict.fromkeys(
        (
            "web_search_",
            "web_fetch_",
            "bash_",
            "text_editor_",
            "computer_",
            "memory_",
            "code_execution_",
            "tool_search_tool_",
            "mcp_toolset",
            "advisor_",
        ),
        _SERVER_TOOL,
    ),
)

_THINKING = Tagged(
    "type",
    {
        "enabled": Obj(
            {"type": Str(), "budget_tokens": Int(1024), "display": Str()}, ("budget_tokens",)
        ),
        "disabled": Obj({"type": Str()}),
        "adaptive": Obj({"type": Str(), "display": Str()}),
    },
)
_CHOICE = Tagged(
    "type",
    {
        "auto": Obj({"type": Str(), "disable_parallel_tool_use": Bool()}),
        "any": Obj({"type": Str(), "disable_parallel_tool_use": Bool()}),
        "tool": Obj({"type": Str(), "name": Str(), "disable_parallel_tool_use": Bool()}, ("name",)),
        "none": Obj({"type": Str()}),
    },
)

_COUNTED: dict[str, Shape] = {
    "model": Str(least=1),
    "messages": Items(_MESSAGE, least=1),
    "system": OneOf((Str(), Items(Tagged("type", {"text": _TEXT})))),
    "tools": Items(TOOLS),
    "tool_choice": _CHOICE,
    "thinking": _THINKING,
    "cache_control": _CACHE,
    "output_config": _OUTPUT_CONFIG,
}

REQUEST = Obj(
    {
        **_COUNTED,
        "max_tokens": Int(1),
        "stream": Bool(),
        "stop_sequences": Items(Str()),
        "temperature": Num(0, 1),
        "top_p": Num(0, 1),
        "top_k": Int(0),
        "metadata": Obj({"user_id": OneOf((Str(), Null()))}),
        "service_tier": Str(("auto", "standard_only")),
        "container": Any_(),
        "inference_geo": OneOf((Str(), Null())),
    },
    ("model", "max_tokens", "messages"),
)
COUNT_REQUEST = Obj(_COUNTED, ("model", "messages"))

BETA_FIELDS: dict[str, tuple[tuple[str, ...], Shape]] = {
    "context_management": (("context-management-", "compact-"), OneOf((Obj(open=True), Null()))),
    "mcp_servers": (("mcp-client-",), Items(Any_())),
    "output_format": (("structured-outputs-",), Any_()),
    "speed": (("fast-mode-",), OneOf((Str(("standard", "fast")), Null()))),
    "diagnostics": (("diagnostics-",), Any_()),
    "messages": (
        ("per-turn-control-",),
        Items(
            Obj({**_MESSAGE_FIELDS, "output_config": _OUTPUT_CONFIG}, ("role", "content")), least=1
        ),
    ),
}
"""Fields that exist, or hold more, only under a beta: names of such betas up to their dates, and the field's shape."""
