"""
How many tokens a prompt has, where no upstream can be asked (T99, T171).

The words are counted by a tokenizer that is handed in (`io/tokenizers.py`); what a service adds around them (roles,
tools, results) follows numbers per family of models, measured on recorded exchanges that state their usage. It is an
estimate and is marked as one; `corrected` brings it nearer to what a model's real replies report.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from math import ceil
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from korproxy_addons.dialects.media import document_text
from korproxy_addons.dialects.media_tokens import (
    PictureTokens,
    anthropic_picture,
    gemini_3_picture,
    gemini_tiles,
    media_tokens,
    openai_patches,
    openai_tiles,
    qwen_picture,
)
from korproxy_addons.dialects.model import (
    ChatRequest,
    CompactionPart,
    CustomTool,
    FunctionTool,
    MediaPart,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)

type CountText = Callable[[str], int]
"""Tokens of a text, for one model."""

_DIGITS: Final = re.compile(r"\d{2,}")
_CLAUDE: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?")
_GEMINI: Final = re.compile(r"gemini-(\d{1,2})")
_OPENAI: Final = re.compile(r"(?:^|/|\.)(?:gpt|chatgpt|codex|o[134])(?:-|$)")
_TILES: Final = re.compile(r"gpt-(?:4o|4\.1|4\.5|4-|5(?!\.[2-9]))")
# A learned factor stays within what a tokenizer can be wrong by: beyond it, something else was counted.
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 2.5
_LEARNING: Final = 0.2
_LEAST_LEARNED: Final = 200  # a shorter prompt says more about its frame than about the words


class Family(Struct, frozen=True):
    """
    What the services of one family add to the words.

    Attributes:
        frame: Around every prompt.
        message: Around every turn.
        system: Around system text.
        tools: Once, if there are tools.
        tool: Around every tool.
        schema: Per token of a tool's JSON.
        call: Around every call, and its result.
        form: Once, for a structured answer.
        form_schema: Per token of its schema.
        state: Per character of opaque state, which stands for hidden reasoning.
        thinking: Per token of shown reasoning.
        last_loop: Reasoning, shown or hidden, counts only behind the last question.
        digits_alone: Each digit is a token.
        page: Tokens per page of a document.
        sound: Tokens per second of sound.
        cited: Once, if a document is to be cited from.
    """

    frame: float
    message: float
    tools: float
    tool: float
    schema: float
    call: float
    picture: PictureTokens
    form: float = 0
    form_schema: float = 1
    state: float = 0
    thinking: float = 1
    last_loop: bool = False
    digits_alone: bool = False
    system: float = 4
    page: int = 1500
    sound: int = 25
    cited: float = 0


_OPENAI_FAMILY: Final = Family(
    frame=3, message=4, tools=8, tool=9, schema=0.55, call=12, picture=openai_patches,
    form=8, form_schema=0.65, state=0.06, thinking=0, page=700,
)  # fmt: skip
_OPENAI_TILES: Final = replace(_OPENAI_FAMILY, picture=openai_tiles)
_OPENAI_MINI: Final = replace(_OPENAI_FAMILY, picture=partial(openai_patches, factor=1.62))
_OPENAI_NANO: Final = replace(_OPENAI_FAMILY, picture=partial(openai_patches, factor=2.46))
# The recorded pictures at gpt-5's small models cost less than the published factors.
_OPENAI_5_SMALL: Final = replace(_OPENAI_FAMILY, picture=partial(openai_patches, factor=1.4))
_CLAUDE_3: Final = Family(
    frame=3, message=4, system=0, tools=346, tool=35, schema=0.7, call=60, picture=anthropic_picture,
    form=150, form_schema=0.7, thinking=1.3, last_loop=True, page=2500, cited=585,
)  # fmt: skip
_CLAUDE_4_5: Final = Family(
    frame=3, message=4, system=0, tools=490, tool=35, schema=0.6, call=65, picture=anthropic_picture,
    form=150, form_schema=0.7, thinking=1.3, last_loop=True, page=2500, cited=585,
)  # fmt: skip
_CLAUDE_4_7: Final = Family(
    frame=2, message=4, system=0, tools=490, tool=35, schema=0.6, call=65,
    picture=partial(anthropic_picture, side=2576, most=4784),
    form=150, form_schema=0.7, thinking=1.3, last_loop=True, page=3500, cited=585,
)  # fmt: skip
_GEMINI_2: Final = Family(
    frame=0, message=0.5, system=0, tools=0, tool=5, schema=1.0, call=18, picture=gemini_tiles,
    form=0, form_schema=0, state=0.1, thinking=0, last_loop=True, digits_alone=True, page=258,
    sound=32,
)  # fmt: skip
_GEMINI_3: Final = Family(
    frame=0, message=0.5, system=0, tools=0, tool=5, schema=1.0, call=14, picture=gemini_3_picture,
    form=0, form_schema=0, state=0.14, thinking=0, last_loop=True, digits_alone=True, page=560,
    sound=32,
)  # fmt: skip
_OPEN: Final = Family(
    frame=2, message=5, tools=60, tool=15, schema=1.3, call=20, picture=qwen_picture,
    digits_alone=True, page=1500,
)  # fmt: skip
_OPEN_LEAN: Final = replace(_OPEN, tools=0)  # Kimi, Mistral
_DEEPSEEK: Final = replace(_OPEN, tools=270)
_HARMONY: Final = replace(
    _OPENAI_FAMILY, frame=65
)  # gpt-oss: its prompt has a system text of its own
_NAMED: Final = {
    "deepseek": _DEEPSEEK,
    "kimi": _OPEN_LEAN,
    "mistral": _OPEN_LEAN,
    "devstral": _OPEN_LEAN,
    "codestral": _OPEN_LEAN,
}


def family_of(model: str) -> Family:
    """The family of a model's name, whoever serves it."""
    name = model.lower()
    if "claude" in name:
        version = claude_version(name)
        if version >= (4, 7):
            return _CLAUDE_4_7
        return _CLAUDE_4_5 if version >= (4, 5) else _CLAUDE_3
    found = _GEMINI.search(name)
    if found or "gemini" in name:
        return _GEMINI_2 if found and int(found[1]) < 3 else _GEMINI_3
    if "gpt-oss" in name:
        return _HARMONY
    if _OPENAI.search(name):
        return _openai(name)
    return next((family for word, family in _NAMED.items() if word in name), _OPEN)


