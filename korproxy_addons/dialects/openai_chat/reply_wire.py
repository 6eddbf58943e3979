"""
Replies of the Chat Completions API as they are on the wire: one struct for a chunk and for a whole body.

`read_chunk` takes what compatible servers send too: numbers as text, arguments as an object, a field of another type
than promised. What cannot be understood counts as absent; only what is no JSON object is an error.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.errors.exceptions import KorProxyError


class ImageUrl(Struct):
    """An image in an answer; `url` is mostly a data URL."""

    url: str = ""


class ContentPiece(Struct):
    """A part of `content` where a service sends a list (Mistral), and of `images`."""

    type: str | None = None
    text: str | None = None
    thinking: "str | list[ContentPiece] | None" = None
    image_url: ImageUrl | str | None = None


class FunctionPiece(Struct):
    """Name and a piece of the arguments."""

    name: str | None = None
    arguments: str | None = None


class CustomPiece(Struct):
    """Name and a piece of a custom tool's raw input."""

    name: str | None = None
    input: str | None = None


class GoogleExtra(Struct):
    """What Google's own Chat endpoint adds to a call."""

    thought_signature: str | None = None


class ExtraContent(Struct):
    """`extra_content` of a call."""

    google: GoogleExtra | None = None


class CallPiece(Struct):
    """A piece of a call, or all of it."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionPiece | None = None
    custom: CustomPiece | None = None
    extra_content: ExtraContent | None = None


class ReasoningDetail(Struct):
    """One entry of OpenRouter's `reasoning_details`."""

    type: str | None = None
    text: str | None = None
    summary: str | None = None


class UrlCitation(Struct):
    """Where a stretch of the answer comes from."""

    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(Struct):
    """One entry of `annotations`."""

    type: str | None = None
    url_citation: UrlCitation | None = None


class AudioPiece(Struct):
    """Spoken answer: base64 and the words."""

    data: str | None = None
    transcript: str | None = None


class Delta(Struct):
    """`delta` of a chunk or `message` of a whole body."""

    content: str | list[ContentPiece | str] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None
    annotations: list[Raw] | None = None
    images: list[ContentPiece | str] | None = None
    audio: AudioPiece | None = None


class InputDetails(Struct):
    """`prompt_tokens_details`."""

    cached_tokens: int | float | None = None
    cache_write_tokens: int | float | None = None
    cache_creation_input_tokens: int | float | None = None


class OutputDetails(Struct):
    """`completion_tokens_details`."""

    reasoning_tokens: int | float | None = None


class UsageWire(Struct):
    """Counts under all the names that services give them."""

    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    total_tokens: int | float | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | float | None = None  # DeepSeek
    cached_tokens: int | float | None = None  # Kimi
    cache_read_input_tokens: int | float | None = None  # Anthropic's names, doubleword
    cache_creation_input_tokens: int | float | None = None
    reasoning_tokens: int | float | None = None  # GitHub Copilot


class Choice(Struct):
    """One answer of `n`, or a piece of it."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    usage: UsageWire | None = None  # Kimi puts it here
    error: Any = None  # OpenRouter


class Groq(Struct):
    """`x_groq`, where older Groq servers put the usage."""

    usage: UsageWire | None = None


class Chunk(Struct):
    """
    A chunk of a stream, or a whole body.

    The fields from `error` on are how services report an error inside a 200 (T166): OpenAI, Groq and OpenRouter
    in `error`, DashScope in `code` and `message`, iFlow in `status` or `error_code` and `msg`.
    """

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: UsageWire | None = None
    service_tier: str | None = None
    x_groq: Groq | None = None
    error: Any = None
    code: Any = None
    message: Any = None
    status: Any = None
    error_code: Any = None
    msg: Any = None
    detail: Any = None


CHUNK: Final = msgspec.json.Decoder(Chunk)
ANNOTATION: Final = msgspec.json.Decoder(Annotation)
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_ITEMS: Final = msgspec.json.Decoder(list[Raw])
_WORD: Final = msgspec.json.Decoder(str | int | float | None)

# Where a struct has a struct inside: the fields that are read one by one if the whole does not fit.
_NESTED: Final[dict[type[Struct], dict[str, type[Struct]]]] = {
    Chunk: {"usage": UsageWire, "x_groq": Groq},
    Choice: {"delta": Delta, "message": Delta, "usage": UsageWire},
    Delta: {"function_call": FunctionPiece, "audio": AudioPiece},
    CallPiece: {
        "function": FunctionPiece,
        "custom": CustomPiece,
        "extra_content": ExtraContent,
    },
    UsageWire: {"prompt_tokens_details": InputDetails, "completion_tokens_details": OutputDetails},
    Groq: {"usage": UsageWire},
    ExtraContent: {"google": GoogleExtra},
}
_LISTED: Final[dict[type[Struct], dict[str, type[Struct]]]] = {
    Chunk: {"choices": Choice},
    Delta: {
        "tool_calls": CallPiece,
        "content": ContentPiece,
        "images": ContentPiece,
        "reasoning_details": ReasoningDetail,
    },
}
_TEXTS: Final = frozenset({"id", "model", "finish_reason", "name", "service_tier"})
_DECODERS: Final[dict[type[Struct], dict[str, msgspec.json.Decoder[Any]]]] = {}


def read_chunk(data: bytes) -> Chunk:
    """
    The chunk that a data payload or a whole body is.

    Raises:
        KorProxyError: UPSTREAM_INVALID_REPLY, it is no JSON object.
    """
    try:
        return CHUNK.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return decode_payload(CHUNK, data)
    except KorProxyError:
        return _lenient(Chunk, decode_payload(_FIELDS, data))


def _lenient[T: Struct](kind: type[T], fields: dict[str, Raw]) -> T:
    """The struct with every field that fits, and those that can be made to."""
    decoders = _decoders(kind)
    values: dict[str, Any] = {}
    for name, decoder in decoders.items():
        raw = fields.get(name)
        if raw is None:
            continue
        try:
            values[name] = decode_payload(decoder, bytes(raw))
        except KorProxyError:
            value = _repaired(kind, name, bytes(raw))
            if value is not None:
                values[name] = value
    return kind(**values)


def _repaired(kind: type[Struct], name: str, raw: bytes) -> Any:
    nested = _NESTED.get(kind, {}).get(name)
    listed = _LISTED.get(kind, {}).get(name)
    try:
        if nested is not None:
            return _lenient(nested, decode_payload(_FIELDS, raw))
        if listed is not None:
            return [_item(listed, bytes(item)) for item in decode_payload(_ITEMS, raw)]
        if name in {"arguments", "input"}:
            return raw.decode()  # an object instead of its text
        word = decode_payload(_WORD, raw)
    except (KorProxyError, UnicodeDecodeError):
        return None
    if name in _TEXTS:
        return None if word is None else str(word)
    if isinstance(word, str) and (name == "index" or name.endswith("_tokens")):
        return int(word) if word.isascii() and word.isdigit() and len(word) < 16 else None
    return int(word) if name == "index" and isinstance(word, float) and word.is_integer() else None


def _item(kind: type[Struct], raw: bytes) -> Any:
    try:
        return _lenient(kind, decode_payload(_FIELDS, raw))
    except KorProxyError:
        return kind()


def _decoders(kind: type[Struct]) -> dict[str, msgspec.json.Decoder[Any]]:
    found = _DECODERS.get(kind)
    if found is None:
        found = _DECODERS[kind] = {
            field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(kind)
        }
    return found
