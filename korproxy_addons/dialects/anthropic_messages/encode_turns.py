"""A conversation in the order that the Messages API demands, and in parts that it can say."""

from typing import Final

from msgspec.structs import replace

from korproxy_addons.config.habits import Habits, ModelFacts, Thinking
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, OWN_ORIGIN
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import (
    ChatRequest,
    CompactionPart,
    MediaPart,
    Message,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.order import (
    Turns,
    hoisted_system,
    merged_turns,
    paired_results,
    system_as_user,
    user_first,
    without_empty_text,
    without_foreign_state,
)

_GO_ON: Final = "Continue exactly where your last message ends."
_SYSTEM: Final = frozenset({Role.SYSTEM, Role.DEVELOPER})


def ordered(
    request: ChatRequest, habits: Habits, facts: ModelFacts, losses: Losses
) -> tuple[tuple[TextPart, ...], Turns]:
    """
    System text and turns.

    Leading system messages become system text, later ones stay in their place (T06): as such where the
    upstream knows them there (T07), else as user text.
    """
    turns = without_foreign_state(request.messages, habits.state_origin, losses)
    turns = tuple(_sayable(message, losses) for message in turns)
    system, turns = hoisted_system(request.system, turns)
    if not habits.mid_system:
        _note_lost_system(turns, losses)
        turns = system_as_user(turns)
    turns = merged_turns(without_empty_text(paired_results(turns, losses)))
    if habits.mid_system:
        turns = merged_turns(_placed_system(turns, losses))
    turns = user_first(turns)
    if request.source != DIALECT_ID:
        turns = _answerable(turns, facts, losses)
    return tuple(part for part in system if part.text.strip()), turns


def in_tool_loop_without_thinking(turns: Turns) -> bool:
    """
    Whether the current turn has calls and does not begin with thinking.

    Thinking by budget is then refused (T70, T71): "Expected `thinking` or `redacted_thinking`".
    """
    first: Part | None = None
    called = False
    for message in reversed(turns):
        if message.role is Role.ASSISTANT:
            first = message.parts[0]
            called = called or any(isinstance(part, ToolCallPart) for part in message.parts)
        elif not any(isinstance(part, ToolResultPart) for part in message.parts):
            break
    return called and not isinstance(first, ThinkingPart)


def _sayable(message: Message, losses: Losses) -> Message:
    if message.name:
        losses.add(Feature.MESSAGE_NAME)
    role = Role.SYSTEM if message.role is Role.DEVELOPER else message.role
    parts: list[Part] = []
    for part in message.parts:
        parts += _said(part, role, losses)
    return Message(role, tuple(parts))


def _said(part: Part, role: Role, losses: Losses) -> list[Part]:
    """The part, or what this dialect says in its place."""
    if isinstance(part, ThinkingPart) and part.state is None:
        losses.add(Feature.THINKING, "thinking without a signature was left out")
        return []
    if isinstance(part, TextPart) and part.state is not None:
        return [replace(part, state=None)]  # no text is signed here
    if isinstance(part, RefusalPart):
        return _text(part.text)
    if isinstance(part, UnknownPart | ServerToolPart) and part.origin != DIALECT_ID:
        losses.add(Feature.UNKNOWN_PART, part.type)
        return _text(part.text)
    if isinstance(part, CompactionPart) and (part.state is None or part.state.origin != OWN_ORIGIN):
        return _text(part.text)
    if isinstance(part, MediaPart) and role is Role.ASSISTANT:
        losses.add(Feature.UNKNOWN_PART, f"{part.kind} in an assistant turn")
        return _text(part.url or f"[{part.kind}: {mime_of(part)}]")  # T128
    return [part]


def _text(text: str) -> list[Part]:
    return [TextPart(text)] if text else []


def _note_lost_system(turns: Turns, losses: Losses) -> None:
    for message in turns:
        if message.role in _SYSTEM:
            for part in message.parts:
                if isinstance(part, UnknownPart):
                    losses.add(Feature.UNKNOWN_PART, f"{part.type} in a system message")


def _placed_system(turns: Turns, losses: Losses) -> Turns:
    """System messages where they may stand: after a user turn, and before an assistant turn or last."""
    out: list[Message] = []
    for place, message in enumerate(turns):
        if message.role is not Role.SYSTEM:
            out.append(message)
            continue
        following = turns[place + 1].role if place + 1 < len(turns) else Role.ASSISTANT
        if out and out[-1].role is Role.USER and following is Role.ASSISTANT:
            out.append(message)
        else:
            _note_lost_system((message,), losses)
            out += [turn for turn in system_as_user((message,)) if turn.parts]
    return tuple(out)


def _answerable(turns: Turns, facts: ModelFacts, losses: Losses) -> Turns:
    """Turns whose end the model can answer; that of its own dialect's client is left as it is (T11)."""
    last = turns[-1]
    if last.role is not Role.ASSISTANT:
        return turns
    # models that think adaptively are those that take no prefill
    adaptive = facts.prefill is None and facts.thinking is Thinking.ADAPTIVE
    if facts.prefill is False or adaptive:
        losses.add(Feature.PREFILL, "the model takes none: a user turn asks it to go on")
        return (*turns, Message(Role.USER, (TextPart(_GO_ON),)))
    part = last.parts[-1]
    if isinstance(part, TextPart) and part.text != part.text.rstrip():
        losses.add(Feature.PREFILL, "white space at its end was left out")
        trimmed = replace(part, text=part.text.rstrip())
        return (*turns[:-1], replace(last, parts=(*last.parts[:-1], trimmed)))
    return turns