def _openai(name: str) -> Family:
    if "mini" in name or "nano" in name:
        if "gpt-5" in name:
            return _OPENAI_5_SMALL
        return _OPENAI_MINI if "mini" in name else _OPENAI_NANO
    return _OPENAI_TILES if _TILES.search(name) else _OPENAI_FAMILY


def claude_version(model: str) -> tuple[int, int]:
    """The version in a Claude model's name; that of the newest tokenizer if it names none."""
    found = _CLAUDE.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else (5, 0)


def estimated_tokens(request: ChatRequest, model: str, count: CountText) -> int:
    """
    Tokens of a request's prompt.

    Args:
        request: What is asked.
        model: The upstream's name of the model.
        count: Its tokenizer.
    """
    return ceil(_Estimate(family_of(model), count).prompt(request))


def corrected(tokens: int, factor: float) -> int:
    """An estimate with what was learned of the model."""
    return max(1, round(tokens * factor)) if tokens else 0


def learned_factor(before: float, estimated: int, stated: int) -> float:
    """
    The factor for a model's estimates after one more reply stated its input.

    Args:
        before: The factor so far; 1.0 at first.
        estimated: What was estimated, without a factor.
        stated: `Usage.input_tokens` minus `tool_use_tokens`.
    """
    if estimated < _LEAST_LEARNED or stated < _LEAST_LEARNED:
        return before
    seen = stated / estimated
    if not _LEAST_FACTOR <= seen <= _MOST_FACTOR:
        return before
    return before + (seen - before) * _LEARNING


class _Estimate:
    """Adds up one prompt."""

    def __init__(self, family: Family, count: CountText) -> None:
        self._family = family
        self._count = count

    def prompt(self, request: ChatRequest) -> float:
        family = self._family
        total = family.frame + sum(self._words(part.text) for part in request.system)
        if request.system:
            total += family.system
        total += self._tools(request.tools)
        if request.output is not None:
            schema = bytes(request.output.schema or b"").decode("utf-8", "replace")
            total += family.form + family.form_schema * self._words(schema)
        question = max(
            (
                at
                for at, message in enumerate(request.messages)
                if _asks(message.role, message.parts)
            ),
            default=0,
        )
        parts = [part for message in request.messages for part in message.parts]
        if any(isinstance(part, MediaPart) and part.cite for part in parts):
            total += family.cited
        for at, message in enumerate(request.messages):
            total += family.message
            recent = at > question or not family.last_loop
            total += sum(self._part(part, recent=recent) for part in message.parts)
        return total

    def _tools(self, tools: Iterable[Tool]) -> float:
        family, total, offered = self._family, 0.0, False
        for tool in tools:
            if isinstance(tool, FunctionTool | CustomTool):
                offered = True
                shape = tool.schema if isinstance(tool, FunctionTool) else tool.format
                text = f"{tool.name} {tool.description} {bytes(shape or b'').decode('utf-8', 'replace')}"
                total += family.tool + family.schema * self._words(text)
        return total + family.tools if offered else 0

    def _part(self, part: Part, *, recent: bool) -> float:
        family = self._family
        match part:
            case TextPart():
                return self._words(part.text) + self._state(part, recent=recent)
            case RefusalPart() | UnknownPart() | ServerToolPart():
                return self._words(part.text)
            case ThinkingPart():
                shown = family.thinking * self._words(part.text) if recent else 0
                return shown + self._state(part, recent=recent)
            case ToolCallPart():
                words = self._words(part.name) + self._words(part.arguments)
                return family.call + words + self._state(part, recent=recent)
            case ToolResultPart():
                return sum(self._part(piece, recent=recent) for piece in part.content)
            case CompactionPart():
                return self._words(part.text) + self._state(part, recent=True)
            case MediaPart():
                text = document_text(part)
                words = self._words(text) + self._words(part.context)
                if text:
                    return words
                return words + media_tokens(part, family.picture, family.page, family.sound)

    def _state(
        self, part: TextPart | ThinkingPart | ToolCallPart | CompactionPart, *, recent: bool
    ) -> float:
        return self._family.state * len(part.state.data) if part.state and recent else 0

    def _words(self, text: str) -> int:
        if not text:
            return 0
        tokens = self._count(text)
        if self._family.digits_alone:  # the tokenizer that stands in takes three at a time
            tokens += sum(len(run) - ceil(len(run) / 3) for run in _DIGITS.findall(text))
        return tokens


def _asks(role: Role, parts: Iterable[Part]) -> bool:
    """Whether a turn is a question and no result."""
    return role is Role.USER and not any(isinstance(part, ToolResultPart) for part in parts)
