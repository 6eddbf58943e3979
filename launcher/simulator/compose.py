"""From a turn to an answer: directives first, then what a model would do."""

import json
from typing import Any

from launcher.simulator import directives
from launcher.simulator.answer import Answer, Finish, Part, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.arguments import fitting
from launcher.simulator.tokens import tokens_of_text

UNICODE_TEXT = (
    "Grüße, 世界! Привет 🌍 – naïve façade, ﷽, e\u0301, 👩‍👩‍👧‍👦 \U0001d518\U0001d52b\U0001d526."
)
_FILLER = "kor "
_FINISH = {"refusal": Finish.REFUSAL, "length": Finish.LENGTH, "pause": Finish.PAUSE}
_QUOTED_CHARS = 4000


def compose(turn: Turn) -> Answer:
    """
    The answer to a turn; the same turn always has the same answer.

    In this order: directives; a forced tool call; a quotation of the tool results which the turn brings; a JSON text if
    the turn has a schema; else a short friendly sentence. `max_tokens` and stop strings cut the text, as a model would.
    """
    wanted = directives.read(turn.prompt)
    parts: list[Part] = []
    if wanted.thinking not in {None, "off"} or (turn.thinking and wanted.thinking != "off"):
        parts.append(Thinking(wanted.thinking or "The user asks; a short answer will do."))
    text = _text(turn, wanted)
    calls = [] if wanted.empty else _calls(turn, wanted)
    if wanted.text is not None or not calls:
        text, finish, stop_string = _cut(text, turn)
    else:
        text, finish, stop_string = "", Finish.END, None
    if text:
        parts.append(Text(text))
    if calls and finish is Finish.END:
        parts.extend(calls)
        finish = Finish.TOOLS
    return answer_of(
        tuple(parts),
        _FINISH.get(wanted.finish or "", finish),
        turn,
        cached=min(wanted.cached, turn.input_tokens),
        stop_string=stop_string,
        piece_chars=wanted.piece or (24 if len(text) < 100_000 else 8192),
        delay_ms=wanted.delay_ms,
    )


def answer_of(
    parts: tuple[Part, ...],
    finish: Finish,
    turn: Turn,
    *,
    cached: int = 0,
    stop_string: str | None = None,
    piece_chars: int = 24,
    delay_ms: float = 0.0,
) -> Answer:
    """An answer with its tokens counted."""
    thinking = sum(tokens_of_text(part.text) for part in parts if isinstance(part, Thinking))
    visible = sum(_visible_tokens(part) for part in parts)
    return Answer(
        parts=parts,
        finish=finish,
        input_tokens=turn.input_tokens,
        output_tokens=thinking + visible,
        cached_tokens=cached,
        thinking_tokens=thinking,
        stop_string=stop_string,
        piece_chars=piece_chars,
        delay_ms=delay_ms,
    )


def _visible_tokens(part: Part) -> int:
    if isinstance(part, Text):
        return tokens_of_text(part.text)
    if isinstance(part, ToolCall):
        return tokens_of_text(part.name) + tokens_of_text(part.arguments)
    return 0


def _text(turn: Turn, wanted: directives.Directives) -> str:
    if wanted.empty:
        return ""
    if wanted.text is not None:
        return wanted.text
    if wanted.unicode:
        return UNICODE_TEXT
    if wanted.tokens is not None:
        return _FILLER * wanted.tokens
    if wanted.size_bytes is not None:
        return (_FILLER * (wanted.size_bytes // 4 + 1))[: wanted.size_bytes]
    if turn.results:
        return "The tool answered: " + "\n".join(turn.results)[:_QUOTED_CHARS]
    if turn.schema is not None:
        return json.dumps(fitting(turn.schema), ensure_ascii=False)
    return f"Hello! This is {turn.model} on the simulator."


def _calls(turn: Turn, wanted: directives.Directives) -> list[ToolCall]:
    asked = wanted.calls
    if not asked and turn.forced is not None and turn.tools:
        asked = [directives.WantedCall(turn.forced or None)]
    calls = []
    for call in asked:
        tool = _offered(turn.tools, call.name)
        if tool is not None:
            calls.append(ToolCall(tool.name, _arguments(tool, call), tool.custom, tool.namespace))
    return calls


def _offered(tools: tuple[Tool, ...], name: str | None) -> Tool | None:
    for tool in tools:
        if name is None or tool.name == name:
            return tool
    return None


def _arguments(tool: Tool, call: directives.WantedCall) -> str:
    if tool.custom:
        return call.text if call.text is not None else str(call.args or "kor")
    args: Any = fitting(tool.schema) if call.args is None else call.args
    return json.dumps(args, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str, turn: Turn) -> tuple[str, Finish, str | None]:
    """The text up to the first stop string and the token limit."""
    finish, stopped_by = Finish.END, None
    hits = [(text.find(stop), stop) for stop in turn.stop_strings if stop and stop in text]
    if hits:
        at, stopped_by = min(hits)
        text, finish = text[:at], Finish.STOP_STRING
    if turn.max_tokens is not None and tokens_of_text(text) > turn.max_tokens:
        text, finish, stopped_by = text[: turn.max_tokens * 4], Finish.LENGTH, None
    return text, finish, stopped_by
