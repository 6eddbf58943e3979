"""Coding tools of the four dialects, as far as a conversation needs them: ask, keep what was answered, give results."""

import json
from typing import Any, Protocol

type Json = dict[str, Any]

TOOLS = ("read_file", "list_files")
_SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
_SYSTEM = "You are a careful engineer."


class Client(Protocol):
    """
    One conversation of one tool.

    Attributes:
        dialect: Dialect id.
        keeps: It sends back everything it was given; else only words, calls and results.
    """

    dialect: str
    keeps: bool

    def say(self, text: str) -> None:
        """The user says something."""

    def body(self) -> bytes:
        """The request with the whole conversation."""

    def take(self, answer: bytes) -> list[str]:
        """Keep a whole answer; the ids of its calls."""

    def give(self, results: dict[str, tuple[str, bool]]) -> None:
        """Results by call id: text, and whether the tool failed."""


class MessagesClient:
    """Claude Code."""

    dialect = "anthropic-messages"

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._messages: list[Json] = []

    def say(self, text: str) -> None:
        self._messages.append({"role": "user", "content": [{"type": "text", "text": text}]})

    def body(self) -> bytes:
        tools = [
            {"name": name, "description": "A tool.", "input_schema": _SCHEMA} for name in TOOLS
        ]
        return json.dumps(
            {
                "model": "claude-sonnet-5-5",
                "max_tokens": 32000,
                "system": [{"type": "text", "text": _SYSTEM}],
                "messages": self._messages,
                "tools": tools,
                "thinking": {"type": "adaptive"},
            }
        ).encode()

    def take(self, answer: bytes) -> list[str]:
        content = json.loads(answer)["content"]
        if not self.keeps:
            content = [it for it in content if it["type"] in {"text", "tool_use"}]
        self._messages.append({"role": "assistant", "content": content})
        return [it["id"] for it in content if it["type"] == "tool_use"]

    def give(self, results: dict[str, tuple[str, bool]]) -> None:
        content = [
            {"type": "tool_result", "tool_use_id": call_id, "content": text}
            | ({"is_error": True} if failed else {})
            for call_id, (text, failed) in results.items()
        ]
        self._messages.append({"role": "user", "content": content})


class ChatClient:
    """A tool that speaks Chat Completions, and keeps a message as the SDK gives it."""

    dialect = "openai-chat"

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._messages: list[Json] = [{"role": "system", "content": _SYSTEM}]

    def say(self, text: str) -> None:
        self._messages.append({"role": "user", "content": text})

    def body(self) -> bytes:
        function = {"description": "A tool.", "parameters": _SCHEMA}
        tools = [{"type": "function", "function": {"name": name, **function}} for name in TOOLS]
        return json.dumps(
            {
                "model": "gpt-6.1-sol",
                "messages": self._messages,
                "tools": tools,
                "reasoning_effort": "medium",
            }
        ).encode()

    def take(self, answer: bytes) -> list[str]:
        message = json.loads(answer)["choices"][0]["message"]
        calls = message.get("tool_calls", [])
        if not self.keeps:
            calls = [{key: call[key] for key in ("id", "type", "function")} for call in calls]
            message = {"role": "assistant", "content": message["content"]}
            message |= {"tool_calls": calls} if calls else {}
        self._messages.append(message)
        return [call["id"] for call in calls]

    def give(self, results: dict[str, tuple[str, bool]]) -> None:
        self._messages += [
            {"role": "tool", "tool_call_id": call_id, "content": text}
            for call_id, (text, _) in results.items()
        ]


class ResponsesClient:
    """Codex CLI: keeps nothing at the service, sends every item back."""

    dialect = "openai-responses"

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._items: list[Json] = []

    def say(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        self._items.append({"type": "message", "role": "user", "content": content})

    def body(self) -> bytes:
        function = {"type": "function", "description": "A tool.", "strict": False}
        tools = [{**function, "name": name, "parameters": _SCHEMA} for name in TOOLS]
        return json.dumps(
            {
                "model": "gpt-6.1-sol",
                "instructions": _SYSTEM,
                "input": self._items,
                "tools": tools,
                "reasoning": {"effort": "medium", "summary": "auto"},
                "store": False,
                "include": ["reasoning.encrypted_content"],
            }
        ).encode()

    def take(self, answer: bytes) -> list[str]:
        output = json.loads(answer)["output"]
        if not self.keeps:
            output = [it for it in output if it["type"] != "reasoning"]
        self._items += output
        return [it["call_id"] for it in output if it["type"] == "function_call"]

    def give(self, results: dict[str, tuple[str, bool]]) -> None:
        self._items += [
            {"type": "function_call_output", "call_id": call_id, "output": text}
            for call_id, (text, _) in results.items()
        ]


class GeminiClient:
    """Gemini CLI; if it does not keep all, it still keeps signatures, without which Google itself refuses."""

    dialect = "gemini"

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._contents: list[Json] = []
        self._calls: dict[str, str] = {}

    def say(self, text: str) -> None:
        self._contents.append({"role": "user", "parts": [{"text": text}]})

    def body(self) -> bytes:
        tools = [
            {"name": name, "description": "A tool.", "parametersJsonSchema": _SCHEMA}
            for name in TOOLS
        ]
        return json.dumps(
            {
                "systemInstruction": {"parts": [{"text": _SYSTEM}]},
                "contents": self._contents,
                "tools": [{"functionDeclarations": tools}],
                "generationConfig": {
                    "thinkingConfig": {"thinkingLevel": "medium", "includeThoughts": True}
                },
            }
        ).encode()

    def take(self, answer: bytes) -> list[str]:
        parts = json.loads(answer)["candidates"][0]["content"]["parts"]
        if not self.keeps:
            parts = [
                {key: it[key] for key in it if key != "thought"}
                for it in parts
                if not it.get("thought")
            ]
        self._contents.append({"role": "model", "parts": parts})
        calls = [it["functionCall"] for it in parts if "functionCall" in it]
        self._calls = {call["id"]: call["name"] for call in calls}
        return list(self._calls)

    def give(self, results: dict[str, tuple[str, bool]]) -> None:
        parts = [
            {
                "functionResponse": {
                    "id": call_id,
                    "name": self._calls[call_id],
                    "response": {"error" if failed else "output": text},
                }
            }
            for call_id, (text, failed) in results.items()
        ]
        self._contents.append({"role": "user", "parts": parts})


CLIENTS = (MessagesClient, ChatClient, ResponsesClient, GeminiClient)
