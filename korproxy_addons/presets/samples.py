"""Requests as the tools send them, as short as can be; a tool's own habits are added in its preset."""

from typing import Any

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}
"""Arguments of the tool that every sample offers."""

TOOL = "look_up"
_SAYS = "Looks up a word."
_PROMPT = "Which word is it?"

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Answer shortly."},
        {"role": "user", "content": _PROMPT},
    ],
    "tools": [
        {"type": "function", "function": {"name": TOOL, "description": _SAYS, "parameters": SCHEMA}}
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
}
"""Chat completions."""

RESPONSES: dict[str, Any] = {
    "instructions": "Answer shortly.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": _PROMPT}]}
    ],
    "tools": [
        {
            "type": "function",
            "name": TOOL,
            "description": _SAYS,
            "parameters": SCHEMA,
            "strict": False,
        }
    ],
    "stream": True,
    "store": False,
}
"""Responses."""

MESSAGES: dict[str, Any] = {
    "max_tokens": 32000,
    "system": [{"type": "text", "text": "Answer shortly.", "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": [{"type": "text", "text": _PROMPT}]}],
    "tools": [{"name": TOOL, "description": _SAYS, "input_schema": SCHEMA}],
    "stream": True,
}
"""Anthropic's Messages."""

GEMINI: dict[str, Any] = {
    "systemInstruction": {"role": "user", "parts": [{"text": "Answer shortly."}]},
    "contents": [{"role": "user", "parts": [{"text": _PROMPT}]}],
    "tools": [
        {
            "functionDeclarations": [
                {"name": TOOL, "description": _SAYS, "parametersJsonSchema": SCHEMA}
            ]
        }
    ],
    "generationConfig": {"temperature": 1},
}
"""Gemini."""

GEMINI_PATH = "/v1beta/models/{model}:streamGenerateContent?alt=sse"
