"""What the simulated model says, in no provider's shape, and what it was asked."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Finish(StrEnum):
    """Why the answer ends."""

    END = "end"
    TOOLS = "tools"
    LENGTH = "length"
    STOP_STRING = "stop_string"
    REFUSAL = "refusal"
    PAUSE = "pause"


@dataclass(frozen=True)
class Thinking:
    """Reasoning before the answer. Empty text: the model thought and shows only its sealed state."""

    text: str


@dataclass(frozen=True)
class Text:
    """Visible text."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """
    One call of an offered tool.

    `arguments` is JSON text for a function tool and raw text for a custom (freeform) tool.
    """

    name: str
    arguments: str
    custom: bool = False
    namespace: str | None = None


Part = Thinking | Text | ToolCall


@dataclass(frozen=True)
class Answer:
    """One whole answer. Token counts: `input_tokens` includes `cached_tokens`; `output_tokens` includes thinking."""

    parts: tuple[Part, ...]
    finish: Finish
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    thinking_tokens: int = 0
    stop_string: str | None = None
    piece_chars: int = 24
    delay_ms: float = 0.0


@dataclass(frozen=True)
class Tool:
    """A tool the request offers; `schema` is the JSON Schema of a function tool's arguments."""

    name: str
    schema: Json = field(default_factory=dict)
    custom: bool = False
    namespace: str | None = None


@dataclass(frozen=True)
class Turn:
    """
    What a request asks for, read from any dialect.

    Args:
        prompt: Text of everything after the last answer of the model, tool results excepted.
        results: Texts of the tool results after the last answer of the model, in order.
        forced: `None` (free), `""` (some tool must be called) or the name of the tool which must be called.
        thinking: The request switches reasoning on.
        schema: JSON Schema which the answer's text must follow, or `None`.
    """

    model: str
    stream: bool
    prompt: str
    results: tuple[str, ...]
    tools: tuple[Tool, ...]
    forced: str | None
    max_tokens: int | None
    stop_strings: tuple[str, ...]
    thinking: bool
    schema: Json | None
    input_tokens: int
