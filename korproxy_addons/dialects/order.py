"""
A conversation brought into the order that an upstream demands: pure passes over messages.

Request encoders call the passes their wire needs, in this order: `without_foreign_state`, `named_results` (Gemini),
`hoisted_system` and `system_as_user` (Anthropic, Gemini), `paired_results`, `without_empty_text`, `merged_turns`,
`user_first`. Each keeps what it need not change, and none looks at what comes after a turn to decide
about it, but `paired_results` (a call's results follow it), so that a longer conversation keeps the
earlier bytes (T93).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaPart,
    Message,
    Opaque,
    Part,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)

NO_RESULT: Final = "No result was recorded for this call."
_SYSTEM: Final = frozenset({Role.SYSTEM, Role.DEVELOPER})

type Turns = tuple[Message, ...]


def hoisted_system(
    system: tuple[TextPart, ...], messages: Turns
) -> tuple[tuple[TextPart, ...], Turns]:
    """System text with that of the leading system messages, and the messages after those (T06)."""
    leading = 0
    while leading < len(messages) and messages[leading].role in _SYSTEM:
        leading += 1
    hoisted = [part for message in messages[:leading] for part in _texts(message.parts)]
    return (*system, *hoisted), messages[leading:]


def system_as_user(messages: Turns) -> Turns:
    """System messages in the middle as user text in the same place (T06)."""
    return tuple(
        Message(Role.USER, tuple(_texts(message.parts))) if message.role in _SYSTEM else message
        for message in messages
    )


def without_foreign_state(
    messages: Turns, origin: str, losses: Losses, *, plain_thinking: bool = False
) -> Turns:
    """
    Messages without state that the upstream cannot read (T71).

    Thinking that never had state stays: the encoder knows whether its wire takes plain reasoning. Server
    tools of another service become their text.

    Args:
        messages: The conversation.
        origin: `Habits.state_origin` of the upstream; "" takes none.
        losses: Gets FOREIGN_STATE and SERVER_TOOL_HISTORY.
        plain_thinking: The upstream takes plain reasoning (Chat's `reasoning_field`): thinking by
            another service keeps its text. Else it goes whole.
    """
    out = []
    for message in messages:
        parts = []
        for part in message.parts:
            parts += _native(part, origin, losses, plain_thinking=plain_thinking)
        if parts or not message.parts:
            out.append(replace(message, parts=tuple(parts)))
    return tuple(out)


def named_results(messages: Turns) -> Turns:
    """Results with the names of their calls, which most wires leave out (T64); unknown ones keep ""."""
    names: dict[str, str] = {}
    out = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                names[part.call_id] = part.name
            if isinstance(part, ToolResultPart) and not part.name:
                parts.append(replace(part, name=names.get(part.call_id, "")))
            else:
                parts.append(part)
        out.append(replace(message, parts=tuple(parts)))
    return tuple(out)


def paired_results(messages: Turns, losses: Losses) -> Turns:
    """
    Every call answered once, right after its turn; results first and in the order of the calls.

    Results are matched by id, never by place (T65). A result is moved to its call's turn (T01, T17); a second
    one for the same call is dropped and one without a call becomes user text (T13); a call that no
    result answers gets one that says so: no service takes an open call, at the end neither. Everything
    that stood between keeps its order behind the results (T02, T04, T06).
    """
    results = _results(messages)
    out: list[Message] = []
    called: set[str] = set()
    answered: set[str] = set()
    open_calls: list[ToolCallPart] = []
    for message in _assistants_joined(messages):
        if message.role is Role.ASSISTANT:
            kept, open_calls = _calls(message, called)
            out.append(kept)
            continue
        _answer(open_calls, results, out, losses)
        open_calls = []
        rest = _without_results(message, called, answered, losses)
        if rest.parts or not message.parts:
            out.append(rest)
    _answer(open_calls, results, out, losses)
    return tuple(out)


def without_empty_text(messages: Turns) -> Turns:
    """Messages without text that is only white space, and without those that are then empty (T12)."""
    out = []
    for message in messages:
        parts = tuple(part for part in message.parts if not _is_empty(part))
        if parts:
            out.append(
                message if len(parts) == len(message.parts) else replace(message, parts=parts)
            )
    return tuple(out)


def merged_turns(messages: Turns) -> Turns:
    """Neighbours of one role as one message, part behind part; no text is joined (T05)."""
    out: list[Message] = []
    for message in messages:
        if out and out[-1].role is message.role and out[-1].name == message.name:
            out[-1] = replace(out[-1], parts=out[-1].parts + message.parts)
        else:
            out.append(message)
    return tuple(out)


def user_first(messages: Turns, text: str = ".") -> Turns:
    """The conversation with a user turn in front where it begins with another one, or is empty (T10)."""
    if messages and messages[0].role is Role.USER:
        return messages
    return (Message(Role.USER, (TextPart(text),)), *messages)


def result_text(part: ToolResultPart) -> str:
    """The texts of a result, joined by line ends; media and the rest left out."""
    return "\n".join(piece.text for piece in part.content if isinstance(piece, TextPart))


def result_media(part: ToolResultPart) -> tuple[MediaPart, ...]:
    """The media of a result."""
    return tuple(piece for piece in part.content if isinstance(piece, MediaPart))


def _texts(parts: Iterable[Part]) -> list[TextPart]:
    return [part for part in parts if isinstance(part, TextPart)]


def _foreign(state: Opaque | None, origin: str) -> bool:
    return state is not None and state.origin != origin


def _native(part: Part, origin: str, losses: Losses, *, plain_thinking: bool) -> list[Part]:
    if isinstance(part, ServerToolPart) and part.service != origin:
        losses.add(Feature.SERVER_TOOL_HISTORY, part.type)
        return [TextPart(part.text)] if part.text else []
    if not isinstance(part, ThinkingPart | ToolCallPart | TextPart | CompactionPart | MediaPart):
        return [part]
    if not _foreign(part.state, origin):
        return [part]
    losses.add(Feature.FOREIGN_STATE, part.state.origin if part.state else "")
    if isinstance(part, ThinkingPart) and not (plain_thinking and part.text):
        return []
    if isinstance(part, TextPart) and not part.text:
        return []
    return [replace(part, state=None)]


def _is_empty(part: Part) -> bool:
    return isinstance(part, TextPart) and part.state is None and not part.text.strip()


def _results(messages: Turns) -> dict[str, ToolResultPart]:
    """The first result behind each call."""
    called: set[str] = set()
    results: dict[str, ToolResultPart] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                called.add(part.call_id)
            elif isinstance(part, ToolResultPart) and part.call_id in called:
                results.setdefault(part.call_id, part)
    return results


def _assistants_joined(messages: Sequence[Message]) -> list[Message]:
    """Neighbouring assistant messages as one turn: their calls are answered together (T01, T149)."""
    out: list[Message] = []
    for message in messages:
        if out and message.role is Role.ASSISTANT and out[-1].role is Role.ASSISTANT:
            out[-1] = replace(out[-1], parts=out[-1].parts + message.parts)
        else:
            out.append(message)
    return out


def _calls(message: Message, called: set[str]) -> tuple[Message, list[ToolCallPart]]:
    """The turn with each call once, and its calls."""
    parts: list[Part] = []
    calls: list[ToolCallPart] = []
    for part in message.parts:
        if isinstance(part, ToolCallPart):
            if part.call_id in called:
                continue
            called.add(part.call_id)
            calls.append(part)
        parts.append(part)
    return replace(message, parts=tuple(parts)), calls


def _answer(
    calls: list[ToolCallPart],
    results: dict[str, ToolResultPart],
    out: list[Message],
    losses: Losses,
) -> None:
    if not calls:
        return
    answers: list[Part] = []
    for call in calls:
        found = results.get(call.call_id)
        if found is None:
            losses.add(Feature.TOOL_RESULT, "a call without a result was given one that says so")
            found = ToolResultPart(
                call.call_id,
                (TextPart(NO_RESULT),),
                name=call.name,
                is_error=True,
                custom=call.custom,
            )
        answers.append(found)
    out.append(Message(Role.USER, tuple(answers)))


def _without_results(
    message: Message, called: set[str], answered: set[str], losses: Losses
) -> Message:
    """The message without results that stand at their calls; orphans as text, repetitions gone."""
    parts: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResultPart):
            parts.append(part)
        elif part.call_id in called:
            if part.call_id in answered:
                losses.add(Feature.TOOL_RESULT, "a second result for one call was dropped")
            answered.add(part.call_id)
        else:
            losses.add(Feature.TOOL_RESULT, "a result without a call became user text")
            text = result_text(part)
            parts += [TextPart(text)] if text else []
            parts += result_media(part)
    return replace(message, parts=tuple(parts))
