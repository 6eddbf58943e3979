"""Messages for a Chat upstream."""

from hashlib import sha256
from typing import Any, Final

from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.ids import ToolNames
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    Message,
    Part,
    RefusalPart,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID
from korproxy_addons.dialects.openai_chat.encode_parts import OPENAI, ContentWriter
from korproxy_addons.dialects.order import (
    paired_results,
    result_media,
    result_text,
    without_foreign_state,
)

_USUAL_SYSTEM: Final = "You are a helpful assistant."
_SEE_BELOW: Final = "[The files of this result follow after the results.]"
_FILES_OF: Final = "[Files of the result of {name}:]"
_GOOGLE: Final = "google"
_ID_LIMIT: Final = 40


class MessageWriter:
    """
    Writes a conversation.

    Args:
        request: The request.
        target: The upstream.
        names: Tool names there.
        losses: Gets what cannot be said.
    """

    __slots__ = ("_content", "_habits", "_losses", "_names", "_request")

    def __init__(
        self, request: ChatRequest, target: Target, names: ToolNames, losses: Losses
    ) -> None:
        self._request = request
        self._habits = target.habits
        self._names = names
        self._losses = losses
        self._content = ContentWriter(target.habits, target.facts, losses)

    def messages(self, extra_system: str = "") -> list[dict[str, Any]]:
        """
        All messages.

        Args:
            extra_system: Words of ours for the end of the leading system text.
        """
        request, habits = self._request, self._habits
        turns = without_foreign_state(
            request.messages,
            habits.state_origin,
            self._losses,
            plain_thinking=bool(habits.reasoning_field),
        )
        turns = paired_results(turns, self._losses)
        out: list[dict[str, Any]] = []
        system = self._content.text(request.system)
        if system:
            out.append({"role": "system", "content": system})
        for turn in turns:
            out += self._turn(turn)
        if extra_system:
            _append_system(out, extra_system)
        if habits.wants_system and not any(message["role"] == "system" for message in out):
            out.insert(0, {"role": "system", "content": _USUAL_SYSTEM})
        return out

    def _turn(self, turn: Message) -> list[dict[str, Any]]:
        if turn.role is Role.ASSISTANT:
            return [self._named(turn, self._assistant(turn.parts))]
        if turn.role is Role.USER:
            return self._user(turn)
        role = turn.role.value if self._habits.developer_role else "system"
        return [self._named(turn, {"role": role, "content": self._content.content(turn.parts)})]

    def _named(self, turn: Message, message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "name": turn.name} if turn.name else message

    def _user(self, turn: Message) -> list[dict[str, Any]]:
        """Results first, each a message of its own, then everything else (T02, T66)."""
        out: list[dict[str, Any]] = []
        rest: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResultPart):
                message, files = self._result(part)
                out.append(message)
                rest += files
            else:
                rest.append(part)
        if rest or not out:
            content = self._content.content(tuple(rest))
            out.append(self._named(turn, {"role": "user", "content": content}))
        return out

    def _result(self, part: ToolResultPart) -> tuple[dict[str, Any], list[Part]]:
        """The message for a result, and the files that it cannot hold."""
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        text = result_text(part)
        if part.is_error and not text.lower().startswith("error"):  # no field says it (T67)
            text = f"Error: {text}" if text else "Error"
        said: list[str] = [text] if text else []
        for piece in part.content:
            if isinstance(piece, UnknownPart):
                self._losses.add(Feature.UNKNOWN_PART, piece.type)
                said += [piece.text] if piece.text else []
        media = result_media(part)
        message: dict[str, Any] = {"role": "tool", "tool_call_id": _short_id(part.call_id)}
        if media and self._habits.tool_images:
            pieces: list[Any] = [{"type": "text", "text": words} for words in said]
            message["content"] = pieces + [self._content.media(piece) for piece in media]
            return message, []
        files: list[Part] = []
        if media:
            said.append(_SEE_BELOW)
            files = [TextPart(_FILES_OF.format(name=part.name or part.call_id)), *media]
        message["content"] = "\n".join(said)
        return message, files

    def _assistant(self, parts: tuple[Part, ...]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        words: list[Part] = []
        refusals: list[str] = []
        thinking: list[str] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            if isinstance(part, ToolCallPart):
                calls.append(self._call(part))
            elif isinstance(part, ThinkingPart):
                self._think(part, thinking)
            elif isinstance(part, RefusalPart) and self._habits.state_origin == OPENAI:
                refusals.append(part.text)  # only OpenAI itself has a field for it
            elif isinstance(part, UnknownPart) and part.origin == DIALECT_ID:
                self._own(part, message, words)
            else:
                words.append(part)
        content = self._content.text(tuple(words))
        if content or not (calls or refusals or "audio" in message):
            message["content"] = content  # null beside calls only (T14)
        if refusals:
            message["refusal"] = "\n\n".join(refusals)
        field = self._habits.reasoning_field
        if field and (thinking or calls):
            # who wants it back wants it beside every call, even if another service made the call (T81)
            message[field] = "\n\n".join(thinking)
        if calls:
            message["tool_calls"] = calls
        return message

    def _own(self, part: UnknownPart, message: dict[str, Any], words: list[Part]) -> None:
        """A part of Chat's own that only Chat knows: `audio` is a field of the message."""
        if part.type == "audio":
            message["audio"] = part.raw
        else:
            words.append(part)

    def _think(self, part: ThinkingPart, thinking: list[str]) -> None:
        if part.state is not None:
            self._losses.add(Feature.FOREIGN_STATE, part.state.origin)
        if not part.text:
            return
        if self._habits.reasoning_field:
            thinking.append(part.text)
        else:
            self._losses.add(Feature.THINKING, "the upstream takes no reasoning back")

    def _call(self, part: ToolCallPart) -> dict[str, Any]:
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        name = self._names.there(part.name)
        call: dict[str, Any] = {"id": _short_id(part.call_id)}
        if part.custom and self._habits.custom_tools:
            call |= {"type": "custom", "custom": {"name": name, "input": part.arguments}}
        else:
            arguments = as_arguments(part.arguments) if part.custom else part.arguments or "{}"
            call |= {"type": "function", "function": {"name": name, "arguments": arguments}}
        state = part.state
        if state is not None and state.origin == self._habits.state_origin == _GOOGLE:
            call["extra_content"] = {"google": {"thought_signature": state.data}}
        elif state is not None:
            self._losses.add(Feature.FOREIGN_STATE, state.origin)
        return call


def _short_id(call_id: str) -> str:
    """OpenAI refuses longer ids; the form depends on the id only, so that call and result meet."""
    if len(call_id) <= _ID_LIMIT:
        return call_id
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest}"[:_ID_LIMIT]


def _append_system(messages: list[dict[str, Any]], text: str) -> None:
    first = messages[0] if messages else {}
    if first.get("role") in {"system", "developer"} and isinstance(first["content"], str):
        first["content"] = f"{first['content']}\n\n{text}"
    else:
        messages.insert(0, {"role": "system", "content": text})
