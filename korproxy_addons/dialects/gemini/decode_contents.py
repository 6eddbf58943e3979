"""`contents` to messages."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.gemini.decoder import arguments_of
from korproxy_addons.dialects.gemini.other_parts import other_part
from korproxy_addons.dialects.gemini.wire import (
    ABSENT,
    NO_SIGNATURE,
    ORIGIN,
    PART,
    FunctionCall,
    FunctionResponse,
    Part,
    is_null,
)
from korproxy_addons.dialects.ids import is_made_id, made_id, restored_id
from korproxy_addons.dialects.model import (
    MediaPart,
    Message,
    Opaque,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.model import Part as ModelPart
from korproxy_addons.dialects.opaque import unsealed
from korproxy_addons.dialects.parts import ResultContent
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError

_ROLES: Final = {
    "": Role.USER,
    "user": Role.USER,
    "function": Role.USER,
    "tool": Role.USER,
    "model": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
}


class _Content(msgspec.Struct):
    role: str | None = None
    parts: Raw = ABSENT


_CONTENT: Final = msgspec.json.Decoder(_Content)
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_TEXTS: Final = msgspec.json.Decoder(dict[str, Raw])
_TEXT: Final = msgspec.json.Decoder(str)


def decode_at[T](decoder: msgspec.json.Decoder[T], raw: bytes | Raw, path: str) -> T:
    """
    One value of a request, errors told by their full path.

    Raises:
        KorProxyError: As `payload.decode_body`.
    """
    try:
        return decode_body(decoder, bytes(raw))
    except KorProxyError as error:
        if error.spec is not FIELD_INVALID:
            raise
        inner = error.param or ""
        dot = "." if inner and not inner.startswith("[") else ""
        said = error.detail.removeprefix(f"{inner}: ")
        raise field_invalid(f"{path}{dot}{inner}", said) from None


def raws_at(raw: Raw, path: str) -> list[Raw]:
    """A list's elements; one object stands for a list of it, as Google's servers read it."""
    if is_null(raw):
        return []
    return [raw] if bytes(raw)[:1] == b"{" else decode_at(_RAWS, raw, path)


class ContentsReader:
    """
    Reads one request's contents; call it once.

    Calls without an id get one of their place, so that the same history gives the same ids in every turn (T57);
    a result without an id belongs to the first open call of its name.

    Attributes:
        native: Fields of parts that nobody else has a word for, by their path.
    """

    def __init__(self) -> None:
        self.native: dict[str, Raw] = {}
        self._waiting: dict[str, str] = {}  # id to name of calls without a result so far

    def messages(self, contents: Iterable[Raw], path: str) -> tuple[Message, ...]:
        """
        The conversation.

        Raises:
            KorProxyError: FIELD_INVALID, with the path of the field.
        """
        found: list[Message] = []
        for number, raw in enumerate(contents):
            found += self.content(raw, f"{path}[{number}]", number)
        return tuple(found)

    def content(self, raw: Raw, path: str, number: int = 0) -> list[Message]:
        """
        One content: a message for each speaker in it.

        Raises:
            KorProxyError: FIELD_INVALID, with the path of the field.
        """
        content = decode_at(_CONTENT, raw, path)
        role = _ROLES.get(content.role or "")
        if role is None:
            raise field_invalid(f"{path}.role", 'expected "user" or "model"')
        runs: list[tuple[Role, list[ModelPart]]] = []
        for place, raw_part in enumerate(raws_at(content.parts, f"{path}.parts")):
            part = self._part(raw_part, f"{path}.parts[{place}]", (number, place))
            if part is None:
                continue
            speaker = _speaker(part, role)
            if runs and runs[-1][0] is speaker:
                runs[-1][1].append(part)
            else:
                runs.append((speaker, [part]))
        return [Message(speaker, tuple(parts)) for speaker, parts in runs]

    def _part(self, raw: Raw, path: str, place: tuple[int, int]) -> ModelPart | None:
        part = decode_at(PART, raw, path)
        state = signed(part.thought_signature)
        if part.function_call is not None:
            return self._call(part.function_call, state, path, place)
        if part.function_response is not None:
            return self._result(part.function_response, path, place)
        if part.text is None and not _is_signature(part, raw):
            if not is_null(part.video_metadata):
                self.native[f"{path}.videoMetadata"] = part.video_metadata
            other = other_part(part, raw)
            return replace(other, state=state) if isinstance(other, MediaPart) else other
        text = part.text or ""
        if part.thought:
            return ThinkingPart(text, state) if text or state else None
        return TextPart(text, state=state)

    def _call(
        self, call: FunctionCall, state: Opaque | None, path: str, place: tuple[int, int]
    ) -> ToolCallPart:
        if not call.name:
            raise field_invalid(f"{path}.functionCall.name", "expected a name")
        call_id = restored_id(call.id) if call.id else made_id(*place)
        self._waiting[call_id] = call.name
        return ToolCallPart(call_id, call.name, arguments_of(call.args), state=state)

    def _result(
        self, result: FunctionResponse, path: str, place: tuple[int, int]
    ) -> ToolResultPart:
        name = result.name or ""
        call_id = self._call_of(restored_id(result.id or ""), name) or made_id(*place)
        self._waiting.pop(call_id, None)
        content, is_error = response_content(result.response)
        for number, raw in enumerate(result.parts or ()):
            media = other_part(
                decode_at(PART, raw, f"{path}.functionResponse.parts[{number}]"), raw
            )
            if media is not None:
                content.append(_as_content(media))
        return ToolResultPart(call_id, tuple(content), name=name, is_error=is_error)

    def _call_of(self, call_id: str, name: str) -> str:
        """The call that a result answers: by id, and by name where one of the two came without an id."""
        if call_id in self._waiting:
            return call_id
        for waiting, called in self._waiting.items():
            if called == name and (not call_id or is_made_id(waiting)):
                return waiting
        return call_id


def signed(signature: str | None) -> Opaque | None:
    """State for a signature: of whichever service made it; Google's word for "none" is none."""
    if not signature or signature == NO_SIGNATURE:
        return None
    return unsealed(signature) or Opaque(ORIGIN, signature)


def response_content(response: Raw) -> tuple[list[ResultContent], bool]:
    """
    A result's object as content: the text of `output` or `error` alone, else all of it as JSON text.

    Returns:
        The content, and whether it reports a failure.
    """
    text = bytes(response).decode()
    if text in {"", "null", "{}"}:
        return [], False
    try:
        fields = _TEXTS.decode(response)
    except (ValueError, RecursionError):
        return [TextPart(text)], False
    for name in ("output", "error"):
        if fields.keys() == {name}:
            try:
                told = _TEXT.decode(fields[name])
            except (ValueError, RecursionError):
                break
            return ([TextPart(told)] if told else []), name == "error"
    return [TextPart(text)], False


def _speaker(part: ModelPart, role: Role) -> Role:
    """Who says a part: calls and results may share one content (T16)."""
    if isinstance(part, ToolResultPart):
        return Role.USER
    if isinstance(part, ToolCallPart | ThinkingPart):
        return Role.ASSISTANT
    return role


def _is_signature(part: Part, raw: Raw) -> bool:
    return bool(part.thought_signature) and other_part(part, raw) is None


def _as_content(part: MediaPart | ServerToolPart | UnknownPart) -> ResultContent:
    if isinstance(part, ServerToolPart):
        return UnknownPart(part.origin, part.type, part.raw, part.text)
    return part
