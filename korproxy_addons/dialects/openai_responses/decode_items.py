"""The items of `input`, one by one, to turns (T141, T148, T149)."""

from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.ids import restored_id
from korproxy_addons.dialects.model import (
    Message,
    Part,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.carried import compaction_of, state_of, taken_home
from korproxy_addons.dialects.openai_responses.decode_content import (
    decoded_content,
    decoded_output,
)
from korproxy_addons.dialects.openai_responses.decode_tools import SEARCH, Toolbox
from korproxy_addons.dialects.openai_responses.item_text import SERVER_ITEMS, words_of
from korproxy_addons.dialects.openai_responses.namespace import qualified
from korproxy_addons.dialects.openai_responses.request_wire import (
    CALL,
    HEAD,
    MADE_IMAGE,
    MESSAGE,
    RESULT,
    THOUGHT,
    TOOLS_ITEM,
    WORDS,
    ChatCall,
    MessageItem,
    decode_at,
)
from korproxy_addons.dialects.openai_responses.whole_items import (
    COMPACTIONS,
    IMAGE_CALL,
    made_image,
)
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN, given
from korproxy_addons.dialects.payload import arguments_text, field_invalid

_ROLES: Final = {role.value: role for role in Role}
_BLANK_LINE: Final = "\n\n"


class Items:
    """
    Collects the turns of `input`.

    Items that the model made in a row are one turn, results in a row are one turn; messages of others stay apart.

    Args:
        toolbox: Gets the tools that items bring.

    Attributes:
        phases: `phase` of the messages of the assistant, in order; "" for none.
        message_ids: Their ids likewise.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self.phases: list[str] = []
        self.message_ids: list[str] = []
        self._toolbox = toolbox
        self._turns: list[tuple[Role, list[Part]]] = []
        self._results = False  # the last turn consists of results

    def messages(self) -> tuple[Message, ...]:
        """The turns."""
        return tuple(Message(role, tuple(parts)) for role, parts in self._turns)

    def add(self, raw: Raw, path: str) -> None:
        """The next item."""
        head = decode_at(HEAD, raw, path)
        kind = head.type or ""
        match kind:
            case "function_call" | "custom_tool_call":
                self._call(raw, path, custom=kind == "custom_tool_call")
            case "function_call_output" | "custom_tool_call_output":
                self._output(raw, path, custom=kind == "custom_tool_call_output")
            case "reasoning":
                self._reasoning(raw, path)
            case "additional_tools":
                tools = decode_at(TOOLS_ITEM, raw, path).tools or ()
                self._toolbox.add(tools, f"{path}.tools")
            case "tool_search_call" if decode_at(CALL, raw, path).execution == "client":
                self._search(raw, path)
            case "tool_search_output":
                self._found(raw, path)
            case _ if kind == IMAGE_CALL:
                self._image(raw, path)
            case _ if kind in COMPACTIONS:
                self._compaction(raw, path)
            case _ if kind in SERVER_ITEMS:
                self._server(kind, raw)
            case "message" | "" | "easy_input_message":
                self._message(raw, path)
            case _:
                self._model(UnknownPart(DIALECT_ID, kind, raw.copy(), item=True))

    def _compaction(self, raw: Raw, path: str) -> None:
        item = decode_at(THOUGHT, raw, path)
        part = compaction_of(item.encrypted_content or "", item.id or "")
        if part.text:
            # A summary in words: told by the user, for a turn of the model would have to be answered first.
            self._say(Role.USER, TextPart(part.text))
        else:
            self._model(part)

    def _model(self, *parts: Part) -> None:
        if not parts:
            return
        if not self._turns or self._turns[-1][0] is not Role.ASSISTANT:
            self._turns.append((Role.ASSISTANT, []))
        self._turns[-1][1].extend(parts)
        self._results = False

    def _say(self, role: Role, *parts: Part) -> None:
        if not parts:
            return  # a message without content says nothing
        self._turns.append((role, list(parts)))
        self._results = False

    def _result(self, part: ToolResultPart) -> None:
        if not self._results:
            self._turns.append((Role.USER, []))
            self._results = True
        self._turns[-1][1].append(part)

    def _message(self, raw: Raw, path: str) -> None:
        item = decode_at(MESSAGE, raw, path)
        parts = decoded_content(item.content, f"{path}.content")
        if item.role == "tool":
            if not item.tool_call_id:
                raise field_invalid(f"{path}.tool_call_id", "the id of a call")
            texts = tuple(part for part in parts if isinstance(part, TextPart))
            self._result(ToolResultPart(restored_id(item.tool_call_id), texts))
            return
        role = _ROLES.get(item.role or "")
        if role is None:
            raise field_invalid(f"{path}.role", '"user", "assistant", "system" or "developer"')
        if role is Role.ASSISTANT:
            self._said(item, parts)
        else:
            self._say(role, *parts)

    def _said(self, item: MessageItem, parts: tuple[Part, ...]) -> None:
        if parts:
            self.phases.append(item.phase or "")
            self.message_ids.append(item.id or "")
        calls = (_chat_call(call) for call in item.tool_calls or ())
        self._model(*parts, *(call for call in calls if call is not None))

    def _call(self, raw: Raw, path: str, *, custom: bool) -> None:
        item = decode_at(CALL, raw, path)
        if not item.name:
            raise field_invalid(f"{path}.name", "the name of the tool")
        self._model(
            ToolCallPart(
                restored_id(_call_id(item.call_id or item.id, path)),
                qualified(item.namespace or "", item.name),
                item.input or "" if custom else _arguments(item.arguments, path),
                custom=custom,
                item_id=item.id or "",
                namespace=item.namespace or "",
            )
        )

    def _output(self, raw: Raw, path: str, *, custom: bool) -> None:
        item = decode_at(RESULT, raw, path)
        self._result(
            ToolResultPart(
                restored_id(_call_id(item.call_id, path)),
                decoded_output(item.output, f"{path}.output"),
                custom=custom,
                item_id=item.id or "",
            )
        )

    def _reasoning(self, raw: Raw, path: str) -> None:
        item = decode_at(THOUGHT, raw, path)
        summed = [part.text for part in item.summary or () if part.text]
        said = [part.text for part in item.content or () if part.text]
        # reasoning in clear words is all there is of it: its id refers to nothing that is kept
        kept = item.encrypted_content or not said
        state = state_of(item.encrypted_content or "", item.id or "") if kept else None
        text = _BLANK_LINE.join(summed or said)
        thinking = ThinkingPart(text, state, is_summary=bool(summed) or not said)
        turn = self._turns[-1] if self._turns else None
        if turn is None or turn[0] is not Role.ASSISTANT or not taken_home(turn[1], thinking):
            self._model(thinking)

    def _search(self, raw: Raw, path: str) -> None:
        """The client's own tool search: a call like any other."""
        item = decode_at(CALL, raw, path)
        call_id = restored_id(_call_id(item.call_id or item.id, path))
        arguments = _arguments(item.arguments, path)
        self._model(ToolCallPart(call_id, SEARCH, arguments, item_id=item.id or ""))

    def _found(self, raw: Raw, path: str) -> None:
        """What a tool search found can be called from now on, by whoever it was found."""
        item = decode_at(TOOLS_ITEM, raw, path)
        names = self._toolbox.add(item.tools or (), f"{path}.tools")
        if item.execution != "client" or not item.call_id:
            self._server("tool_search_output", raw)
            return
        words = f"Tools that can be called now: {', '.join(names) or 'none'}."
        found = UnknownPart(DIALECT_ID, "tool_search_output", raw.copy(), words)
        self._result(ToolResultPart(restored_id(item.call_id), (found,)))

    def _image(self, raw: Raw, path: str) -> None:
        item = decode_at(MADE_IMAGE, raw, path)
        if item.result:
            self._model(made_image(item.result))
        else:
            self._model(UnknownPart(DIALECT_ID, IMAGE_CALL, raw.copy(), item=True))

    def _server(self, kind: str, raw: Raw) -> None:
        call_id, words = words_of(kind, raw)
        part = ServerToolPart(DIALECT_ID, ORIGIN, kind, call_id, raw.copy(), words)
        if kind.endswith(("_call_output", "_response")):
            self._say(Role.USER, part)
        else:
            self._model(part)


def _chat_call(call: ChatCall) -> ToolCallPart | None:
    if not call.id or call.function is None or not call.function.name:
        return None
    name, arguments = call.function.name, arguments_text(call.function.arguments)
    return ToolCallPart(restored_id(call.id), name, arguments)


def _call_id(call_id: str | None, path: str) -> str:
    if not call_id:
        raise field_invalid(f"{path}.call_id", "the id of the call")
    return call_id


def _arguments(raw: Raw, path: str) -> str:
    """Arguments as text: usually a JSON string, for tool searches (and some clients) the object."""
    if not given(raw):
        return "{}"
    if bytes(raw)[:1] == b'"':
        return arguments_text(decode_at(WORDS, raw, f"{path}.arguments"))
    return bytes(raw).decode("utf-8", "replace")
