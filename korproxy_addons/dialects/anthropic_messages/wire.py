"""
The Messages API's replies as typed structs, and the JSON that both directions share.

Every field may be absent or null (T182). Events and blocks are flat: one struct holds the fields of all types,
because an unknown type must be readable, too, and a flat decode is the fastest.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.payload import encoded_text

DIALECT_ID: Final = "anthropic-messages"
OWN_ORIGIN: Final = "anthropic"

# msgspec knows no `Raw | None`: an absent field is this, null is the four letters; `given` tells both from a value.
NOTHING: Final = Raw(b"")

type Count = int | float | None


class WireCacheCreation(Struct):
    """Tokens written to the cache, by lifetime."""

    ephemeral_1h_input_tokens: Count = None


class WireOutputDetails(Struct):
    """What the answer's tokens were spent on."""

    thinking_tokens: Count = None


class WireUsage(Struct):
    """Usage as `message_start`, `message_delta` and whole messages carry it."""

    input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation: WireCacheCreation | None = None
    output_tokens: Count = None
    output_tokens_details: WireOutputDetails | None = None
    service_tier: str | None = None


class WireStopDetails(Struct):
    """Why the model refused."""

    category: str | None = None
    explanation: str | None = None


class WireError(Struct):
    """The inside of an error envelope."""

    type: str | None = None
    message: str | None = None


class WireMessage(Struct):
    """A whole answer, the `message` of `message_start`, or an error in its place."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: list[Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: WireStopDetails | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


class WireDelta(Struct):
    """The `delta` of `content_block_delta` and of `message_delta`."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Raw = NOTHING
    content: str | None = None
    encrypted_content: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: WireStopDetails | None = None


class WireEvent(Struct):
    """One event of a stream."""

    type: str | None = None
    index: int | None = None
    delta: WireDelta | None = None
    content_block: Raw = NOTHING
    message: WireMessage | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


class WireReplyBlock(Struct):
    """A content block of an answer, whole or as it starts."""

    type: str | None = None
    text: str | None = None
    citations: list[Raw] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = NOTHING
    tool_use_id: str | None = None


class WireType(Struct):
    """Only the type of a block."""

    type: str | None = None


class WireWholeBlock(Struct):
    """A block of any other type; nobody knows what its fields hold."""

    type: str | None = None
    id: Any = None
    tool_use_id: Any = None
    text: Any = None
    content: Any = None


class WireCitation(Struct):
    """What all kinds of citations can say."""

    url: str | None = None
    title: str | None = None
    document_title: str | None = None
    source: str | None = None
    cited_text: str | None = None
    encrypted_index: str | None = None


EVENT: Final = msgspec.json.Decoder(WireEvent)
MESSAGE: Final = msgspec.json.Decoder(WireMessage)
REPLY_BLOCK: Final = msgspec.json.Decoder(WireReplyBlock)
BLOCK_TYPE: Final = msgspec.json.Decoder(WireType)
WHOLE_BLOCK: Final = msgspec.json.Decoder(WireWholeBlock)
CITATION: Final = msgspec.json.Decoder(WireCitation)
FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
ERROR: Final = msgspec.json.Decoder(WireError)

_ENCODER: Final = msgspec.json.Encoder()


def json_bytes(value: Any) -> bytes:
    """JSON without blanks, the order of keys kept."""
    return _ENCODER.encode(value)


def json_text(text: str) -> bytes:
    """A JSON string; half surrogates become U+FFFD."""
    try:
        return _ENCODER.encode(text)
    except UnicodeEncodeError:
        return encoded_text(text).encode()


def given(raw: Raw) -> bool:
    """Whether a raw field was there and not null (T182)."""
    return bytes(raw) not in {b"", b"null"}


def raw_text(raw: Raw) -> str:
    """The JSON text of a raw value."""
    return bytes(raw).decode("utf-8", "replace")


def is_server_tool(block_type: str) -> bool:
    """Whether a block is a call or a result of a tool that the service runs itself (T137)."""
    if block_type in {"tool_use", "tool_result"}:
        return False
    return block_type.endswith(("_tool_use", "_tool_result"))
