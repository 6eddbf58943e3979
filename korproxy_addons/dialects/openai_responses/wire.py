"""
What an upstream of the Responses API sends: bodies, items, stream events.

Source: the published reference of the API and recorded replies of eleven services. Everything is optional, null
is absent (T182); fields whose type differs from item to item are kept raw and read where they are used.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

DIALECT_ID: Final = "openai-responses"
ORIGIN: Final = "openai"  # the service whose opaque state this wire carries natively

_ABSENT: Final = frozenset({b"", b"null"})


def given(raw: Raw) -> bool:
    """Whether a raw field is there and not null."""
    return bytes(raw) not in _ABSENT


class ContentPart(Struct):
    """A part of a message's `content`, or of a reasoning item's `summary` or `content`."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None


class Annotation(Struct):
    """A source of a piece of text: `url_citation`, `file_citation`, `container_file_citation`."""

    url: str | None = None
    title: str | None = None
    filename: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class OutputItem(Struct):
    """One item of an answer. `arguments` is text for functions, an object for tool searches."""

    type: str | None = None
    id: str | None = None
    status: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = Raw()
    input: str | None = None
    content: list[ContentPart] | None = None
    summary: list[ContentPart] | None = None
    encrypted_content: str | None = None
    result: str | None = None
    action: Raw = Raw()


class ItemHead(Struct):
    """What every item has, for those of a type that is not known."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None


class StreamEvent(Struct):
    """One event of a stream; deltas of all sorts have `delta`, their ends one of the texts."""

    type: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    part: Raw = Raw()
    item: Raw = Raw()
    annotation: Raw = Raw()
    response: Raw = Raw()
    error: Raw = Raw()
    detail: Raw = Raw()


class EventHead(Struct):
    """The type of an event whose other fields are not as expected."""

    type: str | None = None


class InputDetails(Struct):
    """Of the input tokens: read from and written to the cache."""

    cached_tokens: int | float | None = None
    cache_write_tokens: int | float | None = None


class OutputDetails(Struct):
    """Of the output tokens: spent on reasoning."""

    reasoning_tokens: int | float | None = None


class UsageBody(Struct):
    """The counts of an answer: input with cached, output with reasoning."""

    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class IncompleteDetails(Struct):
    """Why an answer is not whole: "max_output_tokens", "content_filter"."""

    reason: str | None = None


class ResponseBody(Struct):
    """A whole answer, or what the first and last event of a stream say of it."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[Raw] | None = None
    usage: UsageBody | None = None
    incomplete_details: IncompleteDetails | None = None
    service_tier: str | None = None
    error: Raw = Raw()
    detail: Raw = Raw()


EVENT: Final = msgspec.json.Decoder(StreamEvent)
EVENT_HEAD: Final = msgspec.json.Decoder(EventHead)
ITEM: Final = msgspec.json.Decoder(OutputItem)
ITEM_HEAD: Final = msgspec.json.Decoder(ItemHead)
PART: Final = msgspec.json.Decoder(ContentPart)
ANNOTATION: Final = msgspec.json.Decoder(Annotation)
RESPONSE: Final = msgspec.json.Decoder(ResponseBody)
TEXT: Final = msgspec.json.Decoder(str)
