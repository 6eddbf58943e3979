"""
What a client of the Responses API sends, and the way to read it piece by piece.

Items, parts and tools are kept raw and read by their type, so that each mistake names its place and what no one
needs to look into stays the client's bytes. Null is absent (T182).
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError


class PeekBody(Struct):
    """What routing needs."""

    model: str | None = None
    stream: bool | None = None
    prompt_cache_key: str | None = None
    input: Raw = Raw()
    messages: Raw = Raw()


class RequestBody(Struct):
    """All fields that mean something elsewhere; `SETTINGS` names those that are read, all others are native."""

    model: str | None = None
    input: str | list[Raw] | None = None
    instructions: str | None = None
    stream: bool | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = Raw()
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    reasoning: Raw = Raw()
    text: Raw = Raw()
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: Raw = Raw()
    prompt_cache_key: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    prompt: Raw = Raw()


class ReasoningBody(Struct):
    """`reasoning`; `generate_summary` is the older name of `summary`."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class FormatBody(Struct):
    """`text.format`."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


class TextBody(Struct):
    """`text`."""

    format: FormatBody | None = None
    verbosity: str | None = None


class Reference(Struct):
    """`{"id": …}`: a conversation."""

    id: str | None = None


class ItemHead(Struct):
    """What decides how an item is read."""

    type: str | None = None
    role: str | None = None


class ChatFunction(Struct):
    """Name and arguments of a call in Chat's form."""

    name: str | None = None
    arguments: str | None = None


class ChatCall(Struct):
    """A call in Chat's form, which some clients put into `input` (T18)."""

    id: str | None = None
    function: ChatFunction | None = None


class MessageItem(Struct):
    """A message; `tool_calls` and `tool_call_id` are Chat's (T18)."""

    id: str | None = None
    role: str | None = None
    content: str | list[Raw] | None = None
    phase: str | None = None
    tool_calls: list[ChatCall] | None = None
    tool_call_id: str | None = None


class CallItem(Struct):
    """A call of any kind."""

    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = Raw()
    input: str | None = None
    execution: str | None = None


class ResultItem(Struct):
    """What a call gave back: text, parts, or (not by the reference) other JSON."""

    id: str | None = None
    call_id: str | None = None
    output: Raw = Raw()


class SummaryPart(Struct):
    """A part of a reasoning item."""

    text: str | None = None


class ReasoningItem(Struct):
    """Reasoning that comes back; also a compaction, which has only the state."""

    id: str | None = None
    summary: list[SummaryPart] | None = None
    content: list[SummaryPart] | None = None
    encrypted_content: str | None = None


class ToolsItem(Struct):
    """An item that brings tools: `additional_tools`, `tool_search_output`."""

    call_id: str | None = None
    execution: str | None = None
    tools: list[Raw] | None = None


class MadeImage(Struct):
    """An image that the service made."""

    id: str | None = None
    result: str | None = None


class AudioBody(Struct):
    """Sound in base64 and its format ("wav")."""

    data: str | None = None
    format: str | None = None


class PartBody(Struct):
    """A content part of any kind. `image_url` is a string, in Chat's form an object with `url`."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None
    image_url: Raw = Raw()
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None
    input_audio: AudioBody | None = None
    prompt_cache_breakpoint: Raw = Raw()
    cache_control: Raw = Raw()


class ImageUrl(Struct):
    """`image_url` in Chat's form."""

    url: str
    detail: str | None = None


class MarkerBody(Struct):
    """How long a cache marker holds."""

    ttl: str | None = None


class ToolBody(Struct):
    """A tool: flat, in Chat's form (`function`, `custom`), or in Anthropic's (`input_schema`) (T18)."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    parameters: Raw = Raw()
    input_schema: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()
    function: Raw = Raw()
    custom: Raw = Raw()
    execution: str | None = None
    tools: list[Raw] | None = None
    cache_control: Raw = Raw()


class ChoiceBody(Struct):
    """`tool_choice` as an object."""

    type: str | None = None
    mode: str | None = None
    name: str | None = None
    tools: list["ChoiceBody"] | None = None
    function: ChatFunction | None = None


PEEK: Final = msgspec.json.Decoder(PeekBody)
REQUEST: Final = msgspec.json.Decoder(RequestBody)
FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
REASONING: Final = msgspec.json.Decoder(ReasoningBody)
TEXT: Final = msgspec.json.Decoder(TextBody)
CONVERSATION: Final = msgspec.json.Decoder(str | Reference)
HEAD: Final = msgspec.json.Decoder(ItemHead)
MESSAGE: Final = msgspec.json.Decoder(MessageItem)
CALL: Final = msgspec.json.Decoder(CallItem)
RESULT: Final = msgspec.json.Decoder(ResultItem)
THOUGHT: Final = msgspec.json.Decoder(ReasoningItem)
TOOLS_ITEM: Final = msgspec.json.Decoder(ToolsItem)
MADE_IMAGE: Final = msgspec.json.Decoder(MadeImage)
PART: Final = msgspec.json.Decoder(PartBody)
RAWS: Final = msgspec.json.Decoder(list[Raw])
WORDS: Final = msgspec.json.Decoder(str)
IMAGE_URL: Final = msgspec.json.Decoder(str | ImageUrl)
MARKER: Final = msgspec.json.Decoder(MarkerBody)
TOOL: Final = msgspec.json.Decoder(ToolBody)
CHOICE: Final = msgspec.json.Decoder(str | ChoiceBody)

SETTINGS: Final = frozenset(RequestBody.__struct_fields__) - {"prompt"}
TOOL_FIELDS: Final = frozenset(ToolBody.__struct_fields__)


def decode_at[T](decoder: msgspec.json.Decoder[T], raw: bytes | Raw, path: str) -> T:
    """
    A piece of a body.

    Args:
        decoder: Its type.
        raw: The piece.
        path: Where it stands ("input[3]").
    Raises:
        KorProxyError: As `decode_body`; FIELD_INVALID names the whole path.
    """
    try:
        return decode_body(decoder, bytes(raw))
    except KorProxyError as error:
        if error.spec is not FIELD_INVALID:
            raise
        inner = error.param or ""
        joint = "." if inner and not inner.startswith("[") else ""
        expected = error.detail.removeprefix(f"{inner}: ")
        raise field_invalid(f"{path}{joint}{inner}", expected) from None


def rest_of(raw: Raw, known: frozenset[str], path: str) -> dict[str, Raw]:
    """The fields of an object that are neither known nor null, by their dotted path."""
    return {
        f"{path}.{name}" if path else name: value
        for name, value in decode_at(FIELDS, raw, path).items()
        if name not in known and bytes(value) != b"null"
    }
